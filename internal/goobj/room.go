package goobj

import (
	"encoding/binary"
	"strings"
)

// A pointer type, which has no name, has a place for methods only if it has some
// (internal/abi/type.go, Go 1.25 to 1.27):
//
//	PtrType { Type [48]byte; Elem *Type }
//	UncommonType [16]byte // behind it, if Type.TFlag says so
const (
	PtrTypeSize  = 56
	UncommonSize = 16

	typeTFlag     = 20
	typeKind      = 23
	kindMask      = 1<<5 - 1
	kindPointer   = 22
	tflagUncommon = 1 << 0
)

// NoRoom reports whether a symbol is a pointer type without a place for methods.
func (o *Object) NoRoom(s Sym) bool {
	b := o.Data(s)
	return o.Size(s) == PtrTypeSize && len(b) > typeKind && b[typeKind]&kindMask == kindPointer && b[typeTFlag]&tflagUncommon == 0 &&
		strings.HasPrefix(o.Name(s), "type:*")
}

// SetRoom sets the flag in the bytes of a pointer type. The section itself is zero: no
// methods, which reflection does not tell from none.
func SetRoom(b []byte) { b[typeTFlag] |= tflagUncommon }

// GiveRoom gives the pointer types that the archive defines a place for methods, if own
// says so of their linker name ("type:*main.T"). It changes the bytes that the archive
// was read from. The place itself need not be written: what a symbol lacks of data, for
// its size, the linker fills with zeros (cmd/link/internal/ld/data.go:writeBlock); and
// of symbols that are there twice it takes the larger one (loader.go:addSym).
func (a *Archive) GiveRoom(own func(name string) bool) {
	const sizeAt = 13 // of symbol; see objects
	for _, o := range a.Objects {
		for s := Sym(0); int(s) < o.NumDefs(); s++ {
			if o.NoRoom(s) && !o.Hashed(s) && own(o.Name(s)) {
				SetRoom(o.Data(s))
				binary.LittleEndian.PutUint32(o.b[o.symOff(s)+sizeAt:], PtrTypeSize+UncommonSize)
			}
		}
	}
}
