package goobj

import (
	"encoding/binary"
	"errors"
)

// FuncInfo is the decoded AuxFuncInfo symbol of a function
// (cmd/internal/goobj/funcinfo.go):
//
//	FuncInfo {
//		Args, Locals uint32 // bytes
//		FuncID       uint8
//		FuncFlag     uint8
//		_            [2]byte
//		StartLine    int32
//		Files        []uint32
//		InlTree      []{ Parent int32; File uint32; Line int32; Func symRef; ParentPC int32 }
//	}
type FuncInfo struct {
	Args, Locals uint32
	ID, Flag     uint8
	StartLine    int32
	Files        []uint32 // indices into Object.Files
	InlTree      []InlinedCall
}

// InlinedCall is a node of a function's inlining tree.
type InlinedCall struct {
	Parent   int32
	File     uint32
	Line     int32
	Func     Ref
	ParentPC int32
}

var errFuncInfo = errors.New("truncated FuncInfo")

// ReadFuncInfo decodes the data of an AuxFuncInfo symbol.
func ReadFuncInfo(b []byte) (*FuncInfo, error) {
	const fixed, node = 16, 24
	if len(b) < fixed+4 {
		return nil, errFuncInfo
	}
	le := binary.LittleEndian
	f := &FuncInfo{Args: le.Uint32(b), Locals: le.Uint32(b[4:]), ID: b[8], Flag: b[9], StartLine: int32(le.Uint32(b[12:]))}
	n := le.Uint32(b[fixed:])
	b = b[fixed+4:]
	if uint64(len(b)) < uint64(n)*4+4 {
		return nil, errFuncInfo
	}
	for range n {
		f.Files = append(f.Files, le.Uint32(b))
		b = b[4:]
	}
	n = le.Uint32(b)
	b = b[4:]
	if uint64(len(b)) < uint64(n)*node {
		return nil, errFuncInfo
	}
	for range n {
		f.InlTree = append(f.InlTree, InlinedCall{
			Parent:   int32(le.Uint32(b)),
			File:     le.Uint32(b[4:]),
			Line:     int32(le.Uint32(b[8:])),
			Func:     Ref{le.Uint32(b[12:]), le.Uint32(b[16:])},
			ParentPC: int32(le.Uint32(b[20:])),
		})
		b = b[node:]
	}
	return f, nil
}

// FuncInfo decodes the FuncInfo of the text symbol s. It is nil, without an
// error, for assembler functions that have none.
func (o *Object) FuncInfo(s Sym) (*FuncInfo, error) {
	refs := o.Aux(s, AuxFuncInfo, nil)
	if len(refs) == 0 {
		return nil, nil
	}
	fi, ok := o.Local(refs[0])
	if !ok || int(fi) >= o.NumDefs() {
		return nil, errFuncInfo
	}
	return ReadFuncInfo(o.Data(fi))
}
