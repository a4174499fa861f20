//go:build go1.21 && linux && amd64

package host

import (
	"runtime"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// goroutines returns the addresses of all g that ever were. The world is
// stopped, so the list does not grow meanwhile.
func (a *agent) goroutines() []uint64 { return *(*[]uint64)(pointer(a.Allgs)) }

// hasFrames reports whether g has a stack that may hold frames of the program.
// The world is stopped.
//
// Our own goroutine is left out: it runs nothing but the agent, initializers
// have their own, and a goroutine can't be unwound on its own stack.
//
//go:nocheckptr
func (a *agent) hasFrames(g uint64) bool {
	// Values of runtime2.go, 1.25 to 1.27.
	const (
		idle      = 0
		dead      = 6
		deadExtra = 11 // since 1.26
		scan      = 0x1000
	)
	switch load32(g+uint64(a.GAtomicstatus)) &^ scan {
	case idle, dead, deadExtra:
		return false
	}
	var here byte
	sp := uint64(uintptr(unsafe.Pointer(&here)))
	return sp < load64(g+uint64(a.GStackLo)) || sp >= load64(g+uint64(a.GStackHi))
}

func (a *agent) frame(g, pc uint64, index int) wire.Frame {
	return wire.Frame{GoID: load64(g + uint64(a.GGoid)), PC: pc, Range: uint32(index)}
}

// interrupted returns the pc at which g, which is at an asynchronous safe point,
// goes on. No goroutine that stands still elsewhere is about to execute any but
// the first byte of a function, or one behind a call.
//
// The signal handler made the goroutine call asyncPreempt, that called
// asyncPreempt2, that called mcall, which saved the frame pointer of
// asyncPreempt2 (preempt.go, preempt_amd64.s, asm_amd64.s, 1.25 to 1.27):
//
//	g.sched.bp → frame pointer of asyncPreempt → frame pointer of the function
//	             return pc in asyncPreempt       the pc
//
// runtime.gcallers is of no use here because it leaves out wrappers.
func (a *agent) interrupted(g uint64) (uint64, bool) {
	lo, hi := load64(g+uint64(a.GStackLo)), load64(g+uint64(a.GStackHi))
	bp := load64(g + uint64(a.GSchedBP))
	if bp < lo || bp+16 > hi || bp%8 != 0 {
		return 0, false
	}
	f := runtime.FuncForPC(uintptr(load64(bp+8)) - 1)
	if f == nil || f.Name() != "runtime.asyncPreempt" {
		return 0, false
	}
	up := load64(bp)
	if up <= bp || up+16 > hi || up%8 != 0 {
		return 0, false
	}
	return load64(up + 8), true
}

// makeBuffer allocates what walk needs, before the world is stopped.
func (a *agent) makeBuffer() {
	if a.pcs == nil {
		a.pcs = make([]uintptr, 2048)
	}
}

// walk visits the pcs of all frames of g, from the innermost, and reports
// whether it came to the bottom. Generated wrappers are left out.
func (a *agent) walk(g uint64, visit func(pc uint64)) bool {
	const most = 1 << 18 // the walk begins anew for each len(a.pcs) frames
	var last uintptr
	for skip := 0; skip < most; skip += len(a.pcs) {
		n := a.gcallers(g, skip, a.pcs)
		for _, pc := range a.pcs[:n] {
			last = pc - 1 // the runtime adds 1 to all pcs (traceback.go, tracebackPCs)
			visit(uint64(last))
		}
		if n < len(a.pcs) {
			f := runtime.FuncForPC(last)
			return f != nil && f.Entry() == a.goexit
		}
	}
	return false
}

// bottomOfStack returns the entry pc of runtime.goexit.
func bottomOfStack() uintptr {
	pcs := make([]uintptr, 64)
	n := runtime.Callers(0, pcs)
	if f := runtime.FuncForPC(pcs[n-1] - 1); f != nil {
		return f.Entry()
	}
	return 0
}
