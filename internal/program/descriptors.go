package program

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Descriptor is a type of the program.
type Descriptor struct {
	Type string // linker name, without "type:"
	Addr uint64
}

// An abi.Type begins with Size and PtrBytes uintptr, Hash uint32, TFlag, Align, FieldAlign
// and Kind uint8 (internal/abi/type.go, the same in Go 1.24 to 1.27). The compiler makes
// Hash of the type's name, so what comes before TFlag tells a type from nearly all others.
const (
	hashAt = 16
	kindAt = 23
)

// Descriptors finds all types whose linker names are wanted, by address. No relocation
// must lead there: the descriptors of the executable are looked for by their content.
// One too many may be found, none too few. Those of former patches are by name: all
// values of a type of which a patch has brought another are gone by then.
func (p *Program) Descriptors(wanted func(name string) bool) []Descriptor {
	byHash := map[uint32][]Definition{}
	var list []Descriptor
	for name, d := range p.typeDefs {
		typ := name[len("type:"):]
		if !wanted(typ) {
			continue
		}
		if b := d.Object.Data(d.Sym); len(b) > kindAt {
			h := binary.LittleEndian.Uint32(b[hashAt:])
			byHash[h] = append(byHash[h], d)
		}
	}
	for name, addr := range p.hidden {
		if len(name) > len("type:") && name[:len("type:")] == "type:" && wanted(name[len("type:"):]) {
			list = append(list, Descriptor{name[len("type:"):], addr})
		}
	}
	start, end := p.ModuleWord("types"), p.ModuleWord("etypes")
	if b := p.Bytes(start, int(end-start)); len(byHash) > 0 && b != nil {
		for at := 0; at+kindAt < len(b); at += 8 {
			for _, d := range byHash[binary.LittleEndian.Uint32(b[at+hashAt:])] {
				data := d.Object.Data(d.Sym)
				if string(b[at:at+hashAt]) == string(data[:hashAt]) && b[at+kindAt] == data[kindAt] {
					list = append(list, Descriptor{d.Object.Name(d.Sym)[len("type:"):], start + uint64(at)})
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b Descriptor) int { return cmp.Compare(a.Addr, b.Addr) })
	return slices.CompactFunc(list, func(a, b Descriptor) bool { return a.Addr == b.Addr })
}

// VariableAt is the name of the variable that the program has at an address.
func (p *Program) VariableAt(addr uint64) (name string, ok bool) {
	best := uint64(0)
	for n, s := range p.data {
		if s.Addr <= addr && addr < s.Addr+s.Size && s.Addr >= best {
			best, name, ok = s.Addr, n, true
		}
	}
	for n, a := range p.added { // of patches, whose sizes are not kept
		if a <= addr && a > best && addr-a < 1<<16 {
			best, name, ok = a, n, true
		}
	}
	return name, ok
}
