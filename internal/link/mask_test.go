package link

import (
	"reflect"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

//lint:ignore U1000 only the layout counts
type large struct {
	p *int
	n [30]int
	s string
}

// maskTypes are types whose pointers reflect and the linker must see alike.
var maskTypes = []struct {
	text string
	typ  reflect.Type
}{
	{"*int", reflect.TypeFor[*int]()},
	{"string", reflect.TypeFor[string]()},
	{"[]byte", reflect.TypeFor[[]byte]()},
	{"any", reflect.TypeFor[any]()},
	{"map[string]int", reflect.TypeFor[map[string]int]()},
	{"func()", reflect.TypeFor[func()]()},
	{"struct{ a int; b *int; c int32; d string; e bool }", reflect.TypeFor[struct {
		a int
		b *int
		c int32
		d string
		e bool
	}]()},
	{"[5]struct{ a int; p *int }", reflect.TypeFor[[5]struct {
		a int
		p *int
	}]()},
	{"[70]*int", reflect.TypeFor[[70]*int]()},
	// Too large for a mask in the descriptor: the runtime makes it on demand.
	{"[40000]*int", reflect.TypeFor[[40000]*int]()},
	{"[9000]large", reflect.TypeFor[[9000]large]()},
	{"struct{ a int; b [9000]large; c int; d *int }", reflect.TypeFor[struct {
		a int
		b [9000]large
		c int
		d *int
	}]()},
}

func TestPointerMask(t *testing.T) {
	f := host(t)
	var src strings.Builder
	src.WriteString(hostSource + "\ntype large struct {\n\tp *int\n\tn [30]int\n\ts string\n}\n")
	for i, m := range maskTypes {
		src.WriteString("\nvar V" + string(rune('a'+i)) + " " + m.text + "\n")
	}
	a, _, err := f.compile(src.String())
	if err != nil {
		t.Fatal(err)
	}
	lib := f.library.With([]*goobj.Archive{a})
	l := &linker{Input: Input{Program: f.program, Library: lib}}
	for i, m := range maskTypes {
		d, err := lib.Find("main.V"+string(rune('a'+i)), goobj.ABI0)
		if err != nil {
			t.Fatal(err)
		}
		typ, err := l.typeDefinition(d.Object, d.Object.Aux(d.Sym, goobj.AuxGotype, nil)[0])
		if err != nil {
			t.Fatal(err)
		}
		want, got := map[uint64]bool{}, map[uint64]bool{}
		pointers(m.typ, 8, want)
		if err := l.pointerMask(typ, func(w uint64) { got[w] = true }, 8, uint64(m.typ.Size()), 0); err != nil {
			t.Errorf("%s: %v", m.text, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d pointers, want %d", m.text, len(got), len(want))
		}
	}
}

// pointers notes the words of a value at off that are pointers.
func pointers(t reflect.Type, off uintptr, words map[uint64]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.UnsafePointer, reflect.Map, reflect.Chan, reflect.Func, reflect.String, reflect.Slice:
		words[uint64(off)/8] = true
	case reflect.Interface:
		// The type or itab is never on the heap (cmd/compile/internal/reflectdata, 1.26).
		words[uint64(off)/8+1] = true
	case reflect.Array:
		for i := range t.Len() {
			pointers(t.Elem(), off+uintptr(i)*t.Elem().Size(), words)
		}
	case reflect.Struct:
		for i := range t.NumField() {
			pointers(t.Field(i).Type, off+t.Field(i).Offset, words)
		}
	}
}
