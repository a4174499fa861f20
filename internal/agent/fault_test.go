//go:build linux && amd64

package agent

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// A badTool talks to the agent of a process as no tool should. It is what the
// program and its agent answer that counts.
type badTool struct {
	*process
	in       *script
	sent     uint32
	setup    wire.Setup
	isSetUp  bool
	silent   bool // the agent listens no more
	original string
	code     wire.Segment // an image of RET instructions
}

// script is the input of a fuzz target, read as decisions. At its end all are 0.
type script struct{ b []byte }

func (s *script) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *script) n(limit int) int { return int(s.byte()) % limit }

func (s *script) word() uint64 {
	var w [8]byte
	s.b = s.b[copy(w[:], s.b):]
	return binary.LittleEndian.Uint64(w[:])
}

// FuzzMessages sends messages, good, damaged and insane ones, to the agent in a
// real process. Whatever they are, the process must live, collect its garbage,
// compute what it did before, and end with status 0.
func FuzzMessages(f *testing.F) {
	for kind := range byte(numAttacks) {
		f.Add([]byte{1, kind, 1, 2, 3, kind, 4, 5, 6, kind, 0, 0, 0, 1, 1, 1, 7, 8, 9, 10, 11})
		f.Add([]byte{0, kind, 3, 2, 1, 0, kind, 255, 254, 1, 2, 3, 4, 5, 6, 7, 8})
	}
	f.Add([]byte("\x01\x05\x00\x02\x03\x04\x05\x06\x07\x05\x01\x02\x03\x04\x05\x06\x07\x08\x05\x00\x03\x03"))
	buildProgram(f) // an input must not take more than 10 seconds
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBadTool(t, &script{data})
		for n := 0; n < 20 && len(b.in.b) > 0 && !b.silent && !t.Failed(); n++ {
			b.attack()
			b.alive()
		}
		if b.silent {
			b.alive()
			b.say("gc")
		}
	})
}

func newBadTool(t *testing.T, in *script) *badTool {
	b := &badTool{process: buildProgram(t).launch(t), in: in}
	hello, err := b.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.setup = b.setupFor(hello)
	b.original = b.say("mix")
	if in.n(4) > 0 {
		b.setUp(&b.setup)
	}
	return b
}

// alive fails the test unless the program computes as before, or as it may with the
// redirects that are allowed here.
func (b *badTool) alive() {
	b.t.Helper()
	got := b.say("mix")
	if got != b.original && got != "1" { // RET leaves the argument where the result is
		b.t.Errorf("mix is %s, it was %s", got, b.original)
	}
	if b.in.n(8) == 7 {
		b.say("gc")
	}
}

const numAttacks = 8

func (b *badTool) attack() {
	switch b.in.n(numAttacks) {
	case 0: // bytes
		raw := b.in.b[:min(len(b.in.b), 64)]
		b.in.b = b.in.b[len(raw):]
		b.write(raw)
		if len(raw) >= wire.HeaderSize {
			b.lastWord()
		} else {
			b.hangUp()
		}
	case 1: // a damaged frame
		frame := b.frame(b.goodPatch())
		frame[int(b.in.word()%uint64(len(frame)))] ^= 1 << b.in.n(8)
		b.write(frame)
		b.lastWord()
	case 2: // one that is cut off
		frame := b.frame(b.goodPatch())
		b.write(frame[:int(b.in.word()%uint64(len(frame)))])
		b.hangUp()
	case 3: // a message lost, repeated, or out of order
		b.sent += uint32(1 + b.in.n(250))
		b.write(b.frame(b.goodPatch()))
		b.lastWord()
	case 4: // a setup, with some facts wrong
		s := b.setup
		wrong := b.in.n(4)
		for range wrong {
			b.spoilSetup(&s)
		}
		b.setUp(&s)
	case 5: // a patch, with something wrong
		p := b.goodPatch()
		for range b.in.n(4) {
			b.spoilPatch(p)
		}
		b.patch(p)
	case 6: // no question, or an odd one
		b.ask([]wire.Message{
			&wire.Ready{Arena: b.in.word()}, &wire.Applied{}, &wire.Failed{Phase: "x"}, &wire.Hello{}, &wire.Itabs{}, &wire.FindItabs{},
		}[b.in.n(6)])
	case 7:
		b.ask(&wire.FindItabs{Pairs: []wire.ItabPair{{Inter: b.address(), Type: b.address()}}})
	}
}

func (b *badTool) frame(m wire.Message) []byte {
	frame, err := wire.Append(nil, b.sent, m)
	if err != nil {
		b.t.Fatal(err)
	}
	return frame
}

func (b *badTool) write(data []byte) {
	b.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := b.conn.Write(data); err != nil {
		b.t.Fatal(err)
	}
}

// ask sends a whole message, which must be answered.
func (b *badTool) ask(m wire.Message) wire.Message {
	b.t.Helper()
	b.conn.SetDeadline(time.Now().Add(20 * time.Second))
	answer, err := b.exchange(b.frame(m))
	b.sent++
	if err != nil {
		b.t.Fatalf("no answer to %T: %v", m, err)
	}
	return answer
}

// lastWord waits for what the agent says of a stream that is damaged, and for the
// end of what it says.
func (b *badTool) lastWord() {
	b.t.Helper()
	b.silent = true
	b.conn.SetDeadline(time.Now().Add(20 * time.Second))
	answer, err := b.exchange(nil)
	if err != nil {
		b.t.Fatalf("the agent has no last word: %v", err)
	}
	if f, ok := answer.(*wire.Failed); !ok || f.Phase != wire.PhaseChannel {
		b.t.Fatalf("the agent's last word is %+v", answer)
	}
	if _, err := b.exchange(nil); !errors.Is(err, ErrGone) {
		b.t.Fatalf("the agent says something more: %v", err)
	}
}

// hangUp closes the channel in the middle of a message.
func (b *badTool) hangUp() {
	b.silent = true
	b.Close()
}

func (b *badTool) setUp(s *wire.Setup) {
	b.t.Helper()
	ready, ok := b.ask(s).(*wire.Ready)
	if !ok {
		return
	}
	if b.isSetUp {
		b.t.Fatal("set up twice")
	}
	b.isSetUp, b.arena = true, ready.Arena
	b.code = b.segment(codeProt, bytes.Repeat([]byte{0xc3}, 4096))
	if failed, ok := b.ask(&wire.Patch{Segments: []wire.Segment{b.code}}).(*wire.Failed); ok {
		b.t.Fatalf("a good patch failed: %+v", failed)
	}
}

// goodPatch replaces a function by one that returns at once.
func (b *badTool) goodPatch() *wire.Patch {
	b.seq++
	p := &wire.Patch{Seq: b.seq}
	if b.isSetUp {
		s := b.segment(codeProt, b.code.Data)
		rw := b.segment(wire.ProtRead|wire.ProtWrite, nil)
		p.Segments = []wire.Segment{s, rw}
		p.Moduledata, p.Etypes = rw.Addr, rw.Addr+rw.Size
		p.InitFuncs = []uint64{s.Addr + 16}
		p.Redirects = []wire.Redirect{b.redirect("main.mix", s.Addr)}
		p.Running = []wire.Range{b.text("main.mix")}
	}
	return p
}

// address is one of several that a confused tool might name.
func (b *badTool) address() uint64 {
	offset := uint64(b.in.byte())
	switch b.in.n(16) {
	case 0:
		return 0
	case 1:
		return offset
	case 2:
		return b.symbol("main.mix") + offset
	case 3:
		return b.symbol("main.spin")
	case 4:
		return b.symbol("runtime.firstmoduledata") + offset
	case 5:
		return b.symbol("runtime.allgs") + 8*offset
	case 6:
		return b.arena + 4096*offset
	case 7:
		return b.arena + offset
	case 8:
		return b.arena - 8*offset
	case 9:
		return 0xc000000000 + 8*offset
	case 10:
		return 1<<47 - 4096*offset
	case 11:
		return 1<<63 + offset
	case 12:
		return -offset
	case 13:
		return b.symbol("runtime.rodata") + 4096*offset + uint64(b.in.byte())*8
	case 14:
		return b.symbol("runtime.end") + offset
	}
	return b.in.word()
}

func (b *badTool) spoilSetup(s *wire.Setup) {
	wide := []*uint64{
		&s.ArenaMin, &s.ArenaMax, &s.ArenaSize,
		&s.StopTheWorldGC, &s.StartTheWorldGC, &s.StopTheWorld, &s.StartTheWorld,
		&s.Gcallers, &s.ItabAdd, &s.Getitab, &s.DoInit1, &s.RaceAcquireg, &s.RaceReleaseMergeg, &s.ItabInit, &s.ModuleTypelinks,
		&s.FirstModuledata, &s.LastModuledatap, &s.ModulesSlice, &s.Allgs, &s.ItabTable, &s.End, &s.MainInitDone,
	}
	narrow := []*uint32{
		&s.ModuledataNext, &s.ModuledataEtypes, &s.GStackLo, &s.GStackHi,
		&s.GGoid, &s.GAtomicstatus, &s.ItabType, &s.ItabHash, &s.TypeHash,
	}
	i := b.in.n(len(wide) + len(narrow))
	if i < len(wide) {
		*wide[i] = b.address()
		return
	}
	*narrow[i-len(wide)] = uint32(b.in.word() >> (8 * b.in.n(8)))
}

// spoilPatch makes something of p wrong, but nothing that can't be seen to be
// wrong: code that is none, or other bytes in the program's own data.
func (b *badTool) spoilPatch(p *wire.Patch) {
	number := func() uint64 { return b.in.word() >> (8 * b.in.n(8)) }
	switch b.in.n(17) {
	case 16:
		p.Methods = append(p.Methods, b.address())
	case 0:
		p.Moduledata = b.address()
	case 1:
		p.Etypes = b.address()
	case 2:
		p.Itabs = append(p.Itabs, b.address())
	case 3:
		p.InitTasks = append(p.InitTasks, b.address())
	case 4: // an init task in the image
		task := make([]byte, 16)
		binary.LittleEndian.PutUint32(task, uint32(b.in.n(4)))
		binary.LittleEndian.PutUint32(task[4:], uint32(number()))
		binary.LittleEndian.PutUint64(task[8:], b.address())
		if to := binary.LittleEndian.Uint64(task[8:]); !b.returns(to) {
			task[7] = 0xff // too many functions
		}
		s := b.segment(wire.ProtRead|wire.ProtWrite, task)
		p.Segments = append(p.Segments, s)
		p.InitTasks = append(p.InitTasks, s.Addr)
	case 5:
		if pc := b.address(); b.returns(pc) || pc < b.arena {
			p.InitFuncs = append(p.InitFuncs, pc)
		}
	case 6:
		old := b.address()
		if _, text := b.functionAt(old); text && old != b.symbol("main.mix") && old != b.symbol("main.spin") {
			old++ // not any other function
		}
		p.Redirects = append(p.Redirects, wire.Redirect{Old: old, New: b.code.Addr, Size: uint32(number()), Flags: b.in.byte()})
	case 7:
		for i := range p.Redirects {
			if to := b.address(); b.returns(to) || to < b.arena {
				p.Redirects[i].New = to
			}
		}
	case 8: // a write that changes nothing, where it is allowed
		w := wire.Write{Addr: b.address(), Data: make([]byte, 1+b.in.n(64))}
		if !b.peek(w.Addr, w.Data) {
			b.in.b = b.in.b[copy(w.Data, b.in.b):]
		}
		p.Writes = append(p.Writes, w)
	case 9:
		p.Quiet = append(p.Quiet, wire.Range{Start: b.address(), End: b.address()})
	case 10:
		p.Running = append(p.Running, wire.Range{Start: b.address(), End: b.address()})
	case 11:
		p.WaitNS = number()
		if p.WaitNS < 60e9 {
			p.WaitNS %= 1e6
		}
	case 12:
		for i := range p.Segments {
			if p.Segments[i].Addr == b.address() {
				p.Segments[i].Size = number()
			}
		}
	case 13:
		if len(p.Segments) > 0 {
			p.Segments[b.in.n(len(p.Segments))].Addr = b.address()
		}
	case 14:
		if len(p.Segments) > 0 {
			p.Segments[b.in.n(len(p.Segments))].Prot = b.in.byte()
		}
	case 15:
		p.Segments = append(p.Segments, p.Segments...)
	}
}

// returns reports whether addr is in an image of ours that has nothing but RETs.
func (b *badTool) returns(addr uint64) bool {
	return b.isSetUp && addr >= b.code.Addr && addr < b.code.Addr+b.code.Size
}

func (b *badTool) functionAt(addr uint64) (string, bool) {
	for name, s := range b.symbols {
		if s.Value+b.bias == addr {
			return name, true
		}
	}
	return "", false
}

// peek reads memory of the process.
func (b *badTool) peek(addr uint64, data []byte) bool {
	if int64(addr) < 0 {
		return false
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", b.pid))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	_, err = f.ReadAt(data, int64(addr))
	return err == nil
}

// patch sends p, and sees that nothing was accepted that must not be.
func (b *badTool) patch(p *wire.Patch) {
	b.t.Helper()
	applied, ok := b.ask(p).(*wire.Applied)
	if !ok {
		return
	}
	if applied.Seq != p.Seq {
		b.t.Errorf("patch %d was applied, %d was sent", applied.Seq, p.Seq)
	}
	if !b.isSetUp {
		b.t.Error("a patch before the setup")
	}
	end := b.arena + b.setup.ArenaSize
	in := func(addr uint64) bool { return addr >= b.arena && addr < end }
	for _, w := range p.Writes {
		if program := w.Addr >= b.symbol("runtime.text") && w.Addr < b.symbol("runtime.end"); !in(w.Addr) && !program {
			b.t.Errorf("a write to %#x was accepted", w.Addr)
		}
	}
	for _, s := range p.Segments {
		if !in(s.Addr) || s.Size > end-s.Addr {
			b.t.Errorf("a segment at %#x of %#x bytes was accepted", s.Addr, s.Size)
		}
	}
	for _, pc := range p.InitFuncs {
		if !in(pc) {
			b.t.Errorf("an initializer at %#x was accepted", pc)
		}
	}
	for _, r := range p.Redirects {
		if _, ok := b.functionAt(r.Old); !ok || !in(r.New) {
			b.t.Errorf("a redirect from %#x to %#x was accepted", r.Old, r.New)
		}
	}
}

// A damaged message of each kind gets the agent's last word, and the program needs
// neither the tool nor the agent any more.
func TestDamagedMessages(t *testing.T) {
	attacks := map[string][]byte{
		"bytes":        append([]byte{1, 0}, bytes.Repeat([]byte{7}, 64)...),
		"length":       {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 7},
		"kind":         {1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 1},
		"payload":      {1, 1, 50, 0, 0, 0, 0, 0, 0, 0, 3},
		"cut off":      {1, 2, 30, 0, 0, 0, 0, 0, 0, 0, 1},
		"replayed":     {1, 3, 254, 0},
		"lost":         {1, 3, 0, 0},
		"before setup": {0, 1, 10, 0, 0, 0, 0, 0, 0, 0, 1},
	}
	for name, in := range attacks {
		t.Run(name, func(t *testing.T) {
			b := newBadTool(t, &script{in})
			b.attack()
			if !b.silent {
				t.Error("the agent goes on")
			}
			b.alive()
			b.say("gc")
		})
	}
}

// Messages that are whole and insane are refused, and good ones are taken after
// them.
func TestInsaneMessages(t *testing.T) {
	b := newBadTool(t, &script{})
	spoil := func(change func(s *wire.Setup)) {
		t.Helper()
		s := b.setup
		change(&s)
		if _, ok := b.ask(&s).(*wire.Failed); !ok {
			t.Fatalf("a setup is accepted: %+v", s)
		}
		b.alive()
	}
	for _, bad := range []uint64{0, 8, b.symbol("main.mix"), b.symbol("runtime.firstmoduledata") + 8, 0xc000000000, 1 << 47, 1 << 63, 1<<64 - 8} {
		spoil(func(s *wire.Setup) { s.FirstModuledata = bad })
		spoil(func(s *wire.Setup) { s.LastModuledatap = bad })
		spoil(func(s *wire.Setup) { s.ModulesSlice = bad })
		spoil(func(s *wire.Setup) { s.Allgs = bad })
		if bad != 0 {
			spoil(func(s *wire.Setup) { s.MainInitDone = bad })
		}
		spoil(func(s *wire.Setup) { s.Getitab = bad })
		spoil(func(s *wire.Setup) { s.ArenaSize = bad | 1<<40 })
	}
	for _, bad := range []uint32{0, 1, 20, 4095, 1 << 31} {
		for _, field := range []func(s *wire.Setup) *uint32{
			func(s *wire.Setup) *uint32 { return &s.ModuledataNext }, func(s *wire.Setup) *uint32 { return &s.GGoid },
			func(s *wire.Setup) *uint32 { return &s.GAtomicstatus }, func(s *wire.Setup) *uint32 { return &s.ItabHash },
			func(s *wire.Setup) *uint32 { return &s.TypeHash },
		} {
			if s := b.setup; *field(&s) != bad {
				spoil(func(s *wire.Setup) { *field(s) = bad })
			}
		}
	}
	b.setUp(&b.setup)
	if !b.isSetUp {
		t.Fatal("the right setup is refused")
	}
	if answer, ok := b.ask(b.goodPatch()).(*wire.Applied); !ok {
		t.Fatalf("a good patch is refused: %+v", answer)
	}
	if got := b.say("mix"); got != "1" {
		t.Errorf("mix is %s", got)
	}
}
