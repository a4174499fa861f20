//go:build go1.21 && linux && amd64

package host

import (
	"runtime"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// The functions of the runtime are called by address, through a func value made
// by hand: a func value is a pointer to a word that holds the entry pc. Pointers
// to runtime data are uint64 here, which the register ABI passes alike.

func (a *agent) stopTheWorld(gc bool) stopped {
	pc := a.StopTheWorld
	if gc {
		pc = a.StopTheWorldGC
	}
	f := &pc
	return stopped{gc, (*(*func(uint8) worldStop)(unsafe.Pointer(&f)))(0)}
}

// startTheWorld returns how long the world stood still, in nanoseconds.
func (a *agent) startTheWorld(s stopped) uint64 {
	pc := a.StartTheWorld
	if s.gc {
		pc = a.StartTheWorldGC
	}
	f := &pc
	(*(*func(worldStop))(unsafe.Pointer(&f)))(s.worldStop)
	return now() - uint64(s.started)
}

// worldStop is runtime.worldStop (proc.go, 1.25 to 1.27).
//
//lint:ignore U1000 stopTheWorld fills the fields, and startTheWorld reads them.
type worldStop struct {
	reason   uint8 // 0: unknown
	started  int64 // nanotime
	finished int64
	cpuTime  int64
}

// stopped is a stopped world. Between stop and start the runtime does not
// preempt us (m.preemptoff). We must not block and not make a system call that
// the scheduler sees, only raw ones.
type stopped struct {
	gc bool // also: no GC cycle is running
	worldStop
}

func (a *agent) itabAdd(itab uint64) {
	f := &a.ItabAdd
	(*(*func(uint64))(unsafe.Pointer(&f)))(itab)
}

func (a *agent) getitab(inter, typ uint64) uint64 {
	f := &a.Getitab
	return (*(*func(inter, typ uint64, canfail bool) uint64)(unsafe.Pointer(&f)))(inter, typ, true)
}

func (a *agent) doInit1(task uint64) {
	f := &a.DoInit1
	(*(*func(uint64))(unsafe.Pointer(&f)))(task)
}

// gcallers is like runtime.Callers for the goroutine g, which must not run.
func (a *agent) gcallers(g uint64, skip int, pcs []uintptr) int {
	f := &a.Gcallers
	return (*(*func(g uint64, skip int, pcs []uintptr) int)(unsafe.Pointer(&f)))(g, skip, pcs)
}

// raceacquireg tells the race detector that the goroutine g has seen all that
// went before the last atomic store to *addr.
func (a *agent) raceacquireg(g uint64, addr *uint32) {
	f := &a.RaceAcquireg
	(*(*func(g uint64, addr *uint32))(unsafe.Pointer(&f)))(g, addr)
}

// call calls the func() at pc.
func call(pc uint64) {
	f := &pc
	(*(*func())(unsafe.Pointer(&f)))()
}

// isEntry reports whether the runtime knows a function that begins at pc.
func isEntry(pc uint64) bool {
	f := runtime.FuncForPC(uintptr(pc))
	return f != nil && f.Entry() == uintptr(pc)
}

// checkSetup returns what is wrong with the facts in s, as far as that can be
// seen from here.
func checkSetup(s *wire.Setup) string {
	for _, f := range [...]struct {
		pc   uint64
		name string
	}{
		{s.StopTheWorldGC, "runtime.stopTheWorldGC"},
		{s.StartTheWorldGC, "runtime.startTheWorldGC"},
		{s.StopTheWorld, "runtime.stopTheWorld"},
		{s.StartTheWorld, "runtime.startTheWorld"},
		{s.Gcallers, "runtime.gcallers"},
		{s.ItabAdd, "runtime.itabAdd"},
		{s.Getitab, "runtime.getitab"},
		{s.DoInit1, "runtime.doInit1"},
		{s.RaceAcquireg, "runtime.raceacquireg"},
	} {
		if f.pc == 0 && f.pc == s.RaceAcquireg {
			continue
		}
		if !isEntry(f.pc) || runtime.FuncForPC(uintptr(f.pc)).Name() != f.name {
			return "no " + f.name + " at its address"
		}
	}
	for _, addr := range [...]uint64{s.FirstModuledata, s.LastModuledatap, s.ModulesSlice, s.Allgs, s.MainInitDone} {
		if addr%8 != 0 || addr == 0 && addr != s.MainInitDone {
			return "bad address of a runtime variable"
		}
	}
	for _, offset := range [...]uint32{
		s.ModuledataNext, s.ModuledataEtypes, s.GStackHi, s.GSchedBP,
		s.GGoid, s.GAtomicstatus, s.GAsyncSafePoint, s.GRacectx, s.ItabType, s.ItabHash, s.TypeHash,
	} {
		if offset == 0 || offset >= pageSize {
			return "bad offset of a field"
		}
	}
	last := load64(s.LastModuledatap)
	if last == 0 || load64(last+uint64(s.ModuledataNext)) != 0 {
		return "runtime.lastmoduledatap is not the last module"
	}
	modules := *(**[]uint64)(pointer(s.ModulesSlice))
	if modules == nil || len(*modules) == 0 || (*modules)[0] != s.FirstModuledata {
		return "runtime.modulesSlice does not begin with the first module"
	}
	return ""
}
