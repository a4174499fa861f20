package change

import (
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/realtimefunc/realtimefunc/internal/program"
)

// A Span is a part of a function's text, as an edit finds it.
type Span struct {
	program.Definition
	Start, End uint32 // offsets of code; both 0: all of it, and of each older version
}

// reaching are the parts of a function from which its code can come to what is other, or
// to one of its wrappers. A call in progress that stands elsewhere never will: main.main,
// which has set all up and waits. It is the whole function if the code does not tell: with
// an indirect jump, or deferred calls, which come from anywhere.
func (j *judge) reaching(d program.Definition, wrappers map[string]bool) []Span {
	all := []Span{{Definition: d}}
	code := d.Object.Data(d.Sym)
	var refs []int // offsets
	for _, r := range written(d) {
		if b, ok := j.prog.Builtin(r.Sym); ok && b.Name == "runtime.deferreturn" {
			return all
		}
		if name := refName(d.Object, r.Sym); j.worlds.other(name) || wrappers[strings.TrimSuffix(name, "·f")] {
			refs = append(refs, int(r.Off))
		}
	}
	type inst struct {
		next []int // offsets
		end  int
	}
	insts := map[int]inst{}
	hit := map[int]bool{} // instructions that come to a reference
	var order []int
	for at := 0; at < len(code); {
		x, err := x86asm.Decode(code[at:], 64)
		if err != nil {
			return all
		}
		in := inst{end: at + x.Len}
		rel, isRel := x.Args[0].(x86asm.Rel)
		switch x.Op {
		case x86asm.RET, x86asm.UD2, x86asm.INT:
		case x86asm.JMP:
			if !isRel {
				return all
			}
			in.next = []int{in.end + int(rel)}
		default:
			in.next = []int{in.end}
			if isRel && x.Op != x86asm.CALL {
				in.next = append(in.next, in.end+int(rel))
			}
		}
		if slices.ContainsFunc(refs, func(off int) bool { return off >= at && off < in.end }) {
			hit[at] = true
		}
		insts[at] = in
		order = append(order, at)
		at = in.end
	}
	for grown := true; grown; {
		grown = false
		for i := len(order) - 1; i >= 0; i-- {
			at := order[i]
			if hit[at] {
				continue
			}
			for _, next := range insts[at].next {
				if hit[next] {
					hit[at], grown = true, true
				}
			}
		}
	}
	var spans []Span
	for _, at := range order {
		end := uint32(insts[at].end)
		switch n := len(spans); {
		case !hit[at]:
		case n > 0 && spans[n-1].End == uint32(at):
			spans[n-1].End = end
		default:
			spans = append(spans, Span{d, uint32(at), end})
		}
	}
	return spans
}
