//go:build go1.21 && linux && amd64

package host

import (
	"unsafe"
)

// The functions of the runtime are called by address, through a func value made
// by hand: a func value is a pointer to a word that holds the entry pc. Pointers
// to runtime data are uint64 here, which the register ABI passes alike.
//
// nocheckptr, here and in this package: with -asan a local whose address becomes an
// unsafe.Pointer lives on the heap (cmd/compile/internal/escape/expr.go, 1.25 to 1.27),
// so that it does not tell where the stack is, and costs an allocation, which a stopped
// world does not have.

//go:nocheckptr
func (a *agent) stopTheWorld(gc bool) stopped {
	pc := a.StopTheWorld
	if gc {
		pc = a.StopTheWorldGC
	}
	f := &pc
	s := stopped{gc, (*(*func(uint8) worldStop)(unsafe.Pointer(&f)))(0)}
	a.worldStopped = true
	return s
}

// startTheWorld returns how long the world stood still, in nanoseconds.
//
//go:nocheckptr
func (a *agent) startTheWorld(s stopped) uint64 {
	pc := a.StartTheWorld
	if s.gc {
		pc = a.StartTheWorldGC
	}
	f := &pc
	a.worldStopped = false
	// The call itself may come back late: others are started first.
	ns := now() - uint64(s.started)
	(*(*func(worldStop))(unsafe.Pointer(&f)))(s.worldStop)
	return ns
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

//go:nocheckptr
func (a *agent) itabAdd(itab uint64) {
	f := &a.ItabAdd
	(*(*func(uint64))(unsafe.Pointer(&f)))(itab)
}

//go:nocheckptr
func (a *agent) getitab(inter, typ uint64) uint64 {
	f := &a.Getitab
	return (*(*func(inter, typ uint64, canfail bool) uint64)(unsafe.Pointer(&f)))(inter, typ, true)
}

//go:nocheckptr
func (a *agent) doInit1(task uint64) {
	f := &a.DoInit1
	(*(*func(uint64))(unsafe.Pointer(&f)))(task)
}

// itabInit fills the methods into an itab, or leaves it empty if one is missing
// (iface.go, 1.25 to 1.27).
//
//go:nocheckptr
func (a *agent) itabInit(itab uint64) {
	f := &a.ItabInit
	(*(*func(itab uint64, firstTime bool) string)(unsafe.Pointer(&f)))(itab, true)
}

// moduleTypelinks makes the runtime list the types of a module, once (type.go, since 1.27).
//
//go:nocheckptr
func (a *agent) moduleTypelinks(module uint64) []unsafe.Pointer {
	f := &a.ModuleTypelinks
	return (*(*func(module uint64) []unsafe.Pointer)(unsafe.Pointer(&f)))(module)
}

// gcallers is like runtime.Callers for the goroutine g, which must not run.
//
//go:nocheckptr
func (a *agent) gcallers(g uint64, skip int, pcs []uintptr) int {
	f := &a.Gcallers
	return (*(*func(g uint64, skip int, pcs []uintptr) int)(unsafe.Pointer(&f)))(g, skip, pcs)
}

// raceacquireg tells the race detector that the goroutine g has seen all that
// went before the last atomic store to *addr.
//
//go:nocheckptr
func (a *agent) raceacquireg(g uint64, addr *uint32) {
	f := &a.RaceAcquireg
	(*(*func(g uint64, addr *uint32))(unsafe.Pointer(&f)))(g, addr)
}

// tell calls the func(string) at pc.
//
//go:nocheckptr
func tell(pc uint64, news string) {
	f := &pc
	(*(*func(string))(unsafe.Pointer(&f)))(news)
}

// racereleasemergeg tells the race detector that who sees *addr, by an atomic load, has
// seen all that the goroutine g has done.
//
//go:nocheckptr
func (a *agent) racereleasemergeg(g uint64, addr *uint32) {
	f := &a.RaceReleaseMergeg
	(*(*func(g uint64, addr *uint32))(unsafe.Pointer(&f)))(g, addr)
}

// call calls the func() at pc.
//
//go:nocheckptr
func call(pc uint64) {
	f := &pc
	(*(*func())(unsafe.Pointer(&f)))()
}
