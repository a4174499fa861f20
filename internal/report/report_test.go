package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const dir = "/home/gopher/shop"

func decl(kind, importPath, name, file string, line, col int, v Verdict, reason string) Decl {
	return Decl{ImportPath: importPath, Kind: kind, Name: name, File: dir + "/" + file, Line: line, Col: col, Verdict: v, Reason: reason}
}

var (
	total = decl("func", "example.com/shop", "Total", "shop.go", 20, 6, VerdictLive, "")
	add   = decl("func", "example.com/shop/cart", "(*Cart).Add", "cart/cart.go", 31, 16, VerdictLive, "")
	lit   = decl("func", "example.com/shop/cmd/shop", "main.func1", "cmd/shop/main.go", 14, 28, VerdictLive, "")
	note  = decl("type", "example.com/shop/cart", "Cart", "cart.go", 12, 6, VerdictRestart, "field Note added")
	rate  = decl("var", "example.com/shop", "rate", "shop.go", 7, 5, VerdictKept, "the initializer changed, the running value stays; //realtime:reset above it runs the initializer again")
	start = StartInfo{Target: "./cmd/shop", ImportPath: "example.com/shop/cmd/shop", PID: 4242, Built: 1234 * time.Millisecond, LivePackages: 14}
)

// moved returns n functions of which only lines moved.
func moved(n int) []Decl {
	decls := make([]Decl, n)
	for i := range decls {
		decls[i] = decl("func", "example.com/shop", fmt.Sprintf("f%d", i), "shop.go", 30+i, 6, VerdictLive, "")
		decls[i].LinesOnly = true
	}
	return decls
}

// many returns n changed functions.
func many(n int) []Decl {
	decls := moved(n)
	for i := range decls {
		decls[i].LinesOnly = false
	}
	return decls
}

func mainRuns(n int) []Running {
	var r []Running
	for i := range n {
		r = append(r, Running{"main.main", uint64(i + 1), dir + "/main.go", 31})
	}
	return r
}

var compilerSays = []Output{{"example.com/shop", "# example.com/shop\n./shop.go:21:9: undefined: x\n"}}

func TestText(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(Reporter)
		want string
	}{
		{"start", func(r Reporter) { r.Start(start) },
			"realtime: built ./cmd/shop in 1.2 s · 14 live packages · pid 4242\n"},
		{"restart mode", func(r Reporter) {
			s := start
			s.RestartMode = "go1.99 is not known to this release of realtime"
			r.Start(s)
			s.RestartNever = true
			r.Start(s)
		}, `realtime: built ./cmd/shop in 1.2 s · pid 4242
realtime: restart mode: go1.99 is not known to this release of realtime; every edit rebuilds and restarts
realtime: built ./cmd/shop in 1.2 s · pid 4242
realtime: restart mode: go1.99 is not known to this release of realtime; with -restart=never no edit is applied
`},
		{"build failed", func(r Reporter) { r.BuildFailed(compilerSays) },
			"# example.com/shop\n./shop.go:21:9: undefined: x\n"},
		{"live", func(r Reporter) {
			r.Live(Edit{Elapsed: 84 * time.Millisecond, Decls: append(moved(3), total, add, lit, lit)})
		}, "realtime: live in 84 ms  shop.Total, (*Cart).Add, main.func1\n"},
		{"live, package main", func(r Reporter) {
			d := lit
			d.Package, d.Name = "main", "handler"
			r.Live(Edit{Elapsed: 84 * time.Millisecond, Decls: []Decl{d}})
		}, "realtime: live in 84 ms  main.handler\n"},
		{"live, many", func(r Reporter) { r.Live(Edit{Elapsed: 84 * time.Millisecond, Decls: many(18)}) },
			"realtime: live in 84 ms  shop.f0, shop.f1, shop.f2, shop.f3, shop.f4, shop.f5 and 12 more\n"},
		{"lines moved", func(r Reporter) {
			r.Live(Edit{Elapsed: 80 * time.Millisecond, Decls: moved(12)})
			r.Live(Edit{Elapsed: 80 * time.Millisecond, Decls: moved(1)})
		}, "realtime: live in 80 ms  lines moved in 12 functions\nrealtime: live in 80 ms  lines moved in 1 function\n"},
		{"nothing changed", func(r Reporter) {
			r.Live(Edit{Elapsed: 40 * time.Millisecond, Compiled: []string{"example.com/shop"}})
			r.Live(Edit{Elapsed: 4 * time.Millisecond})
		}, "realtime: live in 40 ms  no function of the program changed\nrealtime: live in 4.0 ms  the code is what runs\n"},
		{"kept and running", func(r Reporter) {
			d := lit
			d.Package, d.Name, d.Verdict = "main", "main", VerdictLiveNewCalls
			r.Live(Edit{Elapsed: 84 * time.Millisecond, Decls: []Decl{d, rate}, Running: mainRuns(7)})
		}, `realtime: live in 84 ms  main.main
realtime:   kept: ./shop.go:7:5: var shop.rate: the initializer changed, the running value stays; //realtime:reset above it runs the initializer again
realtime:   main.main goes on with the old code: goroutine 1, ./main.go:31
realtime:   main.main goes on with the old code: goroutine 2, ./main.go:31
realtime:   main.main goes on with the old code: goroutine 3, ./main.go:31
realtime:   main.main goes on with the old code: goroutine 4, ./main.go:31
realtime:   main.main goes on with the old code: goroutine 5, ./main.go:31
realtime:   and 2 more
`},
		{"rejected", func(r Reporter) { r.Rejected(Edit{Output: compilerSays}) },
			`# example.com/shop
./shop.go:21:9: undefined: x
realtime: rejected: does not compile; the program runs on with the last good code
`},
		{"rejected, no newline, own reason", func(r Reporter) {
			r.Rejected(Edit{Output: []Output{{Text: "go: no required module"}}, Reason: "go list failed"})
		}, "go: no required module\nrealtime: rejected: go list failed; the program runs on with the last good code\n"},
		{"restart", func(r Reporter) {
			r.RestartBegin(Edit{Decls: []Decl{total, note}})
			r.Exited(Exit{PID: 4242, Reason: "restart"})
			r.Restarted(Edit{Elapsed: 3400 * time.Millisecond, PID: 4243})
		}, `realtime: restart: ./cart.go:12:6: type cart.Cart: field Note added
realtime: restarted in 3.4 s · pid 4243
`},
		{"restart, several reasons", func(r Reporter) {
			r.RestartBegin(Edit{Decls: []Decl{note, note}, Reason: "go.mod changed"})
		}, `realtime: restart: ./cart.go:12:6: type cart.Cart: field Note added
realtime:   ./cart.go:12:6: type cart.Cart: field Note added
realtime:   go.mod changed
`},
		{"restart mode's restart", func(r Reporter) { r.RestartBegin(Edit{}) }, ""},
		{"not applied", func(r Reporter) { r.NotApplied(Edit{Decls: []Decl{note}}) },
			"realtime: not applied (-restart=never): ./cart.go:12:6: type cart.Cart: field Note added; the program runs on with the old code\n"},
		{"not applied, no declaration", func(r Reporter) { r.NotApplied(Edit{}) },
			"realtime: not applied (-restart=never); the program runs on with the old code\n"},
		{"finished in the middle of an edit", func(r Reporter) {
			r.Exited(Exit{Ran: time.Second})
			r.Rejected(Edit{Reason: "the program has ended"})
		}, "realtime: rejected: the program has ended\n"},
		{"ended for a restart that can't be started", func(r Reporter) {
			r.Exited(Exit{Signal: "SIGTERM", Reason: "restart"})
			r.Rejected(Edit{Reason: "starting the program: no luck"})
		}, "realtime: rejected: starting the program: no luck; the next good save starts the program again\n"},
		{"ended", func(r Reporter) {
			r.Exited(Exit{Code: 2, Ran: 3100 * time.Millisecond})
			r.Rejected(Edit{})
			r.Restarted(Edit{Elapsed: 900 * time.Millisecond, PID: 4244})
			r.Rejected(Edit{})
			r.Exited(Exit{Signal: "SIGSEGV", Ran: 133 * time.Second})
		}, `realtime: the program ended with status 2 after 3.1 s; the next save starts it again
realtime: rejected: does not compile; the next good save starts the program again
realtime: restarted in 900 ms · pid 4244
realtime: rejected: does not compile; the program runs on with the last good code
realtime: the program ended with SIGSEGV after 2m13s; the next save starts it again
`},
		{"ended as it should", func(r Reporter) { r.Exited(Exit{Ran: time.Second}) }, ""},
		{"note", func(r Reporter) { r.Note("watching by polling") }, "realtime: watching by polling\n"},
		{"debug", func(r Reporter) { r.Debug("unseen") }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			test.do(NewText(&b, Config{Dir: dir}))
			if d := cmp.Diff(test.want, b.String()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestTextVerbose(t *testing.T) {
	var b bytes.Buffer
	r := NewText(&b, Config{Dir: dir, Verbose: true})
	r.Debug("compile %s", "shop")
	r.Live(Edit{Elapsed: 84 * time.Millisecond, Decls: []Decl{total}, Compiled: []string{"example.com/money", "example.com/shop"}, Timing: timing})
	want := `realtime: debug: compile shop
realtime: live in 84 ms  shop.Total
realtime:   settle 30 ms · compile 45 ms · change 2.1 ms · link 4.8 ms · load 1.5 ms · pause 0.2 ms
realtime:   compiled example.com/money, example.com/shop
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestTextColor(t *testing.T) {
	var b bytes.Buffer
	r := NewText(&b, Config{Dir: dir, Color: true})
	r.Live(Edit{Elapsed: 84 * time.Millisecond, Decls: []Decl{total}})
	r.Rejected(Edit{Output: compilerSays})
	r.RestartBegin(Edit{Decls: []Decl{note}})
	want := "\x1b[2mrealtime:\x1b[0m \x1b[32mlive\x1b[0m in 84 ms  shop.Total\n" +
		"# example.com/shop\n./shop.go:21:9: undefined: x\n" +
		"\x1b[2mrealtime:\x1b[0m \x1b[31mrejected\x1b[0m: does not compile; the program runs on with the last good code\n" +
		"\x1b[2mrealtime:\x1b[0m \x1b[33mrestart\x1b[0m: ./cart.go:12:6: type cart.Cart: field Note added\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A writes writer counts writes; a Reporter serializes them itself.
type writes struct {
	n int
	b bytes.Buffer
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.b.Write(p)
}

func TestOneWriteAnEvent(t *testing.T) {
	edit := Edit{Decls: []Decl{total}, Running: mainRuns(3), Output: compilerSays}
	for _, test := range []struct {
		name  string
		new   func(io.Writer) Reporter
		lines int // of one Live and one Rejected
	}{
		{"text", func(w io.Writer) Reporter { return NewText(w, Config{Dir: dir}) }, 4 + 3},
		{"json", func(w io.Writer) Reporter { return NewJSON(w, io.Discard, Config{Dir: dir}) }, 1 + 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w writes
			r := test.new(&w)
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { r.Live(edit); r.Rejected(edit) })
			}
			wg.Wait()
			if w.n != 100 {
				t.Errorf("%d writes, want 100", w.n)
			}
			if got := strings.Count(w.b.String(), "\n"); got != 50*test.lines {
				t.Errorf("%d lines, want %d", got, 50*test.lines)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0.0 ms"},
		{400 * time.Microsecond, "0.4 ms"},
		{9949 * time.Microsecond, "9.9 ms"},
		{9950 * time.Microsecond, "10 ms"},
		{84 * time.Millisecond, "84 ms"},
		{999499 * time.Microsecond, "999 ms"},
		{999500 * time.Microsecond, "1.0 s"},
		{59949 * time.Millisecond, "59.9 s"},
		{59950 * time.Millisecond, "1m0s"},
		{2*time.Hour + 3*time.Second, "2h0m3s"},
	} {
		if got := duration(test.d); got != test.want {
			t.Errorf("duration(%v) = %q, want %q", test.d, got, test.want)
		}
	}
}

func TestPosition(t *testing.T) {
	for _, test := range []struct {
		file      string
		line, col int
		want      string
	}{
		{dir + "/main.go", 12, 3, "./main.go:12:3"},
		{dir + "/main.go", 12, 0, "./main.go:12"},
		{dir + "/go.mod", 0, 0, "./go.mod"},
		{dir + "/cart/cart.go", 1, 2, "cart/cart.go:1:2"},
		{"/home/gopher/lib/lib.go", 1, 2, "../lib/lib.go:1:2"},
		{"/usr/go/src/a.go", 1, 2, "/usr/go/src/a.go:1:2"},
	} {
		if got := position(dir, test.file, test.line, test.col); got != test.want {
			t.Errorf("position(%q) = %q, want %q", test.file, got, test.want)
		}
	}
}

func TestUnqualified(t *testing.T) {
	for in, want := range map[string]string{
		"main.main":                                     "main.main",
		"example.com/shop/cart.(*Cart).Add":             "cart.(*Cart).Add",
		"example.com/shop/list.Map[example.com/shop/x]": "list.Map[example.com/shop/x]",
	} {
		if got := unqualified(in); got != want {
			t.Errorf("unqualified(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestColor(t *testing.T) {
	for _, test := range []struct {
		mode string
		env  [3]string // NO_COLOR, FORCE_COLOR, TERM
		want bool
	}{
		{"auto", [3]string{"", "", "xterm"}, false}, // a buffer is no terminal
		{"auto", [3]string{"", "1", "xterm"}, true},
		{"auto", [3]string{"", "1", "dumb"}, true},
		{"auto", [3]string{"1", "1", "xterm"}, false},
		{"always", [3]string{"1", "", "dumb"}, true},
		{"never", [3]string{"", "1", "xterm"}, false},
	} {
		for i, name := range []string{"NO_COLOR", "FORCE_COLOR", "TERM"} {
			t.Setenv(name, test.env[i])
		}
		if got := Color(test.mode, &bytes.Buffer{}); got != test.want {
			t.Errorf("Color(%q) with %q = %v", test.mode, test.env, got)
		}
	}
}
