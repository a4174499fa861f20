// Package drive runs realtime run -json as an editor would, and reads its events. It is
// for the commands that measure, strain and prove realtime from outside.
package drive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Patience is how long anything may take before it counts as stuck.
const Patience = time.Minute

// tail is how much of the program's and the tool's latest text is kept, in bytes.
const tail = 64 << 10

// Broken are texts that make a file not compile, at its end.
var Broken = []string{
	"\nfunc broken() int { return \"text\" }\n",
	"\nfunc broken() { undefined() }\n",
	"\nfunc broken() {\n",
	"\nvar broken int = nil\n",
	"\nfunc broken() { unused := 1 }\n",
	"\nimport \"late\"\n",
	"\n<<<<<<< HEAD\n",
}

// An Event is a line of realtime run -json, see docs/json.md.
type Event struct {
	Time    time.Time
	Action  string
	Edit    int
	Elapsed float64
	Pid     int
	Reason  string
	Signal  string
	Code    int
	Stream  string
	Output  string
	Decls   []struct{ ImportPath, Kind, Name, Verdict, Reason string }
	Running []struct{ Name string }
	Later   []string
	Timing  struct{ Settle, Compile, Change, Link, Load, Pause float64 }
	Held    struct{ Versions, Bytes int64 }
}

// String is the event in short: why, and the declarations that are not simply live.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %.3f s", e.Action, e.Elapsed)
	if e.Action == "exit" {
		fmt.Fprintf(&b, " with status %d %s", e.Code, e.Signal)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	for _, d := range e.Decls {
		if d.Verdict == "live" {
			continue
		}
		fmt.Fprintf(&b, "; %s.%s %s", d.ImportPath, d.Name, d.Verdict)
		if d.Reason != "" {
			fmt.Fprintf(&b, " (%s)", d.Reason)
		}
	}
	return b.String()
}

// A Session is a program under realtime run -json.
type Session struct {
	Pid  int // of the program, when it was started
	Tool int // process id of realtime

	// Closings has the events that close an edit, and exit. It is closed when realtime
	// has ended.
	Closings <-chan Event

	cmd    *exec.Cmd
	start  chan Event
	lines  chan Event
	output func(stream, text string)
	keep   func(line []byte) bool

	mu   sync.Mutex
	said []byte
}

// Start runs a command that is realtime run -json and what belongs to it. Each piece of
// the program's output goes to output, in order; lines for which keep is false are not
// kept for [Session.Said]. Both may be nil.
func Start(cmd *exec.Cmd, output func(stream, text string), keep func(line []byte) bool) (*Session, error) {
	s := &Session{cmd: cmd, start: make(chan Event, 1), lines: make(chan Event, 1024), output: output, keep: keep}
	cmd.Stderr = writer(s.say)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.Tool = cmd.Process.Pid
	closings := make(chan Event, 1024)
	s.Closings = closings
	go s.read(out, closings)
	return s, nil
}

// Started waits until the program runs, its edits are watched, and ready, which may be
// nil, is closed. After an error the session has ended.
func (s *Session) Started(ready <-chan struct{}) error {
	late := time.After(Patience)
	for s.Pid == 0 || ready != nil {
		select {
		case <-ready:
			ready = nil
		case e := <-s.start:
			if s.Pid = e.Pid; e.Reason != "" {
				s.Stop()
				return fmt.Errorf("realtime runs in restart mode: %s", e.Reason)
			}
		case e := <-s.Closings:
			s.Stop()
			return fmt.Errorf("starting the program: %v\n%s", e, s.Said())
		case <-late:
			s.Stop()
			return fmt.Errorf("starting the program: nothing in %v\n%s", Patience, s.Said())
		}
	}
	return nil
}

// read takes the events to where they belong until realtime has ended.
func (s *Session) read(out io.Reader, closings chan<- Event) {
	defer close(closings)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			s.say(append([]byte("no event: "), line...))
			continue
		}
		switch e.Action {
		case "live", "restart", "rejected", "exit", "build-fail":
			s.say(line)
			if e.Action != "build-fail" || e.Edit == 0 { // that of an edit comes before rejected
				closings <- e
			}
		case "start":
			s.start <- e
		case "lines":
			s.lines <- e
		case "output":
			s.say([]byte(e.Output))
			if s.output != nil {
				s.output(e.Stream, e.Output)
			}
		default:
			s.say(line)
		}
	}
}

// say keeps a text.
func (s *Session) say(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range bytes.Lines(text) {
		if s.keep == nil || s.keep(line) {
			s.said = append(s.said, line...)
		}
	}
	if len(s.said) > 2*tail {
		s.said = append([]byte(nil), s.said[len(s.said)-tail:]...)
	}
}

// Said is the latest of what the program and the tool wrote.
func (s *Session) Said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.said)
}

// Lines waits until all line numbers are those of an edit that was closed as live.
func (s *Session) Lines(live Event, patience time.Duration) error {
	late := time.After(patience)
	for edit := 0; len(live.Later) > 0 && edit < live.Edit; {
		select {
		case e := <-s.lines:
			edit = e.Edit
		case <-late:
			return fmt.Errorf("the lines of %v did not follow in %v", live.Later, patience)
		}
	}
	return nil
}

// Closing waits for the event that closes an edit.
func (s *Session) Closing(patience time.Duration) (Event, error) {
	select {
	case e, ok := <-s.Closings:
		if !ok {
			return Event{}, fmt.Errorf("realtime has ended")
		}
		return e, nil
	case <-time.After(patience):
		return Event{}, fmt.Errorf("no event closed the edit in %v", patience)
	}
}

// Stop ends realtime, and the program with it.
func (s *Session) Stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(Patience/4, func() { s.cmd.Process.Signal(os.Kill) })
	defer late.Stop()
	for range s.Closings { // read until the end, as Wait asks
	}
	s.cmd.Wait()
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }
