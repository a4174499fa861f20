//go:build linux && amd64

package agent

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

const codeProt = wire.ProtRead | wire.ProtExec

// What the agent adds to a program is bounded: it imports nothing but this.
func TestFilesImports(t *testing.T) {
	allowed := map[string]bool{
		"errors": true, "reflect": true, "runtime": true, "sync": true, "sync/atomic": true, "syscall": true, "unsafe": true,
		"example.org/a/wire": true,
	}
	files := Files("example.org/a")
	for _, name := range []string{"host.go", "stub.go", "wire/wire.go", "wire/encoding.go", "wire/frame.go"} {
		if files[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	for name, text := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			if path, _ := strconv.Unquote(spec.Path.Value); !allowed[path] {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

// code returns MOV EAX, value; RET for each value, 16 bytes apart. It has no
// frame and needs no tables: the runtime does not preempt what it does not know
// (preempt.go, isAsyncSafePoint), and nothing in it can fault or be unwound.
func code(values ...byte) []byte {
	var b []byte
	for _, v := range values {
		b = append(b, 0xb8, v, 0, 0, 0, 0xc3)
		b = append(b, make([]byte, 16-6)...)
	}
	return b
}

// jumps returns a JMP rel32 to each of the functions, 16 bytes apart, for addr.
func (h *process) jumps(addr uint64, names ...string) []byte {
	var b []byte
	for _, name := range names {
		d := uint32(h.symbol(name) - (addr + uint64(len(b)) + 5))
		b = append(b, 0xe9, byte(d), byte(d>>8), byte(d>>16), byte(d>>24))
		b = append(b, make([]byte, 16-5)...)
	}
	return b
}

func TestRedirect(t *testing.T) {
	for _, flags := range []string{"", "-race", "-buildmode=pie"} {
		t.Run("go build "+flags, func(t *testing.T) {
			h := buildProgram(t, strings.Fields(flags)...).start(t)
			if got := h.say("environment"); got != `""` {
				t.Errorf("the program sees REALTIME_FD=%s", got)
			}
			before := h.say("mix")
			s := h.segment(codeProt, code(42, 43))
			applied := h.apply(&wire.Patch{
				Segments:  []wire.Segment{s},
				Redirects: []wire.Redirect{h.redirect("main.mix", s.Addr)},
				WaitNS:    1e9,
			})
			if got := h.say("mix"); got != "42" || before == "42" {
				t.Errorf("mix: %s before, %s after, want 42", before, got)
			}
			if applied.Attempts != 1 || applied.PauseNS == 0 || applied.LoadNS == 0 {
				t.Errorf("strange figures: %+v", applied)
			}
			t.Logf("pause %d ns", applied.PauseNS)
			h.apply(&wire.Patch{Redirects: []wire.Redirect{h.redirect("main.mix", s.Addr+16)}})
			if got := h.say("mix"); got != "43" {
				t.Errorf("mix: %s after the second edit, want 43", got)
			}
		})
	}
}

// Goroutines call a leaf all the time while it is redirected and put back.
func TestHammer(t *testing.T) {
	const rounds = 300
	for _, procs := range []string{"1", "4"} {
		t.Run("GOMAXPROCS="+procs, func(t *testing.T) {
			h := buildProgram(t).start(t, "GOMAXPROCS="+procs)
			entry := h.symbol("main.mix")
			old := wire.Write{Addr: entry}
			for word, i := h.word(entry), 0; i < 8; i++ {
				old.Data = append(old.Data, byte(word>>(8*i)))
			}
			s := h.segment(codeProt, code(42))
			h.apply(&wire.Patch{Segments: []wire.Segment{s}})
			h.say("hammer")
			var attempts, pause uint64
			for range rounds {
				applied := h.apply(&wire.Patch{Redirects: []wire.Redirect{h.redirect("main.mix", s.Addr)}, WaitNS: 5e9})
				attempts += applied.Attempts
				pause = max(pause, applied.PauseNS)
				// A goroutine is at byte 0 or 5 and later, never inside the jump.
				h.apply(&wire.Patch{Writes: []wire.Write{old}})
			}
			if got := h.say("stop"); got != "0 true" {
				t.Errorf("wrong results, and whether there were any: %s", got)
			}
			t.Logf("%d redirects, %d attempts, longest pause %d ns", rounds, attempts, pause)
		})
	}
}

// A goroutine is put on an endless loop at byte 1 of a function.
func TestFirstBytes(t *testing.T) {
	h := buildProgram(t).start(t)
	text := h.text("main.spin")
	s := h.segment(codeProt, code(42))
	h.apply(&wire.Patch{
		Segments: []wire.Segment{s},
		Writes:   []wire.Write{{Addr: text.Start, Data: []byte{0x90, 0xeb, 0xfe, 0xc3}}}, // NOP; JMP .; RET
	})
	h.say("spin")
	var loop wire.Frame
	for loop.PC != text.Start+1 {
		applied := h.apply(&wire.Patch{Running: []wire.Range{text}})
		if len(applied.Frames) == 1 {
			loop = applied.Frames[0]
		}
	}
	if loop.GoID == 0 {
		t.Error("a frame without a goroutine")
	}

	patch := func() *wire.Patch {
		return &wire.Patch{Redirects: []wire.Redirect{h.redirect("main.spin", s.Addr)}, WaitNS: 1e6}
	}
	_, err := h.try(patch())
	var failure *Failure
	if !errors.As(err, &failure) || failure.Phase != wire.PhaseRedirect {
		t.Fatalf("got %v, want a failure to redirect", err)
	}
	if len(failure.Blockers) != 1 || failure.Blockers[0] != loop {
		t.Errorf("blockers %+v, want %+v", failure.Blockers, loop)
	}

	// NOP; JMP .+0: the goroutine goes on to the RET.
	h.apply(&wire.Patch{Writes: []wire.Write{{Addr: text.Start, Data: []byte{0x90, 0xeb, 0x00, 0xc3}}}})
	redirect := patch()
	redirect.WaitNS = 10e9
	h.apply(redirect)
}

// Frames far up a stack hold up an edit that does not allow them.
func TestFrames(t *testing.T) {
	tests := []struct {
		name, line, function string
		noFrames             bool
	}{
		{name: "quiet", line: "hold", function: "main.hold"},
		{name: "quiet deep", line: "deep", function: "main.deep"},
		{name: "no frames", line: "hold", function: "main.hold", noFrames: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := buildProgram(t).start(t)
			s := h.segment(codeProt, code(42))
			patch := func() *wire.Patch {
				p := &wire.Patch{Redirects: []wire.Redirect{h.redirect("main.mix", s.Addr)}, WaitNS: 1e6}
				if test.noFrames {
					p.Redirects = append(p.Redirects, h.redirect(test.function, s.Addr))
					p.Redirects[1].Flags = wire.NoFrames
				} else {
					p.Quiet = []wire.Range{h.text("main.initialize"), h.text(test.function)}
				}
				return p
			}
			h.apply(&wire.Patch{Segments: []wire.Segment{s}})
			h.say(test.line)
			running := []wire.Range{h.text(test.function), h.text("main.main")}
			var frames []wire.Frame
			for len(frames) < 2 {
				frames = h.apply(&wire.Patch{Running: running}).Frames
			}

			p := patch()
			before := h.say("mix")
			_, err := h.try(p)
			var failure *Failure
			if !errors.As(err, &failure) || failure.Phase != wire.PhaseRedirect {
				t.Fatalf("got %v, want a failure to redirect", err)
			}
			if len(failure.Blockers) == 0 {
				t.Fatal("no blockers")
			}
			for _, b := range failure.Blockers {
				r := h.text(test.function)
				if b.PC < r.Start || b.PC >= r.End || b.GoID == 0 {
					t.Errorf("blocker %+v is no frame of %s", b, test.function)
				}
				if test.noFrames {
					if d := p.Redirects[b.Range]; d.Old != r.Start {
						t.Errorf("blocker of redirect %d, which is of %#x", b.Range, d.Old)
					}
				} else if p.Quiet[b.Range] != r {
					t.Errorf("blocker in range %d, which is %+v", b.Range, p.Quiet[b.Range])
				}
			}
			if got := h.say("mix"); got != before {
				t.Errorf("the failed edit is half live: mix is %s", got)
			}

			h.say("release")
			p = patch()
			p.WaitNS = 10e9
			h.apply(p)
			if got := h.say("mix"); got != "42" {
				t.Errorf("mix is %s after the frames are gone", got)
			}
		})
	}
}

func TestInitFuncs(t *testing.T) {
	for _, flags := range []string{"", "-race"} {
		t.Run("go build "+flags, func(t *testing.T) { testInitFuncs(t, buildProgram(t, strings.Fields(flags)...).start(t)) })
	}
}

func testInitFuncs(t *testing.T, h *process) {
	s := h.segment(codeProt, nil)
	s.Data = h.jumps(s.Addr, "main.initialize", "main.boom", "main.boomError", "main.quit")
	h.apply(&wire.Patch{Segments: []wire.Segment{s}, InitFuncs: []uint64{s.Addr, s.Addr}})
	if got := h.say("initialized"); got != "2 4" {
		t.Errorf("initializer and functions: %s, want 2 4", got)
	}
	for i, want := range []string{"panic: boom", "panic: invalid argument", "an initializer called runtime.Goexit"} {
		before := h.say("mix")
		image := h.segment(codeProt, code(42))
		_, err := h.try(&wire.Patch{
			Segments:  []wire.Segment{image},
			InitFuncs: []uint64{s.Addr, s.Addr + uint64(16*(i+1)), s.Addr},
			Redirects: []wire.Redirect{h.redirect("main.mix", image.Addr)},
		})
		var failure *Failure
		if !errors.As(err, &failure) || failure.Phase != wire.PhaseInit || failure.Reason != want {
			t.Errorf("got %v, want failure %q of the initializer", err, want)
		}
		if got := h.say("mix"); got != before {
			t.Errorf("the failed edit is half live: mix is %s", got)
		}
	}
	if got := h.say("initialized"); got != "5 4" {
		t.Errorf("initializer and functions: %s, want 5 4", got)
	}
}

// An image with a moduledata that covers nothing is linked, and the program
// goes on, GC and all.
func TestLink(t *testing.T) {
	h := buildProgram(t).start(t)
	const rw = wire.ProtRead | wire.ProtWrite
	etypes := h.setup.FirstModuledata + h.bias + uint64(h.setup.ModuledataEtypes)
	last := h.setup.LastModuledatap + h.bias
	for range 2 {
		previous := h.word(last)
		s := h.segment(rw, nil)
		h.apply(&wire.Patch{Segments: []wire.Segment{s}, Moduledata: s.Addr, Etypes: s.Addr + s.Size})
		if got := h.word(last); got != s.Addr {
			t.Errorf("the last module is at %#x, want %#x", got, s.Addr)
		}
		if got := h.word(previous + uint64(h.setup.ModuledataNext)); got != s.Addr {
			t.Errorf("the list goes on at %#x, want %#x", got, s.Addr)
		}
		if got := h.word(etypes); got != s.Addr+s.Size {
			t.Errorf("etypes is %#x, want %#x", got, s.Addr+s.Size)
		}
		h.say("gc")
	}
}

func TestFindItabs(t *testing.T) {
	h := buildProgram(t).start(t)
	var itab, inter, other, typ uint64
	if _, err := fmt.Sscan(h.say("itab"), &itab, &inter, &other, &typ); err != nil {
		t.Fatal(err)
	}
	// The words of (*namer)(nil) hold the pointer type; its Elem is behind abi.Type.
	const elem = 48
	inter, other = h.word(inter+elem), h.word(other+elem)
	itabs, err := h.FindItabs(t.Context(), []wire.ItabPair{{Inter: inter, Type: typ}, {Inter: other, Type: typ}})
	if err != nil {
		t.Fatal(err)
	}
	if addrs := itabs.Addrs; addrs[0] != itab || addrs[1] != 0 {
		t.Errorf("itabs %#x, want %#x and 0", addrs, itab)
	}
	// The runtime has just remembered that it does not.
	if empty := itabs.Empty; empty[0] != 0 || empty[1] == 0 || h.word(empty[1]) != other || h.word(empty[1]+uint64(h.setup.ItabType)) != typ {
		t.Errorf("empty itabs %#x, want 0 and that of %#x and %#x", empty, other, typ)
	}
	hash, want := h.word(itab+uint64(h.setup.ItabHash)), h.word(typ+uint64(h.setup.TypeHash))
	if uint32(hash) != uint32(want) {
		t.Errorf("hash %#x, want %#x", uint32(hash), uint32(want))
	}
}

// Whatever is odd fails in phase load and leaves the addresses free.
func TestRefused(t *testing.T) {
	h := buildProgram(t).start(t)
	good := h.segment(codeProt, code(42))
	segments := []wire.Segment{good}
	tests := map[string]*wire.Patch{
		"segment outside the arena": {Segments: []wire.Segment{{Addr: h.symbol("main.mix") &^ 0xfff, Size: 4096, Prot: codeProt}}},
		"segment unaligned":         {Segments: []wire.Segment{{Addr: good.Addr + 8, Size: 4096, Prot: codeProt}}},
		"segment too small":         {Segments: []wire.Segment{{Addr: good.Addr, Size: 4096, Prot: codeProt, Data: make([]byte, 4097)}}},
		"segment too large":         {Segments: []wire.Segment{{Addr: good.Addr, Size: 1 << 63, Prot: codeProt}}},
		"segments overlap":          {Segments: []wire.Segment{good, good}},
		"moduledata outside":        {Segments: segments, Moduledata: h.symbol("runtime.firstmoduledata")},
		"moduledata read-only":      {Segments: segments, Moduledata: good.Addr},
		"itab outside":              {Segments: segments, Itabs: []uint64{8}},
		"init task outside":         {Segments: segments, InitTasks: []uint64{8}},
		"initializer outside":       {Segments: segments, InitFuncs: []uint64{h.symbol("main.initialize")}},
		"not an entry":              {Segments: segments, Redirects: []wire.Redirect{{Old: h.symbol("main.mix") + 8, New: good.Addr}}},
		"target outside":            {Segments: segments, Redirects: []wire.Redirect{h.redirect("main.mix", h.symbol("main.spin"))}},
		"redirected twice":          {Segments: segments, Redirects: []wire.Redirect{h.redirect("main.mix", good.Addr), h.redirect("main.mix", good.Addr)}},
		"redirect too long":         {Segments: segments, Redirects: []wire.Redirect{{Old: h.symbol("main.mix"), New: good.Addr, Size: uint32(h.symbols["main.mix"].Size) + 4096}}},
		"redirect without size":     {Segments: segments, Redirects: []wire.Redirect{{Old: h.symbol("main.mix"), New: good.Addr}}},
		"unknown flag":              {Segments: segments, Redirects: []wire.Redirect{{Old: h.symbol("main.mix"), New: good.Addr, Size: 1, Flags: 2}}},
		"types end outside":         {Segments: segments, Etypes: good.Addr + 2*good.Size},
		"itab of nothing":           {Segments: segments, Itabs: []uint64{good.Addr}},
		"write to nothing":          {Writes: []wire.Write{{Addr: h.arena - 4096, Data: []byte{1}}}},
		"write to the stack":        {Writes: []wire.Write{{Addr: 1<<47 - 4096, Data: []byte{1}}}},
		"write to the heap":         {Writes: []wire.Write{{Addr: 0xc000000000, Data: make([]byte, 8)}}},
		"write beyond the program":  {Writes: []wire.Write{{Addr: h.symbol("main.mix"), Data: make([]byte, 64<<20)}}},
		"endless wait":              {WaitNS: 1 << 62},
		"hook of another name":      {Segments: segments, Hook: h.symbol("main.mix"), News: "news"},
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := h.try(p)
			var failure *Failure
			if !errors.As(err, &failure) || failure.Phase != wire.PhaseLoad {
				t.Errorf("got %v, want a failure to load", err)
			}
		})
	}
	before := h.say("mix")
	h.apply(&wire.Patch{Segments: segments, Redirects: []wire.Redirect{h.redirect("main.mix", good.Addr)}})
	if got := h.say("mix"); got != "42" || before == "42" {
		t.Errorf("mix: %s before, %s after, want 42", before, got)
	}
	if _, err := h.Setup(t.Context(), &h.setup); err == nil {
		t.Error("a second setup is accepted")
	}
	for _, pair := range []wire.ItabPair{{}, {Inter: 8, Type: 8}, {Inter: h.symbol("main.mix"), Type: h.symbol("main.mix")}, {Inter: 1 << 63, Type: 1}} {
		if _, err := h.FindItabs(t.Context(), []wire.ItabPair{pair}); err == nil {
			t.Errorf("an itab of %#x is looked for", pair)
		}
	}
	// A module twice would make the list of modules a circle.
	module := h.segment(wire.ProtRead|wire.ProtWrite, nil)
	h.apply(&wire.Patch{Segments: []wire.Segment{module}, Moduledata: module.Addr})
	if _, err := h.try(&wire.Patch{Moduledata: module.Addr}); err == nil {
		t.Error("a module is linked twice")
	}
	h.say("gc")
}

// A breakpoint (INT3, as a debugger writes it) in the bytes of a redirect is not written
// over: the debugger would put its byte back.
func TestBreakpoint(t *testing.T) {
	h := buildProgram(t).start(t)
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", h.pid), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	first, second := h.segment(codeProt, code(42)), h.segment(codeProt, code(43))
	h.apply(&wire.Patch{Segments: []wire.Segment{first, second}})
	entry := h.symbol("main.mix")
	compiled := h.redirect("main.mix", first.Addr)
	for i, r := range []wire.Redirect{compiled, {Old: entry, New: second.Addr, Code: compiled.Code, Size: compiled.Size}} {
		before := h.say("mix")
		for _, at := range []uint64{0, 1, 4, 7} {
			was := h.word(entry)
			put := func(b byte) {
				if _, err := mem.WriteAt([]byte{b}, int64(entry+at)); err != nil {
					t.Fatal(err)
				}
			}
			put(0xcc)
			_, err := h.try(&wire.Patch{Redirects: []wire.Redirect{r}})
			var f *Failure
			if !errors.As(err, &f) || f.Phase != wire.PhaseRedirect || !strings.Contains(f.Reason, "breakpoint") || !strings.Contains(f.Reason, "main.mix") {
				t.Errorf("redirect %d, breakpoint at +%d: %v", i, at, err)
			}
			put(byte(was >> (8 * at)))
			if h.word(entry) != was {
				t.Errorf("redirect %d, breakpoint at +%d: the entry was changed", i, at)
			}
		}
		if now := h.say("mix"); now != before {
			t.Errorf("redirect %d: mix is %s, was %s", i, now, before)
		}
		h.apply(&wire.Patch{Redirects: []wire.Redirect{r}})
	}
	if got := h.say("mix"); got != "43" {
		t.Errorf("mix is %s, want 43", got)
	}
}

// The program does not need the tool.
func TestToolDies(t *testing.T) {
	h := buildProgram(t).start(t)
	s := h.segment(codeProt, code(42))
	h.apply(&wire.Patch{Segments: []wire.Segment{s}, Redirects: []wire.Redirect{h.redirect("main.mix", s.Addr)}})
	h.Close()
	h.say("gc")
	if got := h.say("mix"); got != "42" {
		t.Errorf("mix is %s", got)
	}
	if _, err := h.try(&wire.Patch{}); err == nil {
		t.Error("a closed client answers")
	}
}

// Nor does the tool need the program.
func TestProgramDies(t *testing.T) {
	h := buildProgram(t).start(t)
	h.in.(interface{ Close() error }).Close()
	if _, err := h.out.ReadString('\n'); err == nil {
		t.Fatal("the program goes on")
	}
	if _, err := h.try(&wire.Patch{}); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
}
