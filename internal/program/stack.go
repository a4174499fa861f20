package program

import (
	"errors"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// Nosplit is a body of a function that uses the stack without a check whether there is
// enough: one with //go:nosplit, a small one that calls nothing, or assembly.
type Nosplit struct {
	Name  string
	ABI   goobj.ABI
	At    uint64 // the address; for static functions of assembly, which have no known one, a number from noAddress on
	Most  int    // bytes that it uses itself
	Calls []NosplitCall
}

// NosplitCall is a call in such a body.
type NosplitCall struct {
	Growth int    // bytes in use when the callee begins
	To     uint64 // see Nosplit.At; 0: the call is indirect
}

// noAddress is above all addresses of a process.
const noAddress = 1 << 63

// place names what a call of the host may lead to, if that has no known address.
type place struct {
	Definition
	symName
}

// stacks are the facts for the check of the stack.
type stacks struct {
	library *Library     // of the host
	found   []Definition // functions of the host that do not check the stack, before bodies is made
	bodies  []Nosplit    // of the host, and of what patches brought
	read    bool         // found was
	nowhere map[place]uint64
}

// Nosplit are all bodies that the program ever had of functions that do not check the stack:
// a call in progress, or a func value, may hold any of them. Where several packages have
// emitted a function, and it can't be told which was linked, each is listed.
func (p *Program) Nosplit() []Nosplit {
	s := &p.stacks
	if s.read {
		return s.bodies
	}
	s.read, s.nowhere = true, map[place]uint64{}
	for _, d := range s.found {
		name, abi := d.Object.Name(d.Sym), d.Object.ABI(d.Sym)
		if c, ok := p.confirmed[symName{name, abi}]; ok && c.Definition != d {
			continue // the linker took another copy
		}
		use := d.Object.StackUse(d.Sym)
		body := Nosplit{Name: name, ABI: abi, At: p.placeOf(d.Object, d.Sym), Most: use.Most}
		for _, c := range use.Calls {
			call := NosplitCall{Growth: c.Growth}
			if !c.Callee.IsZero() {
				call.To = p.calleeOf(d.Object, c.Callee)
			}
			body.Calls = append(body.Calls, call)
		}
		s.bodies = append(s.bodies, body)
	}
	s.found, s.library = nil, nil
	return s.bodies
}

// AcceptNosplit adds those of a patch that is live.
func (p *Program) AcceptNosplit(bodies []Nosplit) {
	p.stacks.bodies = append(p.Nosplit(), bodies...)
}

// placeOf is where the host has a symbol, or a number that stands for it alone.
func (p *Program) placeOf(o *goobj.Object, s goobj.Sym) uint64 {
	if o.ABI(s) == goobj.ABIStatic {
		return p.number(place{Definition: Definition{o, s}})
	}
	return p.placeNamed(symName{o.Name(s), o.ABI(s)})
}

func (p *Program) placeNamed(f symName) uint64 {
	if sym, ok, err := p.HostFunction(f.name, f.abi); ok && err == nil {
		return sym.Addr
	}
	return p.number(place{symName: f})
}

func (p *Program) number(key place) uint64 {
	n, ok := p.stacks.nowhere[key]
	if !ok {
		n = noAddress + uint64(len(p.stacks.nowhere))
		p.stacks.nowhere[key] = n
	}
	return n
}

// calleeOf is placeOf for what a call of the host refers to.
func (p *Program) calleeOf(o *goobj.Object, r goobj.Ref) uint64 {
	if s, ok := o.Local(r); ok {
		return p.placeOf(o, s)
	}
	if b, ok := p.Builtin(r); ok {
		return p.placeNamed(symName{b.Name, b.ABI})
	}
	// The host's archives were compiled against each other, so the index counts.
	if path, ok := o.Package(r); ok {
		if a, err := p.stacks.library.Archive(path); err == nil && int64(r.Idx) < int64(a.Objects[0].NumDefs()) {
			return p.placeOf(a.Objects[0], goobj.Sym(r.Idx))
		}
	}
	return 0
}

// NameAt is the name of the function that begins at an address: "" if there is none.
func (p *Program) NameAt(addr uint64) (name string, abi goobj.ABI) {
	for key, at := range p.latest {
		if at == addr {
			return key.name, key.abi
		}
	}
	for key, c := range p.confirmed {
		if c.addr == addr {
			return key.name, key.abi
		}
	}
	for _, s := range p.text {
		if s.Addr == addr {
			name = s.Name
		}
	}
	return name, goobj.ABIInternal
}

// StackLimit is how many bytes a chain of functions may use without a check of the stack:
// what every check leaves below it, without the return address of its own call of
// runtime.morestack (cmd/link/internal/ld/stackcheck.go:doStackCheck).
func (p *Program) StackLimit() int {
	n := p.Release.StackNosplit
	if p.Race() {
		n *= 2 // cmd/internal/objabi/stack.go:stackGuardMultiplier
	}
	return n - goobj.CallSize
}

// Race reports whether the host was built with -race.
func (p *Program) Race() bool {
	_, ok, err := p.HostFunction("runtime.raceacquireg", goobj.ABIInternal)
	return ok || errors.Is(err, ErrAmbiguous)
}
