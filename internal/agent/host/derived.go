//go:build go1.21 && linux && amd64

package host

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Caches of the standard library know types by their descriptors. Some hold what was made
// of a type and can be made again: they are cleared before a search. Those of reflect map
// types to types that are made of them, *T and []T: an entry must not be taken away while
// somebody has such a type, or reflect would make it a second time. So the entries of
// retired types are taken out, the types that they hold are looked for like the
// retired ones, and if the edit is refused the entries are put back.

// derived is an entry that was taken out of a cache of reflect.
type derived struct {
	cache      *sync.Map
	key, value interface{}
}

// derivedTypes is room for those of one edit. If there are more, the rest is found as
// holders, and the edit is refused.
type derivedTypes struct {
	n    int
	list [64]derived
}

// madeType is a type that reflect has made of a retired one.
type madeType struct {
	addr uint64 // in the heap
	of   uint64 // the retired type
	key  uint64 // of the entry, where that is no type itself
}

// takeOut takes the entries of retired types out of the caches.
func (a *agent) takeOut(p *wire.Patch, s *search, out *derivedTypes) {
	for _, addr := range p.Clear {
		cache := (*sync.Map)(pointer(addr))
		cache.Range(func(key, _ interface{}) bool { cache.Delete(key); return true })
	}
	for grown := true; grown; { // *T, and then []*T
		grown = false
		for _, addr := range p.Derived {
			cache := (*sync.Map)(pointer(addr))
			cache.Range(func(key, value interface{}) bool {
				of := s.keyOf(key)
				if of == 0 {
					return true
				}
				if out.n == len(out.list) || len(s.made) == cap(s.made) {
					return false
				}
				cache.Delete(key)
				out.list[out.n] = derived{cache, key, value}
				out.n++
				s.made = append(s.made, madeType{dataWord(&value), of, dataWord(&key)})
				grown = true
				return true
			})
		}
	}
}

// putBack undoes takeOut.
func (out *derivedTypes) putBack() {
	for i := 0; i < out.n; i++ {
		d := &out.list[i]
		d.cache.Store(d.key, d.value)
		*d = derived{}
	}
	out.n = 0
}

// keyOf is the retired type that a key of a cache holds: a type, or a struct with types
// (reflect/type.go, cacheKey: kind, t1, t2, extra). It is 0 if there is none.
func (s *search) keyOf(key interface{}) uint64 {
	t := reflect.TypeOf(key)
	if t.Kind() == reflect.Ptr {
		return s.retired(dataWord(&key))
	}
	if t.Kind() != reflect.Struct {
		return 0
	}
	words := dataWord(&key)
	for i := uint64(0); i+8 <= uint64(t.Size()); i += 8 {
		if of := s.retired(load64(words + i)); of != 0 {
			return of
		}
	}
	return 0
}

// retired is the retired type that v is the address of, or of which that one was made.
func (s *search) retired(v uint64) uint64 {
	if contains(s.descriptors, v) {
		return v
	}
	for _, m := range s.made {
		if m.addr == v {
			return m.of
		}
	}
	return 0
}

// dataWord is the second word of an interface value.
//
//go:nocheckptr
func dataWord(v *interface{}) uint64 { return (*(*[2]uint64)(unsafe.Pointer(v)))[1] }
