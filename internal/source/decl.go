package source

import (
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
)

// A Kind says what a declaration declares.
type Kind uint8

const (
	Func   Kind = iota // with a body or without
	Method             // of a type of the package
	Init               // func init()
	Var
	Const
	Type
	Blank // anything named _
)

var kinds = [...]string{"func", "method", "init", "var", "const", "type", "blank"}

func (k Kind) String() string { return kinds[k] }

// A Decl is one declared name: each name of a group, and of a list such as
// var a, b = f(), is a Decl of its own.
//
// Its texts are normal: without comments, on one line, the same for each layout
// of the code. In those called elided, a func literal is its signature and {…}.
type Decl struct {
	Kind Kind

	// Name is unique in the package unless Kind is Init or Blank:
	// "Total", "(*Cart).Add", "Cart.Len".
	Name string
	// Symbol is the name that the compiler gives the function or variable,
	// without the package path. It is Name but for init functions, "init.0",
	// "init.1"; and instances of generic functions add type arguments to it.
	Symbol string

	File       *File
	Pos        token.Position // of the name, as //line directives have it
	EndLine    int            // of the last character, as //line directives have it
	BodyPos    token.Position // func, method: where the body begins; zero without one
	Generic    bool           // has type parameters, its own or those of its receiver
	Directives []string       // //go:noinline, //export f, …: all lines that the compiler or cgo takes for this declaration

	// Again: a //realtime:reset or //realtime:rerun line asks for the
	// initialization of this var, or for this init function, with each edit.
	Again bool

	Signature string // func, method: type parameters, and types of parameters and results: "func(int, string) error"
	Params    string // func, method: names of receiver, parameters and results
	HasBody   bool   // func, method: it is not declared for assembly or a linkname
	Body      string // func, method: whole
	Elided    string // func, method: Body, elided

	TypeText string // var, const: the declared type, "" if there is none
	// Init is the initializer of a var, elided, or the value of a const with
	// what it takes from the const group: "1 << iota (iota 3)".
	// "" if there is none.
	Init string
	// Index is the result that the variable takes of an initializer that is
	// one call for several names, else 0.
	Index int

	Spec  string // type: all after the name, struct tags included
	Alias bool   // type: is an alias

	// Lits are the func literals in the body or initializer that are in no
	// other literal, in source order. An initializer for several names
	// belongs to the first.
	Lits []*Literal

	localTypes []string // see Package.LocalTypes

	node  ast.Node // *ast.FuncDecl, *ast.ValueSpec or *ast.TypeSpec
	ident *ast.Ident
	value ast.Expr // initializer

	constant bool // also of a blank one

	idents func() []string // see findIdents
}

// A span collects the directives between the end of what precedes a
// declaration and its start, which is how the compiler finds their owner.
type span struct {
	groups  []*ast.CommentGroup // not yet passed
	skipped []string            // inside declarations
}

// until takes the directives that begin before pos.
func (s *span) until(pos token.Pos) []string {
	var list []string
	for len(s.groups) > 0 && s.groups[0].Pos() < pos {
		for _, c := range s.groups[0].List {
			if text, ok := directive(c.Text); ok {
				list = append(list, text)
			}
		}
		s.groups = s.groups[1:]
	}
	return list
}

// directive tells whether a comment is a line that the compiler or cgo obeys.
func directive(text string) (string, bool) {
	text = strings.TrimRight(text, " \t\r")
	if strings.HasPrefix(text, "//go:generate") {
		return "", false // for a tool that is not part of a build
	}
	ok := strings.HasPrefix(text, "//go:") || strings.HasPrefix(text, "//export ")
	return text, ok
}

func (f *File) addDecls() {
	span := &span{groups: f.AST.Comments}
	f.Directives = span.until(f.AST.Name.End())
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.addFunc(d, span.until(d.Name.Pos()))
		case *ast.GenDecl:
			f.addGroup(d, span)
		}
		span.skipped = append(span.skipped, span.until(d.End())...)
	}
	loose := append(span.skipped, span.until(f.AST.FileEnd+1)...)
	// A linkname names its owner, wherever it stands.
	byName := make(map[string]*Decl)
	for _, d := range f.decls {
		byName[d.Name] = d
	}
	var keep []string
	for _, text := range loose {
		fields := strings.Fields(text)
		if len(fields) > 1 && fields[0] == "//go:linkname" && byName[fields[1]] != nil {
			d := byName[fields[1]]
			d.Directives = append(d.Directives, text)
		} else {
			keep = append(keep, text)
		}
	}
	f.Directives = append(f.Directives, keep...)
	f.addAgain()
}

// add completes d, which stands at [ident, end).
func (f *File) add(d *Decl, ident *ast.Ident, end token.Pos) {
	if ident.Name == "_" {
		d.Kind = Blank
	}
	if d.Symbol == "" {
		d.Symbol = d.Name
	}
	d.File = f
	d.ident = ident
	d.Pos = f.position(ident.Pos())
	d.EndLine = f.position(end - 1).Line
	d.findLocalTypes()
	d.idents = sync.OnceValue(d.findIdents)
	f.decls = append(f.decls, d)
}

func (f *File) position(pos token.Pos) token.Position {
	return f.tokens.PositionFor(pos, true)
}

func (f *File) addFunc(fn *ast.FuncDecl, directives []string) {
	d := &Decl{
		Kind:       Func,
		Name:       fn.Name.Name,
		Directives: directives,
		Signature:  signatureText(fn.Type),
		Params:     paramNames(fn),
		HasBody:    fn.Body != nil,
		Generic:    fn.Type.TypeParams != nil,
		node:       fn,
	}
	if fn.Recv != nil && len(fn.Recv.List) > 0 {
		d.Kind = Method
		typ, params := receiver(fn.Recv.List[0].Type)
		d.Name = typ + "." + d.Name
		if params != nil {
			d.Generic = true
			var p printer
			p.exprs(params)
			d.Signature = "func[" + p.String() + "]" + strings.TrimPrefix(d.Signature, "func")
		}
	} else if d.Name == "init" {
		d.Kind = Init
		inits := 0
		for _, other := range f.decls {
			if other.Kind == Init {
				inits++
			}
		}
		d.Symbol = fmt.Sprint("init.", inits)
	}
	if fn.Body != nil {
		var full printer
		full.block(fn.Body)
		d.Body = full.String()
		elided := printer{elide: true}
		elided.block(fn.Body)
		d.Elided = elided.String()
		d.Lits = f.literals(fn.Body, d.Elided)
		d.BodyPos = f.position(fn.Body.Pos())
	}
	f.add(d, fn.Name, fn.End())
}

// receiver returns the text of a receiver's type as it stands in a method's
// name, and its type parameters.
func receiver(x ast.Expr) (text string, params []ast.Expr) {
	x = strip(x)
	star, pointer := x.(*ast.StarExpr)
	if pointer {
		x = strip(star.X)
	}
	switch index := x.(type) {
	case *ast.IndexExpr:
		x, params = index.X, []ast.Expr{index.Index}
	case *ast.IndexListExpr:
		x, params = index.X, index.Indices
	}
	text = exprText(x, true)
	if pointer {
		text = "(*" + text + ")"
	}
	return text, params
}

func paramNames(fn *ast.FuncDecl) string {
	var b strings.Builder
	for _, list := range []*ast.FieldList{fn.Recv, fn.Type.Params, fn.Type.Results} {
		b.WriteString("(")
		if list != nil {
			for _, f := range list.List {
				for _, name := range f.Names {
					b.WriteString(name.Name)
					b.WriteString(",")
				}
			}
		}
		b.WriteString(")")
	}
	return b.String()
}

func (f *File) addGroup(group *ast.GenDecl, span *span) {
	var repeat *ast.ValueSpec // whose type and values a const without any repeats
	for i, spec := range group.Specs {
		directives := span.until(spec.Pos())
		switch spec := spec.(type) {
		case *ast.ImportSpec:
			span.skipped = append(span.skipped, directives...)
		case *ast.TypeSpec:
			f.addType(spec, directives)
		case *ast.ValueSpec:
			if group.Tok == token.CONST {
				if spec.Type != nil || spec.Values != nil || repeat == nil {
					repeat = spec
				}
				f.addConsts(spec, repeat, i, directives)
			} else {
				f.addVars(spec, directives)
			}
		}
	}
}

func (f *File) addType(spec *ast.TypeSpec, directives []string) {
	var p printer
	p.typeParams(spec.TypeParams)
	p.str(" ")
	p.expr(spec.Type)
	f.add(&Decl{
		Kind:       Type,
		Name:       spec.Name.Name,
		Directives: directives,
		Generic:    spec.TypeParams != nil,
		Spec:       strings.TrimPrefix(p.String(), " "),
		Alias:      spec.Assign.IsValid(),
		node:       spec,
	}, spec.Name, spec.End())
}

func (f *File) addConsts(spec, repeat *ast.ValueSpec, iota int, directives []string) {
	for i, name := range spec.Names {
		d := &Decl{
			Kind:       Const,
			constant:   true,
			Name:       name.Name,
			Directives: directives,
			TypeText:   exprText(repeat.Type, true),
			node:       repeat,
		}
		if i < len(repeat.Values) {
			d.value = repeat.Values[i]
			d.Init = exprText(d.value, true)
			if usesIota(d.value) {
				d.Init += fmt.Sprintf(" (iota %d)", iota)
			}
		}
		f.add(d, name, spec.End())
	}
}

func usesIota(x ast.Expr) bool {
	found := false
	ast.Inspect(x, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == "iota"
		return !found
	})
	return found
}

func (f *File) addVars(spec *ast.ValueSpec, directives []string) {
	for i, name := range spec.Names {
		d := &Decl{
			Kind:       Var,
			Name:       name.Name,
			Directives: directives,
			TypeText:   exprText(spec.Type, true),
			node:       spec,
		}
		owner := true
		switch n := len(spec.Values); {
		case n == 1 && len(spec.Names) > 1:
			d.value, d.Index, owner = spec.Values[0], i, i == 0
		case i < n:
			d.value = spec.Values[i]
		}
		if d.value != nil {
			d.Init = exprText(d.value, true)
			if owner {
				d.Lits = f.literals(d.value, d.Init)
			}
		}
		f.add(d, name, spec.End())
	}
}

// lines returns a digest of the file and line of every token of d: what the
// line tables of its code are made of.
func (d *Decl) lines() uint64 {
	start, end := d.node.Pos(), d.node.End()
	h := fnv.New64a()
	base := d.File.tokens.Pos(0)
	text := d.File.Content[start-base : end-base]
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(text)), text, nil, 0)
	var last token.Position
	for {
		pos, tok, _ := s.Scan()
		if tok == token.EOF {
			return h.Sum64()
		}
		switch tok {
		case token.SEMICOLON, token.COMMA, token.LPAREN, token.RPAREN:
			continue // may be implied, or in excess
		}
		at := d.File.position(start + pos - 1)
		if at.Filename != last.Filename || at.Line != last.Line {
			last = at
			fmt.Fprint(h, at.Filename, ":", at.Line)
		}
		h.Write([]byte{byte(tok)})
	}
}

// sameDirectives compares directives by their text; their order means nothing.
func sameDirectives(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
