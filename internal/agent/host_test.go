//go:build linux && amd64

package agent

import (
	"bufio"
	"context"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// program is the fixture in testdata/program, built with the agent.
type program struct {
	file    string
	symbols map[string]elf.Symbol
	setup   wire.Setup
}

// The fixture is built once per set of build flags.
var programs = struct {
	sync.Mutex
	dir  string
	made map[string]*program
}{made: make(map[string]*program)}

func TestMain(m *testing.M) {
	var err error
	if programs.dir, err = os.MkdirTemp("", "agent"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(programs.dir)
	os.Exit(code)
}

// buildProgram builds the fixture as realtime builds the user's program: the
// agent comes in by -overlay.
func buildProgram(t testing.TB, flags ...string) *program {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	key := strings.Join(flags, " ")
	if p := programs.made[key]; p != nil {
		return p
	}
	dir, err := os.MkdirTemp(programs.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("testdata/program")
	if err != nil {
		t.Fatal(err)
	}
	replace := make(map[string]string)
	write := func(virtual string, text []byte) {
		real := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(real, text, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(source, filepath.FromSlash(virtual))] = real
	}
	const path = "example.org/program/internal/realtimeagent"
	for name, text := range Files(path) {
		write("internal/realtimeagent/"+name, text)
	}
	write("realtimeagent.go", []byte("package main\n\nimport _ \""+path+"\"\n"))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &program{file: filepath.Join(dir, "program"), symbols: make(map[string]elf.Symbol)}
	args := append([]string{"build", "-overlay", overlayFile, "-o", p.file}, flags...)
	build := exec.Command("go", append(args, ".")...)
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	p.read(t)
	programs.made[key] = p
	return p
}

// read fills symbols and setup, all without the load bias.
func (p *program) read(t testing.TB) {
	t.Helper()
	f, err := elf.Open(p.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		p.symbols[s.Name] = s
	}
	debug, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	const arena = 64 << 20
	start := (p.addr(t, "runtime.end") + arena) &^ 0xfff
	p.setup = wire.Setup{
		ArenaMin: start, ArenaMax: start + 16*arena, ArenaSize: arena,
		StopTheWorldGC: p.addr(t, "runtime.stopTheWorldGC"), StartTheWorldGC: p.addr(t, "runtime.startTheWorldGC"),
		StopTheWorld: p.addr(t, "runtime.stopTheWorld"), StartTheWorld: p.addr(t, "runtime.startTheWorld"),
		Gcallers: p.addr(t, "runtime.gcallers"), ItabAdd: p.addr(t, "runtime.itabAdd"),
		Getitab: p.addr(t, "runtime.getitab"), DoInit1: p.addr(t, "runtime.doInit1"),
		FirstModuledata: p.addr(t, "runtime.firstmoduledata"), LastModuledatap: p.addr(t, "runtime.lastmoduledatap"),
		ModulesSlice: p.addr(t, "runtime.modulesSlice"), Allgs: p.addr(t, "runtime.allgs"),
		ItabInit: p.addr(t, "runtime.itabInit"), ItabTable: p.addr(t, "runtime.itabTable"), Mheap: p.addr(t, "runtime.mheap_"), Allp: p.addr(t, "runtime.allp"), Allfin: p.addr(t, "runtime.allfin"), End: p.addr(t, "runtime.end"),
	}
	if s, ok := p.symbols["runtime.moduleTypelinks"]; ok {
		p.setup.ModuleTypelinks = s.Value
	}
	for _, name := range []string{"runtime.main_init_done", "runtime.mainInitDoneChan"} {
		if s, ok := p.symbols[name]; ok {
			p.setup.MainInitDone = s.Value
		}
	}
	if s, ok := p.symbols["runtime.raceacquireg"]; ok {
		p.setup.RaceAcquireg, p.setup.RaceReleaseMergeg = s.Value, p.addr(t, "runtime.racereleasemergeg")
	}
	offsets := fieldOffsets(t, debug, "runtime.g", "runtime.gobuf", "runtime.stack", "runtime.moduledata", "internal/abi.ITab", "internal/abi.Type",
		"runtime.mheap", "runtime.mspan", "runtime.special", "runtime.specialfinalizer", "runtime.finBlock")
	field := func(name string) uint32 {
		offset, ok := offsets[name]
		if !ok {
			t.Fatalf("no field %s", name)
		}
		return uint32(offset)
	}
	s := &p.setup
	s.ModuledataNext, s.ModuledataEtypes = field("runtime.moduledata.next"), field("runtime.moduledata.etypes")
	s.GStackLo = field("runtime.g.stack") + field("runtime.stack.lo")
	s.GStackHi = field("runtime.g.stack") + field("runtime.stack.hi")
	s.GSchedBP = field("runtime.g.sched") + field("runtime.gobuf.bp")
	s.GGoid, s.GAtomicstatus, s.GAsyncSafePoint = field("runtime.g.goid"), field("runtime.g.atomicstatus"), field("runtime.g.asyncSafePoint")
	s.GRacectx = field("runtime.g.racectx")
	s.ItabType, s.ItabHash, s.TypeHash = field("internal/abi.ITab.Type"), field("internal/abi.ITab.Hash"), field("internal/abi.Type.Hash")
	s.ModuledataData, s.ModuledataEdata = field("runtime.moduledata.data"), field("runtime.moduledata.edata")
	s.ModuledataBss, s.ModuledataEbss = field("runtime.moduledata.bss"), field("runtime.moduledata.ebss")
	s.GSchedSP, s.GSyscallSP = field("runtime.g.sched")+field("runtime.gobuf.sp"), field("runtime.g.syscallsp")
	s.MheapAllspans = field("runtime.mheap.allspans")
	s.SpanStart, s.SpanElemsize, s.SpanNelems = field("runtime.mspan.startAddr"), field("runtime.mspan.elemsize"), field("runtime.mspan.nelems")
	s.SpanFreeIndex, s.SpanAllocBits = field("runtime.mspan.freeIndexForScan"), field("runtime.mspan.allocBits")
	s.SpanState, s.SpanClass, s.SpanSpecials = field("runtime.mspan.state"), field("runtime.mspan.spanclass"), field("runtime.mspan.specials")
	s.FinBlockAlllink, s.FinBlockSize = field("runtime.finBlock.alllink"), 4096
	s.SpecialNext, s.SpecialKind = field("runtime.special.next"), field("runtime.special.kind")
	s.FinalizerFint, s.FinalizerOT = field("runtime.specialfinalizer.fint"), field("runtime.specialfinalizer.ot")
}

// fieldOffsets returns the offsets of the fields of the named structs, by
// "struct.field".
func fieldOffsets(t testing.TB, debug *dwarf.Data, structs ...string) map[string]int64 {
	t.Helper()
	offsets := make(map[string]int64)
	for r := debug.Reader(); ; {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return offsets
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		if e.Tag != dwarf.TagStructType || !slices.Contains(structs, name) {
			continue
		}
		typ, err := debug.Type(e.Offset)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range typ.(*dwarf.StructType).Field {
			offsets[name+"."+f.Name] = f.ByteOffset
		}
	}
}

func (p *program) addr(t testing.TB, name string) uint64 {
	t.Helper()
	s, ok := p.symbols[name]
	if !ok {
		t.Fatalf("no symbol %s", name)
	}
	return s.Value
}

// process is a running program.
type process struct {
	*program
	*Client
	t     *testing.T
	conn  Conn // of the Client
	pid   int
	in    io.Writer
	out   *bufio.Reader
	bias  uint64
	arena uint64
	seq   uint32
	used  uint64 // bytes of the arena
}

// start runs p until the end of the test and sets up its agent.
func (p *program) start(t *testing.T, env ...string) *process {
	t.Helper()
	h := p.launch(t, env...)
	hello, err := h.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	setup := h.setupFor(hello)
	ready, err := h.Setup(t.Context(), &setup)
	if err != nil {
		t.Fatal(err)
	}
	h.arena = ready.Arena
	return h
}

// launch runs p until the end of the test.
func (p *program) launch(t *testing.T, env ...string) *process {
	t.Helper()
	tool, child, err := Socketpair()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(p.file)
	cmd.Env = append(append(os.Environ(), Variable+"=3", "GOTRACEBACK=crash"), env...)
	cmd.ExtraFiles = []*os.File{child}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child.Close()
	h := &process{program: p, Client: New(tool), t: t, conn: tool, pid: cmd.Process.Pid, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		h.Close()
		in.Close()
		if t.Failed() {
			cmd.Process.Kill()
		}
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("the program ended with %v", err)
		}
	})
	return h
}

// setupFor is the setup of the process that says hello.
func (h *process) setupFor(hello *wire.Hello) wire.Setup {
	t, p := h.t, h.program
	t.Helper()
	h.bias = hello.Anchor - p.addr(t, "example.org/program/internal/realtimeagent.Anchor")
	if int(hello.PID) != h.pid {
		t.Errorf("pid %d in Hello, want %d", hello.PID, h.pid)
	}
	if hello.GoVersion != runtime.Version() {
		t.Errorf("the program is made by %s, the test by %s", hello.GoVersion, runtime.Version())
	}
	setup := p.setup
	if setup.RaceAcquireg != 0 {
		setup.RaceAcquireg += h.bias
		setup.RaceReleaseMergeg += h.bias
	}
	if setup.ModuleTypelinks != 0 {
		setup.ModuleTypelinks += h.bias
	}
	for _, addr := range []*uint64{
		&setup.ArenaMin, &setup.ArenaMax,
		&setup.StopTheWorldGC, &setup.StartTheWorldGC, &setup.StopTheWorld, &setup.StartTheWorld,
		&setup.Gcallers, &setup.ItabAdd, &setup.Getitab, &setup.DoInit1, &setup.ItabInit,
		&setup.FirstModuledata, &setup.LastModuledatap, &setup.ModulesSlice, &setup.Allgs, &setup.ItabTable, &setup.Mheap, &setup.Allp, &setup.Allfin, &setup.End, &setup.MainInitDone,
	} {
		*addr += h.bias
	}
	return setup
}

// say tells the program a line and returns its answer.
func (h *process) say(line string) string {
	h.t.Helper()
	if _, err := io.WriteString(h.in, line+"\n"); err != nil {
		h.t.Fatal(err)
	}
	answer, err := h.out.ReadString('\n')
	if err != nil {
		h.t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSuffix(answer, "\n")
}

func (h *process) symbol(name string) uint64 { return h.addr(h.t, name) + h.bias }

// text returns the text of a function.
func (h *process) text(name string) wire.Range {
	start := h.symbol(name)
	return wire.Range{Start: start, End: start + h.symbols[name].Size}
}

// redirect makes a redirect of a function.
func (h *process) redirect(name string, to uint64) wire.Redirect {
	return wire.Redirect{Old: h.symbol(name), New: to, Code: h.word(h.symbol(name)), Size: uint32(h.symbols[name].Size)}
}

// segment places data in the arena.
func (h *process) segment(prot uint8, data []byte) wire.Segment {
	s := wire.Segment{Addr: h.arena + h.used, Size: 4096, Prot: prot, Data: data}
	h.used += s.Size
	return s
}

// apply applies a patch that must succeed.
func (h *process) apply(p *wire.Patch) *wire.Applied {
	h.t.Helper()
	applied, err := h.try(p)
	if err != nil {
		h.t.Fatal(err)
	}
	if applied.Seq != p.Seq {
		h.t.Fatalf("sequence %d in the answer, want %d", applied.Seq, p.Seq)
	}
	return applied
}

func (h *process) try(p *wire.Patch) (*wire.Applied, error) {
	h.seq++
	p.Seq = h.seq
	return h.Apply(context.Background(), p)
}

// word reads a word of the process.
func (h *process) word(addr uint64) uint64 {
	h.t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", h.pid))
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	var b [8]byte
	if _, err := f.ReadAt(b[:], int64(addr)); err != nil {
		h.t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}
