package source

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A form is how much of a declaration an excerpt has.
type form uint8

const (
	none     form = iota
	declared      // a function without its body, a variable with a type without its value
	whole
)

// An item is what is taken or left as one: a function, a type, the variables of one
// specification, a group of constants.
type item struct {
	file  *File
	node  ast.Node // *ast.FuncDecl, *ast.TypeSpec, *ast.ValueSpec, *ast.GenDecl
	decls []*Decl  // what it declares
	form  form
}

type excerpter struct {
	delta   *Delta
	nameOf  func(string) string
	items   []*item            // in source order
	named   map[string]*item   // by the names of declarations
	methods map[string][]*item // by the name of the receiver's type
	called  map[string]bool    // identifiers in the bodies of the excerpt
	work    []*item
}

// index finds the items.
func (x *excerpter) index() error {
	for _, f := range x.delta.New.Files {
		declared := map[*ast.Ident]*Decl{}
		for _, d := range f.decls {
			declared[d.ident] = d
		}
		add := func(node ast.Node, names ...*ast.Ident) {
			it := &item{file: f, node: node}
			x.items = append(x.items, it)
			for _, n := range names {
				d := declared[n]
				if it.decls = append(it.decls, d); !anonymous(d) {
					x.named[d.Name] = it
				}
				if fn, ok := node.(*ast.FuncDecl); ok && fn.Recv != nil {
					typ, _ := receiver(fn.Recv.List[0].Type)
					typ = strings.Trim(typ, "(*)")
					x.methods[typ] = append(x.methods[typ], it)
				}
			}
		}
		for _, d := range f.AST.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if declared[d.Name].Kind != Init {
					add(d, d.Name)
				}
			case *ast.GenDecl:
				var names []*ast.Ident
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						add(spec, spec.Name)
					case *ast.ValueSpec:
						if names = append(names, spec.Names...); d.Tok == token.VAR {
							add(spec, spec.Names...)
						}
					}
				}
				if d.Tok == token.CONST {
					add(d, names...)
				}
			}
		}
	}
	for typ := range x.methods {
		if it := x.named[typ]; it != nil && it.decls[0].Alias {
			return fmt.Errorf("the alias %s has methods", typ)
		}
	}
	return nil
}

// export takes what packages may name of this one.
func (x *excerpter) export(importers []*Package) {
	for name, it := range x.named {
		bare := methodName(name)
		if !ast.IsExported(bare) || !slices.ContainsFunc(importers, func(p *Package) bool { return p.idents()[bare] }) {
			continue
		}
		x.called[bare] = true
		if bare == name { // a method comes with its type
			x.want(it, declared)
		}
	}
}

// want takes an item into the excerpt.
func (x *excerpter) want(it *item, f form) {
	if it.function() != nil && f == declared && it.decls[0].Generic {
		f = whole // it is compiled where it is used
	}
	if it.form < f {
		it.form = f
		x.work = append(x.work, it)
	}
}

// function is an item that is one; else nil.
func (it *item) function() *ast.FuncDecl {
	fn, _ := it.node.(*ast.FuncDecl)
	return fn
}

// close takes what the items of the excerpt name, by whatever has the name.
func (x *excerpter) close() error {
	for len(x.work) > 0 {
		it := x.work[len(x.work)-1]
		x.work = x.work[:len(x.work)-1]
		if err := it.allowed(); err != nil {
			return err
		}
		for name := range it.names() {
			if other := x.named[name]; other != nil {
				x.want(other, declared)
			}
		}
		if spec, ok := it.node.(*ast.TypeSpec); ok {
			for _, m := range x.methods[spec.Name.Name] {
				x.want(m, declared)
			}
		}
		if fn := it.function(); fn != nil && it.form == whole {
			names(fn.Body, x.called)
		}
	}
	return nil
}

// allowed reports as an error what can't be in an excerpt.
func (it *item) allowed() (err error) {
	if fn := it.function(); fn != nil && it.form == whole {
		// The compiler numbers them over the package.
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if t, ok := n.(*ast.TypeSpec); ok {
				err = fmt.Errorf("%s declares the type %s", fn.Name.Name, t.Name.Name)
			}
			return err == nil
		})
	}
	for _, d := range it.decls {
		if err := d.plain(); err != nil {
			return err
		}
	}
	return err
}

// names are the identifiers in what the excerpt has of an item.
func (it *item) names() map[string]bool {
	set := map[string]bool{}
	switch n := it.node.(type) {
	case *ast.FuncDecl:
		if n.Recv != nil {
			names(n.Recv, set)
		}
		names(n.Type, set)
		if it.form == whole {
			names(n.Body, set)
		}
	case *ast.ValueSpec:
		if n.Type != nil {
			names(n.Type, set)
		} else {
			names(n, set)
		}
	default:
		names(n, set)
	}
	return set
}

func names(n ast.Node, set map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			set[id.Name] = true
		}
		return true
	})
}

// write makes the files: of each file one that has the functions at their lines, and one
// that has all else.
func (x *excerpter) write(e *Excerpt, tags func(*Decl) []string) error {
	atLines := map[ast.Node]bool{}
	for _, f := range e.Functions {
		atLines[f.node] = true
	}
	files := x.delta.New.Files
	dir := filepath.Dir(files[0].Path)
	e.Files[filepath.Join(dir, restName+".go")] = sinkFile(x.delta.New.Name)
	for i, f := range files {
		functions, rest := &page{}, &page{}
		restPath := filepath.Join(dir, fmt.Sprintf("%s_%d.go", restName, i))
		for _, it := range x.items {
			switch {
			case it.file != f || it.form == none:
			case atLines[it.node]:
				functions.at(f.position(it.node.Pos()))
				functions.WriteString(f.text(it.node.Pos(), it.node.End()))
			default:
				if err := x.declare(e, rest, it, tags, restPath); err != nil {
					return err
				}
			}
		}
		if err := x.finish(e, f, f.Path, functions); err != nil {
			return err
		}
		if err := x.finish(e, f, restPath, rest); err != nil {
			return err
		}
	}
	return nil
}

// restName begins the names of files that stand for no file of the user's.
const restName = "realtime_rest"

// declare writes what the excerpt has of an item.
func (x *excerpter) declare(e *Excerpt, p *page, it *item, tags func(*Decl) []string, path string) error {
	f := it.file
	p.WriteString("\n")
	switch n := it.node.(type) {
	case *ast.GenDecl:
		p.WriteString(f.text(n.Pos(), n.End()))
	case *ast.TypeSpec:
		p.WriteString("type " + f.text(n.Pos(), n.End()))
	case *ast.ValueSpec:
		end := n.End()
		if n.Type != nil {
			end = n.Type.End()
		}
		p.WriteString("var " + f.text(n.Pos(), end))
	case *ast.FuncDecl:
		switch {
		case it.form == whole:
			p.WriteString(f.text(n.Pos(), n.End()))
		case !x.called[n.Name.Name]:
			p.WriteString(f.text(n.Pos(), n.Type.End()) + uncalled(n))
		default:
			s, body, err := x.delta.stub(it.decls[0], tags)
			if err != nil {
				return err
			}
			s.file, s.from = path, p.line()
			p.WriteString(f.text(n.Pos(), n.Type.End()) + " " + body)
			s.to = p.line()
			e.stubs = append(e.stubs, s)
		}
	}
	p.WriteString("\n")
	return nil
}

// uncalled is the body of a function that nothing calls. The compiler wants none but of what
// is named init (cmd/compile/internal/noder/writer.go, funcExt).
func uncalled(fn *ast.FuncDecl) string {
	if fn.Name.Name == "init" {
		return " { for {} }"
	}
	return ""
}

// text is the source between two positions.
func (f *File) text(from, to token.Pos) string {
	return string(f.Content[f.tokens.Offset(from):f.tokens.Offset(to)])
}

// finish puts the package clause before what was written of a file, and those imports of f
// that it uses, all on the first line.
func (x *excerpter) finish(e *Excerpt, f *File, path string, p *page) error {
	if p.Len() == 0 {
		return nil
	}
	head := "package " + x.delta.New.Name
	used, err := unresolved([]byte(head + p.String()))
	if err != nil {
		return err
	}
	if used[stubUnsafe] {
		head += importUnsafe
	}
	for _, imp := range f.Imports {
		if name := imp.nameBy(x.nameOf); used[name] {
			head += "; import " + name + " " + strconv.Quote(imp.Path)
		}
	}
	e.Files[path] = []byte(head + p.String())
	return nil
}

// unresolved are the identifiers of a file that its own declarations and scopes don't have:
// those of imports are among them.
func unresolved(text []byte) (map[string]bool, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), "", text, 0)
	if err != nil {
		return nil, fmt.Errorf("parsing an excerpt: %w", err)
	}
	set := map[string]bool{}
	for _, id := range tree.Unresolved {
		set[id.Name] = true
	}
	return set, nil
}

// A page is text that is written from line 1 on, behind the package clause.
type page struct{ bytes.Buffer }

// line is the number of the line that is written.
func (p *page) line() int { return 1 + bytes.Count(p.Bytes(), []byte("\n")) }

// at goes on to a position.
func (p *page) at(pos token.Position) {
	if n := pos.Line - p.line(); n > 0 {
		p.WriteString(strings.Repeat("\n", n))
	} else {
		p.WriteString("; ")
	}
	p.WriteString(strings.Repeat(" ", pos.Column-1))
}
