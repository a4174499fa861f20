package source

import (
	"go/ast"
	"go/token"
	"strings"
)

// The directives of realtime's own. The compiler takes them for comments, and they
// belong to no build: Decl.Directives does not have them.
const (
	directivePrefix = "//realtime:"

	resetLine = directivePrefix + "reset" // above a variable, or a block of them
	rerunLine = directivePrefix + "rerun" // above an init function
)

// A Stray is a line that looks like a directive of realtime's and does nothing.
type Stray struct {
	Pos  token.Position
	Text string
	Why  string
}

// addAgain finds the declarations that have a directive right above, and the lines
// that are directives of none.
func (f *File) addAgain() {
	used := make(map[*ast.Comment]bool)
	take := func(doc *ast.CommentGroup, line string) bool {
		found := false
		if doc != nil {
			for _, c := range doc.List {
				if strings.TrimRight(c.Text, " \t\r") == line {
					used[c], found = true, true
				}
			}
		}
		return found
	}
	again := make(map[ast.Node]bool)
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				again[d] = take(d.Doc, rerunLine)
			}
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			all := take(d.Doc, resetLine)
			for _, spec := range d.Specs {
				one := take(spec.(*ast.ValueSpec).Doc, resetLine)
				again[spec] = all || one
			}
		}
	}
	for _, d := range f.decls {
		// A variable that the compiler or linker fills has no initializer to run.
		d.Again = again[d.node] && (d.Kind == Init || len(d.Directives) == 0)
	}
	for _, group := range f.AST.Comments {
		for _, c := range group.List {
			text := strings.TrimRight(c.Text, " \t\r")
			if used[c] || !strings.HasPrefix(text, directivePrefix) && !spaced(text) {
				continue
			}
			f.Strays = append(f.Strays, Stray{Pos: f.position(c.Pos()), Text: text, Why: why(text)})
		}
	}
}

// why says why a line is no directive.
func why(text string) string {
	switch {
	case text == resetLine:
		return "does nothing here: it stands right above a variable, or a block of them"
	case text == rerunLine:
		return "does nothing here: it stands right above an init function"
	case spaced(text):
		return "is a comment: a directive has no space behind its slashes"
	}
	return "is no directive; there are " + resetLine + " and " + rerunLine
}

// spaced reports whether a comment would be a directive without a space.
func spaced(text string) bool {
	return text == strings.Replace(resetLine, "//", "// ", 1) || text == strings.Replace(rerunLine, "//", "// ", 1)
}

// Strays are the lines in the files of p that look like directives and do nothing.
func (p *Package) Strays() []Stray {
	var list []Stray
	for _, f := range p.Files {
		list = append(list, f.Strays...)
	}
	return list
}

// Repeated returns the declarations with a directive that asks for their
// initialization again: variables and init functions.
func (p *Package) Repeated() []*Decl {
	var list []*Decl
	for _, d := range p.List {
		if d.Again {
			list = append(list, d)
		}
	}
	return list
}
