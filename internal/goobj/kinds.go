package goobj

// ABI of a text symbol (cmd/internal/obj and internal/abi).
type ABI uint16

const (
	ABI0        ABI = 0
	ABIInternal ABI = 1
	ABIStatic   ABI = 0xffff // a symbol private to its object, whatever its name
)

// Kind is cmd/internal/objabi.SymKind; the numbers are the same in Go 1.24 to 1.27.
type Kind uint8

const (
	Text Kind = 1 + iota
	TextFIPS
	ROData
	RODataFIPS
	NoPtrData
	NoPtrDataFIPS
	Data
	DataFIPS
	BSS
	NoPtrBSS
	TLSBSS
	firstDWARF
	lastDWARF  = firstDWARF + 9 // SDWARFCUINFO … SDWARFADDR
	Libfuzzer  = lastDWARF + 1
	CovCounter = lastDWARF + 2 // counters of go build -cover
	CovAux     = lastDWARF + 3
)

// DWARF kinds that matter here.
const (
	DWARFFunc     = firstDWARF + 2 // go:info.F: the entry of a function
	DWARFAbstract = firstDWARF + 3 // go:absinfo.F: the inlinable part of it
)

func (k Kind) IsText() bool   { return k == Text || k == TextFIPS }
func (k Kind) IsROData() bool { return k == ROData || k == RODataFIPS }
func (k Kind) IsDWARF() bool  { return k >= firstDWARF && k <= lastDWARF }

// HasPointers reports whether the collector scans memory of this kind.
func (k Kind) HasPointers() bool { return k == Data || k == DataFIPS || k == BSS }

// IsVariable reports whether the memory is writable.
func (k Kind) IsVariable() bool {
	return k >= NoPtrData && k <= NoPtrBSS || k == CovCounter || k == Libfuzzer
}

// Flag is the first byte of symbol attributes.
type Flag uint8

const (
	FlagDupok Flag = 1 << iota
	FlagLocal
	FlagTypelink
	FlagLeaf
	FlagNoSplit
	FlagReflectMethod
	FlagGoType
)

// Flag2 is the second byte of symbol attributes.
type Flag2 uint8

const (
	Flag2UsedInIface Flag2 = 1 << iota
	Flag2Itab
	Flag2Dict
	Flag2PkgInit
	Flag2Linkname
	Flag2ABIWrapper
)

// RelocType is cmd/internal/objabi.RelocType. The numbers of those that amd64
// uses are the same in Go 1.24 to 1.27, but for R_INITORDER, which is in
// internal/toolchain.
type RelocType uint16

const (
	RAddr           RelocType = 1
	RAddrOff        RelocType = 5
	RSize           RelocType = 6
	RCall           RelocType = 7
	RCallInd        RelocType = 10
	RPCRel          RelocType = 14
	RTLSLE          RelocType = 15
	RTLSIE          RelocType = 16
	RUseField       RelocType = 21
	RUseType        RelocType = 22
	RUseIface       RelocType = 23
	RUseIfaceMethod RelocType = 24
	RUseNamedMethod RelocType = 25
	RMethodOff      RelocType = 26
	RKeep           RelocType = 27
	RGotPCRel       RelocType = 29
	RDWARFSecRef    RelocType = 31

	// RWeak marks a relocation that keeps its target not alive by itself.
	RWeak RelocType = 0x8000
)

// AuxType says what an auxiliary symbol is to its owner.
type AuxType uint8

const (
	AuxGotype AuxType = iota
	AuxFuncInfo
	AuxFuncdata
	AuxDwarfInfo
	AuxDwarfLoc
	AuxDwarfRanges
	AuxDwarfLines
	AuxPcsp
	AuxPcfile
	AuxPcline
	AuxPcinline
	AuxPcdata
)
