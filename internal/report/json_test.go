package report

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var timing = Timing{
	Settle: 30 * time.Millisecond, Compile: 45 * time.Millisecond, Change: 2100 * time.Microsecond,
	Link: 4800 * time.Microsecond, Load: 1500 * time.Microsecond, Pause: 180 * time.Microsecond,
}

// newTestJSON returns a JSON reporter whose clock stands still.
func newTestJSON(w io.Writer) *ndjson {
	j := NewJSON(w, io.Discard, Config{Dir: dir}).(*ndjson)
	j.now = func() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC) }
	return j
}

// TestDoc holds docs/json.md to what is written: its examples, one after the
// other, are the events of this session.
func TestDoc(t *testing.T) {
	var b bytes.Buffer
	j := newTestJSON(&b)
	j.Start(start)
	stdout := j.Stream("stdout", nil)
	io.WriteString(stdout, "listening on 127.0.0.1:8080\n")

	mainFunc := lit
	mainFunc.Name, mainFunc.Verdict = "main", VerdictLiveNewCalls
	running := []Running{{"main.main", 1, mainFunc.File, 31}}
	j.Live(Edit{Number: 1, Elapsed: 84 * time.Millisecond, PID: 4242, Decls: []Decl{total, mainFunc, rate}, Running: running, Compiled: []string{mainFunc.ImportPath, total.ImportPath}, Timing: timing, Held: Held{Versions: 3, Bytes: 61440}})
	j.Rejected(Edit{Number: 2, Elapsed: 91 * time.Millisecond, PID: 4242, Output: compilerSays})
	j.RestartBegin(Edit{Number: 3, Decls: []Decl{note}})
	j.Exited(Exit{PID: 4242, Ran: 61 * time.Second, Signal: "SIGTERM", Reason: "restart"})
	j.Restarted(Edit{Number: 3, Elapsed: 3400 * time.Millisecond, PID: 4243, Decls: []Decl{note}})
	j.NotApplied(Edit{Number: 4, Elapsed: 88 * time.Millisecond, PID: 4243, Decls: []Decl{note}})
	j.Exited(Exit{PID: 4243, Ran: 3100 * time.Millisecond, Code: 2})
	j.BuildFailed(compilerSays)
	j.Note("watching by polling")

	doc := readDoc(t)
	var examples strings.Builder
	for _, block := range strings.Split(doc, "```json\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		examples.WriteString(block)
	}
	if d := cmp.Diff(strings.SplitAfter(b.String(), "\n"), strings.SplitAfter(examples.String(), "\n")); d != "" {
		t.Errorf("the examples of docs/json.md are not what is written (-written +examples)\n%s", d)
	}
}

// TestDocFields holds the table of fields to the structs.
func TestDocFields(t *testing.T) {
	doc := readDoc(t)
	for _, typ := range []reflect.Type{
		reflect.TypeFor[event](), reflect.TypeFor[jsonDecl](), reflect.TypeFor[Running](), reflect.TypeFor[jsonTiming](), reflect.TypeFor[Held](),
	} {
		for i := range typ.NumField() {
			if name := typ.Field(i).Name; !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("docs/json.md does not tell of the field %s of %v", name, typ)
			}
		}
	}
}

func readDoc(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func outputs(t *testing.T, ndjson string) []string {
	t.Helper()
	var got []string
	for line := range strings.Lines(ndjson) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e.Action == "output" {
			got = append(got, e.Stream+": "+e.Output)
		}
	}
	return got
}

func TestStream(t *testing.T) {
	for _, test := range []struct {
		name   string
		writes []string
		want   []string
	}{
		{"lines", []string{"a\n", "b\nc"}, []string{"stdout: a\n", "stdout: b\nc"}},
		{"a character in two writes", []string{"x\xc2", "\xb7y"}, []string{"stdout: x", "stdout: ·y"}},
		{"a character in four writes", []string{"\xf0", "\x9f", "\x98", "\x80"}, []string{"stdout: 😀"}},
		{"half a character at the end", []string{"x\xe2\x82"}, []string{"stdout: x", "stdout: \ufffd\ufffd"}},
		{"not UTF-8", []string{"\xff\x80\x80\x80z"}, []string{"stdout: \ufffd\ufffd\ufffd\ufffdz"}},
		{"a terminal's codes", []string{"\x1b[1m<b>\x00"}, []string{"stdout: \x1b[1m<b>\x00"}},
		{"nothing", []string{""}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			j := newTestJSON(&b)
			s := j.Stream("stdout", nil)
			for _, w := range test.writes {
				if n, err := io.WriteString(s, w); n != len(w) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			}
			j.Exited(Exit{})
			if d := cmp.Diff(test.want, outputs(t, b.String())); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// FuzzStream cuts a program's output anywhere: what is UTF-8 must come out as
// it went in.
func FuzzStream(f *testing.F) {
	f.Add([]byte("grüße · 😀\n"), 3)
	f.Fuzz(func(t *testing.T, p []byte, at int) {
		var b bytes.Buffer
		j := newTestJSON(&b)
		s := j.Stream("", nil)
		at = min(max(at, 0), len(p))
		s.Write(p[:at])
		s.Write(p[at:])
		j.Exited(Exit{})
		var got strings.Builder
		for _, o := range outputs(t, b.String()) {
			got.WriteString(strings.TrimPrefix(o, ": "))
		}
		if want := string([]rune(string(p))); got.String() != want {
			t.Errorf("%q cut at %d came out as %q", p, at, got.String())
		}
	})
}

func TestTextStreamIsDirect(t *testing.T) {
	if w := NewText(io.Discard, Config{}).Stream("stdout", os.Stdout); w != os.Stdout {
		t.Errorf("Stream = %v, want the program's own file", w)
	}
}

// TestCompileErrorsFollowGoBuild reads our events as go build -json's reader would.
func TestCompileErrorsFollowGoBuild(t *testing.T) {
	var b bytes.Buffer
	newTestJSON(&b).Rejected(Edit{Number: 1, Output: compilerSays})
	var text string
	var actions []string
	for line := range strings.Lines(b.String()) {
		var e struct{ ImportPath, Action, Output string } // go help buildjson
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, e.Action)
		if e.Action == "build-output" {
			text += e.Output
		}
	}
	if d := cmp.Diff([]string{"build-output", "build-fail", "rejected"}, actions); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if text != compilerSays[0].Text {
		t.Errorf("output %q, want %q", text, compilerSays[0].Text)
	}
}
