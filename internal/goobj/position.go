package goobj

import (
	"bytes"
	"unique"
)

// Lines tell the file and line of each offset into a function's code.
type Lines struct {
	lines, files []byte // pc-line and pc-file tables
	names        map[int32]string
}

// Lines are those of the text symbol s. They keep nothing of the object.
func (o *Object) Lines(s Sym) *Lines {
	l := &Lines{lines: bytes.Clone(o.auxData(s, AuxPcline)), files: bytes.Clone(o.auxData(s, AuxPcfile)), names: map[int32]string{}}
	pcValues(l.files, func(end uint32, v int32) bool {
		if v >= 0 && int(v) < len(o.Files) {
			l.names[v] = unique.Make(o.Files[v]).Value()
		}
		return true
	})
	return l
}

// Position is the place of an offset; "" and 0 if the tables don't tell.
func (l *Lines) Position(off uint32) (file string, line int) {
	n, ok := pcValue(l.lines, off)
	if !ok {
		return "", 0
	}
	if f, ok := pcValue(l.files, off); ok {
		file = l.names[f]
	}
	return file, int(n)
}

// auxData is the data of an auxiliary symbol; nil without one.
func (o *Object) auxData(s Sym, t AuxType) []byte {
	refs := o.Aux(s, t, nil)
	if len(refs) == 0 {
		return nil
	}
	table, ok := o.Local(refs[0])
	if !ok || int(table) >= o.NumDefs() {
		return nil
	}
	return o.Data(table)
}

// pcValue is the value at an offset.
func pcValue(table []byte, off uint32) (value int32, ok bool) {
	pcValues(table, func(end uint32, v int32) bool {
		value, ok = v, off < end
		return !ok
	})
	if !ok {
		value = 0
	}
	return value, ok
}

// pcValues reads a pc-value table: pairs of a zigzag-coded difference of the value and a
// difference of the pc, both varints; a value holds up to the pc that follows. The value
// begins at -1 (cmd/internal/obj/pcln.go:funcpctab). It ends when f returns false.
func pcValues(b []byte, f func(end uint32, value int32) bool) {
	value, pc := int32(-1), uint32(0)
	for first := true; ; first = false {
		d, n := uvarint(b)
		if n == 0 || d == 0 && !first {
			return
		}
		b = b[n:]
		value += int32(d>>1) ^ -int32(d&1)
		d, n = uvarint(b)
		if n == 0 {
			return
		}
		b = b[n:]
		if pc += d; !f(pc, value) {
			return
		}
	}
}

func uvarint(b []byte) (v uint32, n int) {
	for shift := 0; n < len(b) && shift < 35; shift += 7 {
		c := b[n]
		n++
		v |= uint32(c&0x7f) << shift
		if c&0x80 == 0 {
			return v, n
		}
	}
	return 0, 0
}
