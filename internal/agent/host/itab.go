//go:build go1.21 && linux && amd64

package host

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// The runtime's table of itabs (iface.go, 1.25 to 1.27):
//
//	itabTableType {
//		size    uintptr // of entries
//		count   uintptr
//		entries [size]*itab // nil: free
//	}
//
// An itab whose first method is 0 says that its type does not implement its interface.
const itabEntries = 16

// methodsOf is the address of an itab's methods (internal/abi.ITab: Hash, 4 bytes, Fun).
func (a *agent) methodsOf(itab uint64) uint64 { return itab + uint64(a.ItabHash) + 8 }

// emptyItab finds the itab by which the runtime remembers that a type does not implement
// an interface; 0 if there is none. The table may grow meanwhile, but never changes
// where an entry is: the one that was current holds what getitab has just looked up.
func (a *agent) emptyItab(p wire.ItabPair) uint64 {
	keep := atomic.LoadPointer((*unsafe.Pointer)(pointer(a.ItabTable))) // one that grew is garbage
	table := uint64(uintptr(keep))
	found := uint64(0)
	for i := uint64(0); i < load64(table) && found == 0; i++ {
		itab := load64(table + itabEntries + 8*i)
		if itab != 0 && load64(itab) == p.Inter && load64(itab+uint64(a.ItabType)) == p.Type && load64(a.methodsOf(itab)) == 0 {
			found = itab
		}
	}
	runtime.KeepAlive(keep)
	return found
}

// completeItabs makes the empty itabs of types that have other methods now. Each has
// room for all methods of its interface: getitab has allocated it before it knew. The
// world is stopped.
func (a *agent) completeItabs(types []uint64) {
	table := load64(a.ItabTable)
	for i := uint64(0); i < load64(table); i++ {
		itab := load64(table + itabEntries + 8*i)
		if itab == 0 || load64(a.methodsOf(itab)) != 0 {
			continue
		}
		typ := load64(itab + uint64(a.ItabType))
		if !contains(types, typ) {
			continue
		}
		// Compiled type switches look at the hash; see findItabs.
		store32(itab+uint64(a.ItabHash), load32(typ+uint64(a.TypeHash)))
		a.itabInit(itab)
	}
}

// contains reports whether an ascending list has v.
func contains(list []uint64, v uint64) bool {
	i, j := 0, len(list)
	for i < j {
		if k := int(uint(i+j) / 2); list[k] < v {
			i = k + 1
		} else {
			j = k
		}
	}
	return i < len(list) && list[i] == v
}

// hasItab reports whether the table that the variable at addr points to has an itab of
// two types, and that it is the given one.
func hasItab(maps mapped, addr, inter, typ, itab uint64) bool {
	table := load64(addr)
	if table%8 != 0 || !maps.has(table, itabEntries, syscall.PROT_READ) {
		return false
	}
	size, count := load64(table), load64(table+8)
	if size == 0 || size > 1<<30 || size&(size-1) != 0 || count > size || !maps.has(table+itabEntries, 8*size, syscall.PROT_READ) {
		return false
	}
	for h, i := uint64(0), uint64(0); i < size; i++ {
		if h = load64(table + itabEntries + 8*i); h == itab {
			return load64(h) == inter && typ != 0
		}
	}
	return false
}

// checkMethods wants types in order, and of each the part that getitab looks at.
func (a *agent) checkMethods(maps mapped, p *wire.Patch) string {
	last := uint64(0)
	for _, typ := range p.Methods {
		const uncommon = 1 // internal/abi.TFlagUncommon
		if typ <= last || !a.isType(maps, typ) || load8(typ+uint64(a.TypeHash)+4)&uncommon == 0 {
			return "methods of what is not a type that may have some"
		}
		last = typ
	}
	return ""
}
