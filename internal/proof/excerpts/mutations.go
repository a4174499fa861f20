package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// A mutation is one edit of a file. Many don't compile: that is a case, too.
type mutation struct {
	what     string // "field of T"
	file     string
	from, to int // offsets
	text     string
}

// mutations are edits of the declarations of a file.
func mutations(path string, content []byte) (list []mutation, err error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, path, content, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	at := func(pos token.Pos) int { return fset.Position(pos).Offset }
	add := func(from, to token.Pos, text, format string, args ...any) {
		list = append(list, mutation{fmt.Sprintf(format, args...), path, at(from), at(to), text})
	}
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = "method " + name
			}
			if d.Name.Name == "init" || d.Body == nil {
				continue
			}
			if d.Name.Name != "main" {
				params := d.Type.Params
				comma := ""
				if params.NumFields() > 0 {
					comma = ", "
				}
				if !variadic(params) && named(params) {
					add(params.Closing, params.Closing, comma+"realtimeMore ...int", "more parameters of %s", name)
				}
				if named(params) {
					if comma != "" {
						comma = ","
					}
					add(params.Opening+1, params.Opening+1, "realtimeMore string"+comma, "a parameter of %s", name)
				}
				add(d.Pos(), d.End(), "", "%s removed", name)
			}
			add(d.Body.Lbrace+1, d.Body.Lbrace+1, `print("");`, "body of %s", name)
			for _, f := range d.Type.Params.List {
				if len(f.Names) > 0 && f.Names[0].Name != "_" {
					add(d.Body.Lbrace+1, d.Body.Lbrace+1, "var _, realtimeKeeper = "+f.Names[0].Name+", make(chan any, 1); realtimeKeeper <- &"+f.Names[0].Name+"; ", "parameter of %s kept", name)
					break
				}
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				name := d.Specs[0].(*ast.ValueSpec).Names[0].Name
				add(d.Pos(), d.End(), "", "var %s removed", name)
				add(d.End(), d.End(), "\n\nvar RealtimeMore, realtimeSame = func() (any, any) { return "+name+", 1 }()\n", "a variable made of %s", name)
			}
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					name := spec.Name.Name
					if typ, ok := spec.Type.(*ast.StructType); ok {
						add(typ.Fields.Opening+1, typ.Fields.Opening+1, "RealtimeMore string;", "a field of %s", name)
						if n := len(typ.Fields.List); n > 0 {
							f := typ.Fields.List[n-1]
							add(f.Pos(), f.End(), "", "the last field of %s removed", name)
						}
					} else if _, ok := spec.Type.(*ast.InterfaceType); !ok {
						add(spec.Type.Pos(), spec.Type.End(), "struct{ realtimeMore, more int }", "%s is another type", name)
					}
					if _, ok := spec.Type.(*ast.InterfaceType); !ok && spec.TypeParams == nil && !spec.Assign.IsValid() {
						add(d.End(), d.End(), "\nfunc (*"+name+") RealtimeMore() {}\n", "a method of %s", name)
						add(d.End(), d.End(), "\nfunc (*"+name+") String() string { return \"\" }\n", "a String method of %s", name)
					}
				case *ast.ValueSpec:
					for _, v := range spec.Values {
						lit, ok := v.(*ast.BasicLit)
						if !ok || d.Tok != token.CONST {
							continue
						}
						switch lit.Kind {
						case token.INT:
							add(lit.End(), lit.End(), "+1", "value of %s", spec.Names[0].Name)
						case token.STRING:
							add(lit.End(), lit.End(), `+"x"`, "value of %s", spec.Names[0].Name)
						}
					}
					if d.Tok == token.CONST && len(spec.Values) == 1 && len(spec.Names) == 1 {
						add(spec.Values[0].Pos(), spec.Values[0].End(), "uint8(1)", "%s has another type", spec.Names[0].Name)
					}
				}
			}
		}
	}
	return list, nil
}

func variadic(list *ast.FieldList) bool {
	if len(list.List) == 0 {
		return false
	}
	_, is := list.List[len(list.List)-1].Type.(*ast.Ellipsis)
	return is
}

func named(list *ast.FieldList) bool {
	return len(list.List) == 0 || len(list.List[0].Names) > 0
}
