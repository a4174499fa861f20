//go:build go1.21

package wire

// decode reads a payload.
func decode(k Kind, payload []byte) (Message, error) {
	var m Message
	switch k {
	case KindHello:
		m = new(Hello)
	case KindSetup:
		m = new(Setup)
	case KindReady:
		m = new(Ready)
	case KindFindItabs:
		m = new(FindItabs)
	case KindItabs:
		m = new(Itabs)
	case KindPatch:
		m = new(Patch)
	case KindApplied:
		m = new(Applied)
	case KindFailed:
		m = new(Failed)
	default:
		return nil, errKind
	}
	r := reader{b: payload}
	m.decode(&r)
	if r.bad || len(r.b) != 0 {
		return nil, errPayload
	}
	return m, nil
}

// Kind implements Message.
func (*Hello) Kind() Kind     { return KindHello }
func (*Setup) Kind() Kind     { return KindSetup }
func (*Ready) Kind() Kind     { return KindReady }
func (*FindItabs) Kind() Kind { return KindFindItabs }
func (*Itabs) Kind() Kind     { return KindItabs }
func (*Patch) Kind() Kind     { return KindPatch }
func (*Applied) Kind() Kind   { return KindApplied }
func (*Failed) Kind() Kind    { return KindFailed }

func (m *Hello) append(b []byte) []byte {
	b = put32(b, m.Protocol, m.PID)
	b = putString(b, m.GoVersion)
	return put64(b, m.Anchor)
}

func (m *Hello) decode(r *reader) {
	r.get32(&m.Protocol, &m.PID)
	m.GoVersion = r.string()
	r.get64(&m.Anchor)
}

// wide returns the 64-bit fields of m in wire order, and narrow the others:
// the one list that both directions use.
func (m *Setup) wide() []*uint64 {
	return []*uint64{
		&m.ArenaMin, &m.ArenaMax, &m.ArenaSize,
		&m.StopTheWorldGC, &m.StartTheWorldGC, &m.StopTheWorld, &m.StartTheWorld,
		&m.Gcallers, &m.ItabAdd, &m.Getitab, &m.DoInit1, &m.RaceAcquireg, &m.RaceReleaseMergeg, &m.ItabInit, &m.ModuleTypelinks,
		&m.FirstModuledata, &m.LastModuledatap, &m.ModulesSlice, &m.Allgs, &m.ItabTable, &m.Mheap, &m.Allp, &m.Allfin, &m.End, &m.MainInitDone,
	}
}

func (m *Setup) narrow() []*uint32 {
	return []*uint32{
		&m.ModuledataNext, &m.ModuledataEtypes,
		&m.GStackLo, &m.GStackHi, &m.GSchedBP,
		&m.GGoid, &m.GAtomicstatus, &m.GAsyncSafePoint, &m.GRacectx,
		&m.ItabType, &m.ItabHash, &m.TypeHash,
		&m.ModuledataData, &m.ModuledataEdata, &m.ModuledataBss, &m.ModuledataEbss, &m.GSchedSP, &m.GSyscallSP,
		&m.MheapAllspans, &m.SpanStart, &m.SpanElemsize, &m.SpanNelems, &m.SpanFreeIndex, &m.SpanAllocBits,
		&m.SpanState, &m.SpanClass, &m.SpanSpecials, &m.SpecialNext, &m.SpecialKind, &m.FinalizerFint, &m.FinalizerOT, &m.FinBlockAlllink, &m.FinBlockSize,
	}
}

func (m *Setup) append(b []byte) []byte {
	for _, p := range m.wide() {
		b = put64(b, *p)
	}
	for _, p := range m.narrow() {
		b = put32(b, *p)
	}
	return b
}

func (m *Setup) decode(r *reader) {
	r.get64(m.wide()...)
	r.get32(m.narrow()...)
}

func (m *Ready) append(b []byte) []byte { return put64(b, m.Arena, m.Room.Start, m.Room.End) }
func (m *Ready) decode(r *reader)       { r.get64(&m.Arena, &m.Room.Start, &m.Room.End) }

func (m *FindItabs) append(b []byte) []byte {
	b = put32(b, uint32(len(m.Pairs)))
	for _, p := range m.Pairs {
		b = put64(b, p.Inter, p.Type)
	}
	return b
}

func (m *FindItabs) decode(r *reader) {
	if n := r.count(16); n > 0 {
		m.Pairs = make([]ItabPair, n)
	}
	for i := range m.Pairs {
		r.get64(&m.Pairs[i].Inter, &m.Pairs[i].Type)
	}
}

func (m *Itabs) append(b []byte) []byte { return putAddrs(putAddrs(b, m.Addrs), m.Empty) }
func (m *Itabs) decode(r *reader)       { m.Addrs, m.Empty = r.addrs(), r.addrs() }

func (m *Patch) append(b []byte) []byte {
	b = put32(b, m.Seq, uint32(len(m.Segments)))
	for i := range m.Segments {
		s := &m.Segments[i]
		b = put64(b, s.Addr, s.Size)
		b = append(b, s.Prot)
		b = putBytes(b, s.Data)
	}
	b = put64(b, m.Moduledata, m.Etypes)
	b = putAddrs(b, m.Itabs)
	b = putAddrs(b, m.InitTasks)
	b = putAddrs(b, m.InitFuncs)
	b = put32(b, uint32(len(m.Redirects)))
	for _, d := range m.Redirects {
		b = put64(b, d.Old, d.New, d.Code)
		b = put32(b, d.Size)
		b = append(b, d.Flags)
	}
	b = put32(b, uint32(len(m.Writes)))
	for _, w := range m.Writes {
		b = put64(b, w.Addr)
		b = putBytes(b, w.Data)
	}
	b = putAddrs(b, m.Methods)
	b = putAddrs(b, m.Retired)
	b = putAddrs(b, m.Clear)
	b = putAddrs(b, m.Derived)
	b = putRanges(b, m.Skip)
	b = putRanges(b, m.Quiet)
	b = putRanges(b, m.Running)
	b = put64(b, m.Hook)
	b = putString(b, m.News)
	return put64(b, m.WaitNS)
}

func (m *Patch) decode(r *reader) {
	r.get32(&m.Seq)
	if n := r.count(8 + 8 + 1 + 4); n > 0 {
		m.Segments = make([]Segment, n)
	}
	for i := range m.Segments {
		s := &m.Segments[i]
		r.get64(&s.Addr, &s.Size)
		s.Prot = r.byte()
		s.Data = r.bytes()
	}
	r.get64(&m.Moduledata, &m.Etypes)
	m.Itabs = r.addrs()
	m.InitTasks = r.addrs()
	m.InitFuncs = r.addrs()
	if n := r.count(8 + 8 + 8 + 4 + 1); n > 0 {
		m.Redirects = make([]Redirect, n)
	}
	for i := range m.Redirects {
		d := &m.Redirects[i]
		r.get64(&d.Old, &d.New, &d.Code)
		r.get32(&d.Size)
		d.Flags = r.byte()
	}
	if n := r.count(8 + 4); n > 0 {
		m.Writes = make([]Write, n)
	}
	for i := range m.Writes {
		w := &m.Writes[i]
		r.get64(&w.Addr)
		w.Data = r.bytes()
	}
	m.Methods = r.addrs()
	m.Retired = r.addrs()
	m.Clear = r.addrs()
	m.Derived = r.addrs()
	m.Skip = r.ranges()
	m.Quiet = r.ranges()
	m.Running = r.ranges()
	r.get64(&m.Hook)
	m.News = r.string()
	r.get64(&m.WaitNS)
}

func (m *Applied) append(b []byte) []byte {
	b = put32(b, m.Seq)
	b = put64(b, m.LoadNS, m.InitNS, m.PauseNS, m.Attempts)
	return putFrames(b, m.Frames)
}

func (m *Applied) decode(r *reader) {
	r.get32(&m.Seq)
	r.get64(&m.LoadNS, &m.InitNS, &m.PauseNS, &m.Attempts)
	m.Frames = r.frames()
}

func (m *Failed) append(b []byte) []byte {
	b = put32(b, m.Seq)
	b = putString(b, m.Phase)
	b = putString(b, m.Reason)
	b = putFrames(b, m.Blockers)
	b = put32(b, uint32(len(m.Holders)))
	for _, h := range m.Holders {
		b = put64(b, h.Type, h.At, h.GoID, h.Base, h.Size)
	}
	return b
}

func (m *Failed) decode(r *reader) {
	r.get32(&m.Seq)
	m.Phase = r.string()
	m.Reason = r.string()
	m.Blockers = r.frames()
	if n := r.count(5 * 8); n > 0 {
		m.Holders = make([]Holder, n)
	}
	for i := range m.Holders {
		h := &m.Holders[i]
		r.get64(&h.Type, &h.At, &h.GoID, &h.Base, &h.Size)
	}
}

func put32(b []byte, vs ...uint32) []byte {
	for _, v := range vs {
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return b
}

func put64(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = put32(b, uint32(v), uint32(v>>32))
	}
	return b
}

func putBytes(b, data []byte) []byte {
	return append(put32(b, uint32(len(data))), data...)
}

func putString(b []byte, s string) []byte {
	return append(put32(b, uint32(len(s))), s...)
}

func putAddrs(b []byte, addrs []uint64) []byte {
	return put64(put32(b, uint32(len(addrs))), addrs...)
}

func putRanges(b []byte, rs []Range) []byte {
	b = put32(b, uint32(len(rs)))
	for _, r := range rs {
		b = put64(b, r.Start, r.End)
	}
	return b
}

func putFrames(b []byte, fs []Frame) []byte {
	b = put32(b, uint32(len(fs)))
	for _, f := range fs {
		b = put64(b, f.GoID, f.PC)
		b = put32(b, f.Range)
	}
	return b
}

// reader takes values off the front of b. After the first value that is not
// there, bad is set and all values are zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		r.b = nil
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) get32(vs ...*uint32) {
	for _, v := range vs {
		if p := r.take(4); p != nil {
			*v = uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
		}
	}
}

func (r *reader) get64(vs ...*uint64) {
	for _, v := range vs {
		var lo, hi uint32
		r.get32(&lo, &hi)
		*v = uint64(hi)<<32 | uint64(lo)
	}
}

// count reads the number of elements that follow, of at least size bytes each.
// A number that the rest can't hold is malformed, so a short message never
// makes a long slice.
func (r *reader) count(size int) int {
	var n uint32
	r.get32(&n)
	if uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.take(len(r.b) + 1)
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	return r.take(n)
}

func (r *reader) string() string { return string(r.bytes()) }

func (r *reader) addrs() []uint64 {
	n := r.count(8)
	if n == 0 {
		return nil
	}
	addrs := make([]uint64, n)
	for i := range addrs {
		r.get64(&addrs[i])
	}
	return addrs
}

func (r *reader) ranges() []Range {
	n := r.count(16)
	if n == 0 {
		return nil
	}
	rs := make([]Range, n)
	for i := range rs {
		r.get64(&rs[i].Start, &rs[i].End)
	}
	return rs
}

func (r *reader) frames() []Frame {
	n := r.count(20)
	if n == 0 {
		return nil
	}
	fs := make([]Frame, n)
	for i := range fs {
		r.get64(&fs[i].GoID, &fs[i].PC)
		r.get32(&fs[i].Range)
	}
	return fs
}
