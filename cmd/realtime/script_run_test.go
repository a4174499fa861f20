package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a command waits for what must come. It is generous: on a
// busy machine a build takes many times its usual second.
const patience = 60 * time.Second

// buildPatience is patience for a build: with flags that nobody has built with before,
// the standard library is compiled too.
const buildPatience = 5 * time.Minute

// A run is one `realtime run` (or, with -fresh, one `go run`) and all that it
// has printed so far.
type run struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	json  bool

	mu       sync.Mutex
	grown    chan struct{} // closed, and made anew, when a field below changes
	stdout   []byte        // the program's
	stderr   []byte        // the program's; without -json also the tool's lines
	text     []byte        // what a person can read about the edits: see add
	events   []event
	closings []closing
	err      error // the output was not as documented
	ended    bool
	waitErr  error
}

// An event is one line of `realtime run -json`. Without -json the harness makes
// events from the terminal's lines, with Action and raw only.
type event struct {
	Action  string
	Edit    int
	Elapsed float64
	Pid     int
	Output  string
	Stream  string
	Decls   []decl
	Reason  string // of the edit as a whole
	Running []struct {
		Name      string
		Goroutine int64
		File      string
		Line      int
	}

	raw string
}

type decl struct {
	ImportPath string
	Name       string
	File       string
	Line, Col  int
	Verdict    string
	Reason     string
}

// A closing is the event that ends an edit, and the length of run.text at it.
type closing struct {
	event
	end int
}

var closingActions = []string{"live", "restart", "rejected"}

// terminalLines are the tool's lines as events: the first that matches counts.
var terminalLines = []struct {
	action string
	line   *regexp.Regexp
}{
	{"start", regexp.MustCompile(`^realtime: built `)},
	{"live", regexp.MustCompile(`^realtime: live in `)},
	{"restart", regexp.MustCompile(`^realtime: restarted in `)},
	{"rejected", regexp.MustCompile(`^realtime: (rejected|not applied)\b`)},
	{"exit", regexp.MustCompile(`^realtime: the program ended `)},
	{"note", regexp.MustCompile(`^realtime: `)},
}

// launch starts the command line args in dir, with or without -json, in a process group of its own: the
// harness plays the terminal, whose Ctrl-C goes to the foreground group.
func launch(dir string, env, args []string, json bool) (*run, error) {
	r := &run{grown: make(chan struct{}), json: json}
	r.cmd = exec.Command(args[0], args[1:]...)
	r.cmd.Dir, r.cmd.Env = dir, env
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if r.json {
		r.cmd.Stdout = &lines{each: r.addEvent}
		r.cmd.Stderr = writer(func(b []byte) { r.change(func() { r.text = append(r.text, b...) }) })
	} else {
		r.cmd.Stdout = writer(func(b []byte) { r.change(func() { r.stdout = append(r.stdout, b...) }) })
		r.cmd.Stderr = &lines{each: r.addLine}
	}
	// A child of the program that outlives it, or a program that outlives a killed
	// tool, keeps our pipes open: Wait then returns exec.ErrWaitDelay.
	r.cmd.WaitDelay = patience
	var err error
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		err := r.cmd.Wait()
		r.change(func() { r.ended, r.waitErr = true, err })
	}()
	return r, nil
}

// kill ends the process group.
func (r *run) kill() {
	r.signal(-1, syscall.SIGKILL)
	r.wait(func() bool { return r.ended })
}

// signal sends sig to the process, or with sign -1 to its group; not when it has
// ended: the number may be another's by now.
func (r *run) signal(sign int, sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return os.ErrProcessDone
	}
	return syscall.Kill(sign*r.cmd.Process.Pid, sig)
}

// change calls f, which changes r, and wakes the waiters.
func (r *run) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.grown)
	r.grown = make(chan struct{})
}

// wait waits until ok, which may read r, reports true. It reports false when the
// time is up, or when the process has ended and nothing more will come.
func (r *run) wait(ok func() bool) bool { return r.waitFor(patience, ok) }

func (r *run) waitFor(d time.Duration, ok func() bool) bool {
	late := time.After(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	for !ok() {
		if r.ended {
			return false
		}
		grown := r.grown
		r.mu.Unlock()
		select {
		case <-grown:
			r.mu.Lock()
		case <-late:
			r.mu.Lock()
			return ok()
		}
	}
	return true
}

// addLine takes one line of a terminal's stderr. The text of an edit is all of
// it, so that the compiler's messages are found before the line and behind it.
func (r *run) addLine(line string) {
	r.change(func() {
		r.stderr = append(r.stderr, line...)
		r.text = append(r.text, line...)
		for _, l := range terminalLines {
			if l.line.MatchString(line) {
				r.add(event{Action: l.action, raw: strings.TrimSpace(line)})
				break
			}
		}
	})
}

// addEvent takes one line of `-json`. The text of an edit is the compiler's
// output, then one line for each declaration and each running function.
func (r *run) addEvent(line string) {
	e := event{raw: strings.TrimSpace(line)}
	err := json.Unmarshal([]byte(line), &e)
	r.change(func() {
		if err != nil {
			r.err = errors.Join(r.err, fmt.Errorf("reading the event %q: %v", line, err))
			return
		}
		switch {
		case e.Action == "output" && e.Stream == "stdout":
			r.stdout = append(r.stdout, e.Output...)
		case e.Action == "output" && e.Stream == "stderr":
			r.stderr = append(r.stderr, e.Output...)
		case e.Action == "output":
			r.err = errors.Join(r.err, fmt.Errorf("output event without its stream: %s", e.raw))
		default:
			r.text = append(r.text, e.Output...)
		}
		for _, d := range e.Decls {
			r.text = fmt.Appendf(r.text, "%s:%d:%d: %s: %s: %s\n", d.File, d.Line, d.Col, d.Name, d.Verdict, d.Reason)
		}
		if e.Reason != "" {
			r.text = fmt.Appendf(r.text, "%s\n", e.Reason)
		}
		for _, f := range e.Running {
			r.text = fmt.Appendf(r.text, "%s:%d: %s: running in goroutine %d\n", f.File, f.Line, f.Name, f.Goroutine)
		}
		r.add(e)
	})
}

func (r *run) add(e event) {
	r.events = append(r.events, e)
	if slices.Contains(closingActions, e.Action) {
		r.closings = append(r.closings, closing{e, len(r.text)})
	}
}

// String is all that a person needs to see why a script failed.
func (r *run) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		fmt.Fprintf(&b, "%s\n", e.raw)
	}
	fmt.Fprintf(&b, "-- text --\n%s\n-- stdout --\n%s\n-- stderr --\n%s\n", r.text, r.stdout, r.stderr)
	if r.ended {
		fmt.Fprintf(&b, "-- ended: %v --\n", r.waitErr)
	}
	return b.String()
}

var readyLine = regexp.MustCompile(`(?m)^ready (http://\S+)$`)

// urls returns the address of every start of the program. The caller holds mu.
func (r *run) urls() []string {
	var urls []string
	for _, m := range readyLine.FindAllSubmatch(r.stdout, -1) {
		urls = append(urls, string(m[1]))
	}
	return urls
}

// exitCode is the status of the ended process, 128+n for signal n as a shell
// has it. The caller holds mu.
func (r *run) exitCode() int {
	if errors.Is(r.waitErr, exec.ErrWaitDelay) {
		return -1
	}
	return exitCode(r.cmd.ProcessState)
}

func exitCode(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

// writer is a function as io.Writer.
type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}

// lines is an io.Writer that hands on whole lines, with their newline.
type lines struct {
	each func(string)
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		line := string(l.rest[:i+1])
		l.rest = l.rest[i+1:]
		l.each(line)
	}
}
