// Package program knows a host as facts: where its symbols lie in memory, the
// layouts of the runtime's structures, the addresses of type descriptors (which no
// symbol table lists), and every version that a function ever had.
//
// The facts of the executable are read once, by Open and Recover. What patches add
// comes in by Accept, and only after the agent has said that the patch is live.
package program

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/toolchain"
	"github.com/realtimefunc/realtimefunc/internal/toolchain/release"
)

// Symbol is a named piece of the program's memory.
type Symbol struct {
	Name string // as in the ELF symbol table: "·" is written "."
	Addr uint64
	Size uint64
}

// Program is one host. It is not safe for concurrent use.
type Program struct {
	Path     string
	Release  *release.Release
	Builtins []toolchain.Builtin
	Layouts  Layouts
	Abbrevs  []byte // .debug_abbrev, which holds the compiler's whole table
	End      uint64 // first address behind the host's memory

	text   map[string]Symbol // functions, by ELF name
	data   map[string]Symbol // variables and read-only data, by ELF name
	sizes  map[uint64]uint64 // of functions, by address
	double map[string]bool   // names that more than one symbol has: never resolved

	caches []Cache // see Caches
	stacks stacks  // see Nosplit

	segments []segment
	module   uint64 // address of runtime.firstmoduledata

	confirmed        map[symName]confirmation   // functions whose bytes were compared with their object
	hidden           map[string]uint64          // type descriptors and itabs, by linker name
	defs             map[string]Definition      // of those
	typeDefs         map[string]Definition      // of all types that the packages have, in the program or not
	itabs            map[string][]string        // see Itabs
	interfaceMethods map[string]map[uint64]bool // addresses of types by names: see HasInterfaceMethodOf
	namesOfTypes     map[uint64]string          // filled with it
	reflecting       []string                   // see ReflectsMethods
	revived          map[string]bool            // types whose methods a patch has restored
	tlsOffset        int64                      // what R_TLS_LE resolves to
	hasTLS           bool

	versions map[uint64]*Function   // by address of version 0, or of the first one
	latest   map[symName]uint64     // newest version of functions that a patch defined
	gone     map[symName]Definition // functions that edits have removed
	added    map[string]uint64      // variables and data that a patch defined
}

type symName struct {
	name string
	abi  goobj.ABI
}

// confirmation is a function of the host with the object that it was linked from.
type confirmation struct {
	addr uint64
	Definition
}

type segment struct {
	addr uint64
	data []byte
}

// Open reads the symbols of the executable at path, which goVersion of the tool
// chain at goroot has built. An executable that cannot be patched whatever the edit
// is (unknown release, position independent, stripped) is an error that says why.
func Open(path, goVersion, goroot string) (*Program, error) {
	rel, err := toolchain.For(goVersion)
	if err != nil {
		return nil, err
	}
	p := &Program{
		Path: path, Release: rel,
		text: map[string]Symbol{}, data: map[string]Symbol{}, sizes: map[uint64]uint64{}, double: map[string]bool{},
		confirmed: map[symName]confirmation{}, hidden: map[string]uint64{}, defs: map[string]Definition{}, revived: map[string]bool{},
		versions: map[uint64]*Function{}, latest: map[symName]uint64{}, added: map[string]uint64{}, gone: map[symName]Definition{},
	}
	if p.Builtins, err = toolchain.Builtins(goroot); err != nil {
		return nil, err
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading host: %w", err)
	}
	defer f.Close()
	if f.Machine == elf.EM_X86_64 && f.Type == elf.ET_DYN {
		return nil, errors.New("the program is a position independent executable (-buildmode=pie)")
	}
	if f.Machine != elf.EM_X86_64 || f.Type != elf.ET_EXEC {
		return nil, errors.New("the program is not a linux/amd64 executable")
	}
	if err := p.readSegments(f); err != nil {
		return nil, fmt.Errorf("reading host: %w", err)
	}
	if err := p.readSymbols(f); err != nil {
		return nil, fmt.Errorf("reading host symbols: %w", err)
	}
	if p.Layouts, err = readLayouts(f); err != nil {
		return nil, fmt.Errorf("reading host layouts: %w", err)
	}
	if sec := f.Section(".debug_abbrev"); sec != nil {
		if p.Abbrevs, err = sec.Data(); err != nil {
			return nil, fmt.Errorf("reading host layouts: %w", err)
		}
	}
	md, ok := p.data["runtime.firstmoduledata"]
	if !ok {
		return nil, errors.New("the program has no runtime.firstmoduledata")
	}
	p.module = md.Addr
	return p, nil
}

func (p *Program) readSegments(f *elf.File) error {
	for _, prog := range f.Progs {
		if prog.Type != elf.PT_LOAD {
			continue
		}
		b := make([]byte, prog.Filesz)
		if _, err := prog.ReadAt(b, 0); err != nil {
			return err
		}
		p.segments = append(p.segments, segment{prog.Vaddr, b})
		p.End = max(p.End, prog.Vaddr+prog.Memsz)
	}
	return nil
}

func (p *Program) readSymbols(f *elf.File) error {
	syms, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, s := range syms {
		if s.Name == "" || s.Section == elf.SHN_UNDEF {
			continue
		}
		var table map[string]Symbol
		switch elf.ST_TYPE(s.Info) {
		case elf.STT_FUNC:
			table = p.text
			p.sizes[s.Value] = max(p.sizes[s.Value], s.Size)
		case elf.STT_OBJECT, elf.STT_NOTYPE:
			table = p.data
		default:
			continue
		}
		if old, ok := table[s.Name]; ok && old.Addr != s.Value {
			p.double[s.Name] = true
		}
		table[s.Name] = Symbol{s.Name, s.Value, s.Size}
		if IsCache(s.Name) {
			p.caches = append(p.caches, Cache{s.Name, s.Value})
		}
	}
	return nil
}

// elfName is a linker symbol name as the ELF symbol table spells it
// (cmd/link/internal/ld/symtab.go:putelfsym).
func elfName(name string) string { return strings.ReplaceAll(name, "·", ".") }

// Bytes are n bytes of the host's memory at addr as its file has them, or nil.
func (p *Program) Bytes(addr uint64, n int) []byte {
	for _, s := range p.segments {
		if addr >= s.addr && addr-s.addr+uint64(n) <= uint64(len(s.data)) {
			return s.data[addr-s.addr:][:n]
		}
	}
	return nil
}

// Word is the 8-byte word at addr as the file has it; 0 outside.
func (p *Program) Word(addr uint64) uint64 {
	if b := p.Bytes(addr, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// HostVariable is a package variable of the executable, by its linker name.
func (p *Program) HostVariable(name string) (Symbol, bool) {
	n := elfName(name)
	s, ok := p.data[n]
	return s, ok && !p.double[n]
}

// Moduledata is the address of runtime.firstmoduledata.
func (p *Program) Moduledata() uint64 { return p.module }

// ModuleWord is a word field of runtime.firstmoduledata.
func (p *Program) ModuleWord(field string) uint64 {
	off, ok := p.Layouts.Offset("runtime.moduledata", field)
	if !ok {
		return 0
	}
	return p.Word(p.module + off)
}

// Variable is the address of a package variable of the host, by its linker name.
func (p *Program) Variable(name string) (uint64, bool) {
	if a, ok := p.added[name]; ok {
		return a, true
	}
	n := elfName(name)
	s, ok := p.data[n]
	if !ok || p.double[n] {
		return 0, false
	}
	return s.Addr, true
}

// ErrAmbiguous says that a name does not tell one function.
var ErrAmbiguous = errors.New("the host has several functions of this name")

// Function is the entry address of the newest version of a function.
func (p *Program) Function(name string, abi goobj.ABI) (addr uint64, ok bool, err error) {
	if a, ok := p.latest[symName{name, abi}]; ok {
		return a, true, nil
	}
	s, ok, err := p.HostFunction(name, abi)
	return s.Addr, ok, err
}

// HostFunction is version 0 of a function. The symbol table marks an ABI0 function
// (".abi0") only where an ABIInternal one of the same name exists, so a lone name is
// trusted for ABI0 only if Recover has compared its bytes.
func (p *Program) HostFunction(name string, abi goobj.ABI) (Symbol, bool, error) {
	n := elfName(name)
	if c, ok := p.confirmed[symName{name, abi}]; ok {
		s := p.text[n]
		if s.Addr != c.addr {
			s = p.text[n+".abi0"]
		}
		return s, true, nil
	}
	_, both := p.text[n+".abi0"]
	if abi == goobj.ABI0 {
		if both {
			return p.text[n+".abi0"], true, nil
		}
		return Symbol{}, false, nil
	}
	s, ok := p.text[n]
	if !ok {
		return Symbol{}, false, nil
	}
	if p.double[n] {
		return Symbol{}, false, fmt.Errorf("%s: %w", name, ErrAmbiguous)
	}
	if _, zero := p.confirmed[symName{name, goobj.ABI0}]; zero && !both {
		return Symbol{}, false, nil // the lone symbol is the ABI0 one
	}
	return s, true, nil
}

// Confirmed is the definition that version 0 of a function was linked from, if Recover
// has found it: packages may emit the same function, and differ.
func (p *Program) Confirmed(name string, abi goobj.ABI) (Definition, bool) {
	c, ok := p.confirmed[symName{name, abi}]
	return c.Definition, ok
}

// Hidden is the address of a type descriptor ("type:…") or itab ("go:itab.…").
func (p *Program) Hidden(name string) (uint64, bool) {
	a, ok := p.hidden[name]
	return a, ok
}

// HiddenDefinition is a definition of a type descriptor or itab of the host.
func (p *Program) HiddenDefinition(name string) (Definition, bool) {
	d, ok := p.defs[name]
	return d, ok
}

// Itabs are the names of the host's itabs for an interface type ("main.shape").
func (p *Program) Itabs(iface string) []string {
	if p.itabs == nil {
		p.itabs = map[string][]string{}
		for name := range p.hidden {
			if pair, ok := strings.CutPrefix(name, "go:itab."); ok {
				// The name of a type may hold commas too: both readings are listed.
				for i, c := range pair {
					if c == ',' {
						p.itabs[pair[i+1:]] = append(p.itabs[pair[i+1:]], name)
					}
				}
			}
		}
	}
	return p.itabs[iface]
}

// ItabHas reports whether addr is one of the methods in an itab for an interface.
func (p *Program) ItabHas(name, iface string, addr uint64) bool {
	const funAt, methodCount = 24, 64 // internal/abi.ITab.Fun, InterfaceType.Methods.len
	for i := range p.Word(p.hidden["type:"+iface] + methodCount) {
		if p.Word(p.hidden[name]+funAt+8*i) == addr {
			return true
		}
	}
	return false
}

// Revived reports whether a patch has restored the methods that the linker had
// dropped from a type of the host.
func (p *Program) Revived(name string) bool { return p.revived[name] }

// HasInterfaceMethod reports whether an interface type of the program has a method of
// this name: then code may ask at run time whether some type has it.
func (p *Program) HasInterfaceMethod(name string) bool {
	return len(p.methodsOfInterfaces()[name]) > 0
}

// HasInterfaceMethodOf reports whether an interface type of the program has a method of
// this name and type ("func(int) string").
func (p *Program) HasInterfaceMethodOf(name, typ string) bool {
	types := p.methodsOfInterfaces()[name]
	if addr, ok := p.Hidden("type:" + typ); ok {
		return types[addr]
	}
	// The program does not know the type, unless one of these is of no known name.
	for addr := range types {
		if _, known := p.namesOfTypes[addr]; !known {
			return true
		}
	}
	return false
}

// Builtin is the symbol of the runtime that a reference by number stands for.
func (p *Program) Builtin(r goobj.Ref) (b toolchain.Builtin, ok bool) {
	if r.Pkg != goobj.PkgBuiltin || uint64(r.Idx) >= uint64(len(p.Builtins)) {
		return b, false
	}
	return p.Builtins[r.Idx], true
}

// IsAgent reports whether a package, or a symbol of it, is of the agent that the host
// build has added.
func IsAgent(name string) bool { return strings.Contains(name, "/internal/realtimeagent") }

// ReflectsMethods reports whether a function of the program calls methods that it finds
// by reflection, as text/template does. The agent is not counted: it has such a call for
// the linker to keep methods.
func (p *Program) ReflectsMethods() bool {
	return slices.ContainsFunc(p.reflecting, func(name string) bool { return !IsAgent(name) })
}

// ReflectsMethodsBeyond is ReflectsMethods without the functions of some packages.
func (p *Program) ReflectsMethodsBeyond(packages ...string) bool {
	return slices.ContainsFunc(p.reflecting, func(name string) bool {
		return !IsAgent(name) && !slices.ContainsFunc(packages, func(path string) bool { return strings.HasPrefix(name, path+".") })
	})
}

func (p *Program) methodsOfInterfaces() map[string]map[uint64]bool {
	if p.interfaceMethods == nil {
		p.interfaceMethods, p.namesOfTypes = map[string]map[uint64]bool{}, map[uint64]string{}
		for name, addr := range p.hidden {
			p.addInterface(name, addr)
		}
	}
	return p.interfaceMethods
}

// addInterface reads the methods of a type, if it is an interface (internal/abi.InterfaceType):
// Type [48]byte; PkgPath *byte; Methods []struct{ Name, Typ int32 }.
func (p *Program) addInterface(symbol string, addr uint64) {
	p.namesOfTypes[addr] = symbol
	const kindAt, kindMask, kindInterface, methodsAt, size = 23, 1<<5 - 1, 20, 56, 80
	le := binary.LittleEndian
	b := p.Bytes(addr, size)
	if b == nil || b[kindAt]&kindMask != kindInterface {
		return
	}
	methods := p.Bytes(le.Uint64(b[methodsAt:]), 8*int(uint16(le.Uint64(b[methodsAt+8:]))))
	for ; len(methods) >= 8; methods = methods[8:] {
		types := p.ModuleWord("types")
		at := types + uint64(le.Uint32(methods))
		head := p.Bytes(at, 3) // flags, length as a varint of one or two bytes
		if head == nil {
			continue
		}
		n, w := binary.Uvarint(head[1:])
		if name := p.Bytes(at+1+uint64(w), int(n)); name != nil {
			if p.interfaceMethods[string(name)] == nil {
				p.interfaceMethods[string(name)] = map[uint64]bool{}
			}
			p.interfaceMethods[string(name)][types+uint64(le.Uint32(methods[4:]))] = true
		}
	}
}

// HiddenCount is the number of type descriptors and itabs whose address is known.
func (p *Program) HiddenCount() int { return len(p.hidden) }

// TLSOffset is what R_TLS_LE relocations of the host resolved to.
func (p *Program) TLSOffset() (int64, bool) { return p.tlsOffset, p.hasTLS }

// IsHidden reports whether symbols of this name are in no symbol table though they
// have an identity: type descriptors and, from Go 1.27, itabs.
func IsHidden(name string) bool {
	return strings.HasPrefix(name, "type:") && !strings.HasPrefix(name, "type:.") || strings.HasPrefix(name, "go:itab.")
}
