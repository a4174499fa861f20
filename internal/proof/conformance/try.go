package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	constraint "go/build"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/proof/subject"
)

// patience is how long a program may run.
const patience = 3 * time.Minute

// output is what a program did.
type output struct {
	Status         int
	Stdout, Stderr string
}

// try tries one program, in a folder of its own in the module.
func (t *test) try(ctx context.Context, o *options) (r result) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	dir := filepath.Join(o.dir, filepath.FromSlash(t.folder()))
	defer func() {
		if r.verdict == fail && o.keep {
			r.reason += "\n" + dir
			return
		}
		os.RemoveAll(dir)
	}()
	if reason, ok := excluded[t.path]; ok {
		return skipf("%s", reason)
	}
	files, err := t.sources(o)
	if err != nil {
		return failf("reading the program: %v", err)
	}
	for name, text := range files {
		if !matches(name, text) {
			return skipf("its build constraint excludes this machine")
		}
	}
	if t.recipe == "runoutput" {
		text, err := t.generate(ctx, o, filepath.Join(dir, "generator"), files)
		if err != nil {
			return skipf("go run fails too: %v", err)
		}
		files = map[string][]byte{"output.go": text}
	}
	return t.compare(ctx, o, dir, files)
}

// compare runs the program as it is and as a patch.
func (t *test) compare(ctx context.Context, o *options, dir string, files map[string][]byte) result {
	plain, err := build(ctx, filepath.Join(dir, "src"), files)
	if err != nil {
		return skipf("go run fails too: %v", err)
	}
	want, err := t.run(ctx, o, plain)
	if err != nil {
		return failf("%v", err)
	}
	if want.Status != 0 {
		return skipf("go run fails too: status %d\n%s%s", want.Status, want.Stdout, want.Stderr)
	}
	got, r := t.patched(ctx, o, filepath.Join(dir, "host"), files)
	if r.verdict != pass || got == *want {
		return r
	}
	if again, err := t.run(ctx, o, plain); err == nil && again.Status == got.Status && *again != *want {
		// Addresses or times: two runs of go run don't print the same.
		return r
	}
	r.verdict, r.reason = fail, fmt.Sprintf("(-go run +patched)\n%s", cmp.Diff(want, &got))
	return r
}

// matches reports whether a file is one for this machine.
func matches(name string, text []byte) bool {
	c := constraint.Default
	c.CgoEnabled = true
	c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	ok, err := c.MatchFile(".", path.Base(name))
	return ok || err != nil
}

// write puts a program into a folder.
func write(dir string, files map[string][]byte) error {
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// build builds the program as go run does.
func build(ctx context.Context, dir string, files map[string][]byte) (exe string, err error) {
	if err := write(dir, files); err != nil {
		return "", err
	}
	exe = filepath.Join(dir, "a.exe")
	args := []string{"build", "-o", exe}
	for name := range files {
		if path.Dir(name) == "." && strings.HasSuffix(name, ".go") {
			args = append(args, name)
		}
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return exe, nil
}

// generate runs a program that prints one.
func (t *test) generate(ctx context.Context, o *options, dir string, files map[string][]byte) ([]byte, error) {
	exe, err := build(ctx, dir, files)
	if err != nil {
		return nil, err
	}
	out, err := t.run(ctx, o, exe)
	if err == nil && out.Status != 0 {
		err = fmt.Errorf("status %d\n%s", out.Status, out.Stderr)
	}
	if err != nil {
		return nil, err
	}
	return []byte(out.Stdout), nil
}

// run runs the program in the folder of all tests, where some read files.
func (t *test) run(ctx context.Context, o *options, exe string) (*output, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, t.args...)
	cmd.Dir = o.tests
	cmd.Env = append(append(os.Environ(), "PWD="+o.tests), o.env...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return &output{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
}

// patched runs the program as a host all of whose functions are replaced.
func (t *test) patched(ctx context.Context, o *options, dir string, files map[string][]byte) (got output, r result) {
	files[subject.HoldFile] = subject.HoldSource
	if err := write(filepath.Join(dir, "src"), files); err != nil {
		return got, failf("%v", err)
	}
	var out [2]*os.File
	for i, name := range []string{"stdout", "stderr"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return got, failf("%v", err)
		}
		defer f.Close()
		out[i] = f
	}
	s, err := subject.Start(ctx, subject.Config{
		Dir: filepath.Join(dir, "src"), RunIn: o.tests, Work: dir, Args: t.args, Env: o.env, Held: true,
		Stdout: out[0], Stderr: out[1],
	})
	if errors.Is(err, agent.ErrGone) {
		return got, skipf("it ends while it is initialized, before main.main")
	}
	if err != nil {
		return got, failf("starting the host: %v", err)
	}
	end := time.AfterFunc(patience, s.Kill)
	defer end.Stop()
	if r = t.deliver(ctx, o, s); r.verdict != pass {
		s.Kill()
		return got, r
	}
	got.Status = s.Wait()
	for i, to := range []*string{&got.Stdout, &got.Stderr} {
		b, err := os.ReadFile(out[i].Name())
		if err != nil {
			return got, failf("%v", err)
		}
		*to = string(b)
	}
	return got, r
}

// deliver patches a held program and lets it go.
func (t *test) deliver(ctx context.Context, o *options, s *subject.Subject) (r result) {
	functions, err := s.Functions(func(path string) bool { return s.Library.Live(path) && !s.IsAgent(path) })
	if err != nil {
		return failf("%v", err)
	}
	patches := [][]link.Function{functions}
	if o.single {
		h := fnv.New64()
		h.Write([]byte(t.path))
		random := rand.New(rand.NewPCG(o.seed, h.Sum64()))
		patches = nil
		for _, i := range random.Perm(len(functions)) {
			patches = append(patches, functions[i:i+1])
		}
	}
	var first, last *link.Image
	for _, p := range patches {
		done, err := s.Relink(ctx, p, 0)
		if err != nil {
			return failf("patching: %v", err)
		}
		if len(done.Image.Redirects) == 0 {
			return failf("patching %s: nothing was redirected", p[0].Replaces)
		}
		spared, err := s.Poison(done)
		if err != nil {
			return failf("%v", err)
		}
		r.spared += spared
		if last = done.Image; first == nil {
			first = last
		}
	}
	r.functions = len(functions)
	if err := s.Release(first, last); err != nil {
		return failf("%v", err)
	}
	return r
}
