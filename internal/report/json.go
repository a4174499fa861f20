package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Reasons of a rejected edit that no declaration tells.
const (
	doesNotCompile = "does not compile"
	restartNever   = "-restart=never"
)

// NewJSON returns a Reporter that writes JSON events to w, one a line, as
// docs/json.md says, and Debug lines to debug.
func NewJSON(w, debug io.Writer, c Config) Reporter {
	return &ndjson{w: w, debug: NewText(debug, c), dir: c.Dir, now: time.Now}
}

type ndjson struct {
	mu      sync.Mutex
	w       io.Writer
	streams []*stream
	debug   Reporter
	dir     string
	now     func() time.Time
}

// An event is one line. Action, ImportPath and Output are those of
// go help buildjson, Time and Elapsed those of go doc test2json.
type event struct {
	Time         time.Time
	Action       string
	Edit         int         `json:",omitempty"`
	Elapsed      *seconds    `json:",omitempty"`
	ImportPath   string      `json:",omitempty"`
	Target       string      `json:",omitempty"`
	Pid          int         `json:",omitempty"`
	LivePackages int         `json:",omitempty"`
	Code         *int        `json:",omitempty"`
	Signal       string      `json:",omitempty"`
	Reason       string      `json:",omitempty"`
	Decls        []jsonDecl  `json:",omitempty"`
	Running      []Running   `json:",omitempty"`
	Compiled     []string    `json:",omitempty"`
	Later        []string    `json:",omitempty"`
	Instances    []int       `json:",omitempty"`
	Timing       *jsonTiming `json:",omitempty"`
	Held         *Held       `json:",omitempty"`
	Stream       string      `json:",omitempty"`
	Output       string      `json:",omitempty"`
}

type jsonDecl struct {
	ImportPath string  `json:",omitempty"`
	Kind       string  `json:",omitempty"`
	Name       string  `json:",omitempty"`
	File       string  `json:",omitempty"`
	Line       int     `json:",omitempty"`
	Col        int     `json:",omitempty"`
	Verdict    Verdict `json:",omitempty"`
	Reason     string  `json:",omitempty"`
	LinesOnly  bool    `json:",omitempty"`
}

type jsonTiming struct {
	Settle, Compile, Change, Link, Load, Pause seconds
}

// seconds are cut to the microsecond: more digits say nothing.
type seconds float64

func inSeconds(d time.Duration) seconds {
	return seconds(math.Round(d.Seconds()*1e6) / 1e6)
}

func elapsed(d time.Duration) *seconds {
	s := inSeconds(d)
	return &s
}

// write writes events in one write. j.mu is held.
func (j *ndjson) write(events ...event) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a person reads it too
	now := j.now()
	for _, e := range events {
		e.Time = now
		if err := enc.Encode(e); err != nil {
			panic(fmt.Sprintf("report: encoding an event: %v", err)) // no event has what JSON has not
		}
	}
	if b.Len() > 0 {
		io.WriteString(j.w, b.String())
	}
}

func (j *ndjson) event(events ...event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(events...)
}

// closing returns the event that closes e.
func closing(action string, e *Edit) event {
	ev := event{
		Action:  action,
		Edit:    e.Number,
		Elapsed: elapsed(e.Elapsed),
		Pid:     e.PID,
		Reason:  e.Reason,
		Running: e.Running,
	}
	ev.Later, ev.Instances = e.Later, e.Instances
	ev.Compiled = slices.Sorted(slices.Values(e.Compiled))
	for _, d := range e.Decls {
		ev.Decls = append(ev.Decls, jsonDecl{
			d.ImportPath, d.Kind, d.Name, d.File, d.Line, d.Col, d.Verdict, d.Reason, d.LinesOnly,
		})
	}
	if t := e.Timing; t != (Timing{}) {
		ev.Timing = &jsonTiming{
			inSeconds(t.Settle), inSeconds(t.Compile), inSeconds(t.Change),
			inSeconds(t.Link), inSeconds(t.Load), inSeconds(t.Pause),
		}
	}
	if e.Held != (Held{}) {
		ev.Held = &e.Held
	}
	return ev
}

// buildEvents returns what go build -json prints for a failed build.
func buildEvents(edit int, output []Output) []event {
	var events []event
	for _, o := range output {
		events = append(events, event{Action: "build-output", Edit: edit, ImportPath: o.ImportPath, Output: o.Text})
	}
	for _, o := range output {
		events = append(events, event{Action: "build-fail", Edit: edit, ImportPath: o.ImportPath})
	}
	return events
}

func (j *ndjson) Start(s StartInfo) {
	j.event(event{
		Action:       "start",
		Elapsed:      elapsed(s.Built),
		ImportPath:   s.ImportPath,
		Target:       s.Target,
		Pid:          s.PID,
		LivePackages: s.LivePackages,
		Reason:       s.RestartMode,
	})
}

func (j *ndjson) BuildFailed(output []Output) { j.event(buildEvents(0, output)...) }

func (j *ndjson) Live(e Edit) { j.event(closing("live", &e)) }

func (j *ndjson) Lines(edit int, packages []string) {
	j.event(event{Action: "lines", Edit: edit, Later: packages})
}

func (j *ndjson) RestartBegin(e Edit) {
	reasons := e.reasons(j.dir)
	if len(reasons) == 0 {
		return
	}
	j.event(event{Action: "note", Edit: e.Number, Output: "restart: " + strings.Join(reasons, "\n") + "\n"})
}

func (j *ndjson) Restarted(e Edit) { j.event(closing("restart", &e)) }

func (j *ndjson) Rejected(e Edit) {
	if e.Reason == "" {
		e.Reason = doesNotCompile
	}
	j.event(append(buildEvents(e.Number, e.Output), closing("rejected", &e))...)
}

func (j *ndjson) NotApplied(e Edit) {
	if e.Reason == "" {
		e.Reason = restartNever
	} else {
		e.Reason = restartNever + ": " + e.Reason
	}
	j.event(closing("rejected", &e))
}

func (j *ndjson) Exited(x Exit) {
	ev := event{Action: "exit", Elapsed: elapsed(x.Ran), Pid: x.PID, Signal: x.Signal, Reason: x.Reason}
	if x.Signal == "" {
		ev.Code = &x.Code
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.streams {
		s.flush()
	}
	j.streams = nil
	j.write(ev)
}

func (j *ndjson) Note(s string) { j.event(event{Action: "note", Output: s + "\n"}) }

func (j *ndjson) Debug(format string, args ...any) { j.debug.Debug(format, args...) }

func (j *ndjson) Stream(name string, _ io.Writer) io.Writer {
	s := &stream{j: j, name: name}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.streams = append(j.streams, s)
	return s
}

// A stream makes output events of the program's writes. A character that a
// write cuts in two is held back for the next event: JSON has no half ones.
type stream struct {
	j    *ndjson
	name string
	held []byte
}

func (s *stream) Write(p []byte) (int, error) {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	b := append(s.held, p...)
	whole := wholeRunes(b)
	s.held = append([]byte(nil), b[whole:]...)
	s.output(b[:whole])
	return len(p), nil
}

func (s *stream) flush() {
	s.output(s.held)
	s.held = nil
}

func (s *stream) output(b []byte) {
	if len(b) > 0 {
		s.j.write(event{Action: "output", Stream: s.name, Output: string(b)})
	}
}

// wholeRunes returns the length of b without a character that is cut at its end.
func wholeRunes(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(b) - n
			}
			break
		}
	}
	return len(b)
}
