// Package release is the vocabulary of internal/toolchain: what realtime must know
// about one minor release of Go that it cannot read from the program itself.
package release

import "github.com/realtimefunc/realtimefunc/internal/goobj"

// Release holds the facts of one Go minor release.
type Release struct {
	Name string // "go1.26"

	// InitOrder is the number of R_INITORDER (cmd/internal/objabi/reloctype.go): it
	// counts behind the relocations of all architectures and so moves.
	InitOrder goobj.RelocType

	// TextStartInHeader: pcHeader.textStart holds the text base and is verified
	// (runtime/symtab.go; to 1.25). Later releases leave the word 0.
	TextStartInHeader bool

	// Typelinks: moduledata lists typelinks and itablinks (to 1.26). Later ones walk
	// the type section from its start.
	Typelinks bool

	// MainInitDone is the variable with the channel that is closed when all packages
	// are initialized (runtime/proc.go).
	MainInitDone string

	// StackNosplit is how many bytes a chain of functions may use without checking the
	// stack, in a build without -race (internal/abi/stack.go:StackNosplitBase).
	StackNosplit int
}
