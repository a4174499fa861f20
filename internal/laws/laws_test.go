package laws

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/realtimefunc/realtimefunc/internal/agent"
)

const module = "github.com/realtimefunc/realtimefunc"

// layers are the packages from the bottom up. A package imports only what stands in
// layers below its own, so no phase of the pipeline reaches back, and none knows the
// phase beside it: they meet in session.
var layers = [][]string{
	{"."}, // for programs of users: it knows nothing of ours, and none of ours imports it
	{"examples/hooks"},
	// data and formats, and the phases that need nothing of ours
	{"internal/wire", "internal/goobj", "internal/source", "internal/watch", "internal/gobuild", "internal/process", "internal/report"},
	{"internal/agent", "internal/agent/host", "internal/hostlink", "internal/signature", "internal/toolchain/release"},
	{"internal/toolchain/go125", "internal/toolchain/go126", "internal/toolchain/go127"},
	{"internal/toolchain"},
	{"internal/program"},
	{"internal/change", "internal/link"},
	{"internal/patch"},
	{"internal/session"},
	{"internal/command"},
	{"cmd/realtime", "internal/laws"},
	{"internal/drive", "internal/bench/large"},
	{"internal/bench/shop", "internal/proof/pairs"},
	{"internal/bench", "internal/soak", "internal/proof/edits", "internal/proof/captures", "internal/proof/holders"}, // commands of ours, which drive realtime from outside
	{"internal/proof/subject"},
	{"internal/proof/conformance", "internal/proof/hammer", "internal/proof/relink", "internal/proof/excerpts"}, // and which patch programs without it
}

// inHost is what the agent may import. It is built into the user's program with the
// user's toolchain, so it may bring nothing along that nearly every program does not
// have already: a package more is code that the program would not run in production.
var inHost = map[string]bool{
	"errors": true, "reflect": true, "runtime": true, "sync": true, "sync/atomic": true, "syscall": true, "unsafe": true,
}

// A file is a Go file of the module that is no test.
type file struct {
	name    string // slash-separated, from the root of the repository
	text    []byte
	tree    *ast.File
	imports []string
}

func (f *file) pkg() string { return path.Dir(f.name) }

func TestImportsPointDown(t *testing.T) {
	level := make(map[string]int)
	for i, layer := range layers {
		for _, pkg := range layer {
			level[pkg] = i
		}
	}
	seen := make(map[string]bool)
	for _, f := range goFiles(t) {
		own, ok := level[f.pkg()]
		if !ok && !seen[f.pkg()] {
			t.Errorf("%s: the package has no place in layers yet", f.pkg())
		}
		seen[f.pkg()] = true
		for _, imp := range f.imports {
			pkg, ours := strings.CutPrefix(imp, module+"/")
			if below, known := level[pkg]; ours && ok && known && below >= own {
				t.Errorf("%s: imports %s, which is not below it", f.name, pkg)
			}
		}
	}
}

func TestAgentImports(t *testing.T) {
	files := agent.Files("example.com/agent")
	if len(files) == 0 {
		t.Fatal("no files of the agent")
	}
	for name, text := range files {
		tree := parse(t, name, text, parser.ImportsOnly)
		for _, imp := range imports(t, tree) {
			if !inHost[imp] && imp != "example.com/agent/wire" {
				t.Errorf("%s: the agent must not import %q", name, imp)
			}
		}
	}
}

func TestPackages(t *testing.T) {
	commented := make(map[string]bool)
	for _, f := range goFiles(t) {
		pkg := f.pkg()
		begin := "Package " + f.tree.Name.Name + " "
		if f.tree.Name.Name == "main" {
			begin = "Command " + path.Base(pkg) + " "
		}
		commented[pkg] = commented[pkg] || strings.HasPrefix(f.tree.Doc.Text(), begin)
		switch path.Base(pkg) {
		case "common", "helper", "helpers", "misc", "pkg", "shared", "types", "util", "utils":
			t.Errorf("%s: the name does not say what the package is", pkg)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(commented)) {
		if !commented[pkg] {
			t.Errorf("%s: no package comment", pkg)
		}
	}
}

func TestLength(t *testing.T) {
	for _, f := range goFiles(t) {
		most := 600
		if strings.HasPrefix(f.name, "cmd/") && f.tree.Name.Name == "main" {
			most = 40 // it calls what can be tested
		}
		if n := bytes.Count(f.text, []byte("\n")); n >= most {
			t.Errorf("%s: %d lines, want fewer than %d", f.name, n, most)
		}
	}
}

// What differs between releases of Go stands in internal/toolchain, one folder each.
func TestReleasesAreNamedInOnePlace(t *testing.T) {
	release := regexp.MustCompile(`\bgo1\.2\d`)
	for _, f := range goFiles(t) {
		if strings.HasPrefix(f.name, "internal/toolchain/") {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && release.MatchString(lit.Value) {
				t.Errorf("%s: %s belongs in internal/toolchain", f.name, lit.Value)
			}
			return true
		})
	}
}

func TestModules(t *testing.T) {
	for name, text := range texts(t) {
		if path.Base(name) != "go.mod" {
			continue
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		// With a replace, `go install module@version` is refused.
		if len(mod.Replace) > 0 {
			t.Errorf("%s: a replace directive", name)
		}
		if name == "go.mod" && (len(mod.Tool) > 0 || mod.Toolchain != nil) {
			t.Errorf("%s: tools and toolchains of ours are no requirement of who imports us: see tools/go.mod", name)
		}
	}
}

// The home of a gopher is everybody's example.
var machine = regexp.MustCompile(`(?m)(^|[\s"'` + "`" + `=(:])/(home/[a-z]+|Users/[A-Za-z]+|root|work|mnt)/[^\s"'` + "`" + `)]*`)

func TestNoMachinePaths(t *testing.T) {
	for name, text := range texts(t) {
		for _, m := range machine.FindAllString(string(text), -1) {
			if !strings.Contains(m, "/home/gopher/") {
				t.Errorf("%s: %q is a path of one machine", name, strings.TrimSpace(m))
			}
		}
	}
}

func TestMachinePath(t *testing.T) {
	for text, want := range map[string]bool{
		`exe := "/` + `root/go/bin/x"`:   true,
		"at `/" + "home/ann/x.go:3`":     true,
		"/" + "work/main/x.go":           true,
		"cmd/go/internal/work/gc.go":     false,
		"https://example.com/home/ann/x": false,
		"the root/ of the tree":          false,
	} {
		if got := machine.MatchString(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// goFiles returns the Go files of the module, without tests and test data.
func goFiles(t *testing.T) []*file {
	t.Helper()
	all := texts(t)
	var files []*file
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") ||
			strings.Contains(name, "testdata/") || nested(all, name) {
			continue
		}
		tree := parse(t, name, all[name], parser.ParseComments|parser.SkipObjectResolution)
		files = append(files, &file{name, all[name], tree, imports(t, tree)})
	}
	if len(files) == 0 {
		t.Fatal("no Go files")
	}
	return files
}

// nested reports whether a file belongs to another module of the repository.
func nested(all map[string][]byte, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := all[path.Join(dir, "go.mod")]; ok {
			return true
		}
	}
	return false
}

// texts returns the text files of the repository.
func texts(t *testing.T) map[string][]byte {
	t.Helper()
	root := os.DirFS("../..")
	found := make(map[string][]byte)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "tmp"):
			return fs.SkipDir
		case !d.Type().IsRegular() || name == ".git": // a file in a worktree
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err == nil && !bytes.ContainsRune(text, 0) {
			found[name] = text
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func parse(t *testing.T, name string, text []byte, mode parser.Mode) *ast.File {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), name, text, mode)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func imports(t *testing.T, tree *ast.File) []string {
	t.Helper()
	var list []string
	for _, spec := range tree.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, imp)
	}
	return list
}
