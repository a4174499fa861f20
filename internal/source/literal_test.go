package source

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// parseBody parses one function with the given body.
func parseBody(t *testing.T, body string) *Package {
	t.Helper()
	return parse(t, map[string]string{"f.go": "package p\n\nfunc f() {\n" + body + "}\n"})
}

func parse(t *testing.T, files map[string]string) *Package {
	t.Helper()
	m := make(map[string][]byte)
	for path, text := range files {
		m[path] = []byte(text)
	}
	p, err := Parse("example.com/p", m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// label returns the comment on the line where l begins.
func label(l *Literal) string {
	line := strings.Split(string(l.File.Content), "\n")[l.Line-1]
	_, comment, _ := strings.Cut(line, "// ")
	return comment
}

func TestMatchLiterals(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/literals.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(archive.Files); i += 2 {
		name, isOld := strings.CutSuffix(archive.Files[i].Name, "/old")
		if !isOld || archive.Files[i+1].Name != name+"/new" {
			t.Fatalf("%s: want an old and a new body", archive.Files[i].Name)
		}
		old, new := string(archive.Files[i].Data), string(archive.Files[i+1].Data)
		t.Run(name, func(t *testing.T) { checkLabels(t, old, new) })
		t.Run(name+", back", func(t *testing.T) { checkLabels(t, new, old) })
		t.Run(name+", as an initializer's literal", func(t *testing.T) {
			checkLabels(t, "g(func() { // outer\n"+old+"})\n", "x := 1\ng(func() { // outer\n"+old+"})\n")
		})
	}
}

func checkLabels(t *testing.T, oldBody, newBody string) {
	old, new := parseBody(t, oldBody), parseBody(t, newBody)
	var got, want []string
	for _, pair := range MatchLiterals(old.Decls["f"].Lits, new.Decls["f"].Lits) {
		got = append(got, label(pair.Old)+" = "+label(pair.New))
	}
	inNew := make(map[string]bool)
	for _, l := range new.LiteralsOf(new.Decls["f"]) {
		inNew[label(l)] = true
	}
	for _, l := range old.LiteralsOf(old.Decls["f"]) {
		if inNew[label(l)] {
			want = append(want, label(l)+" = "+label(l))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pairs:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLiteralTexts(t *testing.T) {
	p := parseBody(t, `	mux.Handle("/", wrap(func(w W, _ *R) (n int, err error) {
		go func() {
			x()
		}()
		return
	}, func() {}))
`)
	var got []string
	for _, l := range p.LiteralsOf(p.Decls["f"]) {
		got = append(got, fmt.Sprintf("%d:%d-%d #%d %s | %s | %s", l.Line, l.Col, l.EndLine, l.Index, l.Signature, l.Context(), l.Body))
	}
	want := []string{
		`4:23-9 #0 func(W, *R) (int, error) | mux.Handle("/", wrap(func(W, *R) (int, error){•}, func(){…})) | {go func(){…}(); return ; }`,
		`5:6-7 #0 func() | go func(){•}() | {x(); }`,
		`9:5-9 #1 func() | mux.Handle("/", wrap(func(W, *R) (int, error){…}, func(){•})) | {}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func bodyOf(d *Decl) *ast.BlockStmt { return d.node.(*ast.FuncDecl).Body }
