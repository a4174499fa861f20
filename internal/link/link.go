// Package link makes the image of a patch: the new versions of functions and all
// that they need and the program does not have, laid out and relocated for one host
// at one address, with the tables that the runtime wants for code it is to run.
//
// It works in the order of its files: collect (what goes in, by following
// relocations), place (addresses), stack (is there enough of it), pclntab and moduledata
// (the runtime's tables), relocate. A relocation, a symbol or a type that it does not know is an error; the
// caller restarts the program then.
package link

import (
	"fmt"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// Input is one edit, compiled and judged.
type Input struct {
	Program *program.Program
	Library *program.Library // the edit's archives over the program's

	Functions    []Function           // to be replaced
	Data         []program.Definition // variables and dictionaries that are other ones now, whatever the program has
	MethodSets   []MethodSet          // of types that exist and have other methods now
	Retires      bool                 // types of the program have no values any more: others come in their place
	Initializers []string             // linker names of func() of the edit that run before its code does, in order
	After        []string             // likewise, of those that run when it is live
	NewVariables map[string]bool      // linker names of the variables that these initialize
	// Twins are functions and closures that are linked as others of the same object.
	Twins       map[program.Definition]program.Definition
	NewPackages []string // packages that the program does not contain, each before its importers
	Files       []Files  // of embed.FS variables

	Base   uint64 // where the image begins: page aligned, inside the agent's arena
	Limit  uint64 // where it must end
	Room   Room   // where its variables go instead, if that is not empty
	GOROOT string // what $GOROOT in file names stands for; "" leaves it

	// FindItab asks the runtime for the itab of two types of the program; 0 if the
	// type does not implement the interface. Then empty may be the itab by which the
	// runtime remembers that; see wire.Itabs.
	FindItab func(inter, typ uint64) (itab, empty uint64, err error)
}

// Room is memory of the host's own, for variables: page aligned.
type Room struct{ Base, Limit uint64 }

// Function is a function of one of the edit's archives.
type Function struct {
	Object *goobj.Object
	Sym    goobj.Sym
	// Replaces names the function of the program whose versions are redirected to this
	// one: its own name, but for func literals, which are renumbered. "" redirects none.
	Replaces string
	// LinesOnly: its code does what it did.
	LinesOnly bool
}

// Image is a patch, ready for the agent.
type Image struct {
	Segments   []Segment
	Moduledata uint64   // address
	Etypes     uint64   // new end of the type section of the host
	Itabs      []uint64 // for runtime.itabAdd
	InitTasks  []uint64 // for runtime.doInit1, in order
	InitFuncs  []uint64 // entries of func(), in order
	After      []uint64 // likewise, of those of Input.After
	Redirects  []Redirect
	Writes     []Write
	Methods    []uint64 // types that have other methods after Writes
	Clear      []uint64 // see wire.Patch, if Input.Retires
	Derived    []uint64
	Skip       []Range // variables of the runtime that have the addresses of types, and no values
	Quiet      []Range // code of which there must be no frame then
	Caches     []program.Cache
	Defined    []program.Defined // for program.Accept
	Nosplit    []program.Nosplit // for program.AcceptNosplit
	Revived    []string          // types of the host whose methods Writes restores
	End        uint64            // first free address behind the image, page aligned
	RoomBase   uint64            // likewise in Input.Room
}

// Segment is a run of pages.
type Segment struct {
	Addr, Size uint64
	Prot       uint8 // 1 read, 2 write, 4 execute
	Data       []byte
}

// Redirect sends the callers of an old version to the new one.
type Redirect struct {
	Name     string
	Old, New uint64
	Size     uint64 // of the old version
	Code     uint64 // its first 8 bytes, as they were compiled
	// NoFrames: the old body branches back into its own first bytes, so it must not
	// run anywhere while they are overwritten.
	NoFrames bool
}

// Range is the half-open range of addresses [Start, End).
type Range struct{ Start, End uint64 }

// Write changes bytes of the host that are read-only to it.
type Write struct {
	Addr uint64
	Data []byte
}

const pageSize = 4096

// Link makes the image.
func Link(in Input) (*Image, error) {
	l := &linker{
		Input:   in,
		image:   &Image{},
		named:   map[symName]*symbol{},
		hashed:  map[string]*symbol{},
		static:  map[objectSym]*symbol{},
		revived: map[string]bool{},
		late:    map[string]bool{},
		slots:   map[uint64]*symbol{},

		forgotten: map[uint64]bool{},
	}
	if err := l.collect(); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	if err := l.checkInitializers(); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	if err := l.place(); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	if err := l.checkStack(); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	if err := l.relocate(); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	if err := l.finish(); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	return l.image, nil
}

// linker is the state of one Link.
type linker struct {
	Input
	image *Image

	named  map[symName]*symbol
	hashed map[string]*symbol
	static map[objectSym]*symbol
	slots  map[uint64]*symbol // by the address in them
	all    []*symbol          // in the order they were met
	work   []*symbol          // whose relocations are still to be followed

	revived map[string]bool // types of the host whose methods were looked through
	revive  []*revival
	late    map[string]bool // types of the host, and interfaces, whose methods revive is for
	growing []*growth

	forgotten map[uint64]bool // caches of the standard library that are emptied

	inits     []*symbol
	after     []*symbol
	initTasks []*symbol
	itabs     []*symbol

	sections [numSections][]*symbol
	start    [numSections]uint64
	end      [numSections]uint64
	tables   tables
	module   uint64

	variables uint64 // where the writable segment begins
}

// symName is the identity of a named symbol, as to the linker: data has ABI0.
type symName struct {
	name string
	abi  goobj.ABI
}

type objectSym struct {
	object *goobj.Object
	sym    goobj.Sym
}

type section uint8

const (
	secText section = iota
	secROData
	secFuncdata
	secData
	secNoPtrData
	numSections
)

// symbol is a piece of the image.
type symbol struct {
	object  *goobj.Object
	sym     goobj.Sym
	name    string
	abi     goobj.ABI
	section section
	size    uint64
	align   uint64
	data    []byte // a copy, once relocate begins
	relocs  []goobj.Reloc
	targets []target // of relocs
	addr    uint64

	replaces string // text: see Function
	old      uint64 // text: newest version before this one
	function *function
	content  uint64 // of a slot, which has no object
	room     bool   // a pointer type that gets a place for methods
	spare    bool   // the descriptor of a type that the program has: see growth
}

// target is what a relocation points to.
type target struct {
	symbol *symbol // in the image
	addr   uint64  // or elsewhere
	slot   *symbol // where code finds addr, if it is out of reach
	weak   string  // or, for a weak relocation, a name that the image may yet define
}

func (t target) known() bool { return t.symbol != nil || t.addr != 0 }

func (t target) address() uint64 {
	if t.symbol != nil {
		return t.symbol.addr
	}
	return t.addr
}

// function is what the pclntab says of a text symbol.
type function struct {
	info     *goobj.FuncInfo
	pcsp     []byte
	pcfile   []byte
	pcline   []byte
	pcinline []byte
	pcdata   [][]byte
	funcdata []target
	inlined  []inlined // of info.InlTree
	deferRet uint32
}

type inlined struct {
	name      string
	id        uint8
	startLine int32
}
