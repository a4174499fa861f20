package link

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

const methodsSource = `package main

import (
	"fmt"
	"reflect"
)

type value struct{ n int }

func (v value) Get() int { return v.n }

type table map[string]int

func (t table) Len() int { return len(t) }

func show(x any) {
	t := reflect.TypeOf(x)
	for i := range t.NumMethod() {
		fmt.Println(t.Method(i).Name)
	}
	if s, ok := x.(fmt.Stringer); ok {
		fmt.Println(s)
	}
	switch x.(type) {
	case error, fmt.Stringer:
		fmt.Println("one of them")
	}
}

func main() {
	show(value{1})
	show(&value{1})
	show(table{})
}
`

// live is the memory of the program as it is when the image is live.
type live struct {
	memory
	written map[uint64]byte
}

func (m live) at(t testing.TB, addr uint64, n int) []byte {
	b := bytes.Clone(m.bytes(t, addr, n))
	for i := range b {
		if w, ok := m.written[addr+uint64(i)]; ok {
			b[i] = w
		}
	}
	return b
}

// methods reads a type's methods as runtime/iface.go:itabInit does.
func (m live) methods(t testing.TB, typ uint64) (list []string) {
	le := binary.LittleEndian
	head := m.at(t, typ, typeEnd)
	at := uint64(typeEnd)
	switch head[typeKind] & kindMask {
	case kindPointer:
		at += 8
	case kindStruct:
		at += 32
	case kindMap:
		at += mapSize(t, m, typ)
	}
	u := m.at(t, typ+at, uncommonSize)
	types, text := m.program.ModuleWord("types"), m.program.ModuleWord("text")
	exported := 0
	for i := range uint64(le.Uint16(u[4:])) {
		e := m.at(t, typ+at+uint64(le.Uint32(u[8:]))+16*i, 16)
		name := types + uint64(le.Uint32(e))
		n, w := binary.Uvarint(m.at(t, name+1, 3))
		text := text + uint64(le.Uint32(e[8:]))
		if b := m.at(t, text, 1); b[0] == 0 {
			t.Errorf("method %d has no code at %#x", i, text)
		}
		if m.at(t, name, 1)[0]&1 != 0 {
			exported++
		}
		list = append(list, string(m.at(t, name+1+uint64(w), int(n))))
	}
	if want := int(le.Uint16(u[6:])); exported != want {
		t.Errorf("%d exported methods, the section says %d", exported, want)
	}
	if !slices.IsSorted(list) {
		t.Errorf("methods are not in order: %q", list)
	}
	return list
}

// mapSize is what a map's descriptor has behind the common part: the section is the
// last but for the methods that it was compiled with.
func mapSize(t testing.TB, m live, typ uint64) uint64 {
	d, ok := m.program.HiddenDefinition("type:main.table")
	if addr, _ := m.program.Hidden("type:main.table"); !ok || addr != typ {
		t.Fatalf("no definition of the map at %#x", typ)
	}
	at, err := uncommonOffset(d)
	if err != nil {
		t.Fatal(err)
	}
	return at - typeEnd
}

func TestMethods(t *testing.T) {
	f, err := build(t.TempDir(), map[string]string{"main.go": methodsSource})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, old, new string
		want           map[string]string
		fewer          bool
	}{
		{"added", "", "\nfunc (v value) String() string { return fmt.Sprint(v.n) }\nfunc (v *value) set() { v.n++ }\nfunc (t table) All() {}\n", map[string]string{
			"type:main.value": "Get String", "type:*main.value": "Get String set", "type:main.table": "All Len", "type:*main.table": "All Len",
		}, false},
		{"removed", "func (t table) Len() int { return len(t) }\n", "", map[string]string{"type:main.table": "", "type:*main.table": ""}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := methodsSource + c.new
			if c.old != "" {
				text = strings.Replace(methodsSource, c.old, c.new, 1)
			}
			a, _, err := f.compile(text)
			if err != nil {
				t.Fatal(err)
			}
			in := f.input(a)
			in.Functions = nil
			for name := range c.want {
				d := in.Library.Definitions(a, name)
				if len(d) == 0 {
					t.Fatalf("no %s", name)
				}
				in.MethodSets = append(in.MethodSets, MethodSet{Type: d[0], Renumbered: c.fewer, Fewer: c.fewer})
			}
			img, err := Link(in)
			if err != nil {
				t.Fatal(err)
			}
			m := live{memory{img, f.program}, map[uint64]byte{}}
			for _, w := range img.Writes {
				for i, b := range w.Data {
					m.written[w.Addr+uint64(i)] = b
				}
			}
			for name, want := range c.want {
				addr, _ := f.program.Hidden(name)
				if got := strings.Join(m.methods(t, addr), " "); got != want {
					t.Errorf("%s has %q, want %q", name, got, want)
				}
				if !slices.Contains(img.Methods, addr) {
					t.Errorf("%s is not said to have other methods", name)
				}
			}
			checkForgotten(t, f.program, m)
			if got := quiet(f.program, img, "main.show"); got != c.fewer {
				t.Errorf("main.show is to be quiet: %v, want %v: it counts methods", got, c.fewer)
			}
			for _, d := range img.Defined {
				if c.want[d.Name] != "" {
					t.Errorf("the image defines %s, which the program has", d.Name)
				}
			}
		})
	}
}

// checkForgotten: all caches of assertions and switches are empty, and nobody fills them.
func checkForgotten(t *testing.T, p *program.Program, m live) {
	t.Helper()
	if len(p.Caches()) < 20 {
		t.Errorf("only %d caches", len(p.Caches()))
	}
	for _, c := range p.Caches() {
		if _, ok := m.written[c.Addr]; !ok || binary.LittleEndian.Uint64(m.at(t, c.Addr, 8)) != p.Word(c.Addr) {
			t.Errorf("%s is not emptied", c.Name)
		}
	}
	for _, name := range []string{"runtime.typeAssert", "runtime.interfaceSwitch"} {
		if !quiet(p, m.Image, name) {
			t.Errorf("%s is not to be quiet", name)
		}
	}
}

func quiet(p *program.Program, img *Image, name string) bool {
	addr, _, _ := p.Function(name, goobj.ABIInternal)
	return slices.ContainsFunc(img.Quiet, func(r Range) bool { return r.Start == addr })
}

// TestMethodNumbers: what holds a method by its number forbids that the number changes.
func TestMethodNumbers(t *testing.T) {
	text := methodsSource + "\nvar held = reflect.ValueOf(value{1}).Method(0)\n\nfunc init() { held.Call(nil) }\n"
	f, err := build(t.TempDir(), map[string]string{"main.go": text})
	if err != nil {
		t.Fatal(err)
	}
	for _, renumbered := range []bool{false, true} {
		in := f.input(f.archive)
		in.Functions = nil
		d := in.Library.Definitions(f.archive, "type:main.value")
		in.MethodSets = []MethodSet{{Type: d[0], Renumbered: renumbered}}
		_, err := Link(in)
		if got := fmt.Sprint(err); (err != nil) != renumbered || err != nil && !strings.Contains(got, "get other numbers, by which reflect.Values that main.init made may hold them") {
			t.Errorf("renumbered %v: %v", renumbered, got)
		}
	}
}

// TestUncommonOffset: where the section lies is known for all types of a program.
func TestUncommonOffset(t *testing.T) {
	f, err := build(t.TempDir(), map[string]string{"main.go": methodsSource})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[byte]int{}
	for _, path := range f.library.Packages() {
		a, err := f.library.Archive(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range a.Objects {
			for s := range o.NumDefs() {
				d := program.Definition{Object: o, Sym: goobj.Sym(s)}
				name := o.Name(d.Sym)
				if !program.IsHidden(name) || !strings.HasPrefix(name, "type:") || len(o.Data(d.Sym)) < typeEnd || o.Data(d.Sym)[typeTFlag]&tflagUncommon == 0 {
					continue
				}
				if _, err := uncommonOffset(d); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				kinds[o.Data(d.Sym)[typeKind]&kindMask]++
			}
		}
	}
	for _, k := range []byte{2, kindArray, kindFunc, kindInterface, kindMap, kindPointer, kindSlice, kindStruct} {
		if kinds[k] == 0 {
			t.Errorf("no type of kind %d was looked at", k)
		}
	}
}
