package patch

import (
	"fmt"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// setup is what the agent must know of the runtime.
func setup(p *program.Program) (*wire.Setup, error) {
	s := &wire.Setup{ArenaMin: (p.End + arenaGap) &^ (1<<20 - 1), ArenaMax: arenaMax, ArenaSize: arenaSize, End: p.End}
	for name, to := range map[string]*uint64{
		"runtime.stopTheWorldGC": &s.StopTheWorldGC, "runtime.startTheWorldGC": &s.StartTheWorldGC,
		"runtime.stopTheWorld": &s.StopTheWorld, "runtime.startTheWorld": &s.StartTheWorld,
		"runtime.gcallers": &s.Gcallers, "runtime.itabAdd": &s.ItabAdd,
		"runtime.getitab": &s.Getitab, "runtime.doInit1": &s.DoInit1, "runtime.itabInit": &s.ItabInit,
	} {
		f, ok, err := p.HostFunction(name, goobj.ABIInternal)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("the program has no %s", name)
		}
		*to = f.Addr
	}
	for name, to := range map[string]*uint64{
		"runtime.firstmoduledata": &s.FirstModuledata, "runtime.lastmoduledatap": &s.LastModuledatap,
		"runtime.modulesSlice": &s.ModulesSlice, "runtime.allgs": &s.Allgs, "runtime.itabTable": &s.ItabTable, "runtime.mheap_": &s.Mheap, "runtime.allp": &s.Allp, "runtime.allfin": &s.Allfin, p.Release.MainInitDone: &s.MainInitDone,
	} {
		a, ok := p.Variable(name)
		if !ok {
			return nil, fmt.Errorf("the program has no %s", name)
		}
		*to = a
	}
	acquire, ok1, _ := p.HostFunction("runtime.raceacquireg", goobj.ABIInternal)
	release, ok2, _ := p.HostFunction("runtime.racereleasemergeg", goobj.ABIInternal)
	if ok1 && ok2 { // a -race host
		s.RaceAcquireg, s.RaceReleaseMergeg = acquire.Addr, release.Addr
	}
	if !p.Release.Typelinks {
		f, ok, err := p.HostFunction("runtime.moduleTypelinks", goobj.ABIInternal)
		if err != nil || !ok {
			return nil, fmt.Errorf("the program has no runtime.moduleTypelinks")
		}
		s.ModuleTypelinks = f.Addr
	}
	for _, f := range []struct {
		structure, field string
		to               *uint32
	}{
		{"runtime.moduledata", "next", &s.ModuledataNext}, {"runtime.moduledata", "etypes", &s.ModuledataEtypes},
		{"runtime.g", "goid", &s.GGoid}, {"runtime.g", "atomicstatus", &s.GAtomicstatus}, {"runtime.g", "asyncSafePoint", &s.GAsyncSafePoint},
		{"runtime.g", "racectx", &s.GRacectx},
		{"runtime.moduledata", "data", &s.ModuledataData}, {"runtime.moduledata", "edata", &s.ModuledataEdata},
		{"runtime.moduledata", "bss", &s.ModuledataBss}, {"runtime.moduledata", "ebss", &s.ModuledataEbss},
		{"runtime.g", "syscallsp", &s.GSyscallSP}, {"runtime.mheap", "allspans", &s.MheapAllspans},
		{"runtime.mspan", "startAddr", &s.SpanStart}, {"runtime.mspan", "elemsize", &s.SpanElemsize}, {"runtime.mspan", "nelems", &s.SpanNelems},
		{"runtime.mspan", "freeIndexForScan", &s.SpanFreeIndex}, {"runtime.mspan", "allocBits", &s.SpanAllocBits},
		{"runtime.mspan", "state", &s.SpanState}, {"runtime.mspan", "spanclass", &s.SpanClass}, {"runtime.mspan", "specials", &s.SpanSpecials},
		{"runtime.finBlock", "alllink", &s.FinBlockAlllink},
		{"runtime.special", "next", &s.SpecialNext}, {"runtime.special", "kind", &s.SpecialKind},
		{"runtime.specialfinalizer", "fint", &s.FinalizerFint}, {"runtime.specialfinalizer", "ot", &s.FinalizerOT},
		{"internal/abi.ITab", "Type", &s.ItabType}, {"internal/abi.ITab", "Hash", &s.ItabHash}, {"internal/abi.Type", "Hash", &s.TypeHash},
	} {
		off, ok := p.Layouts.Offset(f.structure, f.field)
		if !ok {
			return nil, fmt.Errorf("%s has no field %s", f.structure, f.field)
		}
		*f.to = uint32(off)
	}
	s.FinBlockSize = uint32(p.Layouts["runtime.finBlock"].Size)
	for _, f := range []struct {
		outer, inner, field string
		to                  *uint32
	}{
		{"stack", "runtime.stack", "lo", &s.GStackLo}, {"stack", "runtime.stack", "hi", &s.GStackHi}, {"sched", "runtime.gobuf", "bp", &s.GSchedBP},
		{"sched", "runtime.gobuf", "sp", &s.GSchedSP},
	} {
		a, ok1 := p.Layouts.Offset("runtime.g", f.outer)
		b, ok2 := p.Layouts.Offset(f.inner, f.field)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("runtime.g has no field %s.%s", f.outer, f.field)
		}
		*f.to = uint32(a + b)
	}
	return s, nil
}
