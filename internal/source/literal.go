package source

import (
	"crypto/sha256"
	"go/ast"
	"go/scanner"
	"go/token"
	"slices"
	"strconv"
)

// A Literal is a func literal. Range-over-func bodies, for which the compiler
// makes functions too, are part of the function that they stand in, and so are
// the literals in them: nothing enters them when that function has returned.
type Literal struct {
	Parent   *Literal // nil: directly in the declaration
	Children []*Literal
	Index    int // among the literals of the same parent, in source order

	File      *File
	Filename  string // as //line directives have it, else File.Path
	Line, Col int    // of the func keyword, as //line directives have it
	EndLine   int    // of the closing brace
	Signature string // types only
	Full      string // signature with names, and body
	Body      string // the body; literals in it are elided

	code   string // the body part of Full
	spots  []spot // in the statement, then in the composite literal elements around it inwards
	around string // elided text of the function or initializer in which Index counts
	node   *ast.FuncLit
}

// Context returns the enclosing statement, of a compound one its header, with
// {•} for the body of l and {…} for those of others. In a package-level
// initializer it is the whole initializer.
func (l *Literal) Context() string {
	return placeText(l.spots[0].node, l.node)
}

// A place is syntax that has literals in it. Large tables have thousands, so
// they share it.
type place struct {
	node    ast.Node
	text    string   // elided
	key     string   // hash of text
	strings []string // constants, sorted
	count   int      // literals in it
}

// A spot is one literal's part of a place.
type spot struct {
	*place
	index int      // among the literals of the place
	names []string // of which the literal is the value, or a call with the literal as the only argument
	named bool     // there are names, or it is the initializer of a variable
}

// key is the same for a literal at the same place of two sources.
func (s spot) key() string { return s.place.key + strconv.Itoa(s.index) }

// distinct tells that the place says by itself which literal stands in it.
func (s spot) distinct() bool { return s.named || len(s.strings) > 0 }

// sameIdentity compares the constants and names that tell a place from its likes.
func (s spot) sameIdentity(other spot) bool {
	return slices.Equal(s.strings, other.strings) && slices.Equal(s.names, other.names)
}

// placeText returns the normal text of a place; spot may be nil.
func placeText(n ast.Node, spot *ast.FuncLit) string {
	p := printer{elide: true, spot: spot, header: true}
	switch n := n.(type) {
	case ast.Stmt:
		p.stmt(n)
	case ast.Expr:
		p.expr(n)
	}
	return p.String()
}

// LiteralsOf returns all func literals of d in source order, each before those
// in it.
func (p *Package) LiteralsOf(d *Decl) []*Literal {
	var list []*Literal
	var walk func([]*Literal)
	walk = func(lits []*Literal) {
		for _, l := range lits {
			list = append(list, l)
			walk(l.Children)
		}
	}
	walk(d.Lits)
	return list
}

// literals returns the outermost literals below root, whose elided text is around.
func (f *File) literals(root ast.Node, around string) []*Literal {
	var list []*Literal
	var path []ast.Node
	places := make(map[ast.Node]*place)
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return false
		}
		lit, ok := n.(*ast.FuncLit)
		if !ok {
			path = append(path, n)
			return true
		}
		l := f.literal(lit)
		l.Index = len(list)
		l.spots = spots(lit, path, places)
		l.around = around
		list = append(list, l)
		return false
	})
	return list
}

func (f *File) literal(lit *ast.FuncLit) *Literal {
	var signature, code printer
	signature.named(lit.Type)
	code.block(lit.Body)
	body := printer{elide: true}
	body.block(lit.Body)
	start := f.position(lit.Pos())
	l := &Literal{
		File:      f,
		Filename:  start.Filename,
		Line:      start.Line,
		Col:       start.Column,
		EndLine:   f.position(lit.Body.Rbrace).Line,
		Signature: signatureText(lit.Type),
		Full:      signature.String() + code.String(),
		Body:      body.String(),
		code:      code.String(),
		node:      lit,
	}
	l.Children = f.literals(lit.Body, l.Body)
	for _, child := range l.Children {
		child.Parent = l
	}
	return l
}

// spots returns the spots of lit, whose ancestors are path.
func spots(lit *ast.FuncLit, path []ast.Node, places map[ast.Node]*place) []spot {
	names := valueOf(lit, path)
	var list []spot
	add := func(n ast.Node) {
		p := places[n]
		if p == nil {
			p = &place{node: n, text: placeText(n, nil), strings: stringsIn(n)}
			slices.Sort(p.strings)
			sum := sha256.Sum256([]byte(p.text))
			p.key = string(sum[:])
			places[n] = p
		}
		list = append(list, spot{place: p, index: p.count, names: names, named: names != nil})
		p.count++
	}
	outer := -1 // the statement
	for i, n := range path {
		if _, ok := n.(ast.Stmt); ok {
			outer = i
		}
	}
	nodes := append(path[:len(path):len(path)], lit)
	if outer < 0 { // an initializer, which is the value of its variable
		outer = 0
		add(nodes[0])
		list[0].named = true
	} else {
		add(nodes[outer])
	}
	for i := outer + 1; i < len(nodes); i++ {
		if _, ok := nodes[i-1].(*ast.CompositeLit); ok {
			add(nodes[i])
		}
	}
	return list
}

// stringsIn returns the string constants of a spot.
func stringsIn(n ast.Node) []string {
	var list []string
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.BlockStmt:
			return false
		case *ast.CaseClause:
			for _, x := range n.List {
				list = append(list, stringsIn(x)...)
			}
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING || n.Kind == token.CHAR {
				list = append(list, n.Value)
			}
		}
		return true
	})
	return list
}

// valueOf returns the names that lit, or a call with lit as its only argument, is
// the value of.
func valueOf(lit *ast.FuncLit, path []ast.Node) []string {
	var inner ast.Node = lit
	for _, n := range slices.Backward(path) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if inner == n.Fun || len(n.Args) > 1 {
				return nil
			}
		case *ast.ParenExpr:
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				return []string{key.Name}
			}
			return nil
		case *ast.AssignStmt:
			return targets(n.Lhs)
		case *ast.ValueSpec:
			var list []ast.Expr
			for _, name := range n.Names {
				list = append(list, name)
			}
			return targets(list)
		default:
			return nil
		}
		inner = n
	}
	return nil
}

// targets returns the assigned names; those that every function has say nothing.
func targets(list []ast.Expr) []string {
	var names []string
	for _, x := range list {
		switch name := exprText(x, true); name {
		case "_", "err", "ok":
		default:
			names = append(names, name)
		}
	}
	return names
}

// words counts the names and constants of a normal text. Punctuation, keywords
// and what else is alike in all code are left out.
func words(text string) (count map[string]int, total int) {
	count = make(map[string]int)
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(text)), []byte(text), func(token.Position, string) {}, 0)
	for {
		_, tok, lit := s.Scan()
		if tok == token.EOF {
			return count, total
		}
		if tok.IsLiteral() && lit != "err" && lit != "nil" && lit != "_" {
			count[lit]++
			total++
		}
	}
}
