package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// compiler builds a fixture and returns the compiler for it.
func (f fixture) compiler(t testing.TB) (*Host, *Compiler) {
	t.Helper()
	ctx := context.Background()
	h, err := Build(ctx, f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Load(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := NewCompiler(h)
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

// edit returns the overlay that makes files what they are in fs; an empty text
// deletes the file.
func (fs files) edit(dir string) map[string][]byte {
	overlay := make(map[string][]byte)
	for name, text := range fs {
		var data []byte
		if text != "" {
			data = []byte(text)
		}
		overlay[filepath.Join(dir, filepath.FromSlash(name))] = data
	}
	return overlay
}

var library = plain.with(files{
	"lib/lib.go":            plainLib,
	"lib/more.go":           "package lib\n\nvar text string\n",
	"lib/other.go":          "//go:build other\n\npackage lib\n\nfunc Other() {}\n",
	"lib/data/a.txt":        "a",
	"lib/sub/sub.go":        "package sub\n\nfunc Sub() int { return 1 }\n",
	"lib/user/user.go":      "package user\n\nimport \"example.com/m/lib\"\n\nvar X = lib.Hello()\n",
	"lib/x/internal/int.go": "package internal\n\nvar Y int\n",
	"main.go":               "package main\n\nimport (\n\t\"example.com/m/lib\"\n\t_ \"example.com/m/lib/user\"\n\t_ \"example.com/m/lib/x\"\n)\n\nfunc main() { println2(lib.Hello()) }\n",
	"lib/x/x.go":            "package x\n\nimport _ \"example.com/m/lib/x/internal\"\n",
})

func TestCompileEdit(t *testing.T) {
	h, c := fixture{files: library}.compiler(t)
	ctx := context.Background()
	const path = "example.com/m/lib"
	host, err := os.ReadFile(h.Packages[path].Export)
	if err != nil {
		t.Fatal(err)
	}
	hostExport, _, err := splitArchive(host)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		edit  files
		files []string // given to the compiler; nil: lib.go and more.go
		added []string // some package that the edit brings
	}{
		{name: "nothing"},
		{name: "body", edit: files{"lib/lib.go": "package lib\n\nfunc Hello() string { return text }\n"}},
		{name: "new function", edit: files{"lib/lib.go": plainLib + "func New() {}\n"}},
		{name: "new file", edit: files{"lib/b.go": "package lib\n\nfunc b() {}\n"}, files: []string{"b.go", "lib.go", "more.go"}},
		{name: "new test file", edit: files{"lib/b_test.go": "package lib\n\nfunc b() {}\n"}},
		{name: "file for another system", edit: files{"lib/b_windows.go": "package lib\n\nfunc b() {}\n"}},
		{name: "file gone", edit: files{"lib/more.go": ""}, files: []string{"lib.go"}},
		{name: "build tag", edit: files{"lib/other.go": "package lib\n\nfunc other() {}\n"}, files: []string{"lib.go", "more.go", "other.go"}},
		{name: "import of the host", edit: files{"lib/lib.go": "package lib\n\nimport \"os\"\n\nfunc Hello() string { return os.Args[0] }\n"}},
		{name: "import that the host lacks", edit: files{"lib/lib.go": "package lib\n\nimport \"encoding/csv\"\n\nfunc Hello() string { return csv.ErrQuote.Error() }\n"}, added: []string{"encoding/csv"}},
		{name: "live import that the host lacks", edit: files{"lib/lib.go": "package lib\n\nimport \"example.com/m/lib/sub\"\n\nfunc Hello() string { return \"hello\"[sub.Sub():] }\n"}, added: []string{"example.com/m/lib/sub"}},
		{name: "embed", edit: files{"lib/more.go": "package lib\n\nimport _ \"embed\"\n\n//go:embed data/*.txt\nvar text string\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := c.Compile(ctx, Request{ImportPath: path, Overlay: test.edit.edit(h.Dir)})
			if err != nil {
				t.Fatal(err)
			}
			want := test.files
			if want == nil {
				want = []string{"lib.go", "more.go"}
			}
			var got []string
			for _, f := range o.Files {
				got = append(got, filepath.Base(f))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			for _, path := range test.added {
				if p := h.Packages[path]; p == nil || !p.Added || p.Export == "" || !slices.Contains(o.Added, p) {
					t.Errorf("package %s: %+v, want it added", path, p)
				}
			}
			if test.name == "body" && !bytes.Equal(o.Export, hostExport) {
				t.Errorf("the export data changed with a body")
			}
			if bytes.Contains(o.Archive, []byte(h.Work)) {
				t.Errorf("the object names a file of ours")
			}
			if !bytes.Contains(o.Archive, []byte(filepath.Join(h.Dir, "lib", "lib.go"))) {
				t.Errorf("the object does not name the user's file")
			}
		})
	}
	if !slices.Contains(importPaths(h.Live), "example.com/m/lib/sub") {
		t.Errorf("live packages %v lack the new one", importPaths(h.Live))
	}
}

// The text of an error is that of go build with the same files on disk.
func TestCompileErrors(t *testing.T) {
	for _, f := range []fixture{
		{name: "root", files: library},
		{name: "below", files: library, dir: "lib/user", target: []string{"example.com/m"}, symlink: true, flags: []string{"-trimpath"}},
	} {
		t.Run(f.name, func(t *testing.T) { testCompileErrors(t, f) })
	}
}

func testCompileErrors(t *testing.T, f fixture) {
	h, c := f.compiler(t)
	ctx := context.Background()
	root := h.modules[0].dir
	for _, test := range []struct {
		name string
		edit files
	}{
		{"type errors", files{"lib/lib.go": "package lib\n\nfunc Hello() string { return 1 }\n\nfunc b() { x }\n"}},
		{"syntax error", files{"lib/lib.go": "package lib\n\nfunc Hello() string { return \n"}},
		{"empty file", files{"lib/lib.go": "\n"}},
		{"half an import clause", files{"lib/lib.go": "package lib\n\nimport (\n\t\"os\"\n"}},
		{"declared in two files", files{"lib/more.go": plainLib}},
		{"unused import", files{"lib/lib.go": "package lib\n\nimport \"os\"\n\nfunc Hello() string { return \"\" }\n"}},
		{"import of nothing", files{"lib/lib.go": "package lib\n\nimport \"no/such\"\n\nfunc Hello() string { return such.X }\n"}},
		{"import cycle", files{"lib/lib.go": "package lib\n\nimport \"example.com/m/lib/user\"\n\nfunc Hello() string { return user.X }\n"}},
		{"internal import", files{"lib/lib.go": "package lib\n\nimport _ \"example.com/m/lib/x/internal\"\n\nfunc Hello() string { return \"\" }\n"}},
		{"internal import of std", files{"lib/lib.go": "package lib\n\nimport _ \"internal/abi\"\n\nfunc Hello() string { return \"\" }\n"}},
		{"import of main", files{"lib/lib.go": "package lib\n\nimport _ \"example.com/m\"\n\nfunc Hello() string { return \"\" }\n"}},
		{"embed of nothing", files{"lib/more.go": "package lib\n\nimport _ \"embed\"\n\n//go:embed none\nvar text string\n"}},
		{"large frame", files{"lib/lib.go": "package lib\n\nfunc Hello() string { return big(huge, huge) }\n\nvar huge [1 << 29]byte\n\n//go:noinline\nfunc big(a, b [1 << 29]byte) string { return string(a[:]) + string(b[:]) }\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := c.Compile(ctx, Request{ImportPath: "example.com/m/lib", Overlay: test.edit.edit(root)})
			var ce *CompileError
			if !errors.As(err, &ce) {
				t.Fatalf("got %v, want a CompileError", err)
			}
			test.edit.write(t, root)
			defer library.write(t, root)
			_, err = h.output(ctx, h.gocmd(ctx, append(append([]string{"build", "-o", os.DevNull}, f.flags...), h.Target[0])...))
			want := &CompileError{Output: "nothing"}
			errors.As(err, &want)
			if diff := cmp.Diff(want.Output, ce.Output); diff != "" {
				t.Errorf("(-go build +ours):\n%s", diff)
			}
		})
	}
}

func TestCompileRebuild(t *testing.T) {
	i := slices.IndexFunc(fixtures, func(f fixture) bool { return f.name == "cgo" })
	h, c := fixtures[i].compiler(t)
	ctx := context.Background()
	for _, test := range []struct {
		name string
		edit files
		want string // reason; empty: compiles
	}{
		{"file beside cgo", files{"lib/go.go": "package lib\n\nvar words = []string{\"null\", \"one\", \"two\"}\n"}, ""},
		{"cgo file", files{"lib/lib.go": "package lib\n\n// static int two(void) { return 1; }\nimport \"C\"\n\nfunc Hello() string { return words[C.two()] }\n"}, `lib.go changed and imports "C"`},
		{"new cgo file", files{"lib/new.go": "package lib\n\nimport \"C\"\n"}, `new.go changed and imports "C"`},
		{"no cgo any more", files{"lib/lib.go": plainLib}, "lib.go is no cgo, C or assembly file of the package any more"},
		{"assembly", files{"lib/new.s": "// nothing\n"}, "new.s changed, which the Go compiler alone cannot compile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := c.Compile(ctx, Request{ImportPath: "example.com/m/lib", Overlay: test.edit.edit(h.Dir)})
			got := ""
			var rebuild *RebuildError
			if errors.As(err, &rebuild) {
				got, err = rebuild.Reason, nil
			}
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// A dependent sees the recompiled package of the same edit, and of an accepted one.
func TestCompileDependent(t *testing.T) {
	h, c := fixture{files: library}.compiler(t)
	ctx := context.Background()
	lib, err := c.Compile(ctx, Request{ImportPath: "example.com/m/lib", Overlay: files{
		"lib/lib.go": "package lib\n\nimport \"strconv\"\n\nfunc Hello() string { return \"\" }\n\nfunc Count() string { return strconv.Itoa(1) }\n",
	}.edit(h.Dir)})
	if err != nil {
		t.Fatal(err)
	}
	user := Request{ImportPath: "example.com/m/lib/user", Overlay: files{"lib/user/user.go": "package user\n\nimport \"example.com/m/lib\"\n\nvar X = lib.Count()\n"}.edit(h.Dir)}
	if _, err := c.Compile(ctx, user); err == nil {
		t.Errorf("compiles against the host's package")
	}
	user.Archives = map[string]string{lib.ImportPath: lib.ArchivePath}
	if _, err := c.Compile(ctx, user); err != nil {
		t.Errorf("in the same edit: %v", err)
	}
	c.Accept(lib)
	user.Archives = nil
	if _, err := c.Compile(ctx, user); err != nil {
		t.Errorf("after it: %v", err)
	}
	if diff := cmp.Diff([]string{"example.com/m/lib/user", "example.com/m"}, importPaths(h.Dependents("example.com/m/lib"))); diff != "" {
		t.Errorf("dependents (-want +got):\n%s", diff)
	}
}

// A package that an edit brings is said to be added until an edit with it is
// accepted, and is read anew each time if it is live.
func TestCompileAdded(t *testing.T) {
	h, c := fixture{files: library}.compiler(t)
	ctx := context.Background()
	lib := files{"lib/lib.go": "package lib\n\nimport (\n\t\"container/list\"\n\n\t\"example.com/m/lib/sub\"\n)\n\nfunc Hello() string { return \"hello\"[list.New().Len()+sub.Sub():] }\n"}
	wrong := files{"lib/lib.go": strings.Replace(lib["lib/lib.go"], "sub.Sub()", "sub.None()", 1)}
	req := Request{ImportPath: "example.com/m/lib", Overlay: wrong.edit(h.Dir)}
	if _, err := c.Compile(ctx, req); err == nil {
		t.Fatal("compiles")
	}
	export := h.Packages["example.com/m/lib/sub"].Export
	files{"lib/sub/sub.go": "package sub\n\nfunc None() int { return 0 }\n"}.write(t, h.Dir)
	for _, want := range [][]string{{"container/list", "example.com/m/lib/sub"}, nil} {
		o, err := c.Compile(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, importPaths(o.Added)); diff != "" {
			t.Errorf("added (-want +got):\n%s", diff)
		}
		c.Accept(o)
	}
	if h.Packages["example.com/m/lib/sub"].Export == export {
		t.Errorf("the added package was not read again")
	}
	if len(h.Packages) != len(h.Order) {
		t.Errorf("%d packages, but %d in order", len(h.Packages), len(h.Order))
	}
}

func TestCompileNotes(t *testing.T) {
	testCompileNotes(t, fixture{files: library})
	t.Run("trimpath", func(t *testing.T) {
		testCompileNotes(t, fixture{files: library, flags: []string{"-trimpath"}})
	})
}

func testCompileNotes(t *testing.T, f fixture) {
	h, c := f.compiler(t)
	src := "package lib\n\nvar global *int\n\nfunc Hello() string { return \"\" }\n\n" +
		"func keep(p *int, q *int) { global = p }\n\nfunc run(f func()) { f() }\n\nfunc lit() { x := 1; run(func() { x++ }) }\n"
	check := func(t *testing.T) {
		t.Helper()
		o, err := c.Compile(context.Background(), Request{ImportPath: "example.com/m/lib", Overlay: files{"lib/lib.go": src}.edit(h.Dir)})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(h.Dir, "lib", "lib.go")
		if diff := cmp.Diff(map[token.Position][]string{
			{Filename: file, Line: 7, Column: 11}:  {"leaking param: p"},
			{Filename: file, Line: 11, Column: 14}: {"lit capturing by ref: x (addr=false assign=true width=8)"},
			{Filename: file, Line: 11, Column: 26}: {"func literal does not escape", "stack closure, captured vars = [x]"},
		}, o.Notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check(t)
	t.Run("by go list", func(t *testing.T) {
		c.byList["example.com/m/lib"] = errors.New("for the test")
		check(t)
		_, err := c.Compile(context.Background(), Request{ImportPath: "example.com/m/lib", Overlay: files{"lib/lib.go": "package lib\n\nfunc Hello() {}\nfunc b() { x }\n"}.edit(h.Dir)})
		if want := "# example.com/m/lib\nlib/lib.go:4:12: undefined: x"; err == nil || err.Error() != want {
			t.Errorf("got error %q, want %q", err, want)
		}
	})
}

func TestSelfCheckFails(t *testing.T) {
	h, c := fixture{files: library}.compiler(t)
	ctx := context.Background()
	p := h.Packages["example.com/m/lib"]
	h.gcflags = []perPackage{{"all", "-N"}}
	if _, err := c.SelfCheck(ctx, Request{ImportPath: p.ImportPath}); err == nil || !strings.Contains(err.Error(), "differs") {
		t.Errorf("got %v, want a difference", err)
	}
	if c.mustList(p) == nil {
		t.Errorf("the package is still compiled without the go command")
	}
}

func TestVerify(t *testing.T) {
	h, _ := fixture{files: library}.compiler(t)
	ctx := context.Background()
	if same, err := h.Verify(ctx); !same || err != nil {
		t.Errorf("the sources are unchanged, but got %v, %v", same, err)
	}
	files{"lib/lib.go": strings.Replace(plainLib, "hello", "other", 1)}.write(t, h.Dir)
	if same, err := h.Verify(ctx); same || err != nil {
		t.Errorf("the sources changed, but got %v, %v", same, err)
	}
}

func TestCompileOrder(t *testing.T) {
	h, _ := fixture{files: library}.compiler(t)
	overlay := files{
		"lib/lib.go":       "package lib\n\nimport \"example.com/m/lib/user\"\n\nfunc Hello() string { return user.X }\n",
		"lib/user/user.go": "package user\n\nvar X string\n",
	}.edit(h.Dir)
	paths := []string{"example.com/m", "example.com/m/lib", "example.com/m/lib/user"}
	for _, test := range []struct {
		overlay map[string][]byte
		want    []string
	}{
		{nil, []string{"example.com/m/lib", "example.com/m/lib/user", "example.com/m"}},
		{overlay, []string{"example.com/m/lib/user", "example.com/m/lib", "example.com/m"}},
	} {
		if diff := cmp.Diff(test.want, h.CompileOrder(paths, test.overlay)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func FuzzSplitArchive(f *testing.F) {
	f.Add([]byte("!<arch>\n__.PKGDEF       0           0     0     644     6         `\n\n$$B\nx_go_.o          0           0     0     644     4         `\n\n!\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		export, object, err := splitArchive(data)
		if err == nil && (export == nil || object == nil) {
			t.Errorf("no error and no result")
		}
	})
}

// What the go command has made is in its cache, and not ours to remove.
func TestAcceptLeavesTheBuildCache(t *testing.T) {
	h, c := fixture{files: library}.compiler(t)
	c.byList["example.com/m/lib"] = errors.New("for the test")
	var archives []string
	for _, word := range []string{"one", "two"} {
		o, err := c.Compile(context.Background(), Request{ImportPath: "example.com/m/lib", Overlay: files{"lib/lib.go": strings.Replace(plainLib, "hello", word, 1)}.edit(h.Dir)})
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, o.ArchivePath)
		c.Accept(o)
	}
	for _, name := range archives {
		if !exists(name) {
			t.Errorf("%s is gone", name)
		}
	}
}

// TestIntact: an entry of the build cache is what it was as long as its content is.
func TestIntact(t *testing.T) {
	sum := sha256.Sum256([]byte("archive"))
	p := &Package{Export: filepath.Join(t.TempDir(), hex.EncodeToString(sum[:])+"-d")}
	write := func(content string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(p.Export, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(p.Export, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("archive", time.Hour)
	p.stamp = stampOf(p.Export)
	for _, c := range []struct {
		content string
		age     time.Duration
		want    bool
	}{{"archive", time.Hour, true}, {"archive", 0, true}, {"Archive", 0, false}, {"arch", time.Hour, false}} {
		write(c.content, c.age)
		if got := p.intact(); got != c.want {
			t.Errorf("content %q, %v old: intact is %t, want %t", c.content, c.age, got, c.want)
		}
	}
}
