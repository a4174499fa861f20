package source

import (
	"go/ast"
	"go/token"
	"strings"
)

// A printer writes the normal text of syntax: Go on one line, the same for
// every layout of the same program. Comments, line breaks, trailing commas,
// empty statements and the parentheses and digits that gofmt rewrites leave no
// trace in it. (go/printer can't be used: its output depends on positions, and
// it has no way to leave a func literal out.)
type printer struct {
	strings.Builder
	elide  bool         // write func literals as their signature and {…}
	spot   *ast.FuncLit // the literal that is written with {•}
	header bool         // write blocks as {…}
}

// Marks that can't occur in Go source outside strings.
const (
	elidedBody = "{…}"
	spotBody   = "{•}"
)

func (p *printer) str(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
}

// exprText returns the normal text of x; elide leaves out the bodies of func literals.
func exprText(x ast.Expr, elide bool) string {
	p := printer{elide: elide}
	p.expr(x)
	return p.String()
}

// signatureText returns the parameter and result types of a function, without
// the parameters' names, which are no part of its type.
func signatureText(typ *ast.FuncType) string {
	var p printer
	p.str("func")
	p.typeParams(typ.TypeParams)
	p.types(typ.Params)
	p.results(typ.Results, p.types)
	return p.String()
}

// strip removes all parentheses around x.
func strip(x ast.Expr) ast.Expr {
	for {
		paren, ok := x.(*ast.ParenExpr)
		if !ok {
			return x
		}
		x = paren.X
	}
}

func (p *printer) expr(x ast.Expr) {
	switch x := x.(type) {
	case nil:
	case *ast.Ident:
		p.str(x.Name)
	case *ast.BasicLit:
		if x.Kind == token.STRING || x.Kind == token.CHAR {
			p.str(x.Value)
		} else {
			p.str(strings.ToLower(x.Value)) // gofmt writes 0XF as 0xF and 1E3 as 1e3
		}
	case *ast.Ellipsis:
		p.str("...")
		p.expr(x.Elt)
	case *ast.FuncLit:
		p.funcLit(x)
	case *ast.CompositeLit:
		p.expr(x.Type)
		p.str("{")
		p.exprs(x.Elts)
		p.str("}")
	case *ast.ParenExpr:
		p.str("(")
		p.expr(strip(x.X))
		p.str(")")
	case *ast.SelectorExpr:
		p.expr(x.X)
		p.str(".", x.Sel.Name)
	case *ast.IndexExpr:
		p.expr(x.X)
		p.str("[")
		p.expr(x.Index)
		p.str("]")
	case *ast.IndexListExpr:
		p.expr(x.X)
		p.str("[")
		p.exprs(x.Indices)
		p.str("]")
	case *ast.SliceExpr:
		p.expr(x.X)
		p.str("[")
		p.expr(x.Low)
		p.str(":")
		p.expr(x.High)
		if x.Slice3 {
			p.str(":")
			p.expr(x.Max)
		}
		p.str("]")
	case *ast.TypeAssertExpr:
		p.expr(x.X)
		p.str(".(")
		if x.Type == nil {
			p.str("type")
		}
		p.expr(x.Type)
		p.str(")")
	case *ast.CallExpr:
		p.expr(x.Fun)
		p.str("(")
		p.exprs(x.Args)
		if x.Ellipsis.IsValid() {
			p.str("...")
		}
		p.str(")")
	case *ast.StarExpr:
		p.str("*")
		p.expr(x.X)
	case *ast.UnaryExpr:
		p.str(x.Op.String())
		if inner, ok := x.X.(*ast.UnaryExpr); ok && inner.Op == x.Op {
			p.str(" ") // - -x is not --x
		}
		p.expr(x.X)
	case *ast.BinaryExpr:
		p.expr(x.X)
		p.str(" ", x.Op.String(), " ")
		p.expr(x.Y)
	case *ast.KeyValueExpr:
		p.expr(x.Key)
		p.str(": ")
		p.expr(x.Value)
	case *ast.ArrayType:
		p.str("[")
		p.expr(x.Len)
		p.str("]")
		p.expr(x.Elt)
	case *ast.StructType:
		p.str("struct{")
		p.fields(x.Fields)
		p.str("}")
	case *ast.FuncType:
		p.str("func")
		p.typeParams(x.TypeParams)
		p.types(x.Params)
		p.results(x.Results, p.types)
	case *ast.InterfaceType:
		p.str("interface{")
		p.fields(x.Methods)
		p.str("}")
	case *ast.MapType:
		p.str("map[")
		p.expr(x.Key)
		p.str("]")
		p.expr(x.Value)
	case *ast.ChanType:
		switch x.Dir {
		case ast.SEND:
			p.str("chan<- ")
		case ast.RECV:
			p.str("<-chan ")
		default:
			p.str("chan ")
		}
		p.expr(x.Value)
	default: // *ast.BadExpr: only in files with errors, which Parse refuses
		p.str("_bad_")
	}
}

func (p *printer) exprs(list []ast.Expr) {
	for i, x := range list {
		if i > 0 {
			p.str(", ")
		}
		p.expr(x)
	}
}

func (p *printer) funcLit(x *ast.FuncLit) {
	switch {
	case x == p.spot:
		p.str(signatureText(x.Type), spotBody)
	case p.elide:
		p.str(signatureText(x.Type), elidedBody)
	default:
		p.named(x.Type)
		p.block(x.Body)
	}
}

// types writes parameters without their names.
func (p *printer) types(list *ast.FieldList) {
	p.str("(")
	first := true
	if list != nil {
		for _, f := range list.List {
			for range max(1, len(f.Names)) {
				if !first {
					p.str(", ")
				}
				first = false
				p.expr(strip(f.Type))
			}
		}
	}
	p.str(")")
}

// named writes the signature of a literal with the names that its body uses.
func (p *printer) named(typ *ast.FuncType) {
	p.str("func")
	p.params(typ.Params)
	p.results(typ.Results, p.params)
}

func (p *printer) params(list *ast.FieldList) {
	p.str("(")
	if list != nil {
		first := true
		each := func(name string, typ ast.Expr) {
			if !first {
				p.str(", ")
			}
			first = false
			if name != "" {
				p.str(name, " ")
			}
			p.expr(strip(typ))
		}
		for _, f := range list.List {
			if len(f.Names) == 0 {
				each("", f.Type)
			}
			for _, name := range f.Names {
				each(name.Name, f.Type)
			}
		}
	}
	p.str(")")
}

func (p *printer) results(list *ast.FieldList, write func(*ast.FieldList)) {
	if list != nil && len(list.List) > 0 {
		p.str(" ")
		write(list)
	}
}

func (p *printer) typeParams(list *ast.FieldList) {
	if list == nil {
		return
	}
	p.str("[")
	for i, f := range list.List {
		for j, name := range f.Names {
			if i+j > 0 {
				p.str(", ")
			}
			p.str(name.Name, " ")
			p.expr(f.Type)
		}
	}
	p.str("]")
}

// fields writes the members of a struct or an interface.
func (p *printer) fields(list *ast.FieldList) {
	if list == nil {
		return
	}
	first := true
	next := func() {
		if !first {
			p.str("; ")
		}
		first = false
	}
	tag := func(f *ast.Field) {
		if f.Tag != nil {
			p.str(" ", f.Tag.Value)
		}
	}
	for _, f := range list.List {
		if len(f.Names) == 0 {
			next()
			p.expr(f.Type)
			tag(f)
		}
		for _, name := range f.Names {
			next()
			p.str(name.Name)
			if method, ok := f.Type.(*ast.FuncType); ok && !method.Func.IsValid() { // of an interface
				p.str(strings.TrimPrefix(signatureText(method), "func"))
			} else {
				p.str(" ")
				p.expr(f.Type)
			}
			tag(f)
		}
	}
}

func (p *printer) block(b *ast.BlockStmt) {
	switch {
	case b == nil:
	case p.header:
		p.str(elidedBody)
	default:
		p.str("{")
		p.stmts(b.List)
		p.str("}")
	}
}

func (p *printer) stmts(list []ast.Stmt) {
	for _, s := range list {
		if _, empty := s.(*ast.EmptyStmt); !empty {
			p.stmt(s)
			p.str("; ")
		}
	}
}

// init writes the simple statement before the condition of if, switch and for.
func (p *printer) init(s ast.Stmt) {
	if s != nil {
		p.stmt(s)
		p.str("; ")
	}
}

func (p *printer) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
	case *ast.DeclStmt:
		if d, ok := s.Decl.(*ast.GenDecl); ok {
			p.genDecl(d)
		}
	case *ast.LabeledStmt:
		p.str(s.Label.Name, ": ")
		p.stmt(s.Stmt)
	case *ast.ExprStmt:
		p.expr(s.X)
	case *ast.SendStmt:
		p.expr(s.Chan)
		p.str(" <- ")
		p.expr(s.Value)
	case *ast.IncDecStmt:
		p.expr(s.X)
		p.str(s.Tok.String())
	case *ast.AssignStmt:
		p.exprs(s.Lhs)
		p.str(" ", s.Tok.String(), " ")
		p.exprs(s.Rhs)
	case *ast.GoStmt:
		p.str("go ")
		p.expr(s.Call)
	case *ast.DeferStmt:
		p.str("defer ")
		p.expr(s.Call)
	case *ast.ReturnStmt:
		p.str("return ")
		p.exprs(s.Results)
	case *ast.BranchStmt:
		p.str(s.Tok.String())
		if s.Label != nil {
			p.str(" ", s.Label.Name)
		}
	case *ast.BlockStmt:
		p.block(s)
	case *ast.IfStmt:
		p.str("if ")
		p.init(s.Init)
		p.expr(strip(s.Cond))
		p.str(" ")
		p.block(s.Body)
		if s.Else != nil && !p.header {
			p.str(" else ")
			p.stmt(s.Else)
		}
	case *ast.SwitchStmt:
		p.str("switch ")
		p.init(s.Init)
		p.expr(strip(s.Tag))
		p.str(" ")
		p.block(s.Body)
	case *ast.TypeSwitchStmt:
		p.str("switch ")
		p.init(s.Init)
		p.stmt(s.Assign)
		p.str(" ")
		p.block(s.Body)
	case *ast.CaseClause:
		if s.List == nil {
			p.str("default: ")
		} else {
			p.str("case ")
			p.exprs(s.List)
			p.str(": ")
		}
		p.clause(s.Body)
	case *ast.SelectStmt:
		p.str("select ")
		p.block(s.Body)
	case *ast.CommClause:
		if s.Comm == nil {
			p.str("default: ")
		} else {
			p.str("case ")
			p.stmt(s.Comm)
			p.str(": ")
		}
		p.clause(s.Body)
	case *ast.ForStmt:
		p.str("for ")
		if s.Init != nil || s.Post != nil {
			p.stmt(s.Init)
			p.str("; ")
			p.expr(strip(s.Cond))
			p.str("; ")
			p.stmt(s.Post)
		} else {
			p.expr(strip(s.Cond))
		}
		p.str(" ")
		p.block(s.Body)
	case *ast.RangeStmt:
		p.str("for ")
		if s.Key != nil {
			p.expr(s.Key)
			if s.Value != nil {
				p.str(", ")
				p.expr(s.Value)
			}
			p.str(" ", s.Tok.String(), " ")
		}
		p.str("range ")
		p.expr(strip(s.X))
		p.str(" ")
		p.block(s.Body)
	default: // *ast.BadStmt, see expr
		p.str("_bad_")
	}
}

func (p *printer) clause(body []ast.Stmt) {
	if p.header {
		p.str(elidedBody)
		return
	}
	p.stmts(body)
}

// genDecl writes a declaration inside a function.
func (p *printer) genDecl(d *ast.GenDecl) {
	p.str(d.Tok.String(), " (")
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			for i, name := range spec.Names {
				if i > 0 {
					p.str(", ")
				}
				p.str(name.Name)
			}
			if spec.Type != nil {
				p.str(" ")
				p.expr(spec.Type)
			}
			if spec.Values != nil {
				p.str(" = ")
				p.exprs(spec.Values)
			}
		case *ast.TypeSpec:
			p.typeSpec(spec)
		}
		p.str("; ")
	}
	p.str(")")
}

func (p *printer) typeSpec(spec *ast.TypeSpec) {
	p.str(spec.Name.Name)
	p.typeParams(spec.TypeParams)
	p.str(" ")
	if spec.Assign.IsValid() {
		p.str("= ")
	}
	p.expr(spec.Type)
}
