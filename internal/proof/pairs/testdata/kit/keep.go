package kit

import (
	"reflect"
	"sync"
)

var store sync.Map // any by name

// Put keeps a value, as a cache does that knows nothing of its types.
func Put[T any](name string, v T) { store.Store(name, v) }

// Get returns what was put.
func Get[T any](name string) T {
	v, _ := store.Load(name)
	return v.(T)
}

// PutAny is Put without a type.
func PutAny(name string, v any) { store.Store(name, v) }

// Load sets what to points to, by reflection.
func Load(name string, to any) {
	v, _ := store.Load(name)
	reflect.ValueOf(to).Elem().Set(reflect.ValueOf(v))
}

var handlers sync.Map // func(any) string by reflect.Type

// On registers a handler for values of the sample's type.
func On(sample any, f func(any) string) { handlers.Store(reflect.TypeOf(sample), f) }

// Emit calls the handler for a value.
func Emit(v any) string {
	f, ok := handlers.Load(reflect.TypeOf(v))
	if !ok {
		return "no handler"
	}
	return f.(func(any) string)(v)
}
