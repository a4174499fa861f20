package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInitializers(t *testing.T) {
	names, byCase := cases(t, "testdata/initializers.txtar")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := byCase[name]
			old, new := parse(t, c["old"]), parse(t, c["new"])
			in, err := new.Initializers("x", Diff(old, new).NewVars())
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			last, rest := "", make(map[string]string)
			for i, x := range in.List {
				name := x.Func
				for path, content := range in.Files {
					original := "//line " + path + ":1:1\n" + c["new"][path]
					tail, ok := strings.CutPrefix(string(content), original)
					if !ok {
						t.Fatalf("%s does not begin with the original", path)
					}
					if rest[path] == "" {
						rest[path] = tail
					}
					if !strings.Contains(tail, "func "+name+"()") {
						continue
					}
					if path != last || len(in.Files) > 1 {
						got.WriteString(path + "\n")
						last = path
					}
					// Up to the directive of the next function.
					text := rest[path]
					end := len(text)
					if k := strings.Index(text, " }\n//line"); k >= 0 {
						end = k + len(" }\n")
					}
					if !strings.Contains(text[:end], "func "+name+"()") {
						t.Fatalf("function %d of %s is out of order", i, path)
					}
					got.WriteString(text[:end])
					rest[path] = text[end:]
				}
			}
			if diff := cmp.Diff(c["want"][""], got.String()); diff != "" {
				t.Errorf("functions (-want +got):\n%s", diff)
			}
			checkPositions(t, new, in)
			// go/types, and so the compiler, miss what a method of a generic
			// type refers to (1.26, 1.27): there the spec alone says.
			if name != "generic method" {
				checkOrder(t, new, in)
			}
		})
	}
}

// checkPositions parses the rewritten files: all must be at its old position,
// and the package must be correct.
func checkPositions(t *testing.T, p *Package, in *Initializers) {
	fset := token.NewFileSet()
	var trees []*ast.File
	for _, f := range p.Files {
		content := f.Content
		if rewritten, ok := in.Files[f.Path]; ok {
			content = rewritten
		}
		tree, err := parser.ParseFile(fset, f.Path, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
		positions := func(fset *token.FileSet, n ast.Node) []string {
			var list []string
			ast.Inspect(n, func(n ast.Node) bool {
				if n != nil {
					at := fset.Position(n.Pos())
					list = append(list, at.String())
				}
				return true
			})
			return list
		}
		for i, d := range f.AST.Decls {
			if diff := cmp.Diff(positions(p.fset, d), positions(fset, tree.Decls[i])); diff != "" {
				t.Errorf("%s: positions (-want +got):\n%s", f.Path, diff)
			}
		}
		values := make(map[string]ast.Expr) // by the position of their start
		for _, d := range f.decls {
			if d.value != nil {
				values[d.File.position(d.value.Pos()).String()] = d.value
			}
		}
		for _, d := range tree.Decls[len(f.AST.Decls):] {
			var value ast.Expr
			switch s := d.(*ast.FuncDecl).Body.List[0].(type) {
			case *ast.AssignStmt:
				value = s.Rhs[0]
			case *ast.DeclStmt:
				value = s.Decl.(*ast.GenDecl).Specs[0].(*ast.ValueSpec).Values[0]
			}
			want := values[fset.Position(value.Pos()).String()]
			if want == nil {
				t.Errorf("no initializer begins at %v", fset.Position(value.Pos()))
				continue
			}
			if diff := cmp.Diff(positions(p.fset, want), positions(fset, value)); diff != "" {
				t.Errorf("%s: positions in an initializer (-want +got):\n%s", f.Path, diff)
			}
		}
	}
	if _, err := new(types.Config).Check("p", fset, trees, nil); err != nil {
		t.Error(err)
	}
}

// checkOrder compares the order of the functions with the one in which go/types
// has all initializers of the package.
func checkOrder(t *testing.T, p *Package, in *Initializers) {
	var trees []*ast.File
	for _, f := range p.Files {
		trees = append(trees, f.AST)
	}
	info := new(types.Info)
	if _, err := new(types.Config).Check("p", p.fset, trees, info); err != nil {
		t.Error(err)
	}
	var all string
	for _, content := range in.Files {
		all += string(content)
	}
	var want []string
	for _, init := range info.InitOrder {
		at := "//line " + p.fset.Position(init.Rhs.Pos()).String() + "\n"
		if before, _, ok := strings.Cut(all, " =\n"+at); ok {
			name := before[strings.LastIndex(before, "func ")+len("func "):]
			name, _, _ = strings.Cut(name, "(")
			want = append(want, name)
		}
	}
	var got []string
	for _, x := range in.List {
		got = append(got, x.Func)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestInitializersOfImports has initializers whose types come from imports,
// which are not resolved.
func TestInitializersOfImports(t *testing.T) {
	old := parse(t, map[string]string{"a.go": "package p\n"})
	new := parse(t, map[string]string{"a.go": `package p

import (
	"sync/atomic"
	"x.org/go-box"
)

type T struct{}

func (*T) Get() int { return second }

var current atomic.Pointer[T]
var first = box.Of(current.Load().Get())
var second = box.New(func() int { return third })
var third = box.New(nil)
`})
	in, err := new.Initializers("init_7", Diff(old, new).NewVars())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for line := range strings.Lines(string(in.Files["a.go"])) {
		if name, ok := strings.CutPrefix(line, "func init_7_"); ok {
			order = append(order, strings.TrimSuffix(name, " =\n"))
		}
	}
	want := []string{"1() { third", "2() { second", "3() { first"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestInitializersErrors(t *testing.T) {
	p := parse(t, map[string]string{"a.go": "package p\nvar a = f()\nfunc f_1() {}\nfunc f() int\n"})
	if _, err := p.Initializers("f", []*Decl{p.Decls["a"]}); err == nil {
		t.Error("no error for a name in use")
	}
	if _, err := p.Initializers("g", []*Decl{p.Decls["f"]}); err == nil {
		t.Error("no error for a function")
	}
}

// TestInitializersCompiled compiles and runs a rewritten file from another
// place, as an edit does, and reads the positions that the program sees.
func TestInitializersCompiled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "main.go")
	text := `package main

import (
	"runtime"

	_ "embed"
)

func here() int {
	_, _, line, _ := runtime.Caller(1)
	return line
}

var a = here() // is at line 14

var b, c = func() (int, int) {
	return here(),
		here()
}()

func file() string {
	_, file, _, _ := runtime.Caller(0)
	return file
}
`
	const driver = `package main

func main() {
	a, b, c = 0, 0, 0
	x_1()
	x_2()
	fmt.Println(a, b, c, file())
}
`
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("go.mod", "module m\n\ngo 1.25\n")
	write("main.go", text)
	write("driver.go", strings.Replace(driver, "main\n", "main\n\nimport \"fmt\"\n", 1))
	p := parse(t, map[string]string{path: text})
	in, err := p.Initializers("x", []*Decl{p.Decls["a"], p.Decls["b"], p.Decls["c"]})
	if err != nil {
		t.Fatal(err)
	}
	copied := write("copy.txt", string(in.Files[path]))
	overlay := write("overlay.json", `{"Replace": {"`+path+`": "`+copied+`"}}`)
	cmd := exec.Command("go", "run", "-overlay="+overlay, ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if want := "14 17 18 " + path + "\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}
