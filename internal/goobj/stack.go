package goobj

// StackUse says how a function that does not check the stack grows it: the bytes below its
// frame's beginning, and each call with the bytes that are in use when the callee begins.
type StackUse struct {
	Most  int
	Calls []StackCall
}

// StackCall is one call of such a function.
type StackCall struct {
	Growth int // the return address included
	Callee Ref // zero: the call is indirect
}

// CallSize is what a CALL puts on the stack.
const CallSize = 8

// StackUse reads the pc-sp table and the calls of the text symbol s, as the linker's check
// does (cmd/link/internal/ld/stackcheck.go, Go 1.25 to 1.27). A function without FuncInfo is
// not Go's, and runs on another stack.
func (o *Object) StackUse(s Sym) (use StackUse) {
	if len(o.Aux(s, AuxFuncInfo, nil)) == 0 {
		return use
	}
	relocs := o.Relocs(s, nil)
	SortRelocs(relocs)
	pcValues(o.auxData(s, AuxPcsp), func(end uint32, height int32) bool {
		use.Most = max(use.Most, int(height))
		for ; len(relocs) > 0 && uint32(relocs[0].Off) < end; relocs = relocs[1:] {
			switch r := relocs[0]; r.Type &^ RWeak {
			case RCall:
				use.Calls = append(use.Calls, StackCall{int(height) + CallSize, r.Sym})
			case RCallInd:
				use.Calls = append(use.Calls, StackCall{Growth: int(height) + CallSize})
			}
		}
		return true
	})
	return use
}
