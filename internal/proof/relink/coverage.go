package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	facts "github.com/realtimefunc/realtimefunc/internal/program"
)

// uncovered are the functions in the symbol table of the executable that are neither
// replaced by an image nor left out for a reason of exclude.go.
func (t *trial) uncovered(img *link.Image) ([]string, error) {
	f, err := elf.Open(t.subject.Build.Exe)
	if err != nil {
		return nil, fmt.Errorf("reading the executable: %w", err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("reading the executable: %w", err)
	}
	covered := map[uint64]bool{}
	for _, r := range img.Redirects {
		covered[r.Old] = true
	}
	var names []string
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Section != elf.SHN_UNDEF && !covered[s.Value] && !t.accounted(s.Name) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// accounted reports whether there is a reason why a function, by its name in the symbol
// table, is not replaced.
func (t *trial) accounted(name string) bool {
	name = strings.TrimSuffix(name, ".abi0")
	path := packageOf(name)
	if path != "main" && !strings.HasPrefix(name, "type:") && t.subject.Build.Packages[path] == nil {
		// C, or of an assembly file alone (TEXT f<>): that comes along with what uses it.
		return true
	}
	if !replaced(name, t.excluded) || t.subject.IsAgent(path) {
		return true
	}
	if _, _, err := t.subject.Program.HostFunction(name, goobj.ABIInternal); errors.Is(err, facts.ErrAmbiguous) {
		// A func literal that was inlined in several places: so it comes along too.
		return true
	}
	for _, abi := range []goobj.ABI{goobj.ABI0, goobj.ABIInternal} {
		// Linked from there under another package's name (//go:linkname), or none.
		if d, ok := t.subject.Program.Confirmed(name, abi); ok && (t.excluded[d.Object.ImportPath] || t.subject.IsAgent(d.Object.ImportPath)) {
			return true
		}
	}
	return false
}
