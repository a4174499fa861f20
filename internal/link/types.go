package link

import (
	"encoding/binary"
	"fmt"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// Offsets in internal/abi.Type and its successors; the same in Go 1.24 to 1.27
// (internal/abi/type.go).
const (
	typeSize      = 0
	typePtrBytes  = 8
	typeTFlag     = 20
	typeKind      = 23
	typeGCData    = 32
	typeStr       = 40
	typePtrToThis = 44
	typeEnd       = 48

	arrayElem   = typeEnd
	arrayLen    = typeEnd + 16
	structFirst = typeEnd + 8  // Fields.ptr
	structCount = typeEnd + 16 // Fields.len
	fieldType   = 8
	fieldOffset = 16
	fieldSize   = 24

	kindMask      = 1<<5 - 1
	kindArray     = 17
	kindChan      = 18
	kindFunc      = 19
	kindInterface = 20
	kindMap       = 21
	kindPointer   = 22
	kindSlice     = 23
	kindStruct    = 25

	tflagExtraStar      = 1 << 1
	tflagGCMaskOnDemand = 1 << 4
)

// Offsets in internal/abi.ITab: Inter, Type *Type; Hash uint32; _ [4]byte; Fun []uintptr.
const (
	typeAt = 8
	funAt  = 24
)

// revival restores a method of a type or an itab of the host.
type revival struct {
	addr  uint64 // of the word in the descriptor or itab
	size  int    // of the word: 4 for an offset, 8 for an address
	base  uint64 // that an offset counts from
	value target
}

// reviveType sees to it that a type of the host may be put into an interface. The
// linker drops the methods of types that never are (cmd/link/internal/ld/deadcode.go),
// and writes -1 for them; without this, a fmt.Println added by an edit would not find
// a String method. What a type contains can be reached by reflection, and so follows.
func (l *linker) reviveType(name string) error {
	if l.revived[name] || l.Program.Revived(name) {
		return nil
	}
	l.revived[name] = true
	addr, ok := l.Program.Hidden(name)
	if _, comes := l.named[symName{name: name}]; comes || !ok {
		return nil // it comes with the image, with all its methods
	}
	d, ok := l.Program.HiddenDefinition(name)
	if !ok {
		return nil // made by the runtime, or never defined in an object we read: no methods were dropped
	}
	data := d.Object.Data(d.Sym)
	host := l.Program.Bytes(addr, len(data))
	if host == nil {
		return nil // in an earlier image
	}
	live := l.Library.Live(d.Object.ImportPath)
	method := 0 // abi.Method { Name, Mtyp, Ifn, Tfn int32 }: three R_METHODOFF in a row
	for _, r := range d.Object.Relocs(d.Sym, nil) {
		if r.Type == goobj.RMethodOff {
			part := method % 3
			method++
			if binary.LittleEndian.Uint32(host[r.Off:]) != ^uint32(0) || !live && !l.exported(host[int(r.Off)-4*(part+1):]) {
				continue
			}
			t, err := l.resolve(d.Object, r.Sym)
			if err != nil {
				return fmt.Errorf("methods of %s: %w", name, err)
			}
			base := l.Program.ModuleWord("text")
			if part == 0 {
				base = l.Program.ModuleWord("types")
			}
			l.revive = append(l.revive, &revival{addr + uint64(r.Off), 4, base, t})
			l.late[name] = true
			continue
		}
		if n := l.refName(d.Object, r.Sym); r.Type&goobj.RWeak == 0 && program.IsHidden(n) {
			if err := l.reviveType(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// reviveItabs sees to it that the methods of an interface may be called: for those that
// no code of the host called, the linker has written runtime.unreachableMethod into the
// host's itabs (cmd/link/internal/ld/data.go:relocsym).
func (l *linker) reviveItabs(iface string) error {
	dropped, known, err := l.Program.HostFunction("runtime.unreachableMethod", goobj.ABIInternal)
	if err != nil {
		return err
	}
	for _, name := range l.Program.Itabs(iface) {
		if !known || l.revived[name] || l.Program.Revived(name) {
			continue
		}
		l.revived[name] = true
		addr, _ := l.Program.Hidden(name)
		if !l.Program.ItabHas(name, iface, dropped.Addr) {
			continue
		}
		d, ok := l.Program.HiddenDefinition(name)
		if !ok {
			if d, err = l.Library.Find(name, goobj.ABI0); err != nil {
				return fmt.Errorf("methods of %s: %w", name, err)
			}
		}
		for _, r := range d.Object.Relocs(d.Sym, nil) {
			if r.Size != 8 || r.Off < funAt || l.Program.Word(addr+uint64(r.Off)) != dropped.Addr {
				continue
			}
			t, err := l.resolve(d.Object, r.Sym)
			if err != nil {
				return fmt.Errorf("methods of %s: %w", name, err)
			}
			l.revive = append(l.revive, &revival{addr: addr + uint64(r.Off), size: 8, value: t})
			l.late["type:"+iface] = true
		}
	}
	return nil
}

// reviveMade does the same for an itab at addr that the runtime has made: where the
// descriptor of the type has lost a method, it has put runtime.unreachableMethod
// (runtime/type.go:textOff). (o, s) is what the compiler would have it be.
func (l *linker) reviveMade(addr uint64, o *goobj.Object, s goobj.Sym) error {
	var dropped map[string]bool
	iface := ""
	for _, r := range o.Relocs(s, nil) {
		if r.Size == 8 && r.Off == 0 {
			iface = l.refName(o, r.Sym)
		}
		if r.Size == 8 && r.Off == typeAt {
			dropped = l.dropped(l.refName(o, r.Sym))
		}
	}
	for _, r := range o.Relocs(s, nil) {
		if r.Size != 8 || r.Off < funAt || !dropped[l.refName(o, r.Sym)] {
			continue
		}
		t, err := l.resolve(o, r.Sym)
		if err != nil {
			return fmt.Errorf("methods of %s: %w", o.Name(s), err)
		}
		l.revive = append(l.revive, &revival{addr: addr + uint64(r.Off), size: 8, value: t})
		l.late[iface] = true
	}
	return nil
}

// dropped are the methods that a type of the host has lost, as interfaces call them.
func (l *linker) dropped(name string) map[string]bool {
	d, ok := l.Program.HiddenDefinition(name)
	if !ok {
		return nil
	}
	addr, _ := l.Program.Hidden(name)
	host := l.Program.Bytes(addr, len(d.Object.Data(d.Sym)))
	if host == nil {
		return nil
	}
	set := map[string]bool{}
	method := 0
	for _, r := range d.Object.Relocs(d.Sym, nil) {
		if r.Type != goobj.RMethodOff {
			continue
		}
		if method%3 == 1 && binary.LittleEndian.Uint32(host[r.Off:]) == ^uint32(0) { // Ifn
			set[l.refName(d.Object, r.Sym)] = true
		}
		method++
	}
	return set
}

// exported reads the name at the offset that b begins with: bit 0 of its first byte
// (internal/abi/type.go:Name).
func (l *linker) exported(b []byte) bool {
	name := l.Program.Bytes(l.Program.ModuleWord("types")+uint64(binary.LittleEndian.Uint32(b)), 1)
	return name != nil && name[0]&1 != 0
}

// maxNesting bounds how deep arrays and structs lie in each other.
const maxNesting = 100

// pointerMask tells, for each word of a variable of type t, whether it is a pointer:
// at is where it begins, room how many bytes it may have. A descriptor is a file's word
// and no more: one that says otherwise, or that it holds itself, is an error.
func (l *linker) pointerMask(d program.Definition, set func(word uint64), at, room uint64, nesting int) error {
	o := d.Object
	b := o.Data(d.Sym)
	if len(b) < typeEnd {
		return fmt.Errorf("descriptor %s is too short", o.Name(d.Sym))
	}
	le := binary.LittleEndian
	ptrBytes, size := le.Uint64(b[typePtrBytes:]), le.Uint64(b[typeSize:])
	if size > room || ptrBytes > size || nesting > maxNesting {
		return fmt.Errorf("descriptor %s tells a size that it can't have", o.Name(d.Sym))
	}
	if ptrBytes == 0 {
		return nil
	}
	targets := map[int32]goobj.Ref{}
	for _, r := range o.Relocs(d.Sym, nil) {
		if r.Size == 8 {
			targets[r.Off] = r.Sym
		}
	}
	if b[typeTFlag]&tflagGCMaskOnDemand == 0 {
		s, ok := o.Local(targets[typeGCData])
		if !ok || int(s) >= o.NumDefs() {
			return fmt.Errorf("descriptor %s has no pointer mask", o.Name(d.Sym))
		}
		mask := o.Data(s)
		for w := uint64(0); w < ptrBytes/8; w++ {
			if w/8 < uint64(len(mask)) && mask[w/8]>>(w%8)&1 != 0 {
				set(at/8 + w)
			}
		}
		return nil
	}
	// The runtime builds the mask of a large type when it first needs it
	// (runtime/type.go:getGCMaskOnDemand): so do we, from its elements.
	part := func(off int32, at, room uint64) (uint64, error) {
		e, err := l.typeDefinition(o, targets[off])
		if err != nil {
			return 0, err
		}
		if err := l.pointerMask(e, set, at, room, nesting+1); err != nil {
			return 0, err
		}
		return le.Uint64(e.Object.Data(e.Sym)[typeSize:]), nil
	}
	end := at + size
	switch kind := b[typeKind] & kindMask; {
	case kind == kindArray && len(b) >= arrayLen+8:
		for i := le.Uint64(b[arrayLen:]); i > 0; i-- {
			n, err := part(arrayElem, at, end-at)
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("descriptor %s has pointers in nothing", o.Name(d.Sym))
			}
			at += n
		}
		return nil
	case kind == kindStruct && len(b) >= structCount+8:
		first := int64(-1)
		for _, r := range o.Relocs(d.Sym, nil) {
			if r.Off == structFirst {
				first = r.Add
			}
		}
		begin := at
		for i := le.Uint64(b[structCount:]); i > 0; i-- {
			if first < 0 || first > int64(len(b)-fieldSize) {
				return fmt.Errorf("descriptor %s has no fields", o.Name(d.Sym))
			}
			offset := le.Uint64(b[first+fieldOffset:])
			if offset > size || begin+offset < at {
				return fmt.Errorf("descriptor %s has fields that overlap", o.Name(d.Sym))
			}
			at = begin + offset
			n, err := part(int32(first+fieldType), at, end-at)
			if err != nil {
				return err
			}
			at += n
			first += fieldSize
		}
		return nil
	}
	return fmt.Errorf("descriptor %s: pointer mask of kind %d", o.Name(d.Sym), b[typeKind]&kindMask)
}

// typeDefinition is the definition of a type that o refers to.
func (l *linker) typeDefinition(o *goobj.Object, r goobj.Ref) (program.Definition, error) {
	if s, ok := o.Local(r); ok && int(s) < o.NumDefs() {
		return program.Definition{Object: o, Sym: s}, nil
	}
	name := l.refName(o, r)
	if c, ok := l.named[symName{name: name}]; ok && c.object != nil {
		return program.Definition{Object: c.object, Sym: c.sym}, nil // whatever the program has
	}
	if d, ok := l.Program.HiddenDefinition(name); ok {
		return d, nil
	}
	return l.Library.Find(name, goobj.ABI0)
}
