package link

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

const hostSource = `package main

import "os"

type item struct {
	name string
	next *item
}

func (i *item) Name() string { return i.name }

type namer interface{ Name() string }

var (
	items = map[string]*item{}
	count int
)

func add(name string) *item {
	items[name] = &item{name: name}
	count++
	return items[name]
}

func show(n namer) { os.Stdout.WriteString(n.Name()) }

func main() {
	show(add("x"))
}
`

// newSource has what a patch may bring: literals, inlined calls, defers, big frames,
// types, itabs, strings, generic functions, variables, packages of the standard
// library that the host lacks.
const newSource = `package main

import (
	"container/ring"
	"os"
	"text/tabwriter"
)

type item struct {
	name string
	next *item
}

func (i *item) Name() string { return i.name }

type namer interface{ Name() string }

var (
	items = map[string]*item{}
	count int
)

func add(name string) *item {
	items[name] = &item{name: name + suffix}
	count += twice(count)
	defer func() {
		if e := recover(); e != nil {
			show(fresh{1, name})
		}
	}()
	return items[name]
}

const suffix = "a string that the host does not have"

var total = [3]int{1, 2, 3}

var table map[string]*fresh

var lazy = []any{1, "x", fresh{}, &fresh{}, []fresh(nil), map[fresh]item{}}

type fresh struct {
	n int
	s string
}

func (f fresh) Name() string { return f.s }

func twice(n int) int { return inner(n) * 2 }

func inner(n int) int { return n + total[n%3] }

func each[T any](l []T, f func(T) bool) {
	for _, x := range l {
		if !f(x) {
			return
		}
	}
}

func big(n int) (sum int) {
	var a [1 << 12]int
	for i := range a {
		a[i] = i * n
	}
	for i, x := range a {
		if i%2 == 0 {
			sum += x
		}
	}
	return sum
}

func show(n namer) {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 1, ' ', 0)
	w.Write([]byte(n.Name()))
	w.Flush()
	each([]string{"a", "b"}, func(s string) bool { add(s); return true })
	println(big(3), ring.New(3).Len(), len(table), len(lazy))
	if s, ok := any(n).(interface{ String() string }); ok {
		println(s.String())
	}
}

func main() {
	show(add("x"))
}
`

// fixture is a host, and the program that it is to become.
type fixture struct {
	build   *gobuild.Host
	program *program.Program
	library *program.Library
	archive *goobj.Archive
	added   []*gobuild.Package
}

// scratch is the folder of the fixture, which all tests share.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "realtime-link"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

var newFixture = sync.OnceValues(func() (*fixture, error) {
	f, err := build(scratch, map[string]string{"main.go": hostSource})
	if err != nil {
		return nil, err
	}
	f.archive, f.added, err = f.compile(newSource)
	return f, err
})

// build builds a host of files in a folder, with inlining, for the tables of inlined
// calls. Its archive is that of the host itself.
func build(dir string, files map[string]string) (f *fixture, err error) {
	src := filepath.Join(dir, "app")
	if err := os.MkdirAll(src, 0o777); err != nil {
		return nil, err
	}
	files["go.mod"] = "module example.com/app\n\ngo 1.25\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o666); err != nil {
			return nil, err
		}
	}
	f = &fixture{}
	config := gobuild.Config{Dir: src, Target: []string{"."}, Work: filepath.Join(dir, "work"), KeepInlining: true}
	if f.build, err = gobuild.Build(context.Background(), config); err != nil {
		return nil, err
	}
	if err := f.build.Load(context.Background()); err != nil {
		return nil, err
	}
	if f.program, err = program.Open(f.build.Exe, f.build.Env.GOVERSION, f.build.Env.GOROOT); err != nil {
		return nil, err
	}
	f.library = program.NewLibrary(f.build.Archives())
	if err := f.program.Recover(f.library); err != nil {
		return nil, err
	}
	f.archive, err = f.library.Archive("main")
	return f, err
}

// compile compiles another version of the host's main package.
func (f *fixture) compile(text string) (*goobj.Archive, []*gobuild.Package, error) {
	c, err := gobuild.NewCompiler(f.build)
	if err != nil {
		return nil, nil, err
	}
	p := f.build.Main
	o, err := c.Compile(context.Background(), gobuild.Request{ImportPath: p.ImportPath, Overlay: map[string][]byte{p.GoFiles[0]: []byte(text)}})
	if err != nil {
		return nil, nil, err
	}
	a, err := goobj.ReadArchive("main", o.Archive)
	return a, o.Added, err
}

func host(t testing.TB) *fixture {
	t.Helper()
	f, err := newFixture()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// input replaces all functions that the host has.
func (f *fixture) input(a *goobj.Archive) Input {
	in := Input{
		Program: f.program, GOROOT: "/goroot",
		NewVariables: map[string]bool{}, FindItab: func(inter, typ uint64) (uint64, uint64, error) { return 0, 0, nil },
	}
	in.Base = (f.program.End + 64<<20) &^ (1<<20 - 1)
	in.Limit = in.Base + 64<<20
	for _, p := range f.added {
		if p.Export != "" {
			f.library.AddFile(p.ImportPath, p.Export)
			in.NewPackages = append(in.NewPackages, p.ImportPath)
		}
	}
	in.Library = f.library.With([]*goobj.Archive{a})
	for _, o := range a.Objects {
		for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
			name := o.Name(s)
			if !o.Kind(s).IsText() || !strings.HasPrefix(name, "main.") || name == "main.init" {
				continue
			}
			if _, ok, err := f.program.Function(name, o.ABI(s)); ok && err == nil {
				in.Functions = append(in.Functions, Function{Object: o, Sym: s, Replaces: name})
			}
		}
	}
	return in
}

// memory reads what lies in an image and, outside of it, in the host.
type memory struct {
	*Image
	program *program.Program
}

func (m memory) bytes(t testing.TB, addr uint64, n int) []byte {
	t.Helper()
	for _, s := range m.Segments {
		if addr >= s.Addr && addr < s.Addr+s.Size {
			off := addr - s.Addr
			if off+uint64(n) > uint64(len(s.Data)) {
				return append(slices.Clone(s.Data[min(off, uint64(len(s.Data))):]), make([]byte, n)...)[:n]
			}
			return s.Data[off:][:n]
		}
	}
	b := m.program.Bytes(addr, n)
	if b == nil {
		t.Fatalf("no memory at %#x", addr)
	}
	return b
}

func (m memory) word(t testing.TB, addr uint64) uint64 {
	t.Helper()
	return binary.LittleEndian.Uint64(m.bytes(t, addr, 8))
}

func (m memory) u32(t testing.TB, addr uint64) uint32 {
	t.Helper()
	return binary.LittleEndian.Uint32(m.bytes(t, addr, 4))
}

// module is word i of a field of the image's moduledata.
func (m memory) module(t testing.TB, field string, i uint64) uint64 {
	t.Helper()
	off, ok := m.program.Layouts.Offset("runtime.moduledata", field)
	if !ok {
		t.Fatalf("moduledata has no %s", field)
	}
	return m.word(t, m.Moduledata+off+8*i)
}

func linkAll(t testing.TB) (*fixture, Input, memory) {
	t.Helper()
	f := host(t)
	in := f.input(f.archive)
	img, err := Link(in)
	if err != nil {
		t.Fatal(err)
	}
	return f, in, memory{img, f.program}
}
