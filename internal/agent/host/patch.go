//go:build go1.21 && linux && amd64

package host

import (
	"reflect"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// agent is the state between messages. It is used by one goroutine.
type agent struct {
	wire.Setup
	anchor   uint64            // an address in the text of the executable
	arena    wire.Range        // empty before Setup
	room     wire.Range        // for what is writable; empty: the arena
	segments []wire.Segment    // all that are mapped, without Data
	itabs    []wire.Range      // the methods of those that were found for the tool
	entries  map[uint64]uint64 // the words that redirects have left, by address
	goexit   uintptr           // entry pc of runtime.goexit, the end of every stack
	syncCore bool              // membarrier can make all threads fetch their instructions anew
	ordered  uint32            // stored to after initializers, for the race detector
	pcs      []uintptr         // for walk

	phase        string // what a panic would end
	seq          uint32
	worldStopped bool
}

func (a *agent) setUp(m *wire.Setup) wire.Message {
	if a.arena.End != 0 {
		return &wire.Failed{Phase: wire.PhaseMap, Reason: "set up twice"}
	}
	a.phase = wire.PhaseMap
	if problem := a.checkSetup(m); problem != "" {
		return &wire.Failed{Phase: wire.PhaseMap, Reason: problem}
	}
	arena, problem := reserve(m.ArenaMin, m.ArenaMax, m.ArenaSize)
	if problem != "" {
		return &wire.Failed{Phase: wire.PhaseMap, Reason: problem}
	}
	a.Setup = *m
	if problem := a.checkHeap(); problem != "" {
		return &wire.Failed{Phase: wire.PhaseMap, Reason: problem}
	}
	a.arena = wire.Range{Start: arena, End: arena + m.ArenaSize}
	a.goexit = bottomOfStack()
	a.syncCore = membarrier(membarrierRegisterSyncCore) == 0
	a.room = wholePages(room())
	a.entries = make(map[uint64]uint64)
	return &wire.Ready{Arena: arena, Room: a.room}
}

func (a *agent) findItabs(m *wire.FindItabs) wire.Message {
	if a.arena.End == 0 {
		return &wire.Failed{Phase: wire.PhaseLoad, Reason: "not set up"}
	}
	answer := &wire.Itabs{Addrs: make([]uint64, len(m.Pairs)), Empty: make([]uint64, len(m.Pairs))}
	maps, ok := mappings()
	if !ok {
		return &wire.Failed{Phase: wire.PhaseLoad, Reason: "reading /proc/self/maps"}
	}
	for i, p := range m.Pairs {
		if !a.isInterface(maps, p.Inter) || !a.isType(maps, p.Type) {
			return &wire.Failed{Phase: wire.PhaseLoad, Reason: "itab of what is not a type"}
		}
		itab := a.getitab(p.Inter, p.Type)
		answer.Addrs[i] = itab
		if itab == 0 {
			answer.Empty[i] = a.emptyItab(p)
			continue
		}
		// The runtime leaves the hash of the itabs that it makes zero
		// (iface.go, 1.25 to 1.27), but compiled type switches look at it.
		if load32(itab+uint64(a.ItabHash)) == 0 {
			store32(itab+uint64(a.ItabHash), load32(load64(itab+uint64(a.ItabType))+uint64(a.TypeHash)))
		}
		fun := a.methodsOf(itab)
		a.itabs = append(a.itabs, wire.Range{Start: fun, End: fun + 8*methodCount(p.Inter)})
	}
	return answer
}

// apply applies an edit, or leaves everything as it was.
func (a *agent) apply(p *wire.Patch) wire.Message {
	failed := func(phase, reason string) wire.Message {
		return &wire.Failed{Seq: p.Seq, Phase: phase, Reason: reason}
	}
	a.seq = p.Seq
	if a.arena.End == 0 {
		return failed(wire.PhaseLoad, "not set up")
	}
	if a.MainInitDone != 0 {
		// The variables of the program don't have their first values yet.
		<-*(*chan bool)(pointer(a.MainInitDone))
	}

	applied := &wire.Applied{Seq: p.Seq}
	begin := now()
	mapped := len(a.segments)
	problem := a.load(p.Segments)
	if problem == "" {
		problem = a.check(p)
	}
	if problem != "" {
		a.unload(mapped)
		return failed(wire.PhaseLoad, problem)
	}
	a.phase = wire.PhaseInit
	applied.PauseNS = a.link(p)
	loaded := now()
	applied.LoadNS = loaded - begin

	longest(&applied.PauseNS, a.orderBefore(p))
	problem = a.initialize(p)
	longest(&applied.PauseNS, a.orderAfter(p))
	if problem != "" {
		return failed(wire.PhaseInit, problem)
	}
	applied.InitNS = now() - loaded

	a.phase = wire.PhaseRedirect
	if answer := a.redirect(p, applied); answer != nil {
		return answer
	}
	a.report(p, applied)
	if p.Hook != 0 {
		go tell(p.Hook, p.News)
	}
	return applied
}

// load maps segments and fills them.
func (a *agent) load(segments []wire.Segment) string {
	for _, s := range segments {
		if s.Addr%pageSize != 0 || s.Size%pageSize != 0 || s.Size == 0 ||
			!holds(a.place(s.Prot), s.Addr, s.Size) ||
			uint64(len(s.Data)) > s.Size || s.Prot > wire.ProtRead|wire.ProtWrite|wire.ProtExec {
			return "segment outside of its range"
		}
		for _, other := range a.segments {
			if s.Addr < other.Addr+other.Size && other.Addr < s.Addr+s.Size {
				return "segment overlaps another"
			}
		}
		a.segments = append(a.segments, wire.Segment{Addr: s.Addr, Size: s.Size, Prot: s.Prot})
		const writable = wire.ProtRead | wire.ProtWrite
		if _, errno := mmap(s.Addr, s.Size, writable, syscall.MAP_FIXED); errno != 0 {
			return "mapping a segment: " + errno.Error()
		}
		fill(s.Addr, s.Data)
		if s.Prot != writable {
			if errno := mprotect(s.Addr, s.Size, uintptr(s.Prot)); errno != 0 {
				return "protecting a segment: " + errno.Error()
			}
		}
	}
	return ""
}

// place is the range for segments of a protection.
func (a *agent) place(prot uint8) wire.Range {
	if prot&wire.ProtWrite != 0 && a.room != (wire.Range{}) {
		return a.room
	}
	return a.arena
}

func holds(r wire.Range, addr, size uint64) bool {
	return addr >= r.Start && addr < r.End && size <= r.End-addr
}

// wholePages is what r has of whole pages.
func wholePages(r wire.Range) wire.Range {
	return wire.Range{Start: (r.Start + pageSize - 1) &^ (pageSize - 1), End: r.End &^ (pageSize - 1)}
}

// unload gives back the segments from the given index on.
func (a *agent) unload(mapped int) {
	for _, s := range a.segments[mapped:] {
		mmap(s.Addr, s.Size, 0, syscall.MAP_FIXED|syscall.MAP_NORESERVE)
	}
	a.segments = a.segments[:mapped]
}

// inside reports whether the size bytes at addr are in a loaded segment with at
// least the protection prot.
func (a *agent) inside(addr, size uint64, prot uint8) bool {
	for i := range a.segments {
		s := &a.segments[i]
		if addr >= s.Addr && addr < s.Addr+s.Size {
			return size <= s.Addr+s.Size-addr && s.Prot&prot == prot
		}
	}
	return false
}

// link makes the runtime know the image. It returns the length of the pause.
//
// The GC must not be running: it has counted the modules' data as roots when
// its cycle began (mgcmark.go, gcMarkRootPrepare), and nothing here has a write
// barrier. itabAdd wants itabLock held; who holds it has a P and is not
// preempted (lock counts m.locks), so nobody does while the world is stopped.
func (a *agent) link(p *wire.Patch) uint64 {
	if p.Moduledata == 0 && p.Etypes == 0 && len(p.Itabs) == 0 {
		return 0
	}
	var modules *[]unsafe.Pointer
	if p.Moduledata != 0 {
		old := **(**[]unsafe.Pointer)(pointer(a.ModulesSlice))
		modules = new([]unsafe.Pointer)
		*modules = append(append(make([]unsafe.Pointer, 0, len(old)+1), old...), pointer(p.Moduledata))
	}
	w := a.stopTheWorld(true)
	if modules != nil {
		store64(load64(a.LastModuledatap)+uint64(a.ModuledataNext), p.Moduledata)
		store64(a.LastModuledatap, p.Moduledata)
		atomic.StorePointer((*unsafe.Pointer)(pointer(a.ModulesSlice)), unsafe.Pointer(modules))
	}
	if p.Etypes != 0 {
		store64(a.FirstModuledata+uint64(a.ModuledataEtypes), p.Etypes)
	}
	for _, itab := range p.Itabs {
		a.itabAdd(itab)
	}
	return a.startTheWorld(w)
}

// initialize runs the initializers of p, on a goroutine of their own because
// they may end it. It returns what went wrong, or "".
func (a *agent) initialize(p *wire.Patch) string {
	if len(p.InitTasks) == 0 && len(p.InitFuncs) == 0 {
		return ""
	}
	problem := make(chan string, 1)
	go func() {
		finished := false
		defer func() {
			// With GODEBUG=panicnil=1, a panic(nil) looks like Goexit.
			switch r := recover(); {
			case finished:
				problem <- ""
			case r == nil:
				problem <- "an initializer called runtime.Goexit"
			default:
				problem <- "panic: " + text(r)
			}
		}()
		for _, task := range p.InitTasks {
			a.doInit1(task)
		}
		for _, pc := range p.InitFuncs {
			call(pc)
		}
		finished = true
	}()
	rest := uint64(firstRest)
	for start := now(); now()-start < initLimit; sleep(rest) {
		select {
		case s := <-problem:
			return s
		default:
		}
		if rest *= 2; rest > lastRest {
			rest = lastRest
		}
	}
	return "an initializer is still running after 5 s"
}

// initLimit is how long initializers may run, in nanoseconds.
const initLimit = 5e9

// orderBefore makes the race detector believe what is true: that what the goroutines
// have done so far came before the initializers of p. It returns the length of the
// pause.
func (a *agent) orderBefore(p *wire.Patch) uint64 {
	if a.RaceAcquireg == 0 || len(p.InitTasks) == 0 && len(p.InitFuncs) == 0 {
		return 0
	}
	world := a.stopTheWorld(false)
	for _, g := range a.goroutines() {
		if a.hasFrames(g) && load64(g+uint64(a.GRacectx)) != 0 {
			a.racereleasemergeg(g, &a.ordered)
		}
	}
	pause := a.startTheWorld(world)
	atomic.LoadUint32(&a.ordered)
	return pause
}

// orderAfter makes it believe that these ran before all that the goroutines do from now
// on.
func (a *agent) orderAfter(p *wire.Patch) uint64 {
	if a.RaceAcquireg == 0 || len(p.InitTasks) == 0 && len(p.InitFuncs) == 0 {
		return 0
	}
	atomic.StoreUint32(&a.ordered, 1)
	world := a.stopTheWorld(false)
	for _, g := range a.goroutines() {
		if a.hasFrames(g) && load64(g+uint64(a.GRacectx)) != 0 {
			a.raceacquireg(g, &a.ordered)
		}
	}
	return a.startTheWorld(world)
}

// text describes the value of a panic.
func text(v interface{}) (s string) {
	defer func() {
		if recover() != nil {
			s = "a value whose text panics"
		}
	}()
	switch v := v.(type) {
	case error:
		return v.Error()
	case interface{ String() string }:
		return v.String()
	case string:
		return v
	}
	return "a value of type " + reflect.TypeOf(v).String()
}
