package session

import (
	"errors"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

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
