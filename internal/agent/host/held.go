//go:build go1.21 && linux && amd64

package host

import (
	"sync"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// An edit that changes a type retires its descriptor: new code knows another one. Values
// of the old type that only typed code can reach are the tool's matter. This file finds
// the others: who holds a value in an interface, a reflect.Value or a reflect.Type has
// the address of the type's descriptor, or of an itab of it, in a word of memory. So if
// no word of the heap, of the variables and of the stacks is such an address, there is
// no such value. A word of a dead variable, or of garbage, may look like one: then the
// edit waits, and is refused in the end. It never is the other way round.

// A search is a walk over all memory of the program that may hold pointers.
type search struct {
	// Words that are wanted: descriptors and, behind them, itabs; or, if there is one, all
	// that point into an object. (Its address would be found here.)
	descriptors []uint64 // ascending
	itabs       []uint64
	filter      [1024]uint64 // a bit for each wanted word, by filterBit
	object      *object
	skip        []wire.Range // variables, ascending
	made        []madeType   // of descriptors, by reflect; of fixed capacity
	out         uint64       // the object of the heap that holds what takeOut has taken
	all         uint64       // the runtime's list of the program's types, if it has made one

	found []wire.Holder // of fixed capacity
	full  bool          // there are more, or there were too many itabs
}

const maxHolders = 32

// object is one of the heap. It holds no pointers, for the GC.
type object struct{ base, size uint64 }

func filterBit(v uint64) uint64 { return (v>>3 ^ v>>19) & 0xffff }

// newSearch prepares a search for values of types, before the world is stopped: then
// nothing can be allocated.
func (a *agent) newSearch(types []uint64, skip []wire.Range) *search {
	table := load64(a.ItabTable)
	const more = 4096 // that may be made until the world stands still
	s := &search{
		descriptors: types,
		skip:        skip,
		itabs:       make([]uint64, 0, load64(table+8)+more),
		found:       make([]wire.Holder, 0, maxHolders),
		made:        make([]madeType, 0, len(derivedTypes{}.list)),
	}
	if a.ModuleTypelinks != 0 {
		if list := a.moduleTypelinks(a.FirstModuledata); len(list) > 0 {
			s.all = uint64(uintptr(unsafe.Pointer(&list[0])))
		}
	}
	return s
}

// run does the search. The world is stopped, and no GC is running.
func (a *agent) run(s *search) {
	s.found, s.full = s.found[:0], false
	if s.object == nil {
		a.addItabs(s)
	}
	a.searchVariables(s)
	a.searchStacks(s)
	a.searchHeap(s)
	a.searchFinalizers(s)
}

// addItabs makes the itabs of the wanted types, and of wanted interfaces, wanted.
func (a *agent) addItabs(s *search) {
	s.itabs = s.itabs[:0]
	for i := range s.filter {
		s.filter[i] = 0
	}
	for _, v := range s.descriptors {
		s.want(v)
	}
	for _, m := range s.made {
		s.want(m.addr)
	}
	table := load64(a.ItabTable)
	for i := uint64(0); i < load64(table); i++ {
		itab := load64(table + itabEntries + 8*i)
		if itab == 0 || s.retired(load64(itab+uint64(a.ItabType))) == 0 && s.retired(load64(itab)) == 0 {
			continue
		}
		if len(s.itabs) == cap(s.itabs) {
			s.full = true
			return
		}
		s.itabs = append(s.itabs, itab)
		s.want(itab)
	}
}

// want sets the bit of a wanted word.
func (s *search) want(v uint64) { s.filter[filterBit(v)/64] |= 1 << (filterBit(v) % 64) }

// wanted is the descriptor for which v is wanted, or 0.
func (a *agent) wanted(s *search, v uint64) uint64 {
	if s.object != nil {
		return v
	}
	if of := s.retired(v); of != 0 {
		return of
	}
	for _, itab := range s.itabs {
		if itab == v {
			if of := s.retired(load64(itab + uint64(a.ItabType))); of != 0 {
				return of
			}
			return s.retired(load64(itab))
		}
	}
	return 0
}

// words looks at the words from start to end; what is found there is told with holder.
//
//go:nocheckptr
//go:norace
func (a *agent) words(s *search, start, end uint64, holder wire.Holder) {
	start = (start + 7) &^ 7
	if end < start+8 {
		return
	}
	var of object
	if s.object != nil {
		of = *s.object
	}
	list := unsafe.Slice((*uint64)(pointer(start)), (end-start)/8)
	for i := 0; i < len(list); i++ {
		v := list[i]
		if of.size == 0 {
			if bit := (v>>3 ^ v>>19) & 0xffff; s.filter[bit/64]&(1<<(bit%64)) == 0 {
				continue
			}
		} else if v-of.base >= of.size {
			continue
		}
		typ := a.wanted(s, v)
		if typ == 0 || s.own(holder) {
			continue
		}
		if len(s.found) == cap(s.found) {
			s.full = true
			return
		}
		holder.Type, holder.At = typ, start+8*uint64(i)
		s.found = append(s.found, holder)
	}
}

// own reports whether an object holds types and no values: the runtime's list of all types;
// what takeOut has taken out of the caches; the types that were made of retired ones.
func (s *search) own(h wire.Holder) bool {
	if h.Base == 0 || s.object != nil {
		return false
	}
	if s.out-h.Base < h.Size || s.all-h.Base < h.Size {
		return true
	}
	for _, m := range s.made {
		if m.addr-h.Base < h.Size || m.key-h.Base < h.Size {
			return true
		}
	}
	return false
}

// searchVariables looks at the variables of all modules: of the program and of images.
func (a *agent) searchVariables(s *search) {
	for m := a.FirstModuledata; m != 0; m = load64(m + uint64(a.ModuledataNext)) {
		a.variables(s, load64(m+uint64(a.ModuledataData)), load64(m+uint64(a.ModuledataEdata)))
		a.variables(s, load64(m+uint64(a.ModuledataBss)), load64(m+uint64(a.ModuledataEbss)))
	}
}

// variables looks at the words from start to end but for what the search leaves out.
func (a *agent) variables(s *search, start, end uint64) {
	for _, r := range s.skip {
		if r.Start >= start && r.End <= end {
			a.words(s, start, r.Start, wire.Holder{})
			start = r.End
		}
	}
	a.words(s, start, end, wire.Holder{})
}

// searchStacks looks at all frames that the goroutines have, and what they have spilled.
func (a *agent) searchStacks(s *search) {
	for _, g := range a.goroutines() {
		if !a.hasFrames(g) {
			continue
		}
		sp := load64(g + uint64(a.GSyscallSP)) // of one in a system call
		if sp == 0 {
			sp = load64(g + uint64(a.GSchedSP))
		}
		lo, hi := load64(g+uint64(a.GStackLo)), load64(g+uint64(a.GStackHi))
		if sp < lo || sp > hi {
			sp = lo
		}
		a.words(s, sp, hi, wire.Holder{GoID: load64(g + uint64(a.GGoid))})
	}
}

// searchHeap looks at all objects that may hold pointers and are not free, and at the
// finalizers that wait for them (runtime/mheap.go, 1.25 to 1.27):
//
//	mspan {
//		startAddr        uintptr
//		nelems           uint16 // objects
//		freeIndexForScan uint16 // all objects before it are in use
//		allocBits        *gcBits // of the others
//		spanclass        uint8  // bit 0: without pointers
//		state            uint8
//		elemsize         uintptr // of an object
//		specials         *special
//		…
//	}
func (a *agent) searchHeap(s *search) {
	const (
		inUse  = 1 // mSpanInUse
		noscan = 1
	)
	spans := load64(a.Mheap + uint64(a.MheapAllspans))
	n := load64(a.Mheap + uint64(a.MheapAllspans) + 8)
	for i := uint64(0); i < n; i++ {
		span := load64(spans + 8*i)
		if load8(span+uint64(a.SpanState)) != inUse {
			continue
		}
		a.searchSpecials(s, span)
		if load8(span+uint64(a.SpanClass))&noscan != 0 {
			continue
		}
		start, size := load64(span+uint64(a.SpanStart)), load64(span+uint64(a.SpanElemsize))
		nelems, free := uint64(load16(span+uint64(a.SpanNelems))), uint64(load16(span+uint64(a.SpanFreeIndex)))
		bits := load64(span + uint64(a.SpanAllocBits))
		for k := uint64(0); k < nelems; k++ {
			if k >= free && load8(bits+k/8)&(1<<(k%8)) == 0 {
				continue
			}
			base := start + k*size
			if s.object != nil && base == s.object.base {
				continue // what points to itself is held by others
			}
			if size >= minP && a.hasP(base, size) {
				continue
			}
			a.words(s, base, base+size, wire.Holder{Base: base, Size: size})
		}
	}
}

// searchFinalizers looks at the queue of finalizers that are about to run, which lies
// outside of the heap (runtime/mfinal.go, 1.25 to 1.27).
//
//	finBlock { alllink *finBlock; fin [101]struct{ ot *ptrtype; fint *_type; … }; … }
func (a *agent) searchFinalizers(s *search) {
	if s.object != nil {
		return
	}
	for b := load64(a.Allfin); b != 0; b = load64(b + uint64(a.FinBlockAlllink)) {
		a.words(s, b, b+uint64(a.FinBlockSize), wire.Holder{Base: b, Size: 1})
	}
}

// hasP reports whether an object is a P of the scheduler, behind the header that the
// allocator may put before it (runtime/malloc.go). Its buffer of the write barrier
// has the last pointers that were written, of whatever they are (runtime/mwbbuf.go, 1.25
// to 1.27), and it holds no values of the program.
func (a *agent) hasP(base, size uint64) bool {
	list, n := load64(a.Allp), load64(a.Allp+8)
	for i := uint64(0); i < n; i++ {
		if load64(list+8*i)-base < size {
			return true
		}
	}
	return false
}

// minP is less than the size of a P, which has a queue of 256 goroutines.
const minP = 256 * 8

// searchSpecials looks at the finalizers of objects in a span, which will be given a
// value of the type that the runtime has noted, as an interface if they take one.
//
//	special          { next *special; kind byte; … }
//	specialfinalizer { special; fint *_type; ot *ptrtype; … }
func (a *agent) searchSpecials(s *search, span uint64) {
	const finalizer = 2 // _KindSpecialFinalizer
	if s.object != nil {
		return
	}
	for p := load64(span + uint64(a.SpanSpecials)); p != 0; p = load64(p + uint64(a.SpecialNext)) {
		if load8(p+uint64(a.SpecialKind)) != finalizer {
			continue
		}
		for _, off := range [...]uint32{a.FinalizerFint, a.FinalizerOT} {
			a.words(s, p+uint64(off), p+uint64(off)+8, wire.Holder{Base: p, Size: 1})
		}
	}
}

// held does a search for values of retired types and leaves what it finds in s. The
// world is stopped.
func (a *agent) held(s *search) bool {
	if s == nil {
		return false
	}
	a.run(s)
	return len(s.found) > 0 || s.full
}

// holders follows what was found in the heap to a variable that leads there, or else to a
// stack, for the report. The world runs.
func (a *agent) holders(s *search) []wire.Holder {
	list := append([]wire.Holder(nil), s.found...)
	for i := range list {
		h := list[i]
		seen := map[uint64]bool{}
		for step := 0; step < 12 && h.Base != 0; step++ {
			seen[h.Base] = true
			up := a.newSearch(nil, s.skip)
			up.object = &object{h.Base, h.Size}
			world := a.stopTheWorld(true)
			a.run(up)
			a.startTheWorld(world)
			next := h
			for _, f := range up.found {
				variable, inHeap := f.GoID == 0 && f.Base == 0, f.Base != 0 && !seen[f.Base]
				if variable || inHeap && (next.Base == h.Base || next.GoID != 0) || f.GoID != 0 && next.Base == h.Base {
					next = f
				}
				if variable {
					break
				}
			}
			if next.Base == h.Base {
				break
			}
			h = next
		}
		h.Type = list[i].Type
		list[i] = h
	}
	return list
}

var ownObject *[3]uint64

// checkHeap looks for a variable of ours in the module, and for its object in the list of
// spans: the facts about these must be true. It returns what is wrong.
func (a *agent) checkHeap() string {
	own := new([3]uint64)
	ownObject = own // so that it is in the heap
	addr := uint64(uintptr(unsafe.Pointer(own)))
	maps, ok := mappings()
	if !ok {
		return "reading /proc/self/maps"
	}
	found := false
	for _, r := range [...][2]uint32{{a.ModuledataData, a.ModuledataEdata}, {a.ModuledataBss, a.ModuledataEbss}} {
		start, end := load64(a.FirstModuledata+uint64(r[0])), load64(a.FirstModuledata+uint64(r[1]))
		if start > end || !maps.has(start, end-start, syscall.PROT_READ) {
			return "the variables of the program are elsewhere"
		}
		variable := uint64(uintptr(unsafe.Pointer(&ownObject)))
		found = found || variable >= start && variable < end
	}
	if !found {
		return "the variables of the program are elsewhere"
	}
	list := a.Mheap + uint64(a.MheapAllspans)
	if !maps.has(list, 16, syscall.PROT_READ) {
		return "runtime.mheap_ has no list of spans"
	}
	spans := make([]uint64, 0, load64(list+8)+1024)
	world := a.stopTheWorld(false)
	first, n := load64(list), load64(list+8)
	if maps.has(first, 8*n, syscall.PROT_READ) && n <= uint64(cap(spans)) {
		for i := uint64(0); i < n; i++ {
			spans = append(spans, load64(first+8*i))
		}
	}
	a.startTheWorld(world)
	for _, span := range spans {
		if span%8 != 0 || !maps.has(span, pageSize/16, syscall.PROT_READ) {
			continue // it was made meanwhile
		}
		start, size := load64(span+uint64(a.SpanStart)), load64(span+uint64(a.SpanElemsize))
		nelems := uint64(load16(span + uint64(a.SpanNelems)))
		if addr < start || addr-start >= size*nelems || load8(span+uint64(a.SpanState)) != 1 {
			continue
		}
		free, class := uint64(load16(span+uint64(a.SpanFreeIndex))), load8(span+uint64(a.SpanClass))
		if size < 24 || (addr-start)%size != 0 || class&1 == 0 || free > nelems {
			return "the layout of spans is another one"
		}
		return ""
	}
	return "the list of spans has not all"
}

// checkRetired wants types in order, and variables of the program or of images.
func (a *agent) checkRetired(maps mapped, p *wire.Patch) string {
	last := uint64(0)
	for _, typ := range p.Retired {
		if typ <= last || !a.isType(maps, typ) {
			return "a retired type is none"
		}
		last = typ
	}
	for _, list := range [...][]uint64{p.Clear, p.Derived} {
		for _, addr := range list {
			const rw = syscall.PROT_READ | syscall.PROT_WRITE
			if addr%8 != 0 || addr < a.anchor || addr+uint64(unsafe.Sizeof(sync.Map{})) > a.End || !maps.has(addr, uint64(unsafe.Sizeof(sync.Map{})), rw) {
				return "a cache is not in the program's variables"
			}
		}
	}
	if !ordered(p.Skip) {
		return "ranges are not in order"
	}
	return ""
}
