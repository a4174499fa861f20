package program

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// Recover finds the addresses of type descriptors and itabs. No symbol table has
// them, but code and data refer to them: where the host's bytes of a named symbol
// equal its object's outside the relocations, the slots of these relocations tell
// where their targets lie. What is found is looked through in the same way.
//
// The comparison is needed: a symbol that several packages emit was linked from one
// of them only, and the copies may differ.
func (p *Program) Recover(lib *Library) error {
	w := recovery{p: p, types: p.ModuleWord("types"), text: p.ModuleWord("text"), seen: map[Definition]bool{}, defined: map[string]Definition{}}
	for name, s := range p.data {
		if strings.HasPrefix(name, "go:itab.") && !p.double[name] {
			p.hidden[name] = s.Addr // listed to Go 1.26
		}
	}
	p.stacks.library = lib
	for _, path := range lib.Packages() {
		a, err := lib.Archive(path)
		if err != nil {
			return fmt.Errorf("recovering types: %w", err)
		}
		for _, o := range a.Objects {
			w.object(o)
		}
	}
	p.typeDefs = map[string]Definition{}
	for name, d := range w.defined {
		if strings.HasPrefix(name, "type:") {
			p.typeDefs[name] = d
		}
	}
	for grown := true; grown; {
		grown = false
		for name, addr := range p.hidden {
			// Met in packages only that use the type: its own never refers to it.
			if d, ok := w.defined[name]; ok && p.defs[name].Object == nil {
				p.defs[name], grown = d, true
				w.slots(d.Object, d.Sym, addr)
			}
		}
	}
	return nil
}

// Type.TFlag and its TFlagUncommon (internal/abi/type.go).
const (
	tflagAt       = 20
	tflagUncommon = 1
)

type recovery struct {
	p           *Program
	types, text uint64
	relocs      []goobj.Reloc
	seen        map[Definition]bool   // symbols without a name of their own
	defined     map[string]Definition // of types and itabs, whether met or not
}

func (w *recovery) object(o *goobj.Object) {
	for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
		k := o.Kind(s)
		name := o.Name(s)
		if k.IsText() && o.Flag(s)&goobj.FlagNoSplit != 0 && (o.ABI(s) == goobj.ABIStatic || w.linked(name)) {
			w.p.stacks.found = append(w.p.stacks.found, Definition{o, s})
		}
		if name == "" || o.ABI(s) == goobj.ABIStatic || len(o.Data(s)) == 0 {
			continue
		}
		if IsHidden(name) {
			w.defined[name] = Definition{o, s}
			continue
		}
		switch {
		case k.IsText():
			if w.linked(name) && o.Flag(s)&goobj.FlagReflectMethod != 0 {
				w.p.reflecting = append(w.p.reflecting, name)
			}
			w.function(o, s, name)
		case k.IsROData() || k == goobj.Data || k == goobj.NoPtrData:
			n := elfName(name)
			if sym, ok := w.p.data[n]; ok && !w.p.double[n] && sym.Size == uint64(o.Size(s)) {
				w.slots(o, s, sym.Addr)
			}
		}
	}
}

// linked reports whether the host has a function of a name, whatever its ABI.
func (w *recovery) linked(name string) bool {
	_, ok := w.p.text[elfName(name)]
	return ok
}

func (w *recovery) function(o *goobj.Object, s goobj.Sym, name string) {
	n, abi := elfName(name), o.ABI(s)
	for _, candidate := range [...]string{n, n + ".abi0"} {
		sym, ok := w.p.text[candidate]
		if !ok || w.p.double[candidate] || sym.Size != uint64(o.Size(s)) {
			continue
		}
		if w.slots(o, s, sym.Addr) {
			w.p.confirmed[symName{name, abi}] = confirmation{sym.Addr, Definition{o, s}}
			return
		}
	}
}

// slots compares the symbol with the host's bytes at addr and, if they are equal,
// reads its relocated slots.
func (w *recovery) slots(o *goobj.Object, s goobj.Sym, addr uint64) bool {
	data := o.Data(s)
	host := w.p.Bytes(addr, len(data))
	if host == nil {
		return false
	}
	if o.NoRoom(s) { // the host may have been given it; see package hostlink
		data = bytes.Clone(data)
		data[tflagAt] |= host[tflagAt] & tflagUncommon
	}
	relocs := o.Relocs(s, w.relocs[:0])
	w.relocs = relocs
	goobj.SortRelocs(relocs)
	at := 0
	for _, r := range relocs {
		off, size := int(r.Off), int(r.Size)
		if size == 0 {
			continue
		}
		if off < at || off+size > len(data) || !bytes.Equal(data[at:off], host[at:off]) {
			return false
		}
		at = off + size
	}
	if !bytes.Equal(data[at:], host[at:]) {
		return false
	}
	w.read(o, relocs, host, addr)
	return true
}

func (w *recovery) read(o *goobj.Object, relocs []goobj.Reloc, host []byte, addr uint64) {
	type found struct {
		sym  goobj.Sym
		addr uint64
	}
	var next []found
	for _, r := range relocs {
		if r.Type == goobj.RTLSLE && r.Size == 4 {
			w.p.tlsOffset, w.p.hasTLS = int64(int32(binary.LittleEndian.Uint32(host[r.Off:])))-r.Add, true
			continue
		}
		name, def := w.target(o, r.Sym)
		nameless := def != goobj.NoSym && (o.Hashed(def) || o.ABI(def) == goobj.ABIStatic) && !o.Kind(def).IsText()
		if !IsHidden(name) && !nameless {
			continue
		}
		a := w.address(r, host, addr)
		if a == 0 || w.p.Bytes(a, 1) == nil {
			continue
		}
		if !IsHidden(name) {
			// Static data of the package, which may refer to more.
			if d := (Definition{o, def}); !w.seen[d] {
				w.seen[d] = true
				next = append(next, found{def, a})
			}
			continue
		}
		w.p.hidden[name] = a
		if _, seen := w.p.defs[name]; !seen && def != goobj.NoSym {
			w.p.defs[name] = Definition{o, def}
			next = append(next, found{def, a})
		}
	}
	for _, f := range next {
		// A descriptor that differs here (a copy with other methods kept, a larger GC
		// program) is still this type: only its own slots are not read.
		w.slots(o, f.sym, f.addr)
	}
}

// target is the name of a relocation's target, and its definition if o has one.
func (w *recovery) target(o *goobj.Object, r goobj.Ref) (string, goobj.Sym) {
	if s, ok := o.Local(r); ok {
		if int(s) < o.NumDefs() {
			return o.Name(s), s
		}
		return o.Name(s), goobj.NoSym
	}
	name, _ := o.RefName(r)
	return name, goobj.NoSym
}

// address is the target's address that the linker left in a slot; 0 if it can't be
// told (a weak reference that was not kept, a kind that is not of interest).
func (w *recovery) address(r goobj.Reloc, host []byte, addr uint64) uint64 {
	slot := host[r.Off:]
	switch t := r.Type &^ goobj.RWeak; {
	case t == goobj.RAddr && r.Size == 8:
		v := binary.LittleEndian.Uint64(slot)
		if v == 0 {
			return 0
		}
		return v - uint64(r.Add)
	case t == goobj.RPCRel && r.Size == 4:
		return addr + uint64(r.Off) + 4 + uint64(int64(int32(binary.LittleEndian.Uint32(slot)))) - uint64(r.Add)
	case (t == goobj.RAddrOff || t == goobj.RMethodOff) && r.Size == 4:
		v := binary.LittleEndian.Uint32(slot)
		if v == 0 || v == ^uint32(0) {
			return 0
		}
		return w.types + uint64(v) - uint64(r.Add)
	}
	return 0
}
