package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// modulePath is that of the module that each group is copied into.
const modulePath = "example.com/edits"

// A group is packages of the standard library that are edited together.
type group struct {
	name     string
	packages []string // by import path in the standard library, each behind those that it imports

	// once are functions that fill something once, when it is asked for first. What they
	// have left stays when they are edited, rightly; they are not edited, nor what they call.
	once []string
}

var groups = []group{
	{name: "template", packages: []string{"internal/fmtsort", "text/template/parse", "text/template"}},
	{name: "regexp", packages: []string{"regexp/syntax", "regexp"}, once: []string{"initCategoryAliases"}},
	{name: "comment", packages: []string{"text/tabwriter", "encoding/csv", "go/doc/comment"}},
	{name: "slices", packages: []string{"container/heap", "container/list", "container/ring", "slices"}},
}

// files are the texts of a module, by name from its root, with slashes.
type files map[string]string

//go:embed testdata
var testdata embed.FS

// module copies the packages of a group out of the Go distribution, with their import
// paths rewritten, and puts the program beside them. Each package gets the same hooks:
// closures, method values and a goroutine to be held from before the first edit; and a
// function at the end of each file tells its line.
func (g group) module(goroot, language string, checkmark bool) (files, error) {
	all := files{"go.mod": "module " + modulePath + "\n\ngo " + language + "\n"}
	for _, from := range []string{"every", g.name} {
		err := fs.WalkDir(testdata, "testdata/"+from, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := testdata.ReadFile(name)
			all[strings.TrimPrefix(name, "testdata/"+from+"/")] = string(text)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	hooks := all["hooks.go"]
	delete(all, "hooks.go")
	if checkmark {
		maps.Copy(all, checked)
	}
	for _, pkg := range g.packages {
		p, err := build.Default.ImportDir(filepath.Join(goroot, "src", filepath.FromSlash(pkg)), 0)
		if err != nil {
			return nil, fmt.Errorf("finding %s: %w", pkg, err)
		}
		here := make(files)
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			here[name] = string(text)
		}
		here["hooks.go"] = strings.Replace(hooks, "package hooks", "package "+p.Name, 1)
		var lines strings.Builder
		fmt.Fprintf(&lines, "package %s\n\n// ProofLines tells where the files end.\nfunc ProofLines() string {\n\treturn \"\"", p.Name)
		for i, name := range slices.Sorted(maps.Keys(here)) {
			text, err := g.rewrite(name, here[name], i)
			if err != nil {
				return nil, err
			}
			all[path.Join(pkg, name)] = text
			fmt.Fprintf(&lines, " +\n\t\tproofLine%d()", i)
		}
		all[path.Join(pkg, "lines.go")] = lines.String() + "\n}\n"
	}
	return all, nil
}

// checked makes the program collect garbage all the time, and compare what was marked
// with what a second marking under stop-the-world finds.
var checked = files{"checkmark.go": `package main

import _ "unsafe"

//go:linkname parsegodebug runtime.parsegodebug
func parsegodebug(settings string, seen map[string]bool)

func init() {
	parsegodebug("gccheckmark=1,asyncpreemptoff=1", nil) // as parsedebugvars does, runtime1.go of Go 1.26
	garbage = 5
}
`}

// rewrite makes the imports of a file those of the module, and gives it its line.
func (g group) rewrite(name, text string, number int) (string, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ImportsOnly)
	if err != nil {
		return "", err
	}
	for _, spec := range slices.Backward(tree.Imports) {
		imported := strings.Trim(spec.Path.Value, `"`)
		if slices.Contains(g.packages, imported) {
			at := fset.Position(spec.Path.Pos()).Offset + 1
			text = text[:at] + modulePath + "/" + text[at:]
		}
	}
	at := fset.Position(tree.Name.End()).Offset
	text = text[:at] + "\n\nimport (\n\tproofFmt \"fmt\"\n\tproofRuntime \"runtime\"\n)" + text[at:]
	return fmt.Sprintf(`%s
func proofLine%d() string {
	_, _, line, ok := proofRuntime.Caller(0)
	return proofFmt.Sprintln(%[3]q, line, ok)
}
`, text, number, name), nil
}

// write brings the files to a folder.
func (f files) write(dir string) error {
	for name, text := range f {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(to, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// differ are the names of the files that are other than before, sorted.
func (f files) differ(before files) []string {
	var names []string
	for name, text := range f {
		if before[name] != text {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// editable are the names of the files of the group's packages, sorted.
func (g group) editable(f files) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if slices.Contains(g.packages, path.Dir(name)) && path.Base(name) != "lines.go" {
			names = append(names, name)
		}
	}
	return names
}

// A toolchain is the Go release that is proven.
type toolchain struct {
	goroot, version, language string
	exports                   map[string]string // export data of the standard library, by import path
	repository, cache         string
	realtime                  string // built by prepare
}

// newToolchain asks the go command for what all groups need.
func newToolchain() (*toolchain, error) {
	var env struct{ GOROOT, GOVERSION, GOCACHE string }
	out, err := output("", "go", "env", "-json", "GOROOT", "GOVERSION", "GOCACHE")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, err
	}
	dir, err := output("", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/realtimefunc/realtimefunc")
	if err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	t := &toolchain{goroot: env.GOROOT, version: env.GOVERSION, cache: env.GOCACHE, repository: strings.TrimSpace(string(dir)), exports: map[string]string{}}
	release := strings.Split(strings.TrimPrefix(env.GOVERSION, "go"), ".")
	t.language = strings.Join(release[:min(2, len(release))], ".")

	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	for _, g := range groups {
		args = append(args, g.packages...)
	}
	for _, i := range imports {
		args = append(args, i.path)
	}
	args = append(args, "log", "runtime", "fmt", "strings", "iter", "maps", "sort", "sync", "errors")
	if out, err = output(env.GOROOT, "go", args...); err != nil {
		return nil, err
	}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := list.Decode(&p); err == io.EOF {
			return t, nil
		} else if err != nil {
			return nil, err
		}
		t.exports[p.ImportPath] = p.Export
	}
}

// output runs a command in a folder.
func output(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, args[0], err, &said)
	}
	return out, err
}
