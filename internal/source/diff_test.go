package source

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// cases returns the files of an archive by case and by folder in it.
func cases(t *testing.T, path string) (names []string, byCase map[string]map[string]map[string]string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	byCase = make(map[string]map[string]map[string]string)
	for _, f := range archive.Files {
		name, rest, _ := strings.Cut(f.Name, "/")
		folder, file, _ := strings.Cut(rest, "/")
		if byCase[name] == nil {
			names = append(names, name)
			byCase[name] = make(map[string]map[string]string)
		}
		if byCase[name][folder] == nil {
			byCase[name][folder] = make(map[string]string)
		}
		byCase[name][folder][file] = string(f.Data)
	}
	return names, byCase
}

func TestDiff(t *testing.T) {
	names, byCase := cases(t, "testdata/delta.txtar")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := byCase[name]
			old := parse(t, c["old"])
			if diff := cmp.Diff(c["want"][""], Diff(old, parse(t, c["new"])).String()); diff != "" {
				t.Errorf("delta (-want +got):\n%s", diff)
			}
			files := make(map[string][]byte)
			for path, text := range c["new"] {
				files[path] = []byte(text)
			}
			new, err := ParseWith(old, old.Path, files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c["want"][""], Diff(old, new).String()); diff != "" {
				t.Errorf("delta of ParseWith (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseWithSharesFiles(t *testing.T) {
	files := map[string][]byte{
		"a.go": []byte("package p\nfunc init() {}\n"),
		"b.go": []byte("package p\nfunc init() {}\n"),
	}
	old, err := Parse("p", files)
	if err != nil {
		t.Fatal(err)
	}
	files["a.go"] = []byte("package p\nfunc init() {}\nfunc init() { x() }\n")
	new, err := ParseWith(old, "p", files)
	if err != nil {
		t.Fatal(err)
	}
	if old.Files[0] == new.Files[0] || old.Files[1] != new.Files[1] {
		t.Error("want the unchanged file shared, and it alone")
	}
	var symbols []string
	for _, d := range append(old.List, new.List...) {
		symbols = append(symbols, d.Symbol)
	}
	if got, want := strings.Join(symbols, " "), "init.0 init.1 init.0 init.1 init.2"; got != want {
		t.Errorf("symbols %s, want %s", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	_, err := Parse("p", map[string][]byte{
		"/x/b.go": []byte("package p\nfunc {\n"),
		"/x/a.go": []byte("package p\nfunc f() {\n\tx(]\n}\n"),
	})
	if err == nil || !strings.HasPrefix(err.Error(), "/x/a.go:3:4: ") {
		t.Errorf("error %v, want the first at /x/a.go:3:4", err)
	}
}

// root is the folder of the Go tree.
func root(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// goroot returns the Go files of folders of the Go tree, tests included.
func goroot(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), "src", folder, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Skipf("the Go tree has no %s", folder)
	}
	files := make(map[string][]byte)
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = content
	}
	return files
}

var folders = []string{"net/http", "go/types", "text/template", "sort", "iter", "testing", "crypto/tls"}

func TestDiffOfEqualSources(t *testing.T) {
	for _, folder := range folders {
		files := goroot(t, folder)
		old, err := Parse(folder, files)
		if err != nil {
			t.Fatal(err)
		}
		new, err := Parse(folder, files)
		if err != nil {
			t.Fatal(err)
		}
		if d := Diff(old, new); !d.Empty() {
			t.Errorf("%s: differs from itself:\n%s", folder, d)
		}
		if ExportsChanged(old, new) {
			t.Errorf("%s: digest differs from itself", folder)
		}
	}
}

// TestDiffOfLayouts moves every statement it can to lines of its own and has
// gofmt repair the layout: only lines may differ.
func TestDiffOfLayouts(t *testing.T) {
	for _, folder := range folders {
		files := goroot(t, folder)
		old, err := Parse(folder, files)
		if err != nil {
			t.Fatal(err)
		}
		for path, content := range files {
			if bytes.Contains(content, []byte("`")) {
				continue // may have Go in a string
			}
			spread := bytes.ReplaceAll(content, []byte("; err != nil {\n"), []byte(";\n\n\terr != nil   {\n\n"))
			spread = append([]byte("\n\n"), spread...)
			if files[path], err = format.Source(spread); err != nil {
				t.Fatal(err)
			}
		}
		new, err := Parse(folder, files)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(Diff(old, new).String()) {
			if !strings.HasSuffix(line, ": lines\n") {
				t.Errorf("%s: layout changed %s", folder, line)
			}
		}
	}
}

// TestMatchLiteralsOfGo puts a literal at the top of each function of real
// packages: every other literal must still be matched with itself.
func TestMatchLiteralsOfGo(t *testing.T) {
	total := 0
	for _, folder := range folders {
		files := goroot(t, folder)
		old, err := Parse(folder, files)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range old.Files {
			var b bytes.Buffer
			rest := 0
			for _, d := range f.decls {
				if d.HasBody {
					at := f.tokens.Offset(bodyOf(d).Lbrace) + 1
					b.Write(f.Content[rest:at])
					b.WriteString(" go func() { inserted() }();")
					rest = at
				}
			}
			b.Write(f.Content[rest:])
			files[f.Path] = b.Bytes()
		}
		new, err := Parse(folder, files)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range old.List {
			n := new.Decls[o.Name]
			if n == nil || old.Decls[o.Name] != o {
				continue
			}
			oldLits, newLits := old.LiteralsOf(o), new.LiteralsOf(n)
			if o.HasBody {
				newLits = newLits[1:]
			}
			to := make(map[*Literal]*Literal)
			for _, pair := range MatchLiterals(o.Lits, n.Lits) {
				to[pair.Old] = pair.New
			}
			for i, l := range oldLits {
				total++
				if to[l] != newLits[i] {
					t.Errorf("%s:%d: literal of %s is not matched with itself", l.File.Path, l.Line, o.Name)
				}
			}
		}
	}
	if total < 1000 {
		t.Errorf("only %d literals seen", total)
	}
}

func FuzzDiff(f *testing.F) {
	for _, path := range []string{"testdata/delta.txtar", "testdata/literals.txtar", "testdata/initializers.txtar"} {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var last []byte
		for _, file := range archive.Files {
			f.Add(last, file.Data)
			body := fmt.Appendf(nil, "package p\nfunc f() {\n%s}\n", file.Data)
			f.Add(body, file.Data)
			last = file.Data
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		old, err := Parse("p", map[string][]byte{"a.go": a, "b.go": b})
		if err != nil {
			return
		}
		if d := Diff(old, old); !d.Empty() {
			t.Errorf("differs from itself:\n%s", d)
		}
		again, err := Parse("p", map[string][]byte{"a.go": a, "b.go": b})
		if err != nil {
			t.Fatal(err)
		}
		if d := Diff(old, again); !d.Empty() {
			t.Errorf("differs from itself:\n%s", d)
		}
		new, err := ParseWith(old, "p", map[string][]byte{"a.go": b, "b.go": b})
		if err != nil {
			return
		}
		d := Diff(old, new)
		for _, c := range d.Changed {
			for _, pair := range MatchLiterals(c.Old.Lits, c.New.Lits) {
				if pair.Old.Signature != pair.New.Signature {
					t.Errorf("matched %s with %s", pair.Old.Full, pair.New.Full)
				}
			}
		}
		ExportsChanged(old, new)
		new.Initializers("x", d.NewVars())
	})
}
