package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/proof/subject"
)

// variants is how many variants of the functions there are, and what the program
// (testdata/main.go) counts with.
const variants = 4

// patience is how long a patch may wait for calls that stand in its way.
const patience = 30 * time.Second

// A kind is a way to call functions, with what its worker has counted.
type kind struct{ calls, wrong uint64 }

// hammer is what all processes did.
type hammer struct {
	*options
	kinds     map[string]*kind
	redirects int // of functions
	jumps     int // that were written
	patches   int
	refused   int            // patches that were tried without patience, in vain
	inside    int            // calls that stood inside the bytes of a jump
	offsets   map[uint64]int // where these stood
	frames    int            // calls of functions that branch back to their entry
	retried   int            // patches that were live only after more than one attempt
	pause     time.Duration  // the longest
	noFrames  map[string]bool
}

//go:embed testdata
var sources embed.FS

// run goes on until there were enough redirects.
func (h *hammer) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "hammer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	src := filepath.Join(dir, "src")
	tree, err := fs.Sub(sources, "testdata")
	if err == nil {
		err = os.CopyFS(src, tree)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(src, "go.mod"), []byte("module example.com/hammer\n\ngo 1.25\n"), 0o666)
	}
	if err != nil {
		return fmt.Errorf("writing the program: %w", err)
	}
	for h.redirects < h.n {
		if err := h.process(ctx, dir, src); err != nil {
			return err
		}
	}
	return nil
}

// process patches one process.
func (h *hammer) process(ctx context.Context, dir, src string) (err error) {
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		return err
	}
	defer stderr.Close()
	in, control, err := os.Pipe()
	if err != nil {
		return err
	}
	defer control.Close()
	answers, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer answers.Close()
	config := subject.Config{
		Dir: src, Work: filepath.Join(dir, "work"), Stdin: in, Stdout: out, Stderr: stderr,
		Env: []string{fmt.Sprint("GOMAXPROCS=", h.procs), fmt.Sprint("GOGC=", h.gogc)},
	}
	if h.race {
		config.Flags = []string{"-race"}
	}
	s, err := subject.Start(ctx, config)
	in.Close()
	out.Close()
	if err != nil {
		return err
	}
	defer func() {
		s.Kill()
		text, _ := os.ReadFile(stderr.Name())
		if len(text) > 0 && err == nil {
			fmt.Printf("the program wrote:\n%s", text[:min(len(text), 8000)])
		} else if len(text) > 0 {
			err = fmt.Errorf("%w\nthe program wrote:\n%s", err, text[:min(len(text), 8000)])
		}
	}()
	lines := bufio.NewReader(answers)
	if err := expect(lines, "ready"); err != nil {
		return err
	}
	libraries, functions, err := compileVariants(ctx, s)
	if err != nil {
		return err
	}
	tell := func(state int) error {
		fmt.Fprintf(control, "state %d\n", state)
		return expect(lines, "ok")
	}
	for n := range h.most {
		if h.redirects >= h.n {
			break
		}
		if err := tell(2*n + 1); err != nil {
			return err
		}
		next := (n + 1) % variants
		if err := h.patch(ctx, s, libraries[next], functions[next], n); err != nil {
			return err
		}
		if err := tell(2*n + 2); err != nil {
			return err
		}
	}
	fmt.Fprintln(control, "end")
	return h.read(lines)
}

func expect(lines *bufio.Reader, want string) error {
	line, err := lines.ReadString('\n')
	if err == io.EOF {
		err = errors.New("it has ended")
	}
	if err == nil && line != want+"\n" {
		err = fmt.Errorf("it says %q, not %q", line, want)
	}
	if err != nil {
		return fmt.Errorf("talking to the program: %w", err)
	}
	return nil
}

// compileVariants compiles both packages of the program in all variants: instances of the
// generic functions are in that of their user.
func compileVariants(ctx context.Context, s *subject.Subject) (libraries [variants]*program.Library, functions [variants][]link.Function, err error) {
	const target, user = "example.com/hammer/target", "example.com/hammer"
	libraries[0] = s.Library
	functions[0], err = s.Functions(func(path string) bool { return path == "main" || path == target })
	if err != nil {
		return libraries, functions, err
	}
	functions[0] = slices.DeleteFunc(functions[0], func(f link.Function) bool { return f.Replaces == "main.main" || f.Replaces == "main.init" })
	file := filepath.Join(s.Build.Packages[target].Dir, "version.go")
	text, err := os.ReadFile(file)
	if err != nil {
		return libraries, functions, err
	}
	for v := 1; v < variants; v++ {
		changed := strings.Replace(string(text), "Version = 0", fmt.Sprint("Version = ", v), 1)
		archives, err := s.Compile(ctx, []string{target, user}, map[string][]byte{file: []byte(changed)})
		if err != nil {
			return libraries, functions, err
		}
		libraries[v] = s.Library.With(archives)
		if functions[v], err = subject.Counterparts(functions[0], libraries[v]); err != nil {
			return libraries, functions, err
		}
	}
	return libraries, functions, nil
}

// patch makes a variant live.
func (h *hammer) patch(ctx context.Context, s *subject.Subject, library *program.Library, functions []link.Function, n int) error {
	wait := patience
	if n%2 == 0 {
		wait = 0
	}
	done, err := s.Replace(ctx, library, functions, wait)
	if blocked := (*subject.Blocked)(nil); wait == 0 && errors.As(err, &blocked) {
		h.refuse(blocked)
		done, err = s.Replace(ctx, library, functions, patience)
	}
	if err != nil {
		return err
	}
	h.count(done, functions)
	return nil
}

// refuse counts what stood in the way.
func (h *hammer) refuse(blocked *subject.Blocked) {
	h.refused++
	for _, at := range blocked.Offsets {
		if at > 0 && at < 5 {
			h.inside++
			h.offsets[at]++
		} else {
			h.frames++
		}
	}
}

func (h *hammer) count(done *subject.Relinked, functions []link.Function) {
	h.patches++
	h.redirects += len(functions)
	h.jumps += len(done.Image.Redirects)
	h.pause = max(h.pause, time.Duration(done.PauseNS))
	if done.Attempts > 1 {
		h.retried++
	}
	if h.noFrames == nil {
		h.noFrames = map[string]bool{}
		for _, r := range done.Image.Redirects {
			if r.NoFrames {
				h.noFrames[r.Name] = true
			}
		}
	}
}

// read takes what the workers have counted.
func (h *hammer) read(lines *bufio.Reader) error {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("talking to the program: %w", err)
		}
		if line == "done\n" {
			return nil
		}
		var name string
		var k kind
		if _, err := fmt.Sscanf(line, "%q %d %d\n", &name, &k.calls, &k.wrong); err != nil {
			return fmt.Errorf("talking to the program: it says %q", line)
		}
		if h.kinds[name] == nil {
			h.kinds[name] = &kind{}
		}
		h.kinds[name].calls += k.calls
		h.kinds[name].wrong += k.wrong
	}
}

// summary prints what there was, and reports whether all of it was right.
func (h *hammer) summary() bool {
	passed, failed := 0, 0
	verdict := func(ok bool, format string, args ...any) {
		text := "ok"
		if ok {
			passed++
		} else {
			failed++
			text = "FAIL"
		}
		fmt.Printf("%-4s %s\n", text, fmt.Sprintf(format, args...))
	}
	for _, name := range slices.Sorted(maps.Keys(h.kinds)) {
		k := h.kinds[name]
		verdict(k.wrong == 0 && k.calls > 0, "%-24s %12d calls, %d wrong", name, k.calls, k.wrong)
	}
	verdict(h.inside > 0, "%d calls stood inside the bytes of a jump that was to be written, at %v; %d in functions that branch back to their entry; %d patches refused, %d retried",
		h.inside, h.offsets, h.frames, h.refused, h.retried)
	fmt.Printf("%d functions redirected in %d patches by %d jumps, longest pause %.1f ms; back to their entry: %s\n",
		h.redirects, h.patches, h.jumps, h.pause.Seconds()*1e3, strings.Join(slices.Sorted(maps.Keys(h.noFrames)), ", "))
	fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, failed)
	return failed == 0
}
