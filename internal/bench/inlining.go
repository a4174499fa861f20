package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// keepMethods makes the linker keep methods as the agent does, in a program without one.
const keepMethods = `package main

import "reflect"

var keptMethod string

func init() {
	if keptMethod != "" {
		reflect.ValueOf(main).MethodByName(keptMethod)
	}
}
`

// inlining measures what of realtime's build makes code slower, in programs that go build
// has made: functions that are not inlined, and methods that are kept.
func inlining(s *shop.Shop, w io.Writer) error {
	hosts, stop, err := waysToBuild(s.Copy, "example.com/shop/...")
	if err != nil {
		return err
	}
	defer stop()
	serviceHeader(w)
	if err := service(hosts, w, ""); err != nil {
		return err
	}
	stop()

	hosts, stop, err = waysToBuild(func() (*shop.Shop, error) { return beside(s, "micro") }, "example.com/micro/...")
	if err != nil {
		return err
	}
	defer stop()
	times, err := micro(hosts)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\t\t\t\t\t\t\nmicro-benchmarks (medians of %d rounds, middle half)\tgo build, ns/op", microRounds)
	for _, h := range hosts[1:] {
		fmt.Fprintf(w, "\t%s", h.name)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "executable, MB")
	for _, h := range hosts {
		fmt.Fprintf(w, "\t%.2f", float64(h.size)/1e6)
	}
	fmt.Fprintln(w)
	for i, name := range micros {
		fmt.Fprintf(w, "%s\t%.1f", name, float64(median(times[i][0]))/1000)
		for j := range hosts[1:] {
			fmt.Fprintf(w, "\t%s", brief(times[i][1+j], times[i][0]))
		}
		fmt.Fprintln(w)
	}
	return nil
}

// waysToBuild starts a program whose own packages match pattern, built in several ways.
func waysToBuild(copied func() (*shop.Shop, error), pattern string) ([]*host, func(), error) {
	without := "-gcflags=" + pattern + "=-l=1" // as gobuild has it
	changed := func(changes ...func(*shop.Shop) error) func() (*shop.Shop, error) {
		return func() (*shop.Shop, error) {
			s, err := copied()
			for _, change := range changes {
				if err == nil {
					err = change(s)
				}
			}
			return s, err
		}
	}
	return startHosts([]func() (*host, error){
		func() (*host, error) { return startHost(copied, built, "go build") },
		func() (*host, error) { return startHost(changed(withMethods), built, "kept methods") },
		func() (*host, error) { return startHost(copied, built, "-l", without) },
		func() (*host, error) { return startHost(changed(withMethods), built, "-l, kept methods", without) },
		func() (*host, error) { return startHost(changed(withNoinline), built, "//go:noinline") },
		func() (*host, error) {
			return startHost(changed(withNoinline, withMethods), built, "//go:noinline, kept methods")
		},
	})
}

func withMethods(s *shop.Shop) error {
	return os.WriteFile(s.Path("kept_methods.go"), []byte(keepMethods), 0o666)
}

// withNoinline writes //go:noinline before each function that is declared in the module.
// Func literals, and instances of functions of other modules, may be inlined as before.
func withNoinline(s *shop.Shop) error {
	return filepath.WalkDir(s.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		tree, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		at := 0
		for _, decl := range tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
				begin := files.Position(f.Type.Func).Offset
				out.Write(text[at:begin])
				out.WriteString("//go:noinline\n")
				at = begin
			}
		}
		out.Write(text[at:])
		return os.WriteFile(name, out.Bytes(), 0o666)
	})
}
