package link

import (
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// The image, from its base up; every part begins on a page where its protection
// changes:
//
//	text       r-x  functions, 32-aligned, the gaps filled with INT3
//	rodata     r--  types, strings, itabs, func values
//	pclntab    r--  pcHeader, funcnametab, cutab, filetab, pctab, functab, funcdata
//	findfunc   r--  findfunctab, typelinks
//	data       rw-  variables with pointers
//	noptrdata  rw-  variables without, inittasks
//	moduledata rw-  with the pointer mask of data before it
//
// From data on it lies in Input.Room, if there is one.
func (l *linker) place() error {
	for _, s := range l.all {
		l.sections[s.section] = append(l.sections[s.section], s)
	}
	at := l.Base
	at = l.layout(secText, at)
	l.start[secROData] = roundUp(at, pageSize)
	at = l.layout(secROData, l.start[secROData])
	if err := l.buildTables(roundUp(at, 64)); err != nil {
		return err
	}
	l.image.End = roundUp(l.tables.end, pageSize)
	l.variables = l.image.End
	if l.Room != (Room{}) {
		l.variables = l.Room.Base
	}
	at = l.layout(secData, l.variables)
	at = l.layout(secNoPtrData, roundUp(at, 64))
	if err := l.masks(); err != nil {
		return err
	}
	l.tables.maskAddr = roundUp(at, 8)
	l.module = roundUp(l.tables.maskAddr+uint64(len(l.tables.mask)), 64)
	end := roundUp(l.module+l.Program.Layouts["runtime.moduledata"].Size, pageSize)
	if l.Room == (Room{}) {
		l.image.End = end
	} else if l.image.RoomBase = end; end > l.Room.Limit {
		return fmt.Errorf("the variables need %d bytes, and the room for them is used up", end-l.Room.Base)
	}
	if l.image.End > l.Limit {
		return fmt.Errorf("the image needs %d bytes, and the room near the program is used up", l.image.End-l.Base)
	}
	return nil
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// layout gives the symbols of a section their addresses, from at on.
func (l *linker) layout(sec section, at uint64) uint64 {
	list := l.sections[sec]
	if sec != secText {
		// Large alignments first: no gaps.
		sort.SliceStable(list, func(i, j int) bool { return list[i].align > list[j].align })
	}
	l.start[sec] = at
	if sec == secROData {
		// No type begins where a segment does: who looks for the addresses of types in
		// memory must not take the agent's list of segments for values.
		at++
	}
	for _, s := range list {
		at = roundUp(at, s.align)
		s.addr = at
		// No two symbols may share an address, and none the end of another.
		at += max(s.size, 1)
	}
	l.end[sec] = at
	return at
}

// masks makes the pointer bitmap of the data section, one bit a word.
func (l *linker) masks() error {
	words := roundUp(l.end[secData]-l.start[secData], 8) / 8
	mask := make([]byte, (words+7)/8)
	set := func(w uint64) {
		if w < words {
			mask[w/8] |= 1 << (w % 8)
		}
	}
	for _, s := range l.sections[secData] {
		refs := s.object.Aux(s.sym, goobj.AuxGotype, nil)
		if len(refs) == 0 {
			return fmt.Errorf("variable %s has pointers but no type", s.name)
		}
		d, err := l.typeDefinition(s.object, refs[0])
		if err != nil {
			return fmt.Errorf("type of %s: %w", s.name, err)
		}
		if err := l.pointerMask(d, set, s.addr-l.start[secData], s.size, 0); err != nil {
			return fmt.Errorf("type of %s: %w", s.name, err)
		}
	}
	l.tables.mask = mask
	return nil
}

// relocate writes the bytes of all symbols.
func (l *linker) relocate() error {
	for _, s := range l.all {
		s.data = make([]byte, s.size)
		if s.object == nil {
			binary.LittleEndian.PutUint64(s.data, s.content)
			continue
		}
		copy(s.data, s.object.Data(s.sym))
		if s.room {
			goobj.SetRoom(s.data)
		}
		for i, r := range s.relocs {
			if r.Size == 0 {
				continue
			}
			if err := l.apply(s, r, s.targets[i]); err != nil {
				return fmt.Errorf("%s+%#x: %w", s.name, r.Off, err)
			}
		}
	}
	return nil
}

// apply writes one relocation, as cmd/link/internal/ld/data.go:relocsym does.
func (l *linker) apply(s *symbol, r goobj.Reloc, t target) error {
	if r.Off < 0 || int64(r.Off)+int64(r.Size) > int64(len(s.data)) {
		return fmt.Errorf("relocation outside the symbol")
	}
	slot := s.data[r.Off:]
	le := binary.LittleEndian
	if !t.known() && t.weak != "" {
		return nil // null
	}
	value := t.address() + uint64(r.Add)
	switch kind := r.Type &^ goobj.RWeak; {
	case kind == goobj.RAddr && r.Size == 8:
		le.PutUint64(slot, value)
		return nil
	case t.slot != nil:
		s.data[r.Off-2] = opMOV
		le.PutUint32(slot, uint32(t.slot.addr-(s.addr+uint64(r.Off)+4)))
		return nil
	case (kind == goobj.RPCRel || kind == goobj.RCall) && r.Size == 4:
		d := int64(value) - int64(s.addr+uint64(r.Off)+4)
		if d != int64(int32(d)) {
			return fmt.Errorf("target %#x is out of reach", value)
		}
		le.PutUint32(slot, uint32(d))
		return nil
	case (kind == goobj.RAddrOff || kind == goobj.RMethodOff) && r.Size == 4:
		base := l.offsetBase(s, t)
		if value < base || value-base > 1<<31-1 {
			return fmt.Errorf("target %#x is out of the reach of a 32-bit offset", value)
		}
		le.PutUint32(slot, uint32(value-base))
		return nil
	case kind == goobj.RTLSLE && r.Size == 4:
		off, ok := l.Program.TLSOffset()
		if !ok {
			return fmt.Errorf("the offset of thread-local storage is not known")
		}
		le.PutUint32(slot, uint32(off+r.Add))
		return nil
	}
	return fmt.Errorf("unknown relocation: type %d, size %d", r.Type, r.Size)
}

// offsetBase is the address that 32-bit offsets from s to t count from: the start of
// the host's text, of its types or, for the pointer masks of stack objects
// (runtime/stack.go:gcdata), of its rodata. The image's moduledata names the same.
func (l *linker) offsetBase(s *symbol, t target) uint64 {
	text := t.symbol != nil && t.symbol.section == secText
	if t.symbol == nil {
		text = t.addr >= l.Program.ModuleWord("text") && t.addr < l.Program.ModuleWord("etext")
		text = text || l.Program.PatchedText(t.addr)
	}
	if text {
		return l.Program.ModuleWord("text")
	}
	if s.section == secFuncdata {
		return l.Program.ModuleWord("rodata")
	}
	return l.Program.ModuleWord("types")
}

// finish makes the segments and the lists for the agent.
func (l *linker) finish() error {
	img := l.image
	img.Moduledata = l.module
	img.Etypes = l.tables.end
	module, err := l.moduledata()
	if err != nil {
		return err
	}

	text := l.bytes(secText, l.start[secText], l.end[secText], 0xcc)
	ro := make([]byte, l.tables.end-l.start[secROData])
	copy(ro, l.bytes(secROData, l.start[secROData], l.end[secROData], 0))
	if err := l.writeTables(ro); err != nil {
		return err
	}
	rw := make([]byte, roundUp(l.module+uint64(len(module)), pageSize)-l.variables)
	copy(rw[l.start[secData]-l.variables:], l.bytes(secData, l.start[secData], l.end[secData], 0))
	copy(rw[l.start[secNoPtrData]-l.variables:], l.bytes(secNoPtrData, l.start[secNoPtrData], l.end[secNoPtrData], 0))
	copy(rw[l.tables.maskAddr-l.variables:], l.tables.mask)
	copy(rw[l.module-l.variables:], module)
	roEnd := roundUp(l.tables.end, pageSize)
	img.Segments = []Segment{
		{l.Base, l.start[secROData] - l.Base, 1 | 4, text},
		{l.start[secROData], roEnd - l.start[secROData], 1, ro},
		{l.variables, uint64(len(rw)), 1 | 2, rw},
	}

	for _, s := range l.itabs {
		img.Itabs = append(img.Itabs, s.addr)
	}
	for _, s := range l.initTasks {
		img.InitTasks = append(img.InitTasks, s.addr)
	}
	for _, s := range l.inits {
		img.InitFuncs = append(img.InitFuncs, s.addr)
	}
	for _, s := range l.after {
		img.After = append(img.After, s.addr)
	}
	for _, r := range l.revive {
		b := binary.LittleEndian.AppendUint64(nil, r.value.address()-r.base)
		img.Writes = append(img.Writes, Write{r.addr, b[:r.size]})
	}
	if err := l.setMethods(); err != nil {
		return err
	}
	if err := l.headers(); err != nil {
		return err
	}
	if err := l.redirects(); err != nil {
		return err
	}
	return l.define()
}

// bytes are the contents of a section, gaps filled.
func (l *linker) bytes(sec section, start, end uint64, fill byte) []byte {
	b := make([]byte, end-start)
	if fill != 0 {
		for i := range b {
			b[i] = fill
		}
	}
	for _, s := range l.sections[sec] {
		copy(b[s.addr-start:], s.data)
	}
	return b
}

// define lists what the image adds to the program.
func (l *linker) define() error {
	for name := range l.revived {
		l.image.Revived = append(l.image.Revived, name)
	}
	for key, s := range l.named {
		d := program.Defined{Name: key.name, ABI: key.abi, Text: s.section == secText, Addr: s.addr, Size: s.size, Definition: program.Definition{Object: s.object, Sym: s.sym}}
		if s.replaces != "" {
			d.Old = s.old
		}
		l.image.Defined = append(l.image.Defined, d)
		if !program.IsHidden(key.name) {
			continue
		}
		// A type of the host learns of its pointer type, lest the runtime make another.
		if len(key.name) > 6 && key.name[5] == '*' {
			elem, ok := l.Program.Hidden("type:" + key.name[6:])
			if b := l.Program.Bytes(elem+typePtrToThis, 4); ok && b != nil && binary.LittleEndian.Uint32(b) == 0 {
				l.image.Writes = append(l.image.Writes, Write{elem + typePtrToThis, binary.LittleEndian.AppendUint32(nil, uint32(s.addr-l.Program.ModuleWord("types")))})
			}
		}
	}
	sort.Slice(l.image.Defined, func(i, j int) bool { return l.image.Defined[i].Addr < l.image.Defined[j].Addr })
	return nil
}
