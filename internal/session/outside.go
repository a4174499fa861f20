package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// What the compiler makes of Go sources is not all that the program takes from them: its
// assembly was assembled with constants and offsets of fields, and its linker has set
// variables. Neither is done again for an edit.

// assembled refuses an edit that changes what the assembly of a package knows of it: the
// compiler writes constants, sizes and the offsets of fields into go_asm.h
// (cmd/compile/internal/noder/noder.go:dumpasmhdr), and assembly that includes the header
// keeps those of the build.
func (e *edit) assembled(ctx context.Context, u *unit) error {
	h := e.host
	if len(u.pkg.SFiles) == 0 {
		return nil
	}
	text, includes := assembly(h.build, u.pkg)
	if !includes {
		return nil
	}
	was, known := h.sources.asmHeaders[u.pkg.ImportPath]
	if !known {
		o, err := h.compiler.Compile(ctx, gobuild.Request{ImportPath: u.pkg.ImportPath, Overlay: h.sources.overlay(u.pkg)})
		var compile *gobuild.CompileError
		if errors.As(err, &compile) {
			return restartf("compiling %q as the program runs it: %v", u.pkg.ImportPath, err)
		}
		if err != nil {
			return err
		}
		h.compiler.Discard(o)
		was = o.AsmHeader
		h.sources.asmHeaders[u.pkg.ImportPath] = was
	}
	if was == nil || u.object.AsmHeader == nil {
		return restartf("assembly of %s includes go_asm.h, which is not known", u.pkg.ImportPath)
	}
	if change := headerChange(was, u.object.AsmHeader, text); change != "" {
		return restartf("assembly of %s includes go_asm.h, in which %s", u.pkg.ImportPath, change)
	}
	return nil
}

// assembly is the text of a package's assembly and of all that it includes, and whether
// go_asm.h is among that, or may be: a header that is not found by name is the user's
// -asmflags=-I. Those of $GOROOT/pkg/include don't include it.
func assembly(h *gobuild.Host, p *gobuild.Package) (text []byte, includes bool) {
	seen := map[string]bool{}
	var read func(file string) bool
	read = func(file string) bool {
		if seen[file] {
			return true
		}
		seen[file] = true
		b, err := h.ReadFile(file)
		if err != nil {
			return false
		}
		text = append(append(text, b...), '\n')
		for line := range strings.Lines(string(b)) {
			line, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
			if !ok {
				continue
			}
			name, ok := strings.CutPrefix(strings.TrimSpace(line), "include")
			if !ok {
				continue
			}
			name = strings.TrimSpace(name)
			if f := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("\"<>", r) }); len(f) > 0 {
				name = f[0]
			}
			switch {
			case name == "go_asm.h":
				includes = true
			case read(filepath.Join(p.Dir, name)), read(filepath.Join(filepath.Dir(file), name)):
			case exists(filepath.Join(h.Env.GOROOT, "pkg", "include", name)):
			default:
				includes = true
			}
		}
		return true
	}
	for _, f := range p.SFiles {
		if !read(f) {
			return text, true
		}
	}
	return text, includes || bytes.Contains(text, []byte("go_asm.h"))
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// headerChange says in words what differs first between two versions of go_asm.h, "" if
// nothing does. Its lines are "#define const_limit 5", "#define T__size 16" and
// "#define T_field 8".
//
// A name that is new is one that the assembly can only ask for (#ifdef), if it is in its text.
func headerChange(old, now, text []byte) string {
	before, after := defines(old), defines(now)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for _, m := range []map[string]string{before, after} {
			for name := range m {
				if !yield(name) {
					return
				}
			}
		}
	}) {
		a, had := before[name]
		b, has := after[name]
		if had && has && a == b {
			continue
		}
		what := "the offset of field " + strings.Replace(name, "_", ".", 1)
		if rest, ok := strings.CutPrefix(name, "const_"); ok {
			what = "const " + rest
		} else if rest, ok := strings.CutSuffix(name, "__size"); ok {
			what = "the size of type " + rest
		}
		switch {
		case !had:
			if bytes.Contains(text, []byte(name)) {
				return what + " is new"
			}
			continue
		case !has:
			return what + " is gone"
		}
		return fmt.Sprintf("%s changed from %s to %s", what, a, b)
	}
	return ""
}

func defines(header []byte) map[string]string {
	set := map[string]string{}
	for line := range strings.Lines(string(header)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "#define" {
			set[f[1]] = strings.Join(f[2:], " ")
		}
	}
	return set
}

// stamped refuses to initialize a variable that the user's -ldflags=-X sets: it would get
// the value of the source.
func (e *edit) stamped(u *unit) error {
	set := e.host.build.Stamped()
	for _, x := range u.delta.New.List {
		if x.Kind == source.Var && (u.judged.Fresh[x] || u.judged.Again[x]) && set[u.linkPath+"."+x.Symbol] {
			e.decl(x.Pos.Filename, fmt.Sprintf("-ldflags=-X sets the variable %s, which the linker alone does", x.Name))
			return restartf("")
		}
	}
	return nil
}

// noMain is the message for a main package without a function main, as go build prints
// it: it is the linker's (cmd/link/internal/ld/data.go).
func noMain(u *unit) error {
	if u.delta.New.Name != "main" || u.pkg.Name != "main" {
		return nil
	}
	if d := u.delta.New.Decls["main"]; d != nil && d.Kind == source.Func {
		return nil
	}
	return &gobuild.CompileError{Output: "# " + u.pkg.ImportPath + "\nruntime.main_main·f: function main is undeclared in the main package\n"}
}
