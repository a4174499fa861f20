package session

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// candidates are the variables whose initializers an edit may run. Which of them it
// does run is known when the package is compiled: a type may have changed, or not.
func candidates(d *source.Delta) []*source.Decl {
	list := d.NewVars()
	for _, c := range d.Changed {
		if c.New.IsVar() && c.What&(source.Value|source.Declared|source.Imports) != 0 {
			list = append(list, c.New)
		}
	}
	for _, x := range d.New.Repeated() {
		if x.IsVar() && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// initializers makes functions for the initializers of vars.
func (u *unit) initializers(vars []*source.Decl) (err error) {
	u.inits = nil
	if len(vars) == 0 {
		return nil
	}
	if u.inits, err = u.delta.New.Initializers(change.InitPrefix, vars); err != nil {
		return restartf("%v", err)
	}
	return nil
}

// settle decides which initializers run, now that the package is compiled. If that are
// not those that it was compiled with, it is compiled once more.
func (e *edit) settle(ctx context.Context, u *unit, archives map[string]string) error {
	var err error
	if u.old, err = e.host.objects(u.linkPath); err != nil {
		return err
	}
	if err := e.assembled(ctx, u); err != nil {
		return err
	}
	u.judged = e.judged(u)
	if u.excerpt != nil && u.excerpt.Outline == nil {
		return nil // whose variables are the same
	}
	u.judged.Initialize(e.host.patch.Program)
	if err := e.stamped(u); err != nil {
		return err
	}
	if u.judged.Renewed() && len(u.pkg.SFiles) > 0 {
		return restartf("the type of a variable of %s changed, which has assembly that may name it", u.pkg.ImportPath)
	}
	wanted := map[*source.Decl]bool{}
	var vars []*source.Decl
	for _, x := range u.delta.New.List {
		if x.IsVar() && (u.judged.Fresh[x] && x.Init != "" || u.judged.Again[x]) {
			wanted[x] = true
			vars = append(vars, x)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if u.inits == nil || !u.inits.Has(wanted) {
		if err := u.initializers(vars); err != nil {
			return err
		}
		u.excerpt = nil
		if err := u.compile(ctx, e.host, archives); err != nil {
			return err
		}
		archives[u.pkg.ImportPath] = u.object.ArchivePath
		fresh, again := u.judged.Fresh, u.judged.Again
		u.judged = e.judged(u)
		u.judged.Fresh, u.judged.Again = fresh, again
	}
	u.before, u.after = u.inits.Split(u.judged.Fresh, u.judged.Again)
	return nil
}

// repeat is one function that runs when the edit is live, and what it initializes.
type repeat struct {
	symbol string // without the package
	decls  []*source.Decl
}

// repeats are those of a package, in the order of its initialization: variables first,
// then the init functions by file.
func (e *edit) repeats(u *unit) (list []repeat) {
	for _, x := range u.after {
		list = append(list, repeat{x.Func, x.Vars})
	}
	for _, x := range u.judged.InitFuncs() {
		list = append(list, repeat{x.Symbol, []*source.Decl{x}})
	}
	return list
}

// runAfter runs what is to run under the new code. The edit is live by then: a function
// that fails is reported, and those behind it don't run, as they would not at a start.
func (e *edit) runAfter(ctx context.Context, after []uint64) error {
	failed := ""
	for _, u := range e.units {
		for _, r := range e.repeats(u) {
			if failed == "" {
				err := e.host.patch.Run(ctx, after[0])
				var f *agent.Failure
				switch {
				case errors.As(err, &f):
					failed = f.Reason
				case err != nil:
					return err
				}
			}
			after = after[1:]
			if failed != "" {
				e.notInitialized(u, r, failed)
				failed = "what ran before it failed"
			}
		}
	}
	return nil
}

// notInitialized says so in the report.
func (e *edit) notInitialized(u *unit, r repeat, reason string) {
	for i := range e.report.Decls {
		d := &e.report.Decls[i]
		if d.ImportPath == u.pkg.ImportPath && slices.ContainsFunc(r.decls, func(x *source.Decl) bool {
			return x.Pos.Filename == d.File && x.Pos.Line == d.Line && x.Pos.Column == d.Col
		}) {
			d.Verdict, d.Reason = report.VerdictKept, "not initialized: "+reason
		}
	}
}

// strays tells of lines that were meant as directives.
func (e *edit) strays(p *source.Package) {
	for _, s := range p.Strays() {
		file := s.Pos.Filename
		if rel, err := filepath.Rel(e.host.build.Dir, file); err == nil && len(rel) < len(file) {
			file = rel
		}
		e.notes = append(e.notes, fmt.Sprintf("%s:%d:%d: %s %s", file, s.Pos.Line, s.Pos.Column, s.Text, s.Why))
	}
}
