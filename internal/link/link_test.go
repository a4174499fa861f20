package link

import (
	"bytes"
	"context"
	"debug/gosym"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

func TestSegments(t *testing.T) {
	_, in, m := linkAll(t)
	at := in.Base
	for i, s := range m.Segments {
		if s.Addr != at || s.Addr%pageSize != 0 || s.Size%pageSize != 0 || uint64(len(s.Data)) > s.Size {
			t.Errorf("segment %d at %#x, %d bytes, %d of data; want it at %#x", i, s.Addr, s.Size, len(s.Data), at)
		}
		at = s.Addr + s.Size
		if s.Prot&(2|4) == 2|4 {
			t.Errorf("segment %d can be written and run", i)
		}
	}
	if m.End != at || at > in.Limit {
		t.Errorf("the image ends at %#x, its segments at %#x, the limit is %#x", m.End, at, in.Limit)
	}
}

func TestNothingOverlaps(t *testing.T) {
	_, in, m := linkAll(t)
	var list []program.Defined
	for _, d := range m.Defined {
		if d.Addr >= in.Base && d.Addr < m.End {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b program.Defined) int { return int(int64(a.Addr) - int64(b.Addr)) })
	for i, d := range list {
		if d.Text && d.Addr%32 != 0 {
			t.Errorf("%s at %#x is not aligned", d.Name, d.Addr)
		}
		if i > 0 && list[i-1].Addr+max(list[i-1].Size, 1) > d.Addr {
			t.Errorf("%s at %#x lies in %s at %#x, %d bytes", d.Name, d.Addr, list[i-1].Name, list[i-1].Addr, list[i-1].Size)
		}
	}
	if len(list) < 20 {
		t.Errorf("only %d symbols", len(list))
	}
}

// TestLines asks the decoder of the standard library for every instruction.
func TestLines(t *testing.T) {
	f, _, m := linkAll(t)
	header, text := m.module(t, "pcHeader", 0), f.program.ModuleWord("text")
	end := m.module(t, "pclntable", 0) + m.module(t, "pclntable", 1)
	table, err := gosym.NewTable(nil, gosym.NewLineTable(m.bytes(t, header, int(end-header)), text))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, d := range m.Defined {
		if !d.Text {
			continue
		}
		o, s := d.Definition.Object, d.Definition.Sym
		info, err := o.FuncInfo(s)
		if err != nil || info == nil {
			continue
		}
		for off := range uint32(d.Size) {
			wantFile, wantLine := o.Lines(s).Position(off)
			wantFile = strings.Replace(wantFile, "$GOROOT", "/goroot", 1)
			file, line, fn := table.PCToLine(d.Addr + uint64(off))
			if fn == nil || fn.Name != d.Name || file != wantFile || line != wantLine {
				t.Fatalf("%s+%#x: %s:%d %v, want %s:%d", d.Name, off, file, line, fn, wantFile, wantLine)
			}
			checked++
		}
	}
	if checked < 1000 {
		t.Errorf("only %d instructions", checked)
	}
}

// TestFindFunc looks functions up as runtime/symtab.go:findfunc does.
func TestFindFunc(t *testing.T) {
	f, _, m := linkAll(t)
	const bucket, sub, record = 4096, 256, 4 + 16
	ftab, n := m.module(t, "ftab", 0), m.module(t, "ftab", 1)
	minpc, text := m.module(t, "minpc", 0), f.program.ModuleWord("text")
	if got := m.module(t, "text", 0); got != text {
		t.Errorf("offsets count from %#x, those of the host from %#x", got, text)
	}
	entry := func(i uint64) uint64 { return text + uint64(m.u32(t, ftab+8*i)) }
	for _, d := range m.Defined {
		if !d.Text {
			continue
		}
		for _, pc := range []uint64{d.Addr, d.Addr + 1, d.Addr + d.Size/2, d.Addr + d.Size - 1} {
			x := pc - minpc
			b := m.module(t, "findfunctab", 0) + x/bucket*record
			i := uint64(m.u32(t, b)) + uint64(m.bytes(t, b+4+x%bucket/sub, 1)[0])
			for i+1 < n && entry(i+1) <= pc {
				i++
			}
			if entry(i) != d.Addr {
				t.Fatalf("%#x is in %s at %#x, and the function at %#x is found", pc, d.Name, d.Addr, entry(i))
			}
		}
	}
	if last := entry(n - 1); last != m.module(t, "maxpc", 0) {
		t.Errorf("the table ends at %#x, the text at %#x", last, m.module(t, "maxpc", 0))
	}
}

// TestRelocations reads, from the code in the image, where each reference leads.
func TestRelocations(t *testing.T) {
	f, _, m := linkAll(t)
	image := map[symName]program.Defined{}
	for _, d := range m.Defined {
		image[symName{d.Name, d.ABI}] = d
	}
	// where is the address of a name, and whether it is known without the linker.
	where := func(name string, abi goobj.ABI) (uint64, bool) {
		if d, ok := image[symName{name, abi}]; ok {
			return d.Addr, true
		}
		if a, ok := f.program.Hidden(name); ok {
			return a, true
		}
		if a, ok, _ := f.program.Function(name, abi); ok {
			return a, true
		}
		return f.program.Variable(name)
	}
	named, local := 0, 0
	for _, d := range m.Defined {
		if !d.Text {
			continue
		}
		o, s := d.Definition.Object, d.Definition.Sym
		code := m.bytes(t, d.Addr, int(d.Size))
		rest := slices.Clone(code)
		original := slices.Clone(o.Data(s))
		for _, r := range o.Relocs(s, nil) {
			if r.Size == 0 {
				continue
			}
			clear(rest[r.Off:][:r.Size])
			clear(original[r.Off:][:r.Size])
			if r.Type != goobj.RCall && r.Type != goobj.RPCRel {
				continue
			}
			got := d.Addr + uint64(r.Off) + 4 + uint64(int64(int32(binary.LittleEndian.Uint32(code[r.Off:])))) - uint64(r.Add)
			sym, ok := o.Local(r.Sym)
			switch {
			case ok && int(sym) < o.NumDefs() && (o.Hashed(sym) && !o.Kind(sym).IsText() || o.ABI(sym) == goobj.ABIStatic || isNumbered(o.Name(sym))):
				// A string, a constant, a cache: what lies there must be it.
				if len(o.Relocs(sym, nil)) == 0 && !bytes.Equal(m.bytes(t, got, len(o.Data(sym))), o.Data(sym)) {
					t.Errorf("%s+%#x: at %#x there is not %q", d.Name, r.Off, got, o.Data(sym))
				}
				local++
				continue
			}
			name, abi := "", goobj.ABIInternal
			switch {
			case ok:
				name, abi = o.Name(sym), o.ABI(sym)
			case r.Sym.Pkg == goobj.PkgBuiltin:
				name, abi = f.program.Builtins[r.Sym.Idx].Name, f.program.Builtins[r.Sym.Idx].ABI
			default:
				name, _ = o.RefName(r.Sym)
				if r.Type == goobj.RPCRel {
					abi = goobj.ABI0
				}
			}
			want, ok := where(name, abi)
			if !ok {
				want, ok = where(name, goobj.ABIInternal-abi)
			}
			if !ok || got != want {
				t.Errorf("%s+%#x: %s is at %#x (known: %v), the code says %#x", d.Name, r.Off, name, want, ok, got)
			}
			named++
		}
		if !bytes.Equal(rest, original) {
			t.Errorf("%s: bytes outside of the relocations changed", d.Name)
		}
	}
	if named < 50 || local < 5 {
		t.Errorf("only %d named and %d local references", named, local)
	}
}

func TestRedirects(t *testing.T) {
	f, in, m := linkAll(t)
	if len(m.Redirects) != len(in.Functions) {
		t.Errorf("%d redirects of %d functions", len(m.Redirects), len(in.Functions))
	}
	for _, r := range m.Redirects {
		old, ok, err := f.program.HostFunction(r.Name, goobj.ABIInternal)
		if !ok || err != nil || old.Addr != r.Old || old.Size != r.Size {
			t.Errorf("%s: from %#x, %d bytes; the host has it at %#x, %d bytes", r.Name, r.Old, r.Size, old.Addr, old.Size)
		}
		if i := slices.IndexFunc(m.Defined, func(d program.Defined) bool { return d.Name == r.Name && d.Text }); i < 0 || m.Defined[i].Addr != r.New || m.Defined[i].Old != r.Old {
			t.Errorf("%s: to %#x, which is not its new version", r.Name, r.New)
		}
	}
}

// TestInitTasks: a package is initialized after those that it imports.
func TestInitTasks(t *testing.T) {
	f, in, m := linkAll(t)
	if len(in.NewPackages) < 2 {
		t.Fatalf("new packages %v", in.NewPackages)
	}
	at := map[string]int{}
	for i, a := range m.InitTasks {
		j := slices.IndexFunc(m.Defined, func(d program.Defined) bool { return d.Addr == a })
		if j < 0 {
			t.Fatalf("init task %#x is no symbol", a)
		}
		path, ok := strings.CutSuffix(m.Defined[j].Name, "..inittask")
		if !ok || m.word(t, a)>>32 == 0 {
			t.Errorf("init task %s with %d functions", m.Defined[j].Name, m.word(t, a)>>32)
		}
		at[path] = i
	}
	for path, i := range at {
		for _, imp := range f.build.Packages[path].Imports {
			if before, ok := at[imp]; ok && before > i {
				t.Errorf("%s is initialized before %s", path, imp)
			}
		}
	}
	if len(at) < 2 {
		t.Errorf("only %v", at)
	}
}

// TestTypelinks: reflect finds types by a binary search for their strings.
func TestTypelinks(t *testing.T) {
	f, _, m := linkAll(t)
	if !f.program.Release.Typelinks {
		t.Skip("the release has no typelinks: it walks the type section")
	}
	types := f.program.ModuleWord("types")
	var list []string
	for i := range m.module(t, "typelinks", 1) {
		typ := types + uint64(m.u32(t, m.module(t, "typelinks", 0)+4*i))
		name := types + uint64(m.u32(t, typ+typeStr))
		n, w := binary.Uvarint(m.bytes(t, name+1, binary.MaxVarintLen16))
		text := string(m.bytes(t, name+1+uint64(w), int(n)))
		if m.bytes(t, typ+typeTFlag, 1)[0]&tflagExtraStar != 0 {
			text = text[1:]
		}
		list = append(list, text)
	}
	if !slices.IsSorted(list) || !slices.Contains(list, "[]main.fresh") || !slices.Contains(list, "map[main.fresh]main.item") {
		t.Errorf("typelinks %q", list)
	}
}

func TestNoRoom(t *testing.T) {
	f := host(t)
	in := f.input(f.archive)
	in.Limit = in.Base + pageSize
	if _, err := Link(in); err == nil || !strings.Contains(err.Error(), "room") {
		t.Errorf("an image beyond the limit: %v", err)
	}
}

// TestFarItab: an itab that the runtime has made on its heap is out of the code's
// reach, so the code reads its address from a slot.
func TestFarItab(t *testing.T) {
	f := host(t)
	a, _, err := f.compile(strings.Replace(hostSource, `show(add("x"))`, `for _, n := range []namer{os.Stdout, add("x")} {
		show(n)
	}`, 1))
	if err != nil {
		t.Fatal(err)
	}
	const heap = 0xc000123450
	in := f.input(a)
	asked := 0
	in.FindItab = func(inter, typ uint64) (uint64, uint64, error) { asked++; return heap, 0, nil }
	img, err := Link(in)
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the runtime was asked for %d itabs", asked)
	}
	m := memory{img, f.program}
	found := false
	for _, fn := range in.Functions {
		for _, r := range fn.Object.Relocs(fn.Sym, nil) {
			i := slices.IndexFunc(img.Defined, func(d program.Defined) bool { return d.Addr == heap && d.Name == refName(fn.Object, r.Sym) })
			if i < 0 || r.Type != goobj.RPCRel {
				continue
			}
			found = true
			at := img.Defined[slices.IndexFunc(img.Defined, func(d program.Defined) bool { return d.Text && d.Name == fn.Object.Name(fn.Sym) })].Addr + uint64(r.Off)
			if op := m.bytes(t, at-2, 1)[0]; op != opMOV {
				t.Errorf("the instruction is %#x, not MOVQ", op)
			}
			slot := at + 4 + uint64(int64(int32(m.u32(t, at))))
			if got := m.word(t, slot); got != heap {
				t.Errorf("the slot holds %#x", got)
			}
		}
	}
	if !found {
		t.Error("no code refers to the itab")
	}
}

func refName(o *goobj.Object, r goobj.Ref) string {
	if s, ok := o.Local(r); ok {
		return o.Name(s)
	}
	name, _ := o.RefName(r)
	return name
}

// TestUnknownRelocation changes the type of a relocation in the archive.
func TestUnknownRelocation(t *testing.T) {
	f := host(t)
	c, err := gobuild.NewCompiler(f.build)
	if err != nil {
		t.Fatal(err)
	}
	p := f.build.Main
	o, err := c.Compile(context.Background(), gobuild.Request{ImportPath: p.ImportPath, Overlay: map[string][]byte{p.GoFiles[0]: []byte(newSource)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		size func(byte) bool
		want string
	}{
		{"of four bytes", func(n byte) bool { return n == 4 }, "unknown relocation"},
		{"a marker", func(n byte) bool { return n == 0 }, "unknown marker"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := slices.Clone(o.Archive)
			a, err := goobj.ReadArchive("main", data)
			if err != nil {
				t.Fatal(err)
			}
			in := f.input(a)
			changed := false
			for _, fn := range in.Functions {
				for _, r := range fn.Object.Relocs(fn.Sym, nil) {
					if changed || !test.size(r.Size) {
						continue
					}
					// reloc { Off int32; Size uint8; Type uint16; Add int64; Sym symRef }
					le := binary.LittleEndian
					b := le.AppendUint32(nil, uint32(r.Off))
					b = le.AppendUint16(append(b, r.Size), uint16(r.Type))
					b = le.AppendUint32(le.AppendUint32(le.AppendUint64(b, uint64(r.Add)), r.Sym.Pkg), r.Sym.Idx)
					if at := bytes.Index(data, b); at >= 0 && bytes.Count(data, b) == 1 {
						le.PutUint16(data[at+5:], 0x1234)
						changed = true
					}
				}
			}
			if !changed {
				t.Fatal("no relocation to change")
			}
			if _, err := Link(in); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
