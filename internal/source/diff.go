package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Delta is the difference of two versions of a package. Its lists are in
// source order: of the new version, Removed of the old one.
type Delta struct {
	Old, New *Package

	Added   []*Decl
	Removed []*Decl // and, with one of the same name in Added, of another kind
	Changed []Change

	Renamed  bool     // the package clause has another name
	Preamble bool     // C code above import "C"
	Imported []string // paths that no file imported before
	Dropped  []string // paths that no file imports now
	// Inits are the init functions of Old, by those of New that they are.
	Inits map[*Decl]*Decl

	Directive []string // "+" or "-" and a //go: line that belongs to no declaration
}

// A Change is a declaration that both versions have, and are not the same.
type Change struct {
	Old, New *Decl
	What     What
}

// What says in which respects a declaration changed.
type What uint16

const (
	Signature  What = 1 << iota // func: types of parameters and results, or whether there is a body
	Params                      // func: names of receiver, parameters or results
	Body                        // func: its own code, without that of func literals
	Literals                    // func, var: code of func literals
	Declared                    // var, const: the declared type
	Value                       // var: the initializer; const: the value
	Spec                        // type
	Imports                     // another package goes by the same name
	Directives                  // see Decl.Directives
	Embed                       // a //go:embed line among these
	Lines                       // file or lines, see below
	Again                       // see Decl.Again
)

var whats = []string{"signature", "params", "body", "literals", "declared", "value", "spec", "imports", "directives", "embed", "lines", "again"}

func (w What) String() string {
	var list []string
	for i, s := range whats {
		if w&(1<<i) != 0 {
			list = append(list, s)
		}
	}
	return strings.Join(list, ",")
}

// Diff returns what happened between two versions of a package.
//
// A declaration is known by its name, wherever in the package it stands: a new
// name is a removed and an added declaration. Init functions and blank
// declarations, which have no name, are known by their text, init functions also
// by a similar one or their order in the file. Lines is reported alone: for code, in functions and in func
// literals of initializers, that is the same at other lines or in another file.
func Diff(old, new *Package) *Delta {
	d := &Delta{Old: old, New: new, Renamed: old.Name != new.Name, Inits: make(map[*Decl]*Decl)}
	for _, n := range new.List {
		if anonymous(n) || new.Decls[n.Name] != n {
			continue
		}
		o := old.Decls[n.Name]
		if o == nil || o.Kind != n.Kind {
			d.Added = append(d.Added, n)
		} else {
			d.compare(o, n)
		}
	}
	for _, o := range old.List {
		if anonymous(o) || old.Decls[o.Name] != o {
			continue
		}
		if n := new.Decls[o.Name]; n == nil || n.Kind != o.Kind {
			d.Removed = append(d.Removed, o)
		}
	}
	d.nameless()
	order := func(list []*Decl) func(a, b *Decl) int {
		at := make(map[*Decl]int)
		for i, decl := range list {
			at[decl] = i
		}
		return func(a, b *Decl) int { return cmp.Compare(at[a], at[b]) }
	}
	inNew := order(new.List)
	slices.SortFunc(d.Added, inNew)
	slices.SortFunc(d.Changed, func(a, b Change) int { return inNew(a.New, b.New) })
	slices.SortFunc(d.Removed, order(old.List))
	d.files()
	return d
}

// Empty reports whether the versions are the same, line for line.
func (d *Delta) Empty() bool { return d.String() == "" }

func (d *Delta) compare(old, new *Decl) {
	if old.ident == new.ident {
		return // of a file that both versions share
	}
	what := compare(old, new)
	if what == 0 && (new.HasBody || new.Lits != nil) && old.lines() != new.lines() {
		what = Lines
	}
	if what != 0 {
		d.Changed = append(d.Changed, Change{old, new, what})
	}
}

func compare(old, new *Decl) What {
	var what What
	note := func(w What, changed bool) {
		if changed {
			what |= w
		}
	}
	note(Signature, old.Signature != new.Signature || old.HasBody != new.HasBody)
	note(Params, old.Params != new.Params)
	note(Body, old.Elided != new.Elided)
	note(Declared, old.TypeText != new.TypeText)
	note(Value, old.Init != new.Init || old.Index != new.Index)
	note(Spec, old.Spec != new.Spec || old.Alias != new.Alias)
	note(Again, old.Again != new.Again)
	note(Literals, !slices.EqualFunc(old.Lits, new.Lits, func(a, b *Literal) bool { return a.Full == b.Full }))
	if !slices.Equal(old.File.Imports, new.File.Imports) {
		note(Imports, what == 0 && !slices.Equal(old.File.named(old.node), new.File.named(new.node)))
	}
	if !sameDirectives(old.Directives, new.Directives) {
		what |= Directives
		note(Embed, !slices.Equal(embeds(old), embeds(new)))
	}
	return what
}

func embeds(d *Decl) []string {
	var list []string
	for _, text := range d.Directives {
		if strings.HasPrefix(text, "//go:embed") {
			list = append(list, text)
		}
	}
	return list
}

func anonymous(d *Decl) bool { return d.Kind == Init || d.Kind == Blank }

// nameless compares what has no name.
func (d *Delta) nameless() {
	// A form is what must be the same of two of them to be compared at all.
	form := func(x *Decl) string {
		return fmt.Sprintf("%T %v %v %q %q", x.node, x.Kind, x.constant, x.Name, x.Signature)
	}
	gather := func(list []*Decl) (nameless []*Decl, forms []string) {
		for _, x := range list {
			if anonymous(x) {
				nameless = append(nameless, x)
				forms = append(forms, form(x))
			}
		}
		return nameless, forms
	}
	old, oldForms := gather(d.Old.List)
	new, newForms := gather(d.New.List)
	match := func(same func(o, n *Decl) bool) {
		for j, n := range new {
			for i, o := range old {
				if o != nil && n != nil && oldForms[i] == newForms[j] && same(o, n) {
					d.compare(o, n)
					if n.Kind == Init {
						d.Inits[n] = o
					}
					old[i], new[j] = nil, nil
					break
				}
			}
		}
	}
	inFile := func(o, n *Decl) bool { return o.File.Path == n.File.Path }
	match(func(o, n *Decl) bool { return o.ident == n.ident })
	match(func(o, n *Decl) bool { return inFile(o, n) && compare(o, n) == 0 })
	match(func(o, n *Decl) bool { return compare(o, n) == 0 })
	match(func(o, n *Decl) bool { return inFile(o, n) && compare(o, n)&^Again == 0 })
	match(func(o, n *Decl) bool { return inFile(o, n) && compare(o, n)&^Again == Literals })
	// What is left of a file's init functions are edited ones. A blank
	// variable is its initializer: another one is another variable.
	similarity := newMatcher(nil, nil).similarity
	match(func(o, n *Decl) bool {
		return o.Kind == Init && inFile(o, n) && similarity(o.Body, n.Body) >= minSimilarity
	})
	match(func(o, n *Decl) bool { return o.Kind == Init && inFile(o, n) })
	for _, o := range old {
		if o != nil {
			d.Removed = append(d.Removed, o)
		}
	}
	for _, n := range new {
		if n != nil {
			d.Added = append(d.Added, n)
		}
	}
}

// files compares what belongs to files.
func (d *Delta) files() {
	gather := func(p *Package) (imports, directives []string, preamble string) {
		for _, f := range p.Files {
			for _, imp := range f.Imports {
				imports = append(imports, imp.Path)
			}
			directives = append(directives, f.Directives...)
			preamble += f.Preamble
		}
		slices.Sort(imports)
		return slices.Compact(imports), directives, preamble
	}
	oldImports, oldDirectives, oldPreamble := gather(d.Old)
	newImports, newDirectives, newPreamble := gather(d.New)
	d.Preamble = oldPreamble != newPreamble
	d.Imported = without(newImports, oldImports)
	d.Dropped = without(oldImports, newImports)
	for _, text := range without(newDirectives, oldDirectives) {
		d.Directive = append(d.Directive, "+"+text)
	}
	for _, text := range without(oldDirectives, newDirectives) {
		d.Directive = append(d.Directive, "-"+text)
	}
}

// without returns list less the elements of other, each as often as it is there.
func without(list, other []string) []string {
	count := make(map[string]int)
	for _, s := range other {
		count[s]++
	}
	var rest []string
	for _, s := range list {
		if count[s]--; count[s] < 0 {
			rest = append(rest, s)
		}
	}
	return rest
}

// String returns the delta in lines such as "+func Total", "~var x: value".
func (d *Delta) String() string {
	var b strings.Builder
	if d.Renamed {
		fmt.Fprintf(&b, "~package %s: %s\n", d.Old.Name, d.New.Name)
	}
	if d.Preamble {
		b.WriteString("~import \"C\": preamble\n")
	}
	for _, path := range d.Imported {
		fmt.Fprintf(&b, "+import %q\n", path)
	}
	for _, path := range d.Dropped {
		fmt.Fprintf(&b, "-import %q\n", path)
	}
	for _, text := range d.Directive {
		fmt.Fprintf(&b, "%s\n", text)
	}
	for _, x := range d.Added {
		fmt.Fprintf(&b, "+%v %s\n", x.Kind, x.Name)
	}
	for _, x := range d.Removed {
		fmt.Fprintf(&b, "-%v %s\n", x.Kind, x.Name)
	}
	for _, c := range d.Changed {
		fmt.Fprintf(&b, "~%v %s: %v\n", c.New.Kind, c.New.Name, c.What)
	}
	return b.String()
}
