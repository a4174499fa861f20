//go:build go1.21

// Package wire defines the messages between the tool and the agent inside the
// host, and their encoding.
//
// The two ends talk over a stream socket pair, one frame per message:
//
//	frame {
//		length  uint32  // of payload, at most MaxPayload
//		kind    uint8   // Kind of the message
//		number  uint32  // of the frames that the sender has sent before this one
//		sum     uint64  // Sum of payload
//		head    uint32  // low half of the Sum of all fields above
//		payload [length]byte
//	}
//
// So a frame that was damaged on its way, and one that is missing, comes twice or
// too early, is known as such, the length before it is trusted. Then the stream is
// of no use any more: the agent says Failed, in PhaseChannel, and closes it; the
// tool closes it too. Nothing of a damaged message is ever acted on.
//
// The payload is the message's fields in the order of declaration: integers
// little endian and of fixed width; strings and byte slices as a uint32 length
// and the bytes; other slices as a uint32 count and the elements.
//
// The agent says Hello once. Then the tool asks and the agent answers, one
// message at a time:
//
//	Setup     → Ready   or Failed
//	FindItabs → Itabs   or Failed
//	Patch     → Applied or Failed
//
// This package is compiled into the user's program too, with the language
// version of the user's go.mod, so it imports next to nothing and uses no
// young language feature.
package wire

// Protocol is the version of the messages. Both ends are built from one tree,
// so a difference means that a foreign agent answers.
const Protocol = 4

// Kind tells which message a frame holds.
type Kind uint8

// The kinds of messages.
const (
	KindHello Kind = 1 + iota
	KindSetup
	KindReady
	KindFindItabs
	KindItabs
	KindPatch
	KindApplied
	KindFailed
)

// Message is one of *Hello, *Setup, *Ready, *FindItabs, *Itabs, *Patch,
// *Applied, *Failed.
type Message interface {
	Kind() Kind
	append(b []byte) []byte
	decode(r *reader)
}

// Hello goes from the agent to the tool, once, when the agent is initialized.
type Hello struct {
	Protocol  uint32
	PID       uint32 // as the host sees it
	GoVersion string // runtime.Version()
	Anchor    uint64 // entry pc of the agent's function Anchor: with the symbol table it tells the load bias of a PIE host
}

// Setup goes from the tool to the agent: everything that depends on the Go
// release, as run-time addresses and byte offsets. The agent knows no release.
type Setup struct {
	// The agent reserves ArenaSize bytes of address space, for all images:
	// at ArenaMin, or after it in steps of 64 MB, but not beyond ArenaMax (end).
	ArenaMin, ArenaMax, ArenaSize uint64

	// Entry pcs of runtime functions.
	StopTheWorldGC, StartTheWorldGC     uint64
	StopTheWorld, StartTheWorld         uint64
	Gcallers, ItabAdd, Getitab, DoInit1 uint64
	RaceAcquireg, RaceReleaseMergeg     uint64 // runtime.raceacquireg, runtime.racereleasemergeg; 0: the host is built without -race
	ItabInit                            uint64
	ModuleTypelinks                     uint64 // runtime.moduleTypelinks; 0: the linker has listed the types

	// Addresses of runtime variables.
	FirstModuledata uint64 // moduledata
	LastModuledatap uint64 // *moduledata
	ModulesSlice    uint64 // *[]*moduledata
	Allgs           uint64 // []*g
	ItabTable       uint64 // *itabTableType
	Mheap           uint64 // mheap
	Allp            uint64 // []*p
	Allfin          uint64 // *finBlock
	End             uint64 // first address behind the program's variables
	MainInitDone    uint64 // chan bool, closed when all inits of the program are done; 0: patches don't wait for it

	// Offsets of fields.
	ModuledataNext, ModuledataEtypes      uint32
	GStackLo, GStackHi, GSchedBP          uint32 // g.stack.lo, g.stack.hi, g.sched.bp
	GGoid, GAtomicstatus, GAsyncSafePoint uint32
	GRacectx                              uint32
	ItabType, ItabHash, TypeHash          uint32 // abi.ITab.Type, abi.ITab.Hash, abi.Type.Hash

	// For the search of values: see Patch.Retired.
	ModuledataData, ModuledataEdata     uint32
	ModuledataBss, ModuledataEbss       uint32
	GSchedSP, GSyscallSP                uint32 // g.sched.sp, g.syscallsp
	MheapAllspans                       uint32
	SpanStart, SpanElemsize, SpanNelems uint32 // mspan.startAddr, elemsize, nelems
	SpanFreeIndex, SpanAllocBits        uint32 // mspan.freeIndexForScan, allocBits
	SpanState, SpanClass, SpanSpecials  uint32 // mspan.state, spanclass, specials
	SpecialNext, SpecialKind            uint32 // special.next, special.kind
	FinalizerFint, FinalizerOT          uint32 // specialfinalizer.fint, ot
	FinBlockAlllink, FinBlockSize       uint32 // finBlock.alllink; size of it
}

// Ready answers Setup.
type Ready struct {
	Arena uint64 // address of the reserved range
	Room  Range  // pages where the writable segments of images must lie; empty: in the arena
}

// FindItabs asks for the itabs that the runtime has, or makes, for the pairs.
type FindItabs struct {
	Pairs []ItabPair
}

// ItabPair names an itab by the addresses of its two types.
type ItabPair struct {
	Inter uint64 // *interfacetype
	Type  uint64 // *_type
}

// Itabs answers FindItabs, in the order of its pairs.
type Itabs struct {
	Addrs []uint64 // 0: the type does not implement the interface
	// Empty are the itabs by which the runtime remembers that a type does not: those that
	// Patch.Methods completes. 0: none.
	Empty []uint64
}

// Patch is one edit, whole.
type Patch struct {
	Seq        uint32
	Segments   []Segment
	Moduledata uint64   // address of the finished moduledata, inside a segment; 0: none
	Etypes     uint64   // new value of firstmoduledata.etypes; 0: leave it
	Itabs      []uint64 // itabs of the image, for runtime.itabAdd
	InitTasks  []uint64 // runtime.initTask addresses, in order
	InitFuncs  []uint64 // entry pcs of func(), called in order, after InitTasks
	Redirects  []Redirect
	Writes     []Write  // done in phase 2, under the same stopped world as the redirects
	Methods    []uint64 // types that have other methods after Writes, ascending: their empty itabs are made again
	Retired    []uint64 // type descriptors, ascending, of which no value may be in an interface when the redirects are written, and that no reflect.Type may be
	Clear      []uint64 // sync.Maps of the program that know types and can be made again: they are cleared before the search
	Derived    []uint64 // sync.Maps of reflect, of types that are made of types
	Skip       []Range  // variables that the search leaves out, ascending
	Quiet      []Range  // text of which no goroutine may have a frame when the redirects are written
	Running    []Range  // text of old versions whose frames are reported after the redirects
	Hook       uint64   // entry pc of func(string), called with News in a goroutine of its own when all is done; 0: none
	News       string
	WaitNS     uint64 // how long to retry for frames that stand in the way, in nanoseconds
}

// HookName is the function that Patch.Hook may be: the one of the package that programs
// import to be told of edits.
const HookName = "github.com/realtimefunc/realtimefunc.deliver"

// Protections of a Segment, as mmap counts them on Linux.
const (
	ProtRead  = 1
	ProtWrite = 2
	ProtExec  = 4
)

// Segment is a run of pages of an image.
type Segment struct {
	Addr uint64 // page aligned, inside the arena
	Size uint64 // multiple of the page size
	Prot uint8
	Data []byte // the first bytes; the rest is zero
}

// NoFrames is a flag of a Redirect: the old function branches back into its own
// first bytes, so no goroutine may have a frame of it when they change.
const NoFrames = 1

// Redirect sends the calls of one address to another.
type Redirect struct {
	Old   uint64 // entry pc, 8-byte aligned
	New   uint64 // entry pc, inside the arena
	Code  uint64 // the first 8 bytes at Old as they were compiled
	Size  uint32 // of the text of Old
	Flags uint8
}

// Write overwrites mapped bytes, whatever their protection.
type Write struct {
	Addr uint64
	Data []byte
}

// Range is the half-open range of addresses [Start, End).
type Range struct {
	Start, End uint64
}

// Applied answers Patch: the patch is live.
type Applied struct {
	Seq      uint32
	LoadNS   uint64  // mapping and linking the image
	InitNS   uint64  // running initializers
	PauseNS  uint64  // the longest stopped world
	Attempts uint64  // to write the redirects; 1 is the least
	Frames   []Frame // at most MaxFrames: there may be more
}

// MaxFrames bounds Applied.Frames.
const MaxFrames = 1024

// Frame is a call in progress.
type Frame struct {
	GoID  uint64
	PC    uint64 // of the call or of the interrupted instruction: good for a line table as it is
	Range uint32 // in Applied: index in Patch.Running. In Failed: index in Patch.Quiet, or len(Quiet) + index in Patch.Redirects
}

// Failed answers Setup, FindItabs or Patch: nothing was redirected.
type Failed struct {
	Seq      uint32 // of the Patch
	Phase    string // PhaseMap, PhaseLoad, PhaseInit, PhaseRedirect or PhaseChannel
	Reason   string
	Blockers []Frame  // the frames that stood in the way
	Holders  []Holder // what held values of the types in Patch.Retired
}

// Holder is a word of memory that holds a type or an itab of it, or that leads there.
type Holder struct {
	Type uint64 // the descriptor, of Patch.Retired
	At   uint64 // address of the word
	GoID uint64 // the goroutine on whose stack it is; 0: on none
	Base uint64 // the object of the heap that it is in; 0: in none
	Size uint64 // of that, in bytes
}

// The phases of Failed. After PhaseMap and PhaseLoad the host is as before;
// after PhaseInit and PhaseRedirect the image stays linked, without use. After
// PhaseChannel too the host is as before, but its agent listens no more.
const (
	PhaseMap      = "map"
	PhaseLoad     = "load"
	PhaseInit     = "init"
	PhaseRedirect = "redirect"
	PhaseChannel  = "channel"
)
