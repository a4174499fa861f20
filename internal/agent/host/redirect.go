//go:build go1.21 && linux && amd64

package host

import (
	"runtime"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// jumpSize is the size of JMP rel32: the opcode and a displacement, which counts
// from the next instruction. The three bytes behind it, to the aligned word that
// is stored at once, stay as they are.
const (
	jumpSize = 5
	jumpCode = 0xe9
)

// Between two attempts, the goroutines that stand in the way run on for a time
// that doubles from firstRest to lastRest, in nanoseconds.
const (
	firstRest = 50e3
	lastRest  = 5e6
)

// minAttempts are made to find no value of a type: what is in a sync.Pool is garbage when
// the GC has run twice (sync/pool.go).
const minAttempts = 4

// maxBlockers bounds what a refusal tells.
const maxBlockers = 64

// redirect does phase 2 of p. The answer is nil if all is done.
func (a *agent) redirect(p *wire.Patch, applied *wire.Applied) wire.Message {
	if len(p.Redirects) == 0 && len(p.Writes) == 0 && len(p.Retired) == 0 {
		return nil
	}
	failed := &wire.Failed{Seq: p.Seq, Phase: wire.PhaseRedirect}
	pokes := makePokes(p)
	lock, problem := unlock(pokes)
	defer lock()
	if problem != "" {
		failed.Reason = problem
		return failed
	}

	var search *search
	if len(p.Retired) > 0 {
		search = a.newSearch(p.Retired, p.Skip)
	}
	out := new(derivedTypes)
	defer func() {
		if failed.Reason != "" {
			out.putBack()
		}
	}()
	if search != nil {
		search.out = uint64(uintptr(unsafe.Pointer(out)))
	}
	walk := len(p.Quiet) > 0
	for _, r := range p.Redirects {
		walk = walk || r.Flags&wire.NoFrames != 0
	}
	if walk {
		a.makeBuffer()
	}
	if len(p.Methods) > 0 && a.ModuleTypelinks != 0 {
		// It goes from one descriptor to the next by their sizes, which the number of
		// methods is part of, and remembers what it found (runtime/type.go, 1.27). So it
		// has to be done before any type says that it has another number.
		a.moduleTypelinks(a.FirstModuledata)
	}
	// The writes may delete pointers without a write barrier, which a running
	// GC cycle must not miss.
	gc := len(p.Writes) > 0 || search != nil
	blockers := make([]wire.Frame, 0, maxBlockers)
	deadline := now() + p.WaitNS
	for rest := uint64(firstRest); ; {
		applied.Attempts++
		if search != nil {
			a.takeOut(p, search, out)
			runtime.GC() // garbage is no holder; what is in a sync.Pool takes several times
		}
		world := a.stopTheWorld(gc)
		blockers = a.blockers(p, walk, blockers[:0])
		foreign := a.foreign(p.Redirects)
		held := len(blockers) == 0 && foreign == 0 && a.held(search)
		written := len(blockers) == 0 && foreign == 0 && !held && writeAll(pokes)
		if written && len(p.Methods) > 0 {
			a.completeItabs(p.Methods)
		}
		if a.syncCore {
			membarrier(membarrierSyncCore)
		}
		longest(&applied.PauseNS, a.startTheWorld(world))
		switch {
		case written:
			for i, r := range p.Redirects {
				a.entries[r.Old] = littleEndian(pokes[i].new)
			}
			return nil
		case foreign != 0:
			failed.Reason = "there is a breakpoint, or other foreign code, at the entry of " + runtime.FuncForPC(uintptr(foreign)).Name()
			return failed
		case len(blockers) == 0 && !held:
			failed.Reason = "writing to /proc/self/mem was refused"
			return failed
		case now() >= deadline && applied.Attempts >= minAttempts && held:
			failed.Reason = "values of a type that changed are held as interfaces"
			failed.Holders = a.holders(search)
			return failed
		case now() >= deadline && !held:
			failed.Reason = "calls in progress stand in the way"
			failed.Blockers = blockers
			return failed
		}
		runtime.Gosched()
		sleep(rest)
		if rest *= 2; rest > lastRest {
			rest = lastRest
		}
	}
}

// foreign returns the first entry in rs whose bytes neither the compiler nor the agent
// has written; 0 if there is none. A debugger that has a breakpoint there would not
// know of the jump, and put back a byte of the old code into it. The world is stopped.
func (a *agent) foreign(rs []wire.Redirect) uint64 {
	for i := range rs {
		old := rs[i].Old
		now := load64(old)
		if now == rs[i].Code {
			continue
		}
		if left, ok := a.entries[old]; !ok || now != left {
			return old
		}
	}
	return 0
}

func longest(pause *uint64, ns uint64) {
	if ns > *pause {
		*pause = ns
	}
}

// report adds the frames of old versions to applied, one short stop after the
// other: a walk of 10,000 stacks takes many milliseconds.
func (a *agent) report(p *wire.Patch, applied *wire.Applied) {
	if len(p.Running) == 0 {
		return
	}
	a.makeBuffer()
	const slice = 200e3 // nanoseconds
	frames := make([]wire.Frame, 0, wire.MaxFrames)
	for i, more := 0, true; more; {
		world := a.stopTheWorld(false)
		end := now() + slice
		gs := a.goroutines()
		for ; i < len(gs) && (i%16 != 0 || now() < end); i++ {
			if g := gs[i]; a.hasFrames(g) {
				last := -1 // a function that calls itself is told once
				a.walk(g, func(pc uint64) {
					k := findRange(p.Running, pc)
					if k >= 0 && k != last && len(frames) < wire.MaxFrames {
						frames = append(frames, a.frame(g, pc, k))
					}
					last = k
				})
			}
		}
		more = i < len(gs)
		longest(&applied.PauseNS, a.startTheWorld(world))
	}
	applied.Frames = frames
}

// blockers adds the frames to found that forbid to write the redirects of p now.
// The world is stopped.
func (a *agent) blockers(p *wire.Patch, walk bool, found []wire.Frame) []wire.Frame {
	add := func(g, pc uint64, index int) {
		if len(found) < cap(found) {
			found = append(found, a.frame(g, pc, index))
		}
	}
	for _, g := range a.goroutines() {
		// Of most of 10,000 goroutines nothing else is looked at: each cache line of each
		// of them costs the program time.
		preempted := load8(g+uint64(a.GAsyncSafePoint)) != 0
		if !preempted && !walk || !a.hasFrames(g) {
			continue
		}
		if preempted {
			pc, ok := a.interrupted(g)
			k := findRedirect(p.Redirects, pc)
			if !ok {
				add(g, 0, len(p.Quiet))
			} else if k >= 0 && pc > p.Redirects[k].Old && pc < p.Redirects[k].Old+jumpSize {
				add(g, pc, len(p.Quiet)+k)
			}
		}
		if !walk {
			continue
		}
		whole := a.walk(g, func(pc uint64) {
			if k := findRange(p.Quiet, pc); k >= 0 {
				add(g, pc, k)
			}
			if k := findRedirect(p.Redirects, pc); k >= 0 {
				if r := &p.Redirects[k]; r.Flags&wire.NoFrames != 0 && pc < r.Old+uint64(r.Size) {
					add(g, pc, len(p.Quiet)+k)
				}
			}
		})
		if !whole {
			add(g, 0, len(p.Quiet))
		}
	}
	return found
}

// findRedirect returns the index of the last redirect with Old <= pc, or -1.
func findRedirect(rs []wire.Redirect, pc uint64) int {
	i, j := 0, len(rs)
	for i < j {
		if k := int(uint(i+j) / 2); rs[k].Old <= pc {
			i = k + 1
		} else {
			j = k
		}
	}
	return i - 1
}

// findRange returns the index of the range that holds pc, or -1.
func findRange(rs []wire.Range, pc uint64) int {
	i, j := 0, len(rs)
	for i < j {
		if k := int(uint(i+j) / 2); rs[k].Start <= pc {
			i = k + 1
		} else {
			j = k
		}
	}
	if i > 0 && pc < rs[i-1].End {
		return i - 1
	}
	return -1
}
