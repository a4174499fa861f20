// Package large makes a service with a package of any size, for the commands that
// measure what size costs.
package large

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed testdata
var testdata embed.FS

// Module is the path of the module.
const Module = "example.com/large"

// Packages of the service, and how many lines each has, roughly.
var Packages = map[string]int{"small": 1_000, "big": 60_000}

// Edited is the file of each package that has Answer, whose body returns a number.
const Edited = "file00.go"

// Statements of Answer that may be edited: it returns what remember is given and what
// Return adds.
const (
	Call   = "number := s.remember(0)\n"
	Return = "return number + 0\n"
)

// Declarations that may be edited: Answer adds Base and the length of the array in Tally, and
// calls the method that Remember begins.
const (
	Base     = "const base = 0\n"
	Tally    = "struct{ pad [0]byte }\n"
	Remember = "remember(n int) int {\n"
)

// Write makes the module in dir, which must not exist, and returns how many lines each
// package has.
func Write(dir string) (map[string]int, error) {
	write := func(name string, data []byte) error {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		return os.WriteFile(name, data, 0o666)
	}
	main, err := testdata.ReadFile("testdata/main.go.txt")
	if err != nil {
		return nil, err
	}
	if err := write("go.mod", []byte("module "+Module+"\n\ngo 1.25.0\n")); err != nil {
		return nil, err
	}
	if err := write("main.go", main); err != nil {
		return nil, err
	}
	file, err := template.New("file.go.tmpl").Funcs(template.FuncMap{"title": title}).ParseFS(testdata, "testdata/file.go.tmpl")
	if err != nil {
		return nil, err
	}
	lines := map[string]int{}
	for name, want := range Packages {
		for n := 0; lines[name] < want; n++ {
			var b bytes.Buffer
			if err := file.Execute(&b, File{name, n, types(n)}); err != nil {
				return nil, fmt.Errorf("writing package %q: %w", name, err)
			}
			lines[name] += bytes.Count(b.Bytes(), []byte("\n"))
			if err := write(fmt.Sprintf("internal/%s/file%02d.go", name, n), b.Bytes()); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

// A File is what the template of a file is given.
type File struct {
	Package string
	Number  int
	Types   []string
}

// types are the names of a file's types: those of an office that has everything.
func types(file int) []string {
	var list []string
	for _, noun := range []string{"account", "booking", "contract", "delivery", "estimate", "folder", "grant", "holiday"} {
		list = append(list, fmt.Sprintf("%s%02d", title(noun), file))
	}
	return list
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
