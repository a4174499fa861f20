// Package signature reads what an object's DWARF says of a function: the types of
// its parameters and results, and the variables that a func literal captures. Types
// are names of symbols (go:info.T), so aliases and constants in array lengths are
// resolved in them, which they are not in source.
package signature

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// Signature is one function.
type Signature struct {
	Params   []Param   // parameters and results, in order; a receiver is the first
	Dict     bool      // one of Params is the dictionary of a generic function
	Captures []Capture // visible captured variables, by offset
	Vars     []Var     // parameters, results and local variables, of all blocks
}

// Var is a variable that the function declares. One that was moved to the heap, or that a
// func literal captures by reference, may have a name that begins with "&" and a pointer
// type.
type Var struct{ Name, Type string }

// Arity is the number of parameters, a receiver among them, and of results that DWARF
// tells. It may lack results: those without a name of a function that returns from within
// a range-over-func loop (Go 1.25 to 1.27).
func (s *Signature) Arity() (params, results int) {
	for _, p := range s.Params {
		if p.Result {
			results++
		} else {
			params++
		}
	}
	if s.Dict {
		params--
	}
	return params, results
}

// Param is a parameter or result.
type Param struct {
	Type   string
	Result bool
}

// Capture is a captured variable at its place in the closure. A variable captured by
// reference has a name that begins with "&" and a pointer type. A variable of several
// words of which the body uses only some is left out by the compiler.
type Capture struct {
	Offset int64
	Name   string
	Type   string
}

// DWARF constants (DWARF 5, 7.5; the last one cmd/internal/dwarf).
const (
	tagFormalParameter = 0x05
	tagVariable        = 0x34
	attrName           = 0x03
	attrType           = 0x49
	attrAbstractOrigin = 0x31
	attrVariableParam  = 0x4b
	attrClosureOffset  = 0x2907
	formAddrx          = 0x1b
)

// Abbrevs is an abbreviation table: that of the host, since the linker writes the
// compiler's whole table into it (cmd/internal/dwarf.GetAbbrev).
type Abbrevs map[uint64]abbrev

type abbrev struct {
	tag      uint64
	children bool
	attrs    []attr
}

type attr struct{ name, form uint64 }

var errTruncated = errors.New("truncated DWARF")

// ParseAbbrevs reads the first table of a .debug_abbrev section.
func ParseAbbrevs(b []byte) (Abbrevs, error) {
	r := reader{b: b}
	table := Abbrevs{}
	for {
		code := r.uleb()
		if r.bad {
			return nil, errTruncated
		}
		if code == 0 {
			return table, nil
		}
		a := abbrev{tag: r.uleb(), children: r.byte() != 0}
		for {
			at := attr{r.uleb(), r.uleb()}
			if r.bad {
				return nil, errTruncated
			}
			if at == (attr{}) {
				break
			}
			const implicitConst = 0x21
			if at.form == implicitConst {
				r.uleb()
			}
			a.attrs = append(a.attrs, at)
		}
		table[code] = a
	}
}

// Of reads the signature of the text symbol s.
func (t Abbrevs) Of(o *goobj.Object, s goobj.Sym) (*Signature, error) {
	refs := o.Aux(s, goobj.AuxDwarfInfo, nil)
	if len(refs) == 0 {
		return nil, fmt.Errorf("%s has no DWARF", o.Name(s))
	}
	info, ok := o.Local(refs[0])
	if !ok || int(info) >= o.NumDefs() {
		return nil, fmt.Errorf("%s has no DWARF of its own", o.Name(s))
	}
	sig := &Signature{}
	if err := t.read(o, info, sig, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name(s), err)
	}
	return sig, nil
}

func (t Abbrevs) read(o *goobj.Object, info goobj.Sym, sig *Signature, depth int) error {
	relocs := map[int]goobj.Reloc{}
	for _, r := range o.Relocs(info, nil) {
		relocs[int(r.Off)] = r
	}
	r := reader{b: o.Data(info)}
	results := map[string]bool{} // by name
	level := 0
	for r.at < len(r.b) {
		code := r.uleb()
		if code == 0 {
			if level--; level <= 0 {
				break
			}
			continue
		}
		a, ok := t[code]
		if !ok {
			return fmt.Errorf("DWARF abbreviation %d is not known", code)
		}
		e := entry{offset: -1}
		for _, at := range a.attrs {
			start := r.at
			v, text := r.form(at.form)
			if size := int(relocs[start].Size); at.form == formAddrx && size > 0 {
				// Room of a fixed size for the linker's ULEB128 (R_DWTXTADDR_U1 to U4).
				r.at = min(start+size, len(r.b))
			}
			if r.bad {
				return fmt.Errorf("reading DWARF attribute %#x of form %#x, tag %#x at %d of %d", at.name, at.form, a.tag, start, len(r.b))
			}
			switch at.name {
			case attrName:
				e.name = text
			case attrType:
				e.typ = refName(o, relocs[start].Sym)
			case attrVariableParam:
				e.result = v != 0
			case attrClosureOffset:
				e.offset = int64(v)
			case attrAbstractOrigin:
				e.origin, e.hasOrigin = relocs[start].Sym, true
			}
		}
		if (a.tag == tagVariable || a.tag == tagFormalParameter) && e.name != "" && e.offset < 0 {
			sig.Vars = append(sig.Vars, Var{e.name, e.typ})
		}
		switch {
		case level == 0 && e.hasOrigin:
			// An inlinable function: its parameters are in the abstract entry.
			abs, ok := o.Local(e.origin)
			if !ok || int(abs) >= o.NumDefs() || depth > 0 {
				return errors.New("the abstract entry is elsewhere")
			}
			if err := t.read(o, abs, sig, depth+1); err != nil {
				return err
			}
		case level == 1 && a.tag == tagFormalParameter && e.result && results[e.name]:
			// With a defer in the function, an unnamed result is written twice.
		case level == 1 && a.tag == tagFormalParameter && !e.hasOrigin:
			results[e.name] = e.result && e.name != "_"
			sig.Dict = sig.Dict || e.name == ".dict" // cmd/compile/internal/typecheck.LocalDictName
			sig.Params = append(sig.Params, Param{e.typ, e.result})
		case a.tag == tagVariable && e.offset >= 0:
			sig.Captures = append(sig.Captures, Capture{e.offset, e.name, e.typ})
		}
		if a.children {
			level++
		}
	}
	return nil
}

type entry struct {
	name, typ string
	result    bool
	offset    int64
	origin    goobj.Ref
	hasOrigin bool
}

func refName(o *goobj.Object, r goobj.Ref) string {
	if s, ok := o.Local(r); ok {
		return strings.TrimPrefix(o.Name(s), "go:info.")
	}
	name, ok := o.RefName(r)
	if !ok {
		path, _ := o.Package(r)
		name = fmt.Sprintf("%s#%d", path, r.Idx)
	}
	return strings.TrimPrefix(name, "go:info.")
}

// reader reads DWARF bytes. Behind the end it reads zeros and is bad.
type reader struct {
	b   []byte
	at  int
	bad bool
}

func (r *reader) byte() byte {
	if r.at >= len(r.b) {
		r.bad = true
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

func (r *reader) skip(n uint64) {
	if n > uint64(len(r.b)-r.at) {
		r.bad, r.at = true, len(r.b)
		return
	}
	r.at += int(n)
}

func (r *reader) uleb() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			return v
		}
	}
	r.bad = true
	return v
}

func (r *reader) fixed(n int) (v uint64) {
	var b [8]byte
	for i := range n {
		b[i] = r.byte()
	}
	return binary.LittleEndian.Uint64(b[:])
}

// form reads one attribute value (DWARF 5, 7.5.6), of the forms that the Go compiler
// writes.
func (r *reader) form(form uint64) (v uint64, text string) {
	switch form {
	case 0x01: // addr
		return r.fixed(8), ""
	case 0x03: // block2
		r.skip(r.fixed(2))
	case 0x04: // block4
		r.skip(r.fixed(4))
	case 0x05, 0x12: // data2, ref2
		return r.fixed(2), ""
	case 0x06, 0x13, 0x17, 0x10, 0x0e, 0x1f: // data4, ref4, sec_offset, ref_addr, strp, line_strp
		return r.fixed(4), ""
	case 0x07, 0x14, 0x20: // data8, ref8, ref_sig8
		return r.fixed(8), ""
	case 0x08: // string
		start := r.at
		for r.byte() != 0 {
		}
		if r.bad {
			return 0, ""
		}
		return 0, string(r.b[start : r.at-1])
	case 0x09, 0x18: // block, exprloc
		r.skip(r.uleb())
	case 0x0a: // block1
		r.skip(uint64(r.byte()))
	case 0x0b, 0x0c, 0x11, 0x29: // data1, flag, ref1, addrx1
		return uint64(r.byte()), ""
	case 0x0d: // sdata: only whether it is 0 matters
		return r.uleb(), ""
	case 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23: // udata, ref_udata, strx, addrx, loclistx, rnglistx
		return r.uleb(), ""
	case 0x19, 0x21: // flag_present, implicit_const
		return 1, ""
	default:
		r.bad = true
	}
	return 0, ""
}
