package goobj

import (
	"encoding/binary"
	"fmt"
	"sort"
	"unsafe"
)

// Object file layout (cmd/internal/goobj/objfile.go). All integers are little
// endian; a string is {len, off uint32}; a symRef is {PkgIdx, SymIdx uint32}.
//
//	Header {
//		Magic       [8]byte // "\x00go120ld"
//		Fingerprint [8]byte
//		Flags       uint32
//		Offsets     [19]uint32 // where each block begins, in the order below
//	}
//	Autolib      []{ Pkg string; Fingerprint [8]byte }
//	PkgIndex     []string // element 0 is ""
//	Files        []string
//	SymbolDefs   []symbol // {PkgIdxSelf, i}
//	Hashed64Defs []symbol // {PkgIdxHashed64, i}
//	HashedDefs   []symbol // {PkgIdxHashed, i}
//	NonPkgDefs   []symbol // {PkgIdxNone, i}
//	NonPkgRefs   []symbol // {PkgIdxNone, len(NonPkgDefs)+i}
//	RefFlags     []{ Sym symRef; Flag, Flag2 uint8 }
//	Hash64       [][8]byte  // of Hashed64Defs
//	Hash         [][16]byte // of HashedDefs
//	RelocIndex   []uint32   // one more than there are definitions
//	AuxIndex     []uint32   // likewise
//	DataIndex    []uint32   // likewise
//	Relocs       []reloc
//	Aux          []{ Type uint8; Sym symRef }
//	Data         []byte
//	RefNames     []{ Sym symRef; Name string } // names of other packages' symbols
//
//	symbol { Name string; ABI uint16; Type, Flag, Flag2 uint8; Size, Align uint32 }
//	reloc  { Off int32; Size uint8; Type uint16; Add int64; Sym symRef }
const (
	magic      = "\x00go120ld"
	headerSize = len(magic) + 8 + 4 + 4*numBlocks

	autolibSize = 16
	stringSize  = 8
	symbolSize  = 21
	relocSize   = 23
	auxSize     = 9
	refNameSize = 16
	hash64Size  = 8
	hashSize    = 16
)

const (
	blkAutolib = iota
	blkPkgIndex
	blkFiles
	blkSymbolDefs
	blkHashed64Defs
	blkHashedDefs
	blkNonPkgDefs
	blkNonPkgRefs
	blkRefFlags
	blkHash64
	blkHash
	blkRelocIndex
	blkAuxIndex
	blkDataIndex
	blkRelocs
	blkAux
	blkData
	blkRefNames
	blkEnd
	numBlocks
)

// Predeclared package indices of a Ref. Smaller ones, from 1, index Object.Pkgs.
const (
	PkgNone     = 1<<31 - 1 - iota // non-package symbols: by name
	PkgHashed64                    // content-addressable, short
	PkgHashed                      // content-addressable
	PkgBuiltin                     // predefined runtime symbols; the list is in internal/toolchain
	PkgSelf                        // this package
)

// Flags of an object.
const (
	FlagShared       = 1 << 0
	FlagFromAssembly = 1 << 2
	FlagUnlinkable   = 1 << 3
)

// Sym is a symbol of one object: an index into its definitions (in the order of
// the file's blocks) followed by its references by name. NumDefs divides the two.
type Sym int32

// NoSym stands for the absence of a symbol.
const NoSym Sym = -1

// Ref is a symbol reference as the file writes it.
type Ref struct{ Pkg, Idx uint32 }

// Object is one object file.
type Object struct {
	ImportPath string
	Flags      uint32
	Pkgs       []string // referenced packages; Pkgs[0] is ""
	Files      []string // the file table that FuncInfo and pc-file tables index

	b        []byte
	off      [numBlocks]uint32
	end      [5]Sym // ends of SymbolDefs, Hashed64Defs, HashedDefs, NonPkgDefs, NonPkgRefs
	refNames map[Ref]string
	mixed    []Ref // that have several names
}

// Open reads the object file b of the package importPath and checks that it is
// whole. The object keeps b.
func Open(importPath string, b []byte) (*Object, error) {
	o := &Object{ImportPath: importPath, b: b}
	if err := o.open(); err != nil {
		return nil, fmt.Errorf("reading object of %q: %w", importPath, err)
	}
	return o, nil
}

func (o *Object) open() error {
	if len(o.b) < headerSize || string(o.b[:len(magic)]) != magic {
		return fmt.Errorf("not an object file of a supported Go release (want magic %q)", magic)
	}
	o.Flags = o.u32(16)
	prev := uint32(headerSize)
	for i := range o.off {
		o.off[i] = o.u32(20 + 4*uint32(i))
		if o.off[i] < prev || uint64(o.off[i]) > uint64(len(o.b)) {
			return fmt.Errorf("block %d lies outside the file or out of order", i)
		}
		prev = o.off[i]
	}
	var n Sym
	for i, blk := range []int{blkSymbolDefs, blkHashed64Defs, blkHashedDefs, blkNonPkgDefs, blkNonPkgRefs} {
		n += Sym(o.count(blk, symbolSize))
		o.end[i] = n
	}
	if n64, n128 := o.count(blkHash64, hash64Size), o.count(blkHash, hashSize); n64 != int(o.end[1]-o.end[0]) || n128 != int(o.end[2]-o.end[1]) {
		return fmt.Errorf("%d and %d hashes do not fit the hashed symbols", n64, n128)
	}
	for _, ix := range []struct {
		blk   int
		limit uint32
	}{
		{blkRelocIndex, uint32(o.count(blkRelocs, relocSize))},
		{blkAuxIndex, uint32(o.count(blkAux, auxSize))},
		{blkDataIndex, o.off[blkRefNames] - o.off[blkData]},
	} {
		if o.count(ix.blk, 4) < o.NumDefs()+1 {
			return fmt.Errorf("index block %d is too short", ix.blk)
		}
		prev := uint32(0)
		for i := 0; i <= o.NumDefs(); i++ {
			v := o.u32(o.off[ix.blk] + 4*uint32(i))
			if v < prev || v > ix.limit {
				return fmt.Errorf("index block %d is out of order or range at %d", ix.blk, i)
			}
			prev = v
		}
	}
	for i := Sym(0); i < n; i++ {
		if _, err := o.checkedString(o.symOff(i)); err != nil {
			return err
		}
	}
	for s := Sym(0); int(s) < o.NumDefs(); s++ {
		if uint64(len(o.Data(s))) > uint64(o.Size(s)) && !o.Kind(s).IsDWARF() {
			return fmt.Errorf("symbol %d has more data than its size", s)
		}
	}
	var err error
	if o.Pkgs, err = o.strings(blkPkgIndex, stringSize); err != nil {
		return err
	}
	if o.Files, err = o.strings(blkFiles, stringSize); err != nil {
		return err
	}
	refs := o.count(blkRefNames, refNameSize)
	o.refNames = make(map[Ref]string, refs)
	for i := range refs {
		at := o.off[blkRefNames] + uint32(i*refNameSize)
		name, err := o.checkedString(at + 8)
		if err != nil {
			return err
		}
		ref := o.ref(at)
		if other, ok := o.refNames[ref]; ok && other != name {
			o.mixed = append(o.mixed, ref)
		}
		o.refNames[ref] = name
	}
	return nil
}

func (o *Object) count(blk, size int) int {
	return int(o.off[blk+1]-o.off[blk]) / size
}

func (o *Object) u32(off uint32) uint32 { return binary.LittleEndian.Uint32(o.b[off:]) }

func (o *Object) ref(off uint32) Ref { return Ref{o.u32(off), o.u32(off + 4)} }

func (o *Object) checkedString(off uint32) (string, error) {
	n, at := o.u32(off), o.u32(off+4)
	if uint64(n)+uint64(at) > uint64(len(o.b)) {
		return "", fmt.Errorf("a string lies outside the file (offset %d)", off)
	}
	return o.str(off), nil
}

// str is the string whose {len, off} stands at off. It shares the file's memory.
func (o *Object) str(off uint32) string {
	n, at := o.u32(off), o.u32(off+4)
	if n == 0 {
		return ""
	}
	return unsafe.String(&o.b[at], n)
}

func (o *Object) strings(blk, size int) ([]string, error) {
	list := make([]string, o.count(blk, size))
	for i := range list {
		s, err := o.checkedString(o.off[blk] + uint32(i*size))
		if err != nil {
			return nil, err
		}
		list[i] = s
	}
	return list, nil
}

// NumDefs is the number of symbols that the object defines: Sym 0 to NumDefs-1.
func (o *Object) NumDefs() int { return int(o.end[3]) }

// NumSyms counts definitions and references by name.
func (o *Object) NumSyms() int { return int(o.end[4]) }

func (o *Object) symOff(s Sym) uint32 { return o.off[blkSymbolDefs] + uint32(s)*symbolSize }

// Name is the linker symbol name; "" for most content-addressable symbols.
func (o *Object) Name(s Sym) string { return o.str(o.symOff(s)) }

// ABI is the symbol's ABI as the object states it.
func (o *Object) ABI(s Sym) ABI {
	return ABI(binary.LittleEndian.Uint16(o.b[o.symOff(s)+8:]))
}

// Kind says what kind of memory the symbol is.
func (o *Object) Kind(s Sym) Kind { return Kind(o.b[o.symOff(s)+10]) }

// Flag and Flag2 are the symbol's attributes.
func (o *Object) Flag(s Sym) Flag   { return Flag(o.b[o.symOff(s)+11]) }
func (o *Object) Flag2(s Sym) Flag2 { return Flag2(o.b[o.symOff(s)+12]) }

// Size in bytes of the symbol in memory; data behind len(Data) is zero.
func (o *Object) Size(s Sym) uint32 { return o.u32(o.symOff(s) + 13) }

// Align is the alignment that the symbol asks for; 0 leaves it to the linker.
func (o *Object) Align(s Sym) uint32 { return o.u32(o.symOff(s) + 17) }

// Hashed reports whether s is content-addressable: its hash is its identity.
func (o *Object) Hashed(s Sym) bool { return s >= o.end[0] && s < o.end[2] }

// Hash is the content hash of a content-addressable symbol: 8 or 16 bytes.
func (o *Object) Hash(s Sym) []byte {
	if s < o.end[1] {
		at := o.off[blkHash64] + uint32(s-o.end[0])*hash64Size
		return o.b[at : at+hash64Size]
	}
	at := o.off[blkHash] + uint32(s-o.end[1])*hashSize
	return o.b[at : at+hashSize]
}

// InPackage reports whether s is one of the package's indexed definitions, which
// other packages refer to by index (Archive.Objects[0] only).
func (o *Object) InPackage(s Sym) bool { return s < o.end[0] }

// Data is the symbol's initial contents, relocations not yet applied.
func (o *Object) Data(s Sym) []byte {
	lo, hi := o.index(blkDataIndex, s)
	return o.b[o.off[blkData]+lo : o.off[blkData]+hi]
}

func (o *Object) index(blk int, s Sym) (lo, hi uint32) {
	at := o.off[blk] + 4*uint32(s)
	return o.u32(at), o.u32(at + 4)
}

// Reloc is one relocation.
type Reloc struct {
	Off  int32 // in the symbol's data
	Size uint8 // bytes to write; 0 for markers that only tell the linker something
	Type RelocType
	Add  int64
	Sym  Ref
}

// Relocs appends the relocations of s, in the file's order, to buf.
func (o *Object) Relocs(s Sym, buf []Reloc) []Reloc {
	lo, hi := o.index(blkRelocIndex, s)
	for i := lo; i < hi; i++ {
		at := o.off[blkRelocs] + i*relocSize
		buf = append(buf, Reloc{
			Off:  int32(o.u32(at)),
			Size: o.b[at+4],
			Type: RelocType(binary.LittleEndian.Uint16(o.b[at+5:])),
			Add:  int64(binary.LittleEndian.Uint64(o.b[at+7:])),
			Sym:  o.ref(at + 15),
		})
	}
	return buf
}

// Aux appends the symbols of type t that belong to s, in the file's order, to buf.
func (o *Object) Aux(s Sym, t AuxType, buf []Ref) []Ref {
	lo, hi := o.index(blkAuxIndex, s)
	for i := lo; i < hi; i++ {
		at := o.off[blkAux] + i*auxSize
		if AuxType(o.b[at]) == t {
			buf = append(buf, o.ref(at+1))
		}
	}
	return buf
}

// Local turns a reference into a symbol of this object. It is false for symbols
// of other packages (which RefName and Pkgs name) and for builtins.
func (o *Object) Local(r Ref) (Sym, bool) {
	var base, end Sym
	switch r.Pkg {
	case PkgSelf:
		base, end = 0, o.end[0]
	case PkgHashed64:
		base, end = o.end[0], o.end[1]
	case PkgHashed:
		base, end = o.end[1], o.end[2]
	case PkgNone:
		base, end = o.end[2], o.end[4]
	default:
		return NoSym, false
	}
	if uint64(r.Idx) >= uint64(end-base) {
		return NoSym, false
	}
	return base + Sym(r.Idx), true
}

// IsZero reports whether r refers to nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// Package is the import path of the package that a reference by index names. The file
// has it as it stands in symbol names.
func (o *Object) Package(r Ref) (string, bool) {
	if r.Pkg == 0 || uint64(r.Pkg) >= uint64(len(o.Pkgs)) {
		return "", false
	}
	return PrefixToPath(o.Pkgs[r.Pkg]), true
}

// Fingerprint identifies the export data that the object was compiled with. Importers
// count symbols of the package by index, which holds for this version of it alone.
func (o *Object) Fingerprint() [8]byte { return [8]byte(o.b[len(magic):]) }

// Imported is the fingerprint of a package as o was compiled against it.
func (o *Object) Imported(path string) (fingerprint [8]byte, ok bool) {
	for i := range o.count(blkAutolib, autolibSize) {
		at := o.off[blkAutolib] + uint32(i*autolibSize)
		if name, err := o.checkedString(at); err == nil && PrefixToPath(name) == path {
			return [8]byte(o.b[at+8:]), true
		}
	}
	return fingerprint, false
}

// Imports are the packages that o was compiled against.
func (o *Object) Imports() (paths []string) {
	for i := range o.count(blkAutolib, autolibSize) {
		if name, err := o.checkedString(o.off[blkAutolib] + uint32(i*autolibSize)); err == nil {
			paths = append(paths, PrefixToPath(name))
		}
	}
	return paths
}

// RefName is the name of a symbol of another package. Only targets of
// relocations have one, auxiliary symbols have not.
func (o *Object) RefName(r Ref) (string, bool) {
	name, ok := o.refNames[r]
	return name, ok
}

// SortRelocs orders relocations by offset: the compiler does not promise it.
func SortRelocs(list []Reloc) {
	sort.SliceStable(list, func(i, j int) bool { return list[i].Off < list[j].Off })
}
