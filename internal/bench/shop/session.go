package shop

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
	Decls   []struct{ ImportPath, Name, Verdict, Reason string }
	Timing  struct{ Settle, Compile, Change, Link, Load, Pause float64 }
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

// A Session is a shop under realtime run -json.
type Session struct {
	URL  string // where the shop answers
	Pid  int    // of the shop
	Tool int    // process id of realtime

	// Closings has the events that close an edit, and exit. It is closed when realtime
	// has ended.
	Closings <-chan Event

	cmd   *exec.Cmd
	start chan Event
	url   chan string

	mu   sync.Mutex
	said []byte
}

// Run starts the shop at a free port, or at addr, and waits until it answers and its
// edits are watched. The flags are those of realtime run.
func (s *Shop) Run(addr string, flags ...string) (*Session, error) {
	args := append([]string{"run", "-json"}, flags...)
	args = append(args, ".", "-start-delay", "0", "-addr", addr)
	r := &Session{cmd: s.Command("realtime", args...), start: make(chan Event, 1), url: make(chan string, 1)}
	r.cmd.Stderr = writer(r.say)
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	r.Tool = r.cmd.Process.Pid
	closings := make(chan Event, 1024)
	r.Closings = closings
	go r.read(out, closings)

	late := time.After(Patience)
	for r.URL == "" || r.Pid == 0 {
		select {
		case r.URL = <-r.url:
		case e := <-r.start:
			if r.Pid = e.Pid; e.Reason != "" {
				r.Stop()
				return nil, fmt.Errorf("realtime runs in restart mode: %s", e.Reason)
			}
		case e := <-closings:
			r.Stop()
			return nil, fmt.Errorf("starting the shop: %v\n%s", e, r.Said())
		case <-late:
			r.Stop()
			return nil, fmt.Errorf("starting the shop: nothing in %v\n%s", Patience, r.Said())
		}
	}
	return r, nil
}

// read takes the events to where they belong until realtime has ended.
func (r *Session) read(out io.Reader, closings chan<- Event) {
	defer close(closings)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			r.say(append([]byte("no event: "), line...))
			continue
		}
		switch e.Action {
		case "live", "restart", "rejected", "exit", "build-fail":
			r.say(line)
			if e.Action != "build-fail" || e.Edit == 0 { // that of an edit comes before rejected
				closings <- e
			}
		case "start":
			r.start <- e
		case "output":
			r.say([]byte(e.Output))
			if _, url, ok := strings.Cut(e.Output, "shop: http://"); ok && e.Stream == "stdout" {
				select {
				case r.url <- "http://" + strings.TrimSpace(url):
				default: // after a restart
				}
			}
		default:
			r.say(line)
		}
	}
}

// say keeps a text, but for the shop's access log.
func (r *Session) say(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte("level=INFO msg=request")) {
			r.said = append(r.said, line...)
		}
	}
	if len(r.said) > 2*tail {
		r.said = append([]byte(nil), r.said[len(r.said)-tail:]...)
	}
}

// Said is the latest of what the program and the tool wrote, but for the access log.
func (r *Session) Said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.said)
}

// Closing waits for the event that closes an edit.
func (r *Session) Closing(patience time.Duration) (Event, error) {
	select {
	case e, ok := <-r.Closings:
		if !ok {
			return Event{}, fmt.Errorf("realtime has ended")
		}
		return e, nil
	case <-time.After(patience):
		return Event{}, fmt.Errorf("no event closed the edit in %v", patience)
	}
}

// Stop ends realtime, and the shop with it.
func (r *Session) Stop() {
	r.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(Patience/4, func() { r.cmd.Process.Signal(os.Kill) })
	defer late.Stop()
	for range r.Closings { // read until the end, as Wait asks
	}
	r.cmd.Wait()
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }
