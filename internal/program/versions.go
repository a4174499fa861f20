package program

import (
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// Function is all that a function ever was.
type Function struct {
	Name     string
	ABI      goobj.ABI
	Versions []Version // oldest first
}

// Version is one body of a function in memory. Every one of them is redirected to
// the newest, since any may still be held by an itab, a func value or a caller.
type Version struct {
	Addr, Size uint64
}

// Defined is a symbol that a patch has brought into the program.
type Defined struct {
	Name string
	ABI  goobj.ABI
	Text bool
	Addr uint64
	Size uint64
	Old  uint64 // text: an address of an older version that this one replaces; 0: none

	Definition // in the patch; none for an itab that the runtime has made
}

// Versions are all versions of the function that has one at addr. For a function
// that was never patched that is the host's alone.
func (p *Program) Versions(addr uint64) []Version {
	if f, ok := p.versions[addr]; ok {
		return f.Versions
	}
	return []Version{{addr, p.sizes[addr]}}
}

// Accept makes a live patch part of the program: its symbols, the memory that the
// later patches read, and the types whose methods it has restored.
func (p *Program) Accept(defined []Defined, memory map[uint64][]byte, revived []string) {
	for addr, data := range memory {
		p.segments = append(p.segments, segment{addr, data})
	}
	for _, name := range revived {
		p.revived[name] = true
	}
	for _, d := range defined {
		switch {
		case d.Text:
			p.latest[symName{d.Name, d.ABI}] = d.Addr
			f := p.versions[d.Old]
			if f == nil {
				f = &Function{Name: d.Name, ABI: d.ABI}
				if d.Old != 0 {
					f.Versions = p.Versions(d.Old)
					p.versions[d.Old] = f
				}
			}
			f.Versions = append(f.Versions, Version{d.Addr, d.Size})
			p.versions[d.Addr] = f
		case IsHidden(d.Name):
			p.hidden[d.Name] = d.Addr
			if d.Object != nil {
				p.defs[d.Name] = d.Definition
			}
			if p.interfaceMethods != nil {
				p.addInterface(d.Name, d.Addr)
			}
		default:
			p.added[d.Name] = d.Addr
		}
	}
}

// Cache is where a type assertion or switch of the program keeps its last answers.
type Cache struct {
	Name string // "pkg..typeAssert.3", "pkg..interfaceSwitch.0": the numbers repeat
	Addr uint64
}

// Caches are those of all type assertions and switches.
func (p *Program) Caches() []Cache { return p.caches }

// AcceptCaches adds those of a patch that is live.
func (p *Program) AcceptCaches(caches []Cache) { p.caches = append(p.caches, caches...) }

// IsCache reports whether name is one of the numbered caches of type assertions and
// switches: each belongs to the code that uses it, whatever its number.
func IsCache(name string) bool {
	return strings.Contains(name, "..typeAssert.") || strings.Contains(name, "..interfaceSwitch.")
}

// MayHaveMethods reports whether a type of the program has a place for methods: an
// uncommon section behind its descriptor (internal/abi.TFlagUncommon), as all types with
// a name have, and of the others those that had methods when they were compiled.
func (p *Program) MayHaveMethods(typ string) bool {
	b := p.Bytes(p.hidden[typ], tflagAt+1)
	return b != nil && b[tflagAt]&tflagUncommon != 0
}

// PatchedText reports whether addr is the entry of a version that a patch brought.
func (p *Program) PatchedText(addr uint64) bool {
	_, ok := p.versions[addr]
	return ok
}

// Remove remembers functions that an edit has removed. Descriptors of types may go on
// to name them, so that one which comes back under the name has to be known.
func (p *Program) Remove(gone []Definition) {
	for _, d := range gone {
		p.gone[symName{d.Object.Name(d.Sym), d.Object.ABI(d.Sym)}] = d
	}
}

// ForgetRemoved forgets what Remove has noted: a type changed since, and a function that
// comes back under the name is another one.
func (p *Program) ForgetRemoved() { clear(p.gone) }

// Removed is a function as it was when an edit removed it.
func (p *Program) Removed(name string, abi goobj.ABI) (Definition, bool) {
	d, ok := p.gone[symName{name, abi}]
	return d, ok
}
