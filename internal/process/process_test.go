package process

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// self starts the test binary in a role of programs_test.go.
func self(t *testing.T, role string, args ...string) Options {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The race detector would let each program sleep for a second at its end.
	env := append(os.Environ(), roleVariable+"=1", "GORACE=atexit_sleep_ms=0")
	return Options{Path: path, Args: append([]string{role}, args...), Env: env, Grace: time.Minute}
}

func start(t *testing.T, opts Options) *Process {
	t.Helper()
	p, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(context.Background(), 0) })
	return p
}

// talk lets a test wait for lines of a program and its children, in any order.
type talk struct {
	*testing.T
	lines chan string
	seen  []string // not expected yet
}

func listen(t *testing.T, r io.Reader) *talk {
	k := &talk{T: t, lines: make(chan string, 1000)}
	go func() {
		defer close(k.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			k.lines <- strings.TrimSpace(s.Text())
		}
	}()
	return k
}

// expect waits for a line that begins with prefix, and returns the rest of it.
func (k *talk) expect(prefix string) string {
	k.Helper()
	for i, line := range k.seen {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			k.seen = slices.Delete(k.seen, i, i+1)
			return rest
		}
	}
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-k.lines:
			if !ok {
				k.Fatalf("end of output before %q; seen %q", prefix, k.seen)
			}
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
			k.seen = append(k.seen, line)
		case <-deadline:
			k.Fatalf("no line %q; seen %q", prefix, k.seen)
		}
	}
}

func (k *talk) pid(prefix string) int {
	k.Helper()
	pid, err := strconv.Atoi(k.expect(prefix))
	if err != nil {
		k.Fatal(err)
	}
	return pid
}

// hear runs the program with its stdout heard by a talk.
func hear(t *testing.T, opts Options) (*Process, *talk) {
	t.Helper()
	r, w := pipe(t)
	opts.Stdout, opts.Stderr = w, os.Stderr
	p := start(t, opts)
	w.Close()
	return p, listen(t, r)
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// alive reports whether pid runs: it is there, and not dead.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	k, ok := parseStat(string(text))
	return ok && !k.dead()
}

func TestExit(t *testing.T) {
	for _, test := range []struct {
		role string
		arg  string
		want string
		code int
	}{
		{"exit", "0", "exit status 0", 0},
		{"exit", "3", "exit status 3", 3},
		{"raise", "2", "signal: interrupt", 130},
		{"raise", "9", "signal: killed", 137},
		{"raise", "15", "signal: terminated", 143},
	} {
		e := start(t, self(t, test.role, test.arg)).Wait()
		if e.String() != test.want || e.Code != test.code || e.Duration <= 0 || e.Asked != nil {
			t.Errorf("%s %s: %v, %+v", test.role, test.arg, e, e)
		}
	}
}

func TestNoProgram(t *testing.T) {
	if _, err := Start(Options{Path: "/does/not/exist", Output: func(string, []byte) {}}); err == nil {
		t.Error("no error")
	}
}

func TestOutput(t *testing.T) {
	long := strings.Repeat("x", lineLimit+10)
	opts := self(t, "print", "one\ntwo\n\n", "e1\ne2", long+"\nlast")
	got := make(map[string][]string)
	opts.Output = func(stream string, line []byte) { got[stream] = append(got[stream], string(line)) }
	start(t, opts).Wait()
	want := map[string][]string{
		"stdout": {"one\n", "two\n", "\n", long[:lineLimit], long[lineLimit:] + "\n", "last"},
		"stderr": {"e1\n", "e2"},
	}
	for stream := range want {
		if !slices.Equal(got[stream], want[stream]) {
			t.Errorf("%s: got %.200q, want %.200q", stream, got[stream], want[stream])
		}
	}
}

func TestWriter(t *testing.T) {
	opts := self(t, "print", "out", "err", "put")
	var b bytes.Buffer // both streams, without a lock of its own
	opts.Stdout, opts.Stderr = &b, &b
	start(t, opts).Wait()
	if got := b.String(); len(got) != len("outerrput") || !strings.Contains(got, "err") {
		t.Errorf("output %q", got)
	}
}

func TestFiles(t *testing.T) {
	inR, inW := pipe(t)
	extraR, extraW := pipe(t)
	opts := self(t, "files")
	opts.Stdin, opts.Extra, opts.Dir = inR, []*os.File{extraW}, t.TempDir()
	p, out := hear(t, opts)
	extraW.Close()
	io.WriteString(inW, "to stdin")
	inW.Close()
	out.expect("read to stdin")
	out.expect("in " + opts.Dir)
	if text, _ := io.ReadAll(extraR); string(text) != "to fd 3" {
		t.Errorf("fd 3 got %q", text)
	}
	p.Wait()
}

func TestStop(t *testing.T) {
	// A program that handles SIGTERM ends as it likes.
	p, out := hear(t, self(t, "listen", "terminated"))
	out.expect("ready")
	if e := p.Stop(context.Background(), time.Minute); e.Code != 7 {
		t.Errorf("Stop: %v", e)
	}
	// One that does not is killed: after the grace,
	p, out = hear(t, self(t, "listen"))
	out.expect("ready")
	if e := p.Stop(context.Background(), time.Millisecond); e.Signal != syscall.SIGKILL {
		t.Errorf("Stop after grace: %v", e)
	}
	// or when nobody wants to wait any longer.
	p, out = hear(t, self(t, "listen"))
	out.expect("ready")
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan Exit)
	go func() { stopped <- p.Stop(ctx, time.Hour) }()
	out.expect("got terminated") // it was asked first
	cancel()
	if e := <-stopped; e.Signal != syscall.SIGKILL {
		t.Errorf("Stop with a context: %v", e)
	}
	// A stopped process hears SIGTERM too.
	p, out = hear(t, self(t, "listen", "terminated"))
	out.expect("ready")
	p.Signal(syscall.SIGSTOP)
	if e := p.Stop(context.Background(), time.Minute); e.Code != 7 {
		t.Errorf("Stop of a stopped process: %v", e)
	}
}

// The program's children end with it, however they are related.
func TestChildren(t *testing.T) {
	for _, how := range []string{"child", "setsid", "orphan", "setsid-orphan"} {
		t.Run(how+"/stop", func(t *testing.T) {
			p, out := hear(t, self(t, "parent", how, "listen", "terminated"))
			pid := out.pid("pid ")
			out.expect("ready")
			p.Stop(context.Background(), time.Minute)
			if alive(pid) {
				t.Error("child lives after Stop")
			}
			out.expect("got terminated")
		})
		t.Run(how+"/kill", func(t *testing.T) {
			p, out := hear(t, self(t, "parent", how, "listen"))
			pid := out.pid("pid ")
			out.expect("ready")
			p.Stop(context.Background(), time.Millisecond)
			if alive(pid) {
				t.Error("child lives after Stop")
			}
		})
		t.Run(how+"/outlives", func(t *testing.T) {
			p, out := hear(t, self(t, "parent", how, "listen", "terminated"))
			pid := out.pid("pid ")
			out.expect("ready")
			p.Signal(syscall.SIGKILL) // the program alone
			if e := p.Wait(); e.Signal != syscall.SIGKILL {
				t.Errorf("exit %v", e)
			}
			if alive(pid) {
				t.Error("child outlived the program")
			}
			out.expect("got terminated")
		})
		t.Run(how+"/outlives and ignores", func(t *testing.T) {
			opts := self(t, "parent", how, "listen")
			opts.Grace = 20 * time.Millisecond
			p, out := hear(t, opts)
			pid := out.pid("pid ")
			out.expect("ready")
			p.Signal(syscall.SIGKILL)
			p.Wait()
			if alive(pid) {
				t.Error("child outlived the program")
			}
		})
	}
}

// Output that a child holds open does not keep the exit back, and is not lost.
func TestOutputOfChildren(t *testing.T) {
	opts := self(t, "parent", "setsid", "listen", "terminated")
	lines := make(chan string, 100)
	opts.Output = func(_ string, line []byte) { lines <- string(line) }
	p := start(t, opts)
	for line := range lines {
		if line == "ready\n" {
			break
		}
	}
	p.Signal(syscall.SIGKILL)
	p.Wait()
	close(lines)
	var rest []string
	for line := range lines {
		rest = append(rest, line)
	}
	if !slices.Contains(rest, "got terminated\n") {
		t.Errorf("after the end: %q", rest)
	}
}

// Two programs at once don't take each other's processes, nor those of our own commands.
func TestOthers(t *testing.T) {
	a, outA := hear(t, self(t, "parent", "orphan", "listen"))
	b, outB := hear(t, self(t, "parent", "orphan", "listen"))
	pidA, pidB := outA.pid("pid "), outB.pid("pid ")
	outA.expect("ready")
	outB.expect("ready")
	opts := self(t, "listen")
	own := exec.Command(opts.Path, opts.Args...)
	own.Env = opts.Env
	r, w := pipe(t)
	own.Stdout = w
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	defer own.Wait()
	defer own.Process.Kill()
	listen(t, r).expect("ready")
	a.Stop(context.Background(), 0)
	if alive(pidA) || !alive(pidB) || !alive(b.PID()) || !alive(own.Process.Pid) {
		t.Errorf("alive: child of a %v, child of b %v, b %v, own %v", alive(pidA), alive(pidB), alive(b.PID()), alive(own.Process.Pid))
	}
}

// Daemons of the program are reaped when they end; children of an exec.Cmd are left to it, even if it waits late.
func TestReap(t *testing.T) {
	late := exec.Command("true")
	if err := late.Start(); err != nil {
		t.Fatal(err)
	}
	p, out := hear(t, self(t, "parent", "setsid-orphan", "exit", "0"))
	pid := out.pid("pid ")
	out.expect("parent ready")
	for range 2000 { // SIGCHLD has no event that a test could wait for
		if unix.Kill(pid, 0) != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if unix.Kill(pid, 0) == nil {
		t.Error("a dead daemon was not reaped")
	}
	if err := late.Wait(); err != nil {
		t.Errorf("waiting for our own child: %v", err)
	}
	p.Stop(context.Background(), 0)
}

func TestParseStat(t *testing.T) {
	got, ok := parseStat("12 (a) b (c\n)) S 3 4 5 0 -1 4194560\n")
	if want := (kin{pid: 12, ppid: 3, pgrp: 4, session: 5, state: 'S', execed: true}); !ok || got != want {
		t.Errorf("parseStat = %+v, %v", got, ok)
	}
	if got, ok := parseStat("12 (a) S 3 4 5 0 -1 4194368 0"); !ok || got.execed {
		t.Errorf("parseStat of a process that was forked = %+v, %v", got, ok)
	}
	for _, bad := range []string{"", "1", "1 (x", ") (", "1 (x) S 1 2", "1 (x) S 1 2 y", "x (x) S 1 2 3"} {
		if _, ok := parseStat(bad); ok {
			t.Errorf("parseStat(%q) succeeds", bad)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("12 (a) b (c\n)) S 3 4 5 0 -1 4194560\n")
	f.Fuzz(func(t *testing.T, text string) { parseStat(text) })
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\n\nc"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got []byte
		lines(bytes.NewReader(text), func(line []byte) {
			if i := bytes.IndexByte(line, '\n'); i >= 0 && i != len(line)-1 || len(line) == 0 {
				t.Errorf("line %q", line)
			}
			got = append(got, line...)
		})
		if !bytes.Equal(got, text) {
			t.Errorf("got %q, want %q", got, text)
		}
	})
}
