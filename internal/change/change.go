// Package change decides what becomes of an edit: which functions get a new version,
// and what cannot be made live, with the reason.
//
// Objects are compared, not text: a function is changed if its code, what its
// relocations mean, or its tables differ. Sources are compared too, for what objects
// do not show: initializers, and which func literal is which. The rules of safety:
// an old version is redirected only if its signature and its captures are those of
// the new one; where that can't be proved the edit is a restart.
package change

import (
	"fmt"
	"go/token"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// Package is one compiled package of an edit, before and after.
type Package struct {
	ImportPath string
	LinkPath   string // the import path as the linker knows it: "main" for a main package
	Delta      *source.Delta
	Old, New   *Objects
	Past       *Past // versions before Old; nil: none
	OldEscape  Escape
	NewEscape  Escape

	// Inits are the functions in New that initialize variables. Initialize says which
	// of them are to run: for the variables that are new to the program, and for those,
	// and the init functions, whose initialization a directive repeats.
	Inits *source.Initializers
	Fresh map[*source.Decl]bool
	Again map[*source.Decl]bool
}

// Verdict is what becomes of one changed declaration.
type Verdict string

// The verdicts.
const (
	Live    Verdict = "live"
	NewCall Verdict = "live for new calls"
	Kept    Verdict = "kept"
	Restart Verdict = "restart"
)

// Decl is the verdict on one declaration.
type Decl struct {
	ImportPath string
	Package    string // its name: "main"
	Name       string // "Total", "(*Cart).Add", "New.func1"
	Kind       string // "func", "type", "var", "const", "import"
	Pos        token.Position
	Verdict    Verdict
	Reason     string
	LinesOnly  bool
}

// Function is a function that goes into the patch.
type Function struct {
	Object    *goobj.Object
	Sym       goobj.Sym
	Replaces  string // name of the function whose versions are redirected here; "" for none
	LinesOnly bool   // nothing but its line table changed
	Old       program.Definition
	Decl      int // index in Result.Decls, or -1
}

// Result is the verdict on an edit.
type Result struct {
	Functions    []Function
	Decls        []Decl
	Data         []program.Definition // variables and dictionaries that are not those of the program, though it may have the name
	MethodSets   []MethodSet          // types that exist and have other methods now
	NewVariables map[string]bool      // linker names of variables with initializers
	// Twins are functions and their closures that are linked as others, which are the
	// same: see twins.
	Twins   map[program.Definition]program.Definition
	Removed []program.Definition // functions that the edit removes
	Gone    []Gone               // all code that it removes, func literals too
	Embeds  []Embed              // variables whose embedded files changed
	// Quiet are functions, as they were, of which no version may have a frame when the
	// patch goes live: they may have handed a pointer into their stack to a function that
	// keeps it, or hold a value of a type that changed.
	Quiet []Span
	// Retired are the types of the program of which there must be no value in an interface
	// when the patch goes live, and no reflect.Type: new code knows others by their names.
	Retired []Retired

	Left []program.Definition // functions, as they were, that only calls in progress may still call

	// Retyped: types changed, which the edit relies on all code being compiled for. It must
	// not go live while code of former versions may run that the source no longer has and
	// that refers to what is other now: symbols and types by their names.
	Retyped    bool
	Other      func(name string) bool
	Worse      []string // functions because of which others are quiet: they keep a parameter now, or write into it
	FormerHeld []string // functions and literals that the edit removes, and whose values may be held
}

// Restarts are the declarations that cannot be made live.
func (r *Result) Restarts() []Decl {
	var list []Decl
	for _, d := range r.Decls {
		if d.Verdict == Restart {
			list = append(list, d)
		}
	}
	return list
}

// Options are what Judge has to know beside the packages.
type Options struct {
	Program *program.Program
	Abbrevs signature.Abbrevs

	// Leave are functions that are left to their old callers and not redirected, if that
	// is safe.
	Leave []string

	// Unsafe reports whether code of a package may hide values behind pointers without a
	// type: it imports unsafe or C and is not of the standard library.
	Unsafe func(importPath string) bool
}

// Judge decides about an edit: all its packages together.
func Judge(pkgs []Package, o Options) (*Result, error) {
	j := &judge{
		Options: o, prog: o.Program, abbrevs: o.Abbrevs,
		res:    &Result{NewVariables: map[string]bool{}, Twins: map[program.Definition]program.Definition{}},
		consts: map[string]bool{}, renewed: map[string]bool{}, taken: map[symbolKey]bool{}, reported: map[string]int{}, guessed: map[*source.Decl]bool{}, leave: map[string]bool{},
	}
	for _, name := range o.Leave {
		j.leave[name] = true
	}
	for i := range pkgs {
		p := &pkg{Package: &pkgs[i], prefix: goobj.PathToPrefix(pkgs[i].LinkPath) + "."}
		j.pkgs = append(j.pkgs, p)
		j.sources(p)
	}
	j.findConstants()
	j.worlds = j.newWorlds()
	j.findForks()
	j.pins()
	j.retire()
	j.newTypes()
	j.dictionaries()
	for _, p := range j.pkgs {
		if err := j.functions(p); err != nil {
			return nil, fmt.Errorf("comparing %q: %w", p.ImportPath, err)
		}
		j.methods(p)
		if p.New.all { // else it has no initialization, and all variables as they were
			j.initialization(p)
			j.variables(p)
		}
	}
	j.reached()
	j.escapes()
	j.quietWorlds()
	j.res.Retyped, j.res.Other = len(j.worlds.changed) > 0, j.otherName()
	j.former()
	return j.res, nil
}

type judge struct {
	Options
	prog    *program.Program
	abbrevs signature.Abbrevs
	pkgs    []*pkg
	res     *Result
	taken   map[symbolKey]bool // functions that are in the patch

	leave    map[string]bool       // see Options.Leave
	guessed  map[*source.Decl]bool // with func literals of which the former ones are not known for certain
	worse    map[string]bool       // Result.Worse, and removed functions that come to one
	worlds   *worlds
	reported map[string]int  // index in res.Decls, by import path and name
	dicts    map[string]bool // names of dictionaries whose layout changed
	renewed  map[string]bool // names of variables that are other ones now
	consts   map[string]bool // "path.Name" of constants that changed
}

type pkg struct {
	*Package
	prefix string                  // of its symbols
	decls  map[string]*source.Decl // see declared
}

func (j *judge) restart(p *pkg, d *source.Decl, reason string) {
	decl := Decl{ImportPath: p.ImportPath, Package: p.name(), Verdict: Restart, Reason: reason}
	if d != nil {
		decl.Name, decl.Kind, decl.Pos = d.Name, kindName(d.Kind), d.Pos
	}
	for i := range j.res.Decls {
		have := &j.res.Decls[i]
		if have.ImportPath != decl.ImportPath || have.Name != decl.Name {
			continue
		}
		if have.Verdict != Restart { // else the first reason is enough
			have.Verdict, have.Reason = Restart, reason
		}
		return
	}
	j.res.Decls = append(j.res.Decls, decl)
}

func (p *pkg) name() string {
	if p.Delta != nil && p.Delta.New != nil {
		return p.Delta.New.Name
	}
	return p.LinkPath[strings.LastIndexByte(p.LinkPath, '/')+1:]
}

func kindName(k source.Kind) string {
	switch k {
	case source.Type:
		return "type"
	case source.Var, source.Blank:
		return "var"
	case source.Const:
		return "const"
	}
	return "func"
}
