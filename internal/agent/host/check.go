//go:build go1.21 && linux && amd64

package host

import (
	"reflect"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// What the tool says is checked here as far as it can be from inside the program:
// every address before it is read, and all that will be written to before anything
// is. A message that is wrong by a fault of the tool is refused and leaves the
// program as it is.

// isEntry reports whether the runtime knows a function that begins at pc.
func isEntry(pc uint64) bool {
	f := runtime.FuncForPC(uintptr(pc))
	return f != nil && f.Entry() == uintptr(pc)
}

// isText reports whether the size bytes at pc are of the function that begins there.
func isText(pc, size uint64) bool {
	f := runtime.FuncForPC(uintptr(pc + size - 1))
	return size > 0 && f != nil && f.Entry() == uintptr(pc) && isEntry(pc)
}

// reach is how far from the program the arena may end: the half of what a signed
// displacement of 32 bits spans.
const reach = 1 << 31

// checkSetup returns what is wrong with the facts in s.
func (a *agent) checkSetup(s *wire.Setup) string {
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
		{s.ItabInit, "runtime.itabInit"},
		{s.RaceAcquireg, "runtime.raceacquireg"},
		{s.RaceReleaseMergeg, "runtime.racereleasemergeg"},
		{s.ModuleTypelinks, "runtime.moduleTypelinks"},
	} {
		race := f.name == "runtime.raceacquireg" || f.name == "runtime.racereleasemergeg"
		if race && s.RaceAcquireg == 0 && s.RaceReleaseMergeg == 0 || f.pc == 0 && f.name == "runtime.moduleTypelinks" {
			continue
		}
		if !isEntry(f.pc) || runtime.FuncForPC(uintptr(f.pc)).Name() != f.name {
			return "no " + f.name + " at its address"
		}
	}
	for _, offset := range [...]uint32{
		s.ModuledataNext, s.ModuledataEtypes, s.GStackHi, s.GSchedBP,
		s.GGoid, s.GAtomicstatus, s.GAsyncSafePoint, s.GRacectx, s.ItabType, s.ItabHash, s.TypeHash,
		s.ModuledataData, s.ModuledataEdata, s.ModuledataBss, s.ModuledataEbss, s.GSchedSP, s.GSyscallSP,
		s.SpanStart, s.SpanElemsize, s.SpanNelems, s.SpanFreeIndex, s.SpanAllocBits, s.SpanState, s.SpanClass, s.SpanSpecials,
		s.SpecialKind, s.FinalizerFint, s.FinalizerOT,
	} {
		if offset == 0 || offset >= pageSize {
			return "bad offset of a field"
		}
	}
	if s.GStackLo >= pageSize || s.SpecialNext >= pageSize || s.FinBlockAlllink >= pageSize || s.FinBlockSize == 0 || s.FinBlockSize > pageSize || s.MheapAllspans == 0 || s.MheapAllspans >= 1<<24 {
		return "bad offset of a field"
	}
	if s.ArenaMax > a.anchor+reach {
		return "the arena is out of reach"
	}
	if s.End < a.anchor || s.End > s.ArenaMin {
		return "the program ends elsewhere"
	}
	// Other goroutines map memory and make goroutines while we look.
	problem := ""
	for try := 0; try < 5; try++ {
		maps, ok := mappings()
		if !ok {
			return "reading /proc/self/maps"
		}
		if problem = checkVariables(maps, s); problem == "" {
			return ""
		}
	}
	return problem
}

// checkVariables looks into the runtime's variables: they must hold what they are
// to hold by what is known otherwise.
func checkVariables(maps mapped, s *wire.Setup) string {
	const read, write = syscall.PROT_READ, syscall.PROT_READ | syscall.PROT_WRITE
	for _, addr := range [...]uint64{s.FirstModuledata, s.LastModuledatap, s.ModulesSlice, s.Allgs, s.ItabTable, s.Mheap, s.Allp, s.Allfin, s.MainInitDone} {
		if addr%8 != 0 || addr == 0 && addr != s.MainInitDone || addr != 0 && !maps.has(addr, 24, read) {
			return "bad address of a runtime variable"
		}
	}
	if !maps.has(s.LastModuledatap, 8, write) || !maps.has(s.ModulesSlice, 8, write) {
		return "bad address of a runtime variable"
	}

	// The modules, from the first to the last.
	at, last := s.FirstModuledata, load64(s.LastModuledatap)
	for n := 0; ; n++ {
		if at%8 != 0 || !maps.has(at, pageSize, read) && !maps.has(at, uint64(s.ModuledataNext)+8, read) || n > 1<<16 {
			return "the modules are no list"
		}
		next := load64(at + uint64(s.ModuledataNext))
		if at == last && next == 0 {
			break
		}
		at = next
	}
	modules := load64(s.ModulesSlice)
	if modules%8 != 0 || !maps.has(modules, 24, read) {
		return "runtime.modulesSlice is no slice"
	}
	first, n := load64(modules), load64(modules+8)
	if n == 0 || n > 1<<16 || first%8 != 0 || !maps.has(first, 8*n, read) || load64(first) != s.FirstModuledata {
		return "runtime.modulesSlice does not begin with the first module"
	}

	// An interface value of ours: its itab and its type.
	var m wire.Message = new(wire.Hello)
	var e interface{} = m
	itab, typ := word(unsafe.Pointer(&m)), word(unsafe.Pointer(&e))
	hash := load32(typ + uint64(s.TypeHash))
	if load64(itab+uint64(s.ItabType)) != typ || hash == 0 || load32(itab+uint64(s.ItabHash)) != hash {
		return "the layout of itabs is another one"
	}
	if !hasItab(maps, s.ItabTable, load64(itab), typ, itab) {
		return "runtime.itabTable is no table of itabs"
	}
	etypes := s.FirstModuledata + uint64(s.ModuledataEtypes)
	if !maps.has(etypes, 8, read) || load64(etypes) <= typ || load64(etypes)-typ > reach {
		return "the types of the program end elsewhere"
	}

	if s.MainInitDone != 0 && !isBoolChan(maps, load64(s.MainInitDone)) {
		return "bad address of a runtime variable"
	}
	return checkGoroutines(maps, s)
}

// isBoolChan reports whether a chan bool without a buffer may stand at addr
// (runtime/chan.go, hchan: qcount, dataqsiz, and among others elemtype). What is no
// channel must not be asked as one: even len looks for a timer in it.
func isBoolChan(maps mapped, addr uint64) bool {
	const size = 128
	if addr%8 != 0 || !maps.has(addr, size, syscall.PROT_READ) || load64(addr) != 0 || load64(addr+8) != 0 {
		return false
	}
	var e interface{} = true
	for at := addr + 16; at < addr+size; at += 8 {
		if load64(at) == word(unsafe.Pointer(&e)) {
			return true
		}
	}
	return false
}

// word returns the first word of an interface value.
func word(p unsafe.Pointer) uint64 { return uint64(*(*uintptr)(p)) }

// checkGoroutines looks for our own goroutine and at what is known of it. Our stack is
// found by the address of a local: see the functions in runtime.go.
//
//go:nocheckptr
func checkGoroutines(maps mapped, s *wire.Setup) string {
	gs, n := load64(s.Allgs), load64(s.Allgs+8)
	if n == 0 || n > 1<<32 || gs%8 != 0 || !maps.has(gs, 8*n, syscall.PROT_READ) {
		return "runtime.allgs is no slice"
	}
	most := uint64(0)
	for _, offset := range [...]uint32{s.GStackLo, s.GStackHi, s.GSchedBP, s.GGoid, s.GAtomicstatus, s.GAsyncSafePoint, s.GRacectx} {
		if uint64(offset) > most {
			most = uint64(offset)
		}
	}
	var here byte
	sp := uint64(uintptr(unsafe.Pointer(&here)))
	for ; n > 0; n-- { // ours is one of the last
		g := load64(gs + 8*(n-1))
		if g == 0 || g%8 != 0 || !maps.has(g, most+8, syscall.PROT_READ) {
			return "runtime.allgs holds what is no goroutine"
		}
		if sp < load64(g+uint64(s.GStackLo)) || sp >= load64(g+uint64(s.GStackHi)) {
			continue
		}
		const running, scan = 2, 0x1000 // of runtime2.go, 1.25 to 1.27
		if load64(g+uint64(s.GGoid)) != goid() || load32(g+uint64(s.GAtomicstatus))&^scan != running ||
			load8(g+uint64(s.GAsyncSafePoint)) != 0 || s.RaceAcquireg != 0 && load64(g+uint64(s.GRacectx)) == 0 {
			return "the layout of goroutines is another one"
		}
		return ""
	}
	return "runtime.allgs does not hold our goroutine"
}

// goid returns the number of our goroutine: a trace begins with "goroutine 7 [".
func goid() uint64 {
	b := make([]byte, 64)
	b = b[:runtime.Stack(b, false)]
	const skip = len("goroutine ")
	end := skip
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	if end > len(b) {
		return 0
	}
	n, _ := parseUint(string(b[skip:end]))
	return n
}

// isType reports whether a type descriptor may stand at addr: in the executable or
// in an image, with the kind and the size of a type.
func (a *agent) isType(maps mapped, addr uint64) bool {
	if addr%8 != 0 || !maps.has(addr, typeSize, syscall.PROT_READ) ||
		!maps.ofFile(addr, typeSize, a.anchor) && !a.inside(addr, typeSize, wire.ProtRead) {
		return false
	}
	e := [2]uint64{addr}
	t := reflect.TypeOf(*(*interface{})(unsafe.Pointer(&e)))
	return t.Kind() > reflect.Invalid && t.Kind() <= reflect.UnsafePointer &&
		load32(addr+uint64(a.TypeHash)) != 0
}

// typeSize is the size of the part that all descriptors have (internal/abi.Type).
var typeSize = uint64(reflect.TypeOf(reflect.TypeOf(0)).Elem().Size())

// isInterface reports whether the descriptor of an interface with methods may stand
// at addr (internal/abi.InterfaceType: Type; PkgPath *byte; Methods []Imethod). One
// without makes getitab throw (iface.go, 1.25 to 1.27).
func (a *agent) isInterface(maps mapped, addr uint64) bool {
	if !a.isType(maps, addr) || !maps.has(addr, typeSize+32, syscall.PROT_READ) {
		return false
	}
	e := [2]uint64{addr}
	if reflect.TypeOf(*(*interface{})(unsafe.Pointer(&e))).Kind() != reflect.Interface {
		return false
	}
	methods, n := load64(addr+typeSize+8), methodCount(addr)
	return methods%4 == 0 && n > 0 && n < 1<<16 && maps.has(methods, 8*n, syscall.PROT_READ)
}

// methodCount is the number of methods of an interface type, Methods.len.
func methodCount(addr uint64) uint64 { return load64(addr + typeSize + 16) }

// maxWait bounds Patch.WaitNS: the world is stopped again and again meanwhile.
const maxWait = 60e9

// check returns what is wrong with p, whose segments are loaded, or "".
func (a *agent) check(p *wire.Patch) string {
	maps, ok := mappings()
	if !ok {
		return "reading /proc/self/maps"
	}
	for _, problem := range [...]string{
		a.checkModule(maps, p), a.checkItabs(maps, p), a.checkInits(p), a.checkRedirects(p), a.checkWrites(maps, p), a.checkMethods(maps, p), a.checkRetired(maps, p),
	} {
		if problem != "" {
			return problem
		}
	}
	if p.Hook != 0 && (!isEntry(p.Hook) || runtime.FuncForPC(uintptr(p.Hook)).Name() != wire.HookName) {
		return "no " + wire.HookName + " at its address"
	}
	if !ordered(p.Quiet) || !ordered(p.Running) {
		return "ranges are not in order"
	}
	if p.WaitNS > maxWait {
		return "a wait of more than a minute"
	}
	return ""
}

// brought reports whether the size bytes at addr are in a segment of p itself.
func brought(p *wire.Patch, addr, size uint64, prot uint8) bool {
	for i := range p.Segments {
		s := &p.Segments[i]
		if addr >= s.Addr && addr < s.Addr+s.Size {
			return size <= s.Addr+s.Size-addr && s.Prot&prot == prot
		}
	}
	return false
}

func (a *agent) checkModule(maps mapped, p *wire.Patch) string {
	const rw = wire.ProtRead | wire.ProtWrite
	if md := p.Moduledata; md != 0 {
		next := uint64(a.ModuledataNext)
		// A module that is linked already would make the list a circle.
		if md%8 != 0 || !brought(p, md, next+8, rw) || load64(md+next) != 0 {
			return "bad moduledata"
		}
		if !maps.has(load64(a.LastModuledatap)+next, 8, syscall.PROT_READ|syscall.PROT_WRITE) {
			return "the program's module can't be written to"
		}
	}
	if p.Etypes != 0 {
		etypes := a.FirstModuledata + uint64(a.ModuledataEtypes)
		if p.Etypes < load64(etypes) || !brought(p, p.Etypes-1, 1, wire.ProtRead) {
			return "the types end outside the image"
		}
		if !maps.has(etypes, 8, syscall.PROT_READ|syscall.PROT_WRITE) {
			return "the program's module can't be written to"
		}
	}
	return ""
}

func (a *agent) checkItabs(maps mapped, p *wire.Patch) string {
	for _, itab := range p.Itabs {
		if itab%8 != 0 || !brought(p, itab, uint64(a.ItabHash)+16, wire.ProtRead) {
			return "itab outside the image"
		}
		// internal/abi.ITab begins with the interface.
		typ := load64(itab + uint64(a.ItabType))
		if !a.isInterface(maps, load64(itab)) || !a.isType(maps, typ) || load32(itab+uint64(a.ItabHash)) != load32(typ+uint64(a.TypeHash)) {
			return "itab of what is not a type"
		}
	}
	return ""
}

func (a *agent) checkInits(p *wire.Patch) string {
	const rw, rx = wire.ProtRead | wire.ProtWrite, wire.ProtRead | wire.ProtExec
	for _, task := range p.InitTasks {
		// runtime.initTask (proc.go, 1.25 to 1.27): state, nfns uint32, then the
		// entries. State 1 and no functions make doInit1 throw.
		if task%8 != 0 || !brought(p, task, 8, rw) || load32(task) == 1 {
			return "bad init task"
		}
		n := uint64(load32(task + 4))
		if n == 0 || !brought(p, task, 8+8*n, rw) {
			return "bad init task"
		}
		for i := uint64(0); i < n; i++ {
			if pc := load64(task + 8 + 8*i); !a.inside(pc, 1, rx) && !isEntry(pc) {
				return "init task with what is not a function"
			}
		}
	}
	for _, pc := range p.InitFuncs {
		if !a.inside(pc, 1, rx) {
			return "initializer outside the image"
		}
	}
	return ""
}

func (a *agent) checkRedirects(p *wire.Patch) string {
	var end uint64
	for _, r := range p.Redirects {
		if r.Old < end || r.Old%8 != 0 {
			return "redirects are not in order"
		}
		end = r.Old + 8
		if size := uint64(r.Size); size > 8 {
			end = r.Old + size
		}
		if !isText(r.Old, uint64(r.Size)) || r.Flags&^wire.NoFrames != 0 {
			return "redirect of what is not a function"
		}
		distance := int64(r.New - (r.Old + jumpSize))
		if !a.inside(r.New, 1, wire.ProtRead|wire.ProtExec) || distance != int64(int32(distance)) {
			return "redirect to what is not in the image"
		}
	}
	return ""
}

// checkWrites allows writes to the executable, as it is mapped, to its variables, to
// images, and of entries of functions to the itabs that the runtime has made for the tool.
// All else belongs to the runtime's heap, to stacks, or to others.
func (a *agent) checkWrites(maps mapped, p *wire.Patch) string {
	for _, w := range p.Writes {
		size := uint64(len(w.Data))
		if size > 0 && !maps.ofFile(w.Addr, size, a.anchor) && !a.isVariable(maps, w.Addr, size) &&
			!a.inside(w.Addr, size, wire.ProtRead) && !a.isMethod(w) {
			return "write outside the program and its images"
		}
	}
	return ""
}

// isVariable reports whether the size bytes at addr are of the program's variables, of
// which the last ones are mapped from no file: they begin where the file does not reach.
func (a *agent) isVariable(maps mapped, addr, size uint64) bool {
	return addr > a.FirstModuledata && addr < a.End && size <= a.End-addr && maps.has(addr, size, syscall.PROT_READ|syscall.PROT_WRITE)
}

// isMethod reports whether w makes a function a method of an itab that was found.
func (a *agent) isMethod(w wire.Write) bool {
	if len(w.Data) != 8 || w.Addr%8 != 0 {
		return false
	}
	for _, fun := range a.itabs {
		if w.Addr >= fun.Start && w.Addr < fun.End {
			pc := littleEndian(w.Data)
			return isEntry(pc) || a.inside(pc, 1, wire.ProtRead|wire.ProtExec)
		}
	}
	return false
}

func ordered(rs []wire.Range) bool {
	var end uint64
	for _, r := range rs {
		if r.Start < end || r.End <= r.Start {
			return false
		}
		end = r.End
	}
	return true
}
