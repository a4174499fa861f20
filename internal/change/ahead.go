package change

import (
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/realtimefunc/realtimefunc/internal/program"
)

// flow is the control flow of a function's code, as far as the code tells.
type flow struct {
	insts map[int]inst
	order []int
}

type inst struct {
	next []int // offsets
	end  int
	call bool
	any  bool // it may go on anywhere: an indirect jump
}

// flowOf decodes a function; nil if there is an instruction that is not known. A panic in a
// call may be recovered, and the function goes on where it calls runtime.deferreturn
// (runtime/panic.go:recovery, 1.25 to 1.27).
func flowOf(d program.Definition, prog *program.Program) *flow {
	code := d.Object.Data(d.Sym)
	f := &flow{insts: map[int]inst{}}
	recovered := -1
	returns, ends := map[int]bool{}, map[int]bool{}
	for _, r := range written(d) {
		if b, ok := prog.Builtin(r.Sym); ok {
			returns[int(r.Off)] = b.Name == "runtime.deferreturn"
			ends[int(r.Off)] = neverReturns(b.Name)
		}
	}
	for at := 0; at < len(code); {
		x, err := x86asm.Decode(code[at:], 64)
		if err != nil {
			return nil
		}
		in := inst{end: at + x.Len}
		rel, isRel := x.Args[0].(x86asm.Rel)
		switch x.Op {
		case x86asm.RET, x86asm.UD2, x86asm.INT:
		case x86asm.JMP:
			if isRel {
				in.next = []int{in.end + int(rel)}
			}
			in.any = !isRel
		default:
			in.next = []int{in.end}
			in.call = x.Op == x86asm.CALL
			if isRel && !in.call {
				in.next = append(in.next, in.end+int(rel))
			}
			if in.call && ends[in.end-4] {
				in.next = nil
			}
		}
		for off := at; off < in.end; off++ {
			if returns[off] {
				recovered = at
			}
		}
		f.insts[at] = in
		f.order = append(f.order, at)
		at = in.end
	}
	if recovered >= 0 {
		for at, in := range f.insts {
			if in.call {
				in.next = append(in.next, recovered)
				f.insts[at] = in
			}
		}
	}
	return f
}

// neverReturns reports whether a function of the runtime is one behind whose call the compiler
// puts other code, since it does not return: select {}, panics of all kinds
// (cmd/compile/internal/typecheck/_builtin/runtime.go, 1.25 to 1.27).
func neverReturns(name string) bool {
	return name == "runtime.block" || name == "runtime.gopanic" || strings.HasPrefix(name, "runtime.panic") || strings.HasPrefix(name, "runtime.goPanic") || strings.HasPrefix(name, "runtime.throw")
}

// ahead reports whether a call that stands at pc may still come to one of the offsets. In
// the midst of a CALL the function waits for its end; else it stands before an instruction.
func (f *flow) ahead(pc int, offs []int) bool {
	if f == nil {
		return true
	}
	i, ok := slices.BinarySearch(f.order, pc)
	if !ok {
		i--
	}
	if i < 0 || f.insts[f.order[i]].end <= pc {
		return true
	}
	start := f.order[i]
	work := []int{start}
	if in := f.insts[start]; in.call && pc > start {
		work = slices.Clone(in.next)
	}
	seen := map[int]bool{}
	for len(work) > 0 {
		at := work[len(work)-1]
		work = work[:len(work)-1]
		in, ok := f.insts[at]
		if seen[at] || !ok {
			continue
		}
		seen[at] = true
		if in.any || slices.ContainsFunc(offs, func(off int) bool { return off >= at && off < in.end }) {
			return true
		}
		work = append(work, in.next...)
	}
	return false
}
