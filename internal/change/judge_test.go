package change_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// TestJudge judges the edits of testdata/*.txtar. Each archive is a program; a file
// "edit NAME" in it is one edit of that program and what is to become of it:
//
//	<<<< lib/lib.go    main.go, if no file is named
//	old text           which stands in the file once; nothing: the end of the file
//	====
//	new text
//	>>>>
//	live func F        a declaration with code in the patch
//	lines func F       likewise, only its line table is new
//	added func F       a declaration without: it comes with what uses it
//	restart type T: …  a declaration that can't be live, and why
//	replaces F -> G    the old F is redirected to the new G
//	new F              a function in the patch that redirects nothing
//	with F             one without a declaration of its own that redirects its old self
//	quiet F            no old version of F may have a frame
//	methods T: a b     type T of the program has a and b now, or has not any more;
//	                   ", renumbered": an exported method has another place
//	variable x         a variable whose initializer runs
//
// An edit with a restart shows these only. Function names are without "main.". A line
// "skip: …" keeps an edit that is not judged as it should be, with the reason.
func TestJudge(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var edits []txtar.File
			old := map[string][]byte{}
			for _, f := range a.Files {
				if name, ok := strings.CutPrefix(f.Name, "edit "); ok {
					edits = append(edits, txtar.File{Name: name, Data: f.Data})
				} else {
					old[f.Name] = f.Data
				}
			}
			h := build(t, old)
			for _, f := range edits {
				t.Run(f.Name, func(t *testing.T) {
					e, err := parse(f.Data, old)
					if err != nil {
						t.Fatal(err)
					}
					if e.skip != "" {
						t.Skip(e.skip)
					}
					if d := cmp.Diff(e.want, h.judge(t, e)); d != "" {
						t.Errorf("(-want +got)\n%s", d)
					}
				})
			}
		})
	}
}

// edit is one edit of a program, with what is expected of it.
type edit struct {
	files map[string][]byte // the new contents
	want  []string          // sorted
	skip  string
}

func parse(text []byte, old map[string][]byte) (*edit, error) {
	e := &edit{files: map[string][]byte{}, want: []string{}}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for len(lines) > 0 {
		line := strings.TrimSpace(string(lines[0]))
		lines = lines[1:]
		rest, isBlock := strings.CutPrefix(line, "<<<<")
		switch {
		case isBlock:
			name := strings.TrimSpace(rest)
			if name == "" {
				name = "main.go"
			}
			var parts [2][]byte
			part := 0
			for ; ; lines = lines[1:] {
				if len(lines) == 0 {
					return nil, fmt.Errorf("a block has no end")
				}
				l := string(lines[0])
				if l == ">>>>\n" {
					lines = lines[1:]
					break
				}
				if l == "====\n" {
					part++
				} else {
					parts[part] = append(parts[part], l...)
				}
			}
			have, ok := e.files[name]
			if !ok {
				have = old[name]
			}
			switch {
			case len(parts[0]) == 0:
				e.files[name] = append(slices.Clone(have), parts[1]...)
			case bytes.Count(have, parts[0]) != 1:
				return nil, fmt.Errorf("%s has not one %q", name, parts[0])
			default:
				e.files[name] = bytes.Replace(have, parts[0], parts[1], 1)
			}
		case strings.HasPrefix(line, "skip: "):
			e.skip = strings.TrimPrefix(line, "skip: ")
		case line != "" && !strings.HasPrefix(line, "#"):
			e.want = append(e.want, line)
		}
	}
	slices.Sort(e.want)
	return e, nil
}

// host is a built program, as a session knows it.
type host struct {
	build    *gobuild.Host
	compiler *gobuild.Compiler
	program  *program.Program
	abbrevs  signature.Abbrevs
	library  *program.Library
	old      map[string][]byte // the sources, by absolute path
	escapes  map[string]change.Escape
}

func build(t *testing.T, files map[string][]byte) *host {
	t.Helper()
	dir := t.TempDir()
	h := &host{old: map[string][]byte{}, escapes: map[string]change.Escape{}}
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
		h.old[name] = text
	}
	b, err := gobuild.Build(t.Context(), gobuild.Config{Dir: dir, Target: []string{"."}, Work: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h.build = b
	if err := b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.compiler, err = gobuild.NewCompiler(b); err != nil {
		t.Fatal(err)
	}
	if h.program, err = program.Open(b.Exe, b.Env.GOVERSION, b.Env.GOROOT); err != nil {
		t.Fatal(err)
	}
	if h.abbrevs, err = signature.ParseAbbrevs(h.program.Abbrevs); err != nil {
		t.Fatal(err)
	}
	h.library = program.NewLibrary(b.Archives())
	if err := h.program.Recover(h.library); err != nil {
		t.Fatal(err)
	}
	return h
}

// judge compiles the packages of an edit, and all that import them, and tells the
// verdict in lines.
func (h *host) judge(t *testing.T, e *edit) []string {
	t.Helper()
	ctx := t.Context()
	overlay := map[string][]byte{}
	for name, text := range e.files {
		overlay[filepath.Join(h.build.Dir, filepath.FromSlash(name))] = text
	}
	var pkgs []change.Package
	archives := map[string]string{}
	for _, p := range h.build.Live {
		old, now := map[string][]byte{}, map[string][]byte{}
		for name, text := range h.old {
			if filepath.Dir(name) == p.Dir && filepath.Ext(name) == ".go" {
				old[name], now[name] = text, text
			}
		}
		changed := false
		for name, text := range overlay {
			if filepath.Dir(name) == p.Dir {
				now[name], changed = text, true
			}
		}
		if !changed && !slices.ContainsFunc(p.Imports, func(imp string) bool { return archives[imp] != "" }) {
			continue
		}
		before, err := source.Parse(p.ImportPath, old)
		if err != nil {
			t.Fatal(err)
		}
		after, err := source.ParseWith(before, p.ImportPath, now)
		if err != nil {
			t.Fatal(err)
		}
		delta := source.Diff(before, after)
		compile := maps.Clone(now)
		vars := delta.NewVars()
		for _, c := range delta.Changed {
			if c.New.IsVar() {
				vars = append(vars, c.New)
			}
		}
		var inits *source.Initializers
		if len(vars) > 0 {
			if inits, err = after.Initializers(change.InitPrefix, vars); err != nil {
				t.Fatal(err)
			}
			maps.Copy(compile, inits.Files)
		}
		o, err := h.compiler.Compile(ctx, gobuild.Request{ImportPath: p.ImportPath, Overlay: compile, Archives: archives})
		if err != nil {
			t.Fatal(err)
		}
		archives[p.ImportPath] = o.ArchivePath
		c := change.Package{ImportPath: p.ImportPath, LinkPath: p.LinkPath(), Delta: delta, OldEscape: h.escape(t, ctx, p, old), NewEscape: change.EscapeOf(o.Notes), Inits: inits}
		host, err := h.library.Archive(c.LinkPath)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := goobj.ReadArchive(c.LinkPath, o.Archive)
		if err != nil {
			t.Fatal(err)
		}
		c.Old, c.New = change.Index(host), change.Index(compiled)
		c.Initialize(h.program)
		pkgs = append(pkgs, c)
	}
	res, err := change.Judge(pkgs, change.Options{Program: h.program, Abbrevs: h.abbrevs, Unsafe: h.build.Unsafe})
	if err != nil {
		t.Fatal(err)
	}
	return lines(res)
}

// escape is what the compiler says of a package as it was.
func (h *host) escape(t *testing.T, ctx context.Context, p *gobuild.Package, old map[string][]byte) change.Escape {
	t.Helper()
	if e, ok := h.escapes[p.ImportPath]; ok {
		return e
	}
	o, err := h.compiler.Compile(ctx, gobuild.Request{ImportPath: p.ImportPath, Overlay: old})
	if err != nil {
		t.Fatal(err)
	}
	h.escapes[p.ImportPath] = change.EscapeOf(o.Notes)
	return h.escapes[p.ImportPath]
}

func lines(r *change.Result) []string {
	list := []string{}
	if restarts := r.Restarts(); len(restarts) > 0 {
		for _, d := range restarts {
			list = append(list, strings.Join(strings.Fields(fmt.Sprint("restart ", d.Kind, " ", d.Name)), " ")+": "+d.Reason)
		}
		slices.Sort(list)
		return list
	}
	short := func(name string) string { return strings.TrimPrefix(name, "main.") }
	hasCode := map[int]bool{}
	for _, f := range r.Functions {
		name := short(f.Object.Name(f.Sym))
		hasCode[f.Decl] = true
		switch {
		case f.Replaces == "":
			list = append(list, "new "+name)
		case short(f.Replaces) != name:
			list = append(list, "replaces "+short(f.Replaces)+" -> "+name)
		case f.Decl < 0:
			list = append(list, "with "+name)
		}
	}
	for i, d := range r.Decls {
		verdict := string(d.Verdict)
		switch {
		case d.Kind != "func" && d.Reason != "" || d.Name == "init":
			list = append(list, verdict+" "+d.Kind+" "+d.Name+": "+d.Reason)
			continue
		case !hasCode[i]:
			verdict = "added"
		case d.LinesOnly:
			verdict = "lines"
		}
		list = append(list, verdict+" "+d.Kind+" "+d.Name)
	}
	for _, d := range r.Quiet {
		list = append(list, "quiet "+short(d.Object.Name(d.Sym)))
	}
	for _, t := range r.Retired {
		if name := short(t.Type); !strings.ContainsAny(name, "*[](){ ") { // and not what is made of it
			list = append(list, "retires "+name)
		}
	}
	for _, m := range r.MethodSets {
		line := "methods " + short(strings.TrimPrefix(m.Type.Object.Name(m.Type.Sym), "type:")) + ": " + strings.Join(m.Names, " ")
		if m.Renumbered {
			line += ", renumbered"
		}
		list = append(list, line)
	}
	for name := range r.NewVariables {
		list = append(list, "variable "+short(name))
	}
	slices.Sort(list)
	return slices.Compact(list) // the parts of a function that must be quiet are several
}
