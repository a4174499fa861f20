package change

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// Embed is a variable of the program whose embedded files changed.
type Embed struct {
	ImportPath string
	Name       string // in the source
	Symbol     string // linker name
	Variable   program.Definition
	// Files is the list of files that an embed.FS points to; no Object for a string or
	// []byte, whose variable is another one now.
	Files program.Definition

	refuse func(reason string)
}

// embedsFiles reports whether a declaration is a variable with //go:embed.
func embedsFiles(d *source.Decl) bool {
	return d != nil && d.Kind == source.Var && hasDirective(d, "//go:embed")
}

// embedsOthers reports whether the patterns are all that changed in the directives of a
// variable that embeds files before and after the edit.
func embedsOthers(c source.Change) bool {
	rest := func(d *source.Decl) []string {
		return slices.DeleteFunc(slices.Clone(d.Directives), func(line string) bool { return strings.HasPrefix(line, "//go:embed") })
	}
	return embedsFiles(c.Old) && embedsFiles(c.New) && slices.Equal(rest(c.Old), rest(c.New))
}

// embeds reports whether a variable is one that embeds files before and after the edit,
// and notes if these differ.
func (j *judge) embeds(p *pkg, name string, before, now program.Definition) bool {
	short := strings.TrimPrefix(name, p.prefix)
	d := p.Delta.New.Decls[short]
	if !embedsFiles(d) || !embedsFiles(p.Delta.Old.Decls[short]) {
		return false
	}
	e := Embed{ImportPath: p.ImportPath, Name: d.Name, Symbol: name, Variable: now}
	e.refuse = func(reason string) { j.restart(p, d, reason) }
	if _, inProgram := j.prog.Variable(name); !inProgram {
		return true // what comes to use it takes the new one
	}
	// cmd/compile/internal/staticdata/embed.go:WriteEmbed
	was, ok1 := pointee(before)
	is, ok2 := pointee(now)
	same := false
	switch size := now.Object.Size(now.Sym); {
	case !ok1 || !ok2:
		e.refuse("the embedded files can't be compared")
		return true
	case size == 8: // embed.FS{ files *[]file }
		e.Files = is
		same = (&comparer{}).same(was, is)
	default: // string, []byte
		same = initialValue(before, now)
	}
	if !same {
		j.res.Embeds = append(j.res.Embeds, e)
	}
	return true
}

// fileList is the list of files that an embed.FS variable points to.
func fileList(x *source.Decl, d program.Definition) (program.Definition, bool) {
	if !embedsFiles(x) || d.Object.Size(d.Sym) != 8 {
		return program.Definition{}, false
	}
	return pointee(d)
}

// pointee is what the pointer at the beginning of a variable points to.
func pointee(d program.Definition) (program.Definition, bool) {
	refs := written(d)
	if len(refs) == 0 || refs[0].Off != 0 || refs[0].Type != goobj.RAddr {
		return program.Definition{}, false
	}
	s, ok := local(d.Object, refs[0].Sym)
	return program.Definition{Object: d.Object, Sym: s}, ok
}

// Embedded completes the verdict on an edit of embedded files: live are all archives of
// the live packages, with those of the edit.
//
// A string or []byte is given a new variable, and each function that reads it a new
// version, so that nobody sees the pointer of one and the length of the other. That is
// right if nobody but the compiler has given the variable its value, and if nobody
// knows its address.
func (r *Result) Embedded(live []*goobj.Archive, prog *program.Program) {
	for _, e := range r.Embeds {
		if e.Files.Object != nil {
			continue
		}
		r.Data = append(r.Data, e.Variable)
		for _, a := range live {
			for _, o := range a.Objects {
				if err := r.readers(o, e.Symbol, prog); err != nil {
					e.refuse(err.Error())
				}
			}
		}
	}
}

// readers puts the functions of an object that read a variable into the patch.
func (r *Result) readers(o *goobj.Object, name string, prog *program.Program) error {
	for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
		k := o.Kind(s)
		if k.IsDWARF() {
			continue
		}
		d := program.Definition{Object: o, Sym: s}
		reads := false
		for _, ref := range written(d) {
			if refName(o, ref.Sym) != name {
				continue
			}
			switch {
			case !k.IsText():
				return fmt.Errorf("the embedded file changed, and %s has the address of the variable", o.Name(s))
			case !isLoad(d, ref, prog):
				return fmt.Errorf("the embedded file changed, and %s assigns to the variable or takes its address", o.Name(s))
			}
			reads = true
		}
		_, short, _ := strings.Cut(o.Name(s)[strings.LastIndexByte(o.Name(s), '/')+1:], ".")
		if !reads || isInit(short) {
			continue
		}
		if slices.ContainsFunc(r.Functions, func(f Function) bool {
			return f.Object.Name(f.Sym) == o.Name(s) && f.Object.ABI(f.Sym) == o.ABI(s)
		}) {
			continue
		}
		_, ok, err := prog.Function(o.Name(s), o.ABI(s))
		if err != nil {
			return err
		}
		if ok {
			r.Functions = append(r.Functions, Function{Object: o, Sym: s, Replaces: o.Name(s), Old: d, Decl: -1})
		}
	}
	return nil
}

// isLoad reports whether the instruction that a relocation of a function belongs to does
// nothing but read the variable.
func isLoad(d program.Definition, r goobj.Reloc, prog *program.Program) bool {
	return r.Type == goobj.RPCRel && loads(d.Object.Data(d.Sym), int(r.Off), func(at int) string {
		for _, call := range written(d) {
			if b, ok := prog.Builtin(call.Sym); ok && int(call.Off) == at {
				return b.Name
			}
		}
		return ""
	})
}

// loads reports whether the instruction with the displacement at an offset loads from
// that address, or compares what is there. These are the instructions that the compiler
// makes for a string or slice in memory; of all others nothing is known. callee is the
// function of the runtime that is called by the displacement at an offset.
func loads(code []byte, at int, callee func(at int) string) bool {
	// ModRM: disp32(IP). The opcode is in front of it.
	if at < 3 || at+4 > len(code) || code[at-1]&0xc7 != 0x05 {
		return false
	}
	op, two, field := code[at-2], code[at-3] == 0x0f, code[at-1]>>3&7
	switch {
	case two:
		return op == 0x10 || op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf // MOVUPS; MOVBLZX and the like
	case op == 0x8b, op == 0x63, op == 0x3b, op == 0x39, op == 0x85: // MOV, MOVLQSX, CMP, TEST
		return true
	case op == 0x03, op == 0x2b, op == 0x23, op == 0x0b, op == 0x33: // ADD, SUB, AND, OR, XOR to a register
		return true
	case op == 0x81, op == 0x83: // with a constant
		return field == 7 // CMP
	case op == 0x8d && code[at-3] == 0x48 && field == 0: // LEAQ, AX
		return toldToRaceDetector(code, at+4, callee)
	}
	return false
}

// toldToRaceDetector reports whether an address in AX is an argument of the detector
// alone, which is told of a read.
func toldToRaceDetector(code []byte, at int, callee func(at int) string) bool {
	for at < len(code) {
		inst, err := x86asm.Decode(code[at:], 64)
		if err != nil || inst.Op != x86asm.NOP {
			break
		}
		at += inst.Len
	}
	if at+5 <= len(code) && code[at] == 0xbb { // MOVL $size, BX
		at += 5
	}
	if at+5 > len(code) || code[at] != 0xe8 { // CALL
		return false
	}
	name := callee(at + 1)
	return name == "runtime.raceread" || name == "runtime.racereadrange"
}
