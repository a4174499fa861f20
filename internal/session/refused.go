package session

import (
	"errors"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/report"
)

// refused turns what the linker has against an edit into the end of it.
func (e *edit) refused(err error, res *change.Result) error {
	var former *link.FormerError
	if errors.As(err, &former) {
		return e.formerCode(former)
	}
	return e.stackOverflow(err, res)
}

// formerCode says which variable has the initializer that would see the program as it was.
func (e *edit) formerCode(former *link.FormerError) error {
	for _, u := range e.units {
		name, ok := strings.CutPrefix(former.Initializer, goobj.PathToPrefix(u.linkPath)+".")
		if !ok {
			continue
		}
		for _, in := range u.before {
			if in.Func != name {
				continue
			}
			x := in.Vars[0]
			reason := "the initializer of " + x.Name + " " + former.Why
			d := report.Decl{
				ImportPath: u.pkg.ImportPath, Package: u.delta.New.Name, Kind: "var", Name: x.Name,
				File: x.Pos.Filename, Line: x.Pos.Line, Col: x.Pos.Column, Verdict: report.VerdictRestart, Reason: reason,
			}
			i := slices.IndexFunc(e.report.Decls, func(have report.Decl) bool { return have.File == d.File && have.Line == d.Line && have.Name == d.Name })
			if i < 0 {
				e.report.Decls = append(e.report.Decls, d)
			} else {
				e.report.Decls[i] = d
			}
			return restartf("")
		}
	}
	return restartf("the initialization in %s %s", former.Initializer, former.Why)
}

// stackOverflow turns what the linker's check of the stack has found into the end of the
// edit: go build refuses the source for it, too, unless only code is concerned that the
// source no longer has.
func (e *edit) stackOverflow(err error, res *change.Result) error {
	var over *link.StackError
	if !errors.As(err, &over) {
		return err
	}
	removed := slices.ContainsFunc(res.Removed, func(d program.Definition) bool {
		return slices.Contains(over.Roots, d.Object.Name(d.Sym))
	})
	if over.Former || removed {
		return restartf("%v", over)
	}
	e.report.Decls, e.report.Reason = nil, "does not link"
	return &gobuild.CompileError{Output: "# " + e.host.build.Main.ImportPath + "\n" + over.Text}
}
