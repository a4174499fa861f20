package source

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// An Outline is what an excerpt is that has the whole package but for the bodies of
// functions that an edit can't concern. Its archive is as good as that of the package: for
// descriptors of types, for the initialization, and for packages that import it.
type Outline struct {
	Cut   []*Decl // functions that are there without their bodies
	Share float64 // part of the lines of all functions that is there

	cut map[*Decl]bool
}

// Outline makes one for an edit of any declarations. in are the initializers that the edit
// may run; nil: none. All else is as for [Delta.Excerpt].
func (d *Delta) Outline(changed map[string]bool, in *Initializers, around *Around) (*Excerpt, error) {
	if err := d.excerptable(around.NameOf); err != nil {
		return nil, err
	}
	o := &Outline{cut: map[*Decl]bool{}}
	e := &Excerpt{Files: map[string][]byte{}, Spread: d.Spread(changed, around), Imported: true, Outline: o}
	edited := map[*Decl]bool{}
	for _, x := range d.Added {
		edited[x] = true
	}
	for _, c := range d.Changed {
		if c.What&(Directives|Embed|Again) != 0 {
			return nil, fmt.Errorf("%v %s changed: %v", c.New.Kind, c.New.Name, c.What)
		}
		edited[c.New] = !c.moved()
	}
	moved, others := d.moved()
	for _, x := range moved {
		edited[x] = true
	}
	e.Moved = others
	isInit := func(x *Decl) bool { return x.Kind == Init }
	newInits := slices.ContainsFunc(d.Added, isInit) || slices.ContainsFunc(d.Removed, isInit)
	orders := d.New.orders()
	all, left := 0, 0 // lines of functions
	for _, x := range d.New.List {
		if err := x.plain(); err != nil {
			return nil, err
		}
		fn, ok := x.node.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if fn.Body == nil {
			return nil, fmt.Errorf("%s has no body", x.Name)
		}
		n := x.EndLine - x.Pos.Line + 1
		all += n
		// The compiler numbers init functions over the package, and types that are declared
		// in functions.
		if (x.isFunc() || !newInits) && !x.Generic && !edited[x] && !orders[x] && x.localTypes == nil && !e.Spread.touches(x) {
			o.cut[x] = true
			o.Cut = append(o.Cut, x)
			continue
		}
		left += n
		e.Functions = append(e.Functions, x)
	}
	o.Share = float64(left) / float64(max(all, 1))
	used := map[string]bool{} // identifiers in bodies and initializers that are there
	for _, x := range d.New.List {
		if !o.cut[x] {
			for _, name := range x.idents() {
				used[name] = true
			}
		}
	}
	dir := filepath.Dir(d.New.Files[0].Path)
	e.Files[filepath.Join(dir, restName+".go")] = sinkFile(d.New.Name)
	called := func(x *Decl) bool {
		name := methodName(x.Name)
		return used[name] || slices.ContainsFunc(around.Importers, func(p *Package) bool { return p.idents()[name] })
	}
	for _, f := range d.New.Files {
		if err := d.outline(e, f, called, around); err != nil {
			return nil, err
		}
	}
	if in != nil {
		for path := range in.behind {
			e.Files[path] = in.rewrite(path, e.Files[path])
		}
	}
	return e, nil
}

// sinkFile is a file with the variable that stubs write to.
func sinkFile(name string) []byte {
	return []byte("package " + name + "\n\nimport " + stubUnsafe + " \"unsafe\"\n\nvar " + stubSink + " " + stubUnsafe + ".Pointer\n")
}

// outline writes one file, in which all that is left has its position.
func (d *Delta) outline(e *Excerpt, f *File, called func(*Decl) bool, around *Around) error {
	var b bytes.Buffer
	done := 0
	replace := func(from, to token.Pos, text string) {
		b.Write(f.Content[done:f.tokens.Offset(from)])
		b.WriteString(text)
		done = f.tokens.Offset(to)
	}
	for _, x := range e.Outline.Cut {
		if x.File != f {
			continue
		}
		fn := x.node.(*ast.FuncDecl)
		text := uncalled(fn)
		first, last := x.BodyPos.Line, x.EndLine
		if x.Kind == Init {
			text = "{}"
		} else if called(x) {
			s, body, err := d.stub(x, around.Tags)
			if err != nil {
				return err
			}
			s.file, s.from, s.to = f.Path, x.Pos.Line, first
			e.stubs = append(e.stubs, s)
			text = body
		}
		replace(fn.Body.Pos(), fn.Body.End(), text+strings.Repeat("\n", last-first))
	}
	b.Write(f.Content[done:])
	text, err := f.usedImports(b.Bytes(), around.NameOf)
	e.Files[f.Path] = text
	return err
}

// usedImports is text, the file with less in it, without the names of the imports that it
// does not use any more, and with the package that stubs need.
func (f *File) usedImports(text []byte, nameOf func(string) string) ([]byte, error) {
	used, err := unresolved(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	done := f.tokens.Offset(f.AST.Name.End())
	b.Write(text[:done])
	if used[stubUnsafe] {
		b.WriteString(importUnsafe)
	}
	for i, spec := range f.AST.Imports {
		if name := f.Imports[i].nameBy(nameOf); name == "_" || used[name] {
			continue
		}
		from, to := spec.Path.Pos(), spec.Path.Pos()
		if spec.Name != nil {
			from = spec.Name.Pos()
		}
		b.Write(text[done:f.tokens.Offset(from)])
		b.WriteString("_ ")
		done = f.tokens.Offset(to)
	}
	b.Write(text[done:])
	return b.Bytes(), nil
}
