package program

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
)

// Layouts are the runtime's structures as the host's DWARF describes them: a field
// is found by its name, never by a number of ours.
type Layouts map[string]Layout

// Layout is one structure.
type Layout struct {
	Size   uint64            // bytes
	Offset map[string]uint64 // bytes, by field name
}

// structures are those that the linker and the agent read or write.
var structures = map[string]bool{
	"runtime.moduledata": true, "runtime.pcHeader": true, "runtime._func": true,
	"runtime.g": true, "runtime.gobuf": true, "runtime.bitvector": true, "runtime.stack": true,
	"runtime.mheap": true, "runtime.mspan": true, "runtime.special": true, "runtime.specialfinalizer": true, "runtime.finBlock": true,
	"internal/abi.ITab": true, "internal/abi.Type": true, "internal/abi.UncommonType": true,
}

// Offset is the offset of a field in bytes.
func (l Layouts) Offset(structure, field string) (uint64, bool) {
	off, ok := l[structure].Offset[field]
	return off, ok
}

func readLayouts(f *elf.File) (Layouts, error) {
	d, err := f.DWARF()
	if err != nil {
		return nil, err
	}
	found := Layouts{}
	r := d.Reader()
	for len(found) < len(structures) {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		// The linker writes all types into one unit, as children of the unit's entry.
		if e.Tag == dwarf.TagCompileUnit {
			continue
		}
		if name, _ := e.Val(dwarf.AttrName).(string); e.Tag == dwarf.TagStructType && structures[name] {
			l, err := readStruct(r, e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			found[name] = l
			continue
		}
		r.SkipChildren()
	}
	for name := range structures {
		if _, ok := found[name]; !ok {
			return nil, fmt.Errorf("no description of %s", name)
		}
	}
	return found, nil
}

var errTruncated = errors.New("truncated")

func readStruct(r *dwarf.Reader, e *dwarf.Entry) (Layout, error) {
	size, _ := e.Val(dwarf.AttrByteSize).(int64)
	l := Layout{Size: uint64(size), Offset: map[string]uint64{}}
	for e.Children {
		m, err := r.Next()
		if err != nil {
			return l, err
		}
		if m == nil {
			return l, errTruncated
		}
		if m.Tag == 0 {
			break
		}
		if name, ok := m.Val(dwarf.AttrName).(string); ok && m.Tag == dwarf.TagMember {
			off, _ := m.Val(dwarf.AttrDataMemberLoc).(int64)
			l.Offset[name] = uint64(off)
		}
		r.SkipChildren()
	}
	return l, nil
}
