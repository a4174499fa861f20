package goobj

import (
	"debug/elf"
	"debug/gosym"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const linesSource = `package main

import "os"

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) +
		fib(n-2)
}

//line other.go:100
func elsewhere(s string) {
	defer os.Exit(len(s))
	for range s {
		os.Stdout.WriteString(s)
	}
}

func main() { elsewhere(string(rune(fib(10)))) }
`

// TestPosition compares with what the linked program's own table says.
func TestPosition(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.25\n", "main.go": linesSource} {
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
	run("build", "-trimpath", "-gcflags=-l", "-o", "p", ".")
	b, err := os.ReadFile(run("list", "-export", "-trimpath", "-gcflags=-l", "-f", "{{.Export}}", "."))
	if err != nil {
		t.Fatal(err)
	}
	a, err := ReadArchive("main", b)
	if err != nil {
		t.Fatal(err)
	}
	table, text := lineTable(t, filepath.Join(dir, "p"))
	o, checked := a.Objects[0], 0
	for s := Sym(0); int(s) < o.NumDefs(); s++ {
		entry, ok := text[o.Name(s)]
		if !o.Kind(s).IsText() || !ok {
			continue
		}
		for off := range o.Size(s) {
			wantFile, wantLine, _ := table.PCToLine(entry + uint64(off))
			if file, line := o.Lines(s).Position(off); file != wantFile || line != wantLine {
				t.Fatalf("%s+%#x: %s:%d, want %s:%d", o.Name(s), off, file, line, wantFile, wantLine)
			}
			checked++
		}
		if file, line := o.Lines(s).Position(o.Size(s)); file != "" || line != 0 {
			t.Errorf("behind %s: %s:%d", o.Name(s), file, line)
		}
	}
	if checked < 100 {
		t.Errorf("only %d bytes of code", checked)
	}
}

func lineTable(t *testing.T, exe string) (*gosym.Table, map[string]uint64) {
	t.Helper()
	f, err := elf.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.Section(".gopclntab").Data()
	if err != nil {
		t.Fatal(err)
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(b, f.Section(".text").Addr))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]uint64{}
	for _, s := range syms {
		if strings.HasPrefix(s.Name, "main.") && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			text[s.Name] = s.Value
		}
	}
	return table, text
}

func TestPathToPrefix(t *testing.T) {
	for path, want := range map[string]string{
		"fmt":                       "fmt",
		"net/http":                  "net/http",
		"example.com/app":           "example.com/app",
		"example.com":               "example%2ecom",
		"gopkg.in/yaml.v3":          "gopkg.in/yaml%2ev3",
		"example.com/v1.2/x":        "example.com/v1.2/x",
		`a/b"c%d`:                   "a/b%22c%25d",
		"a/b c\x7f":                 "a/b%20c%7f",
		"example.com/\u00fcber":     "example.com/%c3%bcber",
		"":                          "",
		"x/":                        "x/",
		"example.com/a.b/c.d/e.f.g": "example.com/a.b/c.d/e%2ef%2eg",
	} {
		if got := PathToPrefix(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
		if got := PrefixToPath(want); got != path {
			t.Errorf("%q: back to %q, want %q", want, got, path)
		}
	}
	for prefix, want := range map[string]string{"%": "%", "a%2": "a%2", "a%zzb": "a%zzb", "%2": "%2"} {
		if got := PrefixToPath(prefix); got != want {
			t.Errorf("%q: %q, want %q", prefix, got, want)
		}
	}
}

// Dots stand for themselves in front of the last slash, and nothing else does.
func TestPathToPrefixBeforeSlash(t *testing.T) {
	for path, want := range map[string]string{
		"a%b/c":       "a%25b/c",
		"\u00fcber/x": "%c3%bcber/x",
		`a"b c/d.e`:   "a%22b%20c/d%2ee",
	} {
		if got := PathToPrefix(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("gopkg.in/yaml.v3")
	f.Fuzz(func(t *testing.T, path string) {
		if got := PrefixToPath(PathToPrefix(path)); got != path {
			t.Errorf("%q: back to %q", path, got)
		}
	})
}

// FuncInfos of the runtime are the seeds: it has all that there is.
func FuzzReadFuncInfo(f *testing.F) {
	a, err := ReadArchive("runtime", stdArchive(f, "runtime"))
	if err != nil {
		f.Fatal(err)
	}
	o, n := a.Objects[0], 0
	for s := Sym(0); int(s) < o.NumDefs() && n < 50; s++ {
		if refs := o.Aux(s, AuxFuncInfo, nil); len(refs) > 0 {
			if fi, ok := o.Local(refs[0]); ok && len(o.Data(fi)) > 100 {
				f.Add(o.Data(fi))
				n++
			}
		}
	}
	f.Add([]byte{})
	f.Add(make([]byte, 20))
	// Counts that are larger than what follows.
	f.Add(append(make([]byte, 16), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))
	f.Add(append(make([]byte, 20), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ReadFuncInfo(b)
		if err != nil {
			return
		}
		if n := 16 + 4 + 4*len(info.Files) + 4 + 24*len(info.InlTree); n > len(b) {
			t.Errorf("%d files and %d calls out of %d bytes", len(info.Files), len(info.InlTree), len(b))
		}
	})
}

// TestFuncInfo reads that of a function whose source is known.
func TestFuncInfo(t *testing.T) {
	a, err := ReadArchive("sort", stdArchive(t, "sort"))
	if err != nil {
		t.Fatal(err)
	}
	o := a.Objects[0]
	for s := Sym(0); int(s) < o.NumDefs(); s++ {
		if o.Name(s) != "sort.Stable" || !o.Kind(s).IsText() {
			continue
		}
		info, err := o.FuncInfo(s)
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Files) == 0 || !strings.HasSuffix(o.Files[info.Files[0]], "sort/sort.go") || info.StartLine == 0 {
			t.Errorf("%+v", info)
		}
		// An interface: two words of arguments.
		if info.Args != 16 {
			t.Errorf("%d bytes of arguments", info.Args)
		}
		return
	}
	t.Error("no sort.Stable")
}
