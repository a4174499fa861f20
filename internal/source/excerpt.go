package source

import (
	"bytes"
	"errors"
	"fmt"
	"go/doc"
	"path/filepath"
	"slices"
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
		// Nothing but the compiler knows whether the value of a constant is one of its type.
		for _, c := range d.New.List {
			if it := x.named[c.Name]; c.Kind == Const && e.Spread.names[c.Name] && it != nil {
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
	if err := d.mayCycle(edited, bodies); err != nil {
		return err
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
		case x.Kind == Blank && s.surfaces(x):
			return errors.New("a blank declaration names what changed")
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
			if !same[f] && imp.Name != "_" && !(f.bases[name] && f.free()[name]) {
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
	if v := f.AST.GoVersion; v != "" {
		return fmt.Errorf("%s is compiled as %s by its //go:build line", filepath.Base(f.Path), v)
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
