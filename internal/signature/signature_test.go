package signature

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

const program = `package main

type num = int64

const n = 3

func (s *T) method(a num, _ bool, b [n]byte) (r string, err error) { return "", nil }

type T struct{}

var fs []func() int

func capture(v int, s string) {
	x := v
	fs = append(fs, func() int { x++; return x + v + len(s) })
}

func deferred(n int) int {
	defer println(n)
	return n
}

func main() {
	deferred(1)
	new(T).method(1, true, [n]byte{})
	capture(1, "")
}
`

// build is the program's abbreviation table and the archive of its package.
func build(t testing.TB) (Abbrevs, *goobj.Archive) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.25\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	run("build", "-gcflags=-l", "-o", "p", ".")
	f, err := elf.Open(filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.Section(".debug_abbrev").Data()
	if err != nil {
		t.Fatal(err)
	}
	table, err := ParseAbbrevs(b)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(run("list", "-export", "-gcflags=-l", "-f", "{{.Export}}", ".")); err != nil {
		t.Fatal(err)
	}
	a, err := goobj.ReadArchive("main", b)
	if err != nil {
		t.Fatal(err)
	}
	return table, a
}

func TestOf(t *testing.T) {
	table, a := build(t)
	got := map[string]*Signature{}
	o := a.Objects[0]
	for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
		if o.Kind(s).IsText() && strings.HasPrefix(o.Name(s), "main.") {
			sig, err := table.Of(o, s)
			if err != nil {
				t.Error(err)
			}
			got[o.Name(s)] = sig
		}
	}
	want := map[string]*Signature{
		"main.(*T).method": {Params: []Param{{"*main.T", false}, {"int64", false}, {"bool", false}, {"[3]uint8", false}, {"string", true}, {"error", true}},
			Vars: []Var{{"s", "*main.T"}, {"a", "int64"}, {"~p2", "bool"}, {"b", "[3]uint8"}, {"r", "string"}, {"err", "error"}}},
		"main.capture": {Params: []Param{{"int", false}, {"string", false}}, Vars: []Var{{"v", "int"}, {"s", "string"}, {"&x", "*int"}}},
		"main.main":    {},
		"main.capture.func1": {
			Params: []Param{{"int", true}},
			// The string, of which only the length is used, is not visible.
			Captures: []Capture{{8, "&x", "*int"}, {16, "v", "int"}},
			Vars:     []Var{{"~r0", "int"}},
		},
	}
	for name, w := range want {
		if d := cmp.Diff(w, got[name]); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestResult: with a defer, the compiler describes an unnamed result twice. A defer that
// an edit adds is no other signature.
func TestResult(t *testing.T) {
	table, a := build(t)
	o := a.Objects[0]
	for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
		if o.Name(s) != "main.deferred" || !o.Kind(s).IsText() {
			continue
		}
		sig, err := table.Of(o, s)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]Param{{"int", false}, {"int", true}}, sig.Params); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}

func FuzzParseAbbrevs(f *testing.F) {
	f.Add([]byte{1, 0x11, 1, 3, 8, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) { ParseAbbrevs(b) })
}
