package goobj

// Position is the file and line of an offset into the code of the text symbol s, by
// its pc-file and pc-line tables; "" and 0 if they don't tell.
func Position(o *Object, s Sym, off uint32) (file string, line int) {
	l, ok := pcValue(o, s, AuxPcline, off)
	if !ok {
		return "", 0
	}
	f, ok := pcValue(o, s, AuxPcfile, off)
	if ok && f >= 0 && int(f) < len(o.Files) {
		file = o.Files[f]
	}
	return file, int(l)
}

// pcValue looks up a pc-value table: pairs of a zigzag-coded difference of the value
// and a difference of the pc, both varints; a value holds up to the pc that follows.
// The value begins at -1 (cmd/internal/obj/pcln.go:funcpctab).
func pcValue(o *Object, s Sym, t AuxType, off uint32) (int32, bool) {
	refs := o.Aux(s, t, nil)
	if len(refs) == 0 {
		return 0, false
	}
	table, ok := o.Local(refs[0])
	if !ok || int(table) >= o.NumDefs() {
		return 0, false
	}
	b := o.Data(table)
	value, pc := int32(-1), uint32(0)
	for first := true; ; first = false {
		d, n := uvarint(b)
		if n == 0 || d == 0 && !first {
			return 0, false
		}
		b = b[n:]
		value += int32(d>>1) ^ -int32(d&1)
		d, n = uvarint(b)
		if n == 0 {
			return 0, false
		}
		b = b[n:]
		if pc += d; off < pc {
			return value, true
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
