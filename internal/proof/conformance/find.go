package main

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A test is one program of the Go distribution.
type test struct {
	path   string   // below the folder test
	recipe string   // run, rundir or runoutput
	args   []string // of the program
}

// recipes are the first lines that are understood (cmd/internal/testdir of the Go
// source tree has all of them): a program in a file; one in the folder file.dir; one
// that prints a program, which is to be run.
var recipes = regexp.MustCompile(`^// ?(run|rundir|runoutput)((?: .*)?)$`)

// find lists the programs, sorted by path. Those whose first line asks for flags of the
// compiler or linker are no part of the list.
func find(dir string) (list []*test, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasSuffix(name, ".dir") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		m := recipes.FindSubmatch(bytes.TrimSpace(line))
		if m == nil {
			return nil
		}
		args := strings.Fields(string(m[2]))
		if len(args) > 0 && (strings.HasPrefix(args[0], "-") || strings.HasSuffix(args[0], ".go")) {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		list = append(list, &test{path: filepath.ToSlash(rel), recipe: string(m[1]), args: args})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("finding the tests: %w", err)
	}
	return list, nil
}

// folder is where the program lies in the module.
func (t *test) folder() string { return strings.TrimSuffix(t.path, ".go") }

// excluded are programs that can't be tried, though go run runs them.
var excluded = map[string]string{
	"noinit.go": "it counts the init functions of its package main, and the one that stops it is one more",
}

// sources are the files of the program, by path below its folder src.
func (t *test) sources(o *options) (map[string][]byte, error) {
	name := filepath.Join(o.tests, filepath.FromSlash(t.path))
	files := map[string][]byte{}
	if t.recipe != "rundir" {
		text, err := os.ReadFile(name)
		files[path.Base(t.path)] = text
		return files, err
	}
	names, err := filepath.Glob(strings.TrimSuffix(name, ".go") + ".dir/*.go")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	// The files of one package clause in a row are a package, named after its first
	// file; the last of them is the program.
	var folder, clause string
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), n, text, parser.PackageClauseOnly)
		if err != nil {
			return nil, err
		}
		if f.Name.Name != clause {
			clause = f.Name.Name
			folder = strings.TrimSuffix(filepath.Base(n), ".go")
			if clause == "main" {
				folder = "."
			}
		}
		// The compiler is given the files by name; the go command would take this one
		// for a test.
		base := strings.Replace(filepath.Base(n), "_test.go", "_tests.go", 1)
		files[path.Join(folder, base)] = local.ReplaceAll(text, []byte(`"`+path.Join(module, t.folder(), "src")+`/$1"`))
	}
	return files, nil
}

// local is an import of a neighbour in the folder, which testdir compiles with -D test.
var local = regexp.MustCompile(`"(?:\.|test)/([\w/]+)"`)

// module has all programs, so that the agent, which belongs to the module, is compiled
// once.
const module = "test"

// environment is what programs that run the compiler find in theirs: an importcfg of the
// standard library, as cmd/internal/testdir makes it.
func environment(dir string) ([]string, error) {
	out, err := exec.Command("go", "list", "-export", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}", "std").Output()
	if err != nil {
		return nil, fmt.Errorf("listing the standard library: %w", err)
	}
	file := filepath.Join(dir, "importcfg")
	return []string{"STDLIB_IMPORTCFG=" + file}, os.WriteFile(file, out, 0o666)
}

// writeModule makes the module, for the newest language, as files have it that are in
// none.
func writeModule(dir, goVersion string) error {
	text := "module " + module + "\n\ngo " + strings.TrimPrefix(version.Lang(goVersion), "go") + "\n"
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o666)
}
