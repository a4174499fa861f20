package source

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An Excerpt is a package reduced to the functions that an edit changed, and to what the
// compiler must know of the package to compile them as it would in the whole of it: the
// declarations that they name, that these name, and so on; of functions without the bodies.
//
// A call of a function without a body would be compiled otherwise: as if it kept all that it
// is given. So those that are called have a body that does with its parameters what the
// compiler has found the real one to do (see stub.go), which [Excerpt.Holds] verifies.
//
// If generic functions or the initialization are concerned, all declarations are needed: see
// [Delta.Outline].
type Excerpt struct {
	Files     map[string][]byte // what is to be compiled, by path
	Functions []*Decl           // those that are there with their bodies, at their lines
	Moved     bool              // others moved too, and are not there
	Bodies    bool              // nothing but bodies changed: others know the package as it was
	Spread    *Spread           // what the edit reaches; nil if that are bodies, and what is new
	Imported  bool              // others of the edit may import it: it has all that they name
	Outline   *Outline          // it is one; else nil

	stubs []stub
}

// Has reports whether what the compiler says of a declaration, when it compiles the excerpt,
// is said of the true one.
func (e *Excerpt) Has(x *Decl) bool {
	if e.Outline != nil {
		return !e.Outline.cut[x]
	}
	return slices.Contains(e.Functions, x)
}

// Excerpt makes one of the functions that changed, and of those that name what changed.
// changed are names that mean something else now though nothing in the package says so: those
// of packages that it imports, and its own functions that do something else with their
// parameters. The error says why the edit needs more.
func (d *Delta) Excerpt(changed map[string]bool, around *Around) (*Excerpt, error) {
	if err := d.excerptable(around.NameOf); err != nil {
		return nil, err
	}
	e := &Excerpt{Files: map[string][]byte{}}
	if err := d.functions(e, changed, around); err != nil {
		return nil, err
	}
	x := &excerpter{delta: d, nameOf: around.NameOf, named: map[string]*item{}, methods: map[string][]*item{}, called: map[string]bool{}}
	if err := x.index(); err != nil {
		return nil, err
	}
	for _, f := range e.Functions {
		x.want(x.named[f.Name], whole)
	}
	if e.Spread != nil {
		for name := range e.Spread.described {
			if it := x.named[name]; it != nil {
				x.want(it, whole)
			}
		}
	}
	if e.Imported {
		x.export(around.Importers)
	}
	if err := x.close(); err != nil {
		return nil, err
	}
	if err := x.write(e, around.Tags); err != nil {
		return nil, err
	}
	return e, nil
}

// functions finds those that an excerpt has to have.
func (d *Delta) functions(e *Excerpt, changed map[string]bool, around *Around) error {
	if !slices.EqualFunc(d.Old.Files, d.New.Files, func(a, b *File) bool { return a.Path == b.Path }) {
		return errors.New("it has other files now")
	}
	edited := map[*Decl]bool{}
	bodies := len(d.Removed) == 0 && len(changed) == 0 // nothing but these changed
	for _, x := range d.Added {
		switch x.Kind {
		case Func:
			edited[x] = true
		case Method:
			edited[x], bodies = true, bodies && slices.Contains(d.Added, d.New.Decls[x.receiver()])
		case Const, Type:
		default:
			return fmt.Errorf("%v %s was added", x.Kind, x.Name)
		}
	}
	for _, x := range d.Removed {
		if x.IsVar() || x.Kind == Init {
			return fmt.Errorf("%v %s was removed", x.Kind, x.Name)
		}
	}
	for _, c := range d.Changed {
		switch x := c.New; {
		case c.moved():
		case x.isFunc() && c.What&^(Body|Literals|Params|Lines) == 0:
			edited[x] = true
		case x.isFunc() && c.What&^(Body|Literals|Params|Lines|Signature) == 0, x.Kind == Const && c.What&^(Declared|Value) == 0, x.Kind == Type && c.What == Spec:
			edited[x], bodies = x.isFunc(), false
		default:
			return fmt.Errorf("%v %s changed: %v", x.Kind, x.Name, c.What)
		}
	}
	e.Bodies = bodies && len(d.Added) == 0
	if !bodies {
		e.Spread = d.Spread(changed, around)
		if err := e.Spread.alone(d.New); err != nil {
			return err
		}
		for _, x := range d.New.List {
			if x.isFunc() && e.Spread.touches(x) {
				edited[x] = true
			}
		}
	}
	e.Imported = around.Imported && (!e.Bodies || around.Stale) || e.Spread != nil && e.Spread.NamedBy(around.Importers)
	var moved []*Decl
	moved, e.Moved = d.moved()
	for _, x := range moved {
		edited[x] = true
	}
	for _, x := range d.New.List {
		switch {
		case !edited[x]:
			continue
		case x.Generic:
			return fmt.Errorf("%s is generic", x.Name)
		case !x.HasBody || len(x.Directives) > 0:
			return fmt.Errorf("%s has directives", x.Name)
		}
		e.Functions = append(e.Functions, x)
	}
	if len(e.Functions) == 0 && !e.Imported && (e.Spread == nil || len(e.Spread.described) == 0) {
		return errors.New("no function is concerned")
	}
	return nil
}

// alone reports as an error what else of a package than functions is reached, and an excerpt
// of them can't have.
func (s *Spread) alone(p *Package) error {
	for _, x := range p.List {
		switch {
		case x.Kind == Type && x.Generic && s.described[x.Name], x.IsVar() && s.names[x.Name]:
			return fmt.Errorf("%v %s names what changed", x.Kind, x.Name)
		case !x.isFunc() && x.Kind != Const && s.touches(x):
			return fmt.Errorf("the initialization of the package names what changed: %v %s", x.Kind, x.Name)
		}
	}
	return nil
}

// moved are the functions that only moved, if an excerpt is to have them; others reports
// whether there are any that it is not to have.
func (d *Delta) moved() (list []*Decl, others bool) {
	lines := 0
	for _, c := range d.Changed {
		switch {
		case !c.moved():
		case c.New.isFunc() && c.New.HasBody && !c.New.Generic && c.New.Directives == nil && c.New.localTypes == nil:
			list = append(list, c.New)
			lines += c.New.EndLine - c.New.Pos.Line + 1
		default:
			others = true
		}
	}
	if lines > maxMoved {
		return nil, true
	}
	return list, others
}

// moved reports whether a declaration is the same at another place.
func (c Change) moved() bool {
	return c.What == Lines && (!c.New.isFunc() || c.Old.EndLine-c.Old.Pos.Line == c.New.EndLine-c.New.Pos.Line)
}

// excerptable reports as an error what neither an excerpt nor an outline can keep.
func (d *Delta) excerptable(nameOf func(string) string) error {
	switch {
	case d.Renamed || d.Preamble || len(d.Directive) > 0:
		return errors.New("more than declarations changed")
	case len(d.New.Repeated()) > 0:
		return fmt.Errorf("%s is initialized again", d.New.Repeated()[0].Name)
	}
	for _, x := range d.New.List {
		if !anonymous(x) && d.New.Decls[x.Name] != x {
			return fmt.Errorf("%s is declared twice", x.Name)
		}
	}
	same := map[*File]bool{}
	for _, f := range d.Old.Files {
		same[f] = true
	}
	imports := map[string]bool{}
	for _, f := range d.New.Files {
		if err := f.plain(); err != nil {
			return err
		}
		for _, imp := range f.Imports {
			name := imp.nameBy(nameOf)
			imports[name] = true
			if !same[f] && imp.Name != "_" && !f.bases[name] {
				return fmt.Errorf("%s does not use %q", filepath.Base(f.Path), imp.Path)
			}
		}
	}
	for _, x := range d.Added {
		if x.Kind != Method && (imports[x.Name] || doc.IsPredeclared(x.Name)) {
			return fmt.Errorf("%v %s was added, and has the name of something else", x.Kind, x.Name)
		}
	}
	return nil
}

// maxMoved is how many lines of functions that only moved an excerpt has too, for true line
// numbers from the start.
const maxMoved = 300

// plain reports as an error what an excerpt of a file can't keep.
func (f *File) plain() error {
	for _, imp := range f.Imports {
		if imp.Name == "." || imp.Path == "C" {
			return fmt.Errorf("%s imports %s %q", filepath.Base(f.Path), imp.Name, imp.Path)
		}
	}
	for _, text := range f.Directives {
		if !strings.HasPrefix(text, "//go:build ") && !strings.HasPrefix(text, "//go:debug ") {
			return fmt.Errorf("%s has the directive %s", filepath.Base(f.Path), text)
		}
	}
	if bytes.HasPrefix(f.Content, []byte("//line ")) || bytes.Contains(f.Content, []byte("\n//line ")) || bytes.Contains(f.Content, []byte("/*line ")) {
		return fmt.Errorf("%s has //line directives", filepath.Base(f.Path))
	}
	return nil
}

// nameBy is the name of an import, of which nameOf knows the package's own.
func (imp Import) nameBy(nameOf func(string) string) string {
	if imp.Name == "" {
		if name := nameOf(imp.Path); name != "" {
			return name
		}
	}
	return imp.name()
}

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

// plain reports as an error what no excerpt can keep of a declaration.
func (x *Decl) plain() error {
	for _, text := range x.Directives {
		word, _, _ := strings.Cut(text, " ")
		if !slices.Contains([]string{"//go:noinline", "//go:nosplit", "//go:norace", "//go:embed"}, word) {
			return fmt.Errorf("%s has the directive %s", x.Name, text)
		}
	}
	return nil
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
			p.WriteString(f.text(n.Pos(), n.Type.End()))
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
