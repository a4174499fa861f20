package link

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// Indices into a function's pcdata and funcdata (internal/abi/symtab.go).
const (
	pcdataInlTree   = 2
	funcdataArgsMap = 0
	funcdataInlTree = 3
	funcdataArgInfo = 5
)

// followFunction reads the tables of a function and takes in its funcdata.
func (l *linker) followFunction(s *symbol) error {
	o := s.object
	f := &function{}
	s.function = f
	var err error
	if f.info, err = o.FuncInfo(s.sym); err != nil {
		return err
	}
	deferReturn := func(r goobj.Reloc) bool {
		name := l.refName(o, r.Sym)
		return name == "runtime.deferreturn"
	}
	for _, r := range o.Relocs(s.sym, nil) {
		if r.Type == goobj.RCall && deferReturn(r) {
			f.deferRet = uint32(r.Off) - 1 // the CALL, not its operand
			break
		}
	}
	if f.info == nil {
		return nil
	}
	table := func(t goobj.AuxType) ([][]byte, error) {
		var list [][]byte
		for _, r := range o.Aux(s.sym, t, nil) {
			b, err := l.auxData(o, r)
			if err != nil {
				return nil, err
			}
			list = append(list, b)
		}
		return list, nil
	}
	for t, p := range map[goobj.AuxType]*[]byte{goobj.AuxPcsp: &f.pcsp, goobj.AuxPcfile: &f.pcfile, goobj.AuxPcline: &f.pcline, goobj.AuxPcinline: &f.pcinline} {
		list, err := table(t)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			*p = list[0]
		}
	}
	if f.pcdata, err = table(goobj.AuxPcdata); err != nil {
		return err
	}
	for i, r := range o.Aux(s.sym, goobj.AuxFuncdata, nil) {
		t := target{}
		if !r.IsZero() {
			if t, err = l.funcdata(o, r, i); err != nil {
				return err
			}
		}
		f.funcdata = append(f.funcdata, t)
	}
	for _, call := range f.info.InlTree {
		in := inlined{}
		if d, err := l.definition(o, call.Func); err == nil {
			in.name = d.Object.Name(d.Sym)
			if fi, err := d.Object.FuncInfo(d.Sym); err == nil && fi != nil {
				in.id, in.startLine = fi.ID, fi.StartLine
			}
		} else if in.name = l.refName(o, call.Func); in.name == "" {
			in.name = "(inlined)" // only tracebacks show it
		}
		f.inlined = append(f.inlined, in)
	}
	return nil
}

// funcdata takes in funcdata i of a function. Assembly refers to argument maps that
// the compiler made from a Go declaration, if there is one.
func (l *linker) funcdata(o *goobj.Object, r goobj.Ref, i int) (target, error) {
	d, err := l.definition(o, r)
	if err != nil {
		if i == funcdataArgsMap || i == funcdataArgInfo {
			return target{}, nil
		}
		return target{}, err
	}
	if d.Object.Size(d.Sym) == 0 {
		return target{}, nil
	}
	key := objectSym{d.Object, d.Sym}
	c, ok := l.static[key]
	if !ok {
		c = l.symbol(d.Object, d.Sym)
		c.section = secFuncdata
		l.static[key] = c
	}
	return target{symbol: c}, nil
}

// definition is the definition of a symbol that is not the target of a relocation.
func (l *linker) definition(o *goobj.Object, r goobj.Ref) (program.Definition, error) {
	if s, ok := o.Local(r); ok {
		if int(s) < o.NumDefs() {
			return program.Definition{Object: o, Sym: s}, nil
		}
		return l.Library.Find(o.Name(s), o.ABI(s))
	}
	return l.foreign(o, r)
}

func (l *linker) auxData(o *goobj.Object, r goobj.Ref) ([]byte, error) {
	if r.IsZero() {
		return nil, nil
	}
	d, err := l.definition(o, r)
	if err != nil {
		return nil, err
	}
	return d.Object.Data(d.Sym), nil
}

// tables are the runtime's tables for the image, between start and end.
type tables struct {
	start, end uint64

	header, funcname, cutab, filetab, pctab, pcln, gofunc, epclntab uint64 // addresses
	findfunc, maskAddr, typelinkAddr                                uint64

	funcnames []byte
	cu        []uint32
	files     []byte
	pcs       []byte
	functions []byte // functab and the _func records
	funcs     []*symbol
	inltrees  []inltree

	mask      []byte
	typelinks []*symbol
}

type inltree struct {
	at   uint64 // of the word in functions that wants its offset from gofunc
	data []byte
	addr uint64
}

// Layout of runtime._func (runtime/runtime2.go; the same in Go 1.24 to 1.27), which
// npcdata and nfuncdata words follow:
//
//	entryOff uint32; nameOff, args int32; deferreturn, pcsp, pcfile, pcln, npcdata,
//	cuOffset uint32; startLine int32; funcID, flag uint8; _ [1]byte; nfuncdata uint8
const funcSize = 44

// buildTables makes the pclntab (cmd/link/internal/ld/pcln.go) and gives every table
// its address, from at on.
func (l *linker) buildTables(at uint64) error {
	t := &l.tables
	if got := l.Program.Layouts["runtime._func"].Size; got != funcSize {
		return fmt.Errorf("runtime._func has %d bytes, not %d", got, funcSize)
	}
	t.start = at
	t.funcs = l.sections[secText]
	t.funcnames = []byte{0}
	t.files = nil
	t.pcs = []byte{0} // offset 0 means no table
	t.collectFunctions(l)

	place := func(size int, align uint64) uint64 {
		at = roundUp(at, align)
		a := at
		at += uint64(size)
		return a
	}
	t.header = place(int(l.Program.Layouts["runtime.pcHeader"].Size), 64)
	t.funcname = place(len(t.funcnames), 8)
	t.cutab = place(4*len(t.cu), 8)
	t.filetab = place(len(t.files), 8)
	t.pctab = place(len(t.pcs), 8)
	t.pcln = place(len(t.functions), 8)
	at = roundUp(at, 64)
	t.gofunc = at
	at = l.layout(secFuncdata, at)
	for i := range t.inltrees {
		t.inltrees[i].addr = place(len(t.inltrees[i].data), 4)
	}
	t.epclntab = at
	t.findfunc = place(len(l.findfunctab()), 4)
	t.typelinkAddr = place(4*len(t.typelinks), 4)
	t.end = roundUp(at, 8)
	return nil
}

// collectFunctions writes funcnametab, cutab, filetab, pctab and functab.
func (t *tables) collectFunctions(l *linker) {
	names := map[string]uint32{}
	name := func(s string) uint32 {
		off, ok := names[s]
		if !ok {
			off = uint32(len(t.funcnames))
			t.funcnames = append(append(t.funcnames, s...), 0)
			names[s] = off
		}
		return off
	}
	fileOff := map[string]uint32{}
	file := func(s string) uint32 {
		off, ok := fileOff[s]
		if !ok {
			off = uint32(len(t.files))
			t.files = append(append(t.files, l.fileName(s)...), 0)
			fileOff[s] = off
		}
		return off
	}
	units := map[*goobj.Object]uint32{}
	unit := func(o *goobj.Object) uint32 {
		off, ok := units[o]
		if !ok {
			off = uint32(len(t.cu))
			for _, f := range o.Files {
				t.cu = append(t.cu, file(f))
			}
			units[o] = off
		}
		return off
	}
	pcOff := map[string]uint32{}
	pc := func(b []byte) uint32 {
		if len(b) == 0 {
			return 0
		}
		off, ok := pcOff[string(b)]
		if !ok {
			off = uint32(len(t.pcs))
			t.pcs = append(t.pcs, b...)
			pcOff[string(b)] = off
		}
		return off
	}

	le := binary.LittleEndian
	text := l.Program.ModuleWord("text")
	// functab { entryoff, funcoff uint32 } and the end, then the records.
	tab := make([]byte, 8*len(t.funcs)+4)
	for i, s := range t.funcs {
		for len(tab)%8 != 0 {
			tab = append(tab, 0)
		}
		le.PutUint32(tab[8*i:], uint32(s.addr-text))
		le.PutUint32(tab[8*i+4:], uint32(len(tab)))
		f := s.function
		info := f.info
		npc, nfd := 0, 0
		if info == nil {
			info = &goobj.FuncInfo{}
		} else {
			npc, nfd = len(f.pcdata), len(f.funcdata)
			if len(info.InlTree) > 0 {
				npc, nfd = max(npc, pcdataInlTree+1), max(nfd, funcdataInlTree+1)
			}
		}
		for _, w := range []uint32{
			uint32(s.addr - text), name(s.name), info.Args, f.deferRet,
			pc(f.pcsp), pc(f.pcfile), pc(f.pcline), uint32(npc),
			unit(s.object), uint32(info.StartLine),
		} {
			tab = le.AppendUint32(tab, w)
		}
		tab = append(tab, info.ID, info.Flag, 0, byte(nfd))
		for j := range npc {
			var b []byte
			switch {
			case j == pcdataInlTree && len(info.InlTree) > 0:
				b = f.pcinline
			case j < len(f.pcdata):
				b = f.pcdata[j]
			}
			tab = le.AppendUint32(tab, pc(b))
		}
		for j := range nfd {
			if j == funcdataInlTree && len(info.InlTree) > 0 {
				// runtime.inlinedCall { funcID uint8; _ [3]byte; nameOff, parentPc, startLine int32 }
				var b []byte
				for k, in := range f.inlined {
					b = append(b, in.id, 0, 0, 0)
					b = le.AppendUint32(b, name(in.name))
					b = le.AppendUint32(b, uint32(info.InlTree[k].ParentPC))
					b = le.AppendUint32(b, uint32(in.startLine))
				}
				t.inltrees = append(t.inltrees, inltree{at: uint64(len(tab)), data: b})
			}
			tab = le.AppendUint32(tab, ^uint32(0)) // written by writeTables
		}
	}
	if n := len(t.funcs); n > 0 {
		last := t.funcs[n-1]
		le.PutUint32(tab[8*n:], uint32(last.addr+last.size-text))
	}
	t.functions = tab
}

// fileName is a name of the object's file table as the program is to print it.
func (l *linker) fileName(s string) string {
	if rest, ok := strings.CutPrefix(s, "$GOROOT"); ok && l.GOROOT != "" {
		return l.GOROOT + rest
	}
	return s
}

// findfunctab maps a pc to the index of its function: for each 4096 bytes of text the
// index of the first function, and for each 256 bytes in it what to add
// (runtime/symtab.go:findfuncbucket).
func (l *linker) findfunctab() []byte {
	const bucket, sub = 4096, 256
	if len(l.tables.funcs) == 0 {
		return nil
	}
	start, end := l.start[secText], l.end[secText]
	n := (end - start + bucket - 1) / bucket
	out := make([]byte, n*(4+bucket/sub))
	i := uint32(0)
	for b := range n {
		rec := out[b*(4+bucket/sub):]
		var first uint32
		for k := uint64(0); k < bucket/sub; k++ {
			pc := start + b*bucket + k*sub
			for int(i)+1 < len(l.tables.funcs) && l.tables.funcs[i+1].addr <= pc {
				i++
			}
			if k == 0 {
				first = i
				binary.LittleEndian.PutUint32(rec, first)
			}
			rec[4+k] = byte(i - first)
		}
	}
	return out
}

// writeTables writes all tables into ro, which begins where rodata begins.
func (l *linker) writeTables(ro []byte) error {
	t := &l.tables
	at := func(addr uint64) []byte { return ro[addr-l.start[secROData]:] }
	header, err := l.pcHeader()
	if err != nil {
		return err
	}
	copy(at(t.header), header)
	copy(at(t.funcname), t.funcnames)
	for i, w := range t.cu {
		binary.LittleEndian.PutUint32(at(t.cutab+4*uint64(i)), w)
	}
	copy(at(t.filetab), t.files)
	copy(at(t.pctab), t.pcs)
	if err := l.writeFuncdata(); err != nil {
		return err
	}
	copy(at(t.pcln), t.functions)
	for _, s := range l.sections[secFuncdata] {
		copy(at(s.addr), s.data)
	}
	for _, tree := range t.inltrees {
		copy(at(tree.addr), tree.data)
	}
	copy(at(t.findfunc), l.findfunctab())
	types := l.Program.ModuleWord("types")
	for i, s := range l.sortedTypelinks() {
		binary.LittleEndian.PutUint32(at(t.typelinkAddr+4*uint64(i)), uint32(s.addr-types))
	}
	return nil
}

// writeFuncdata writes the offsets of funcdata into the _func records.
func (l *linker) writeFuncdata() error {
	t := &l.tables
	le := binary.LittleEndian
	for i, s := range t.funcs {
		rec := t.functions[le.Uint32(t.functions[8*i+4:]):]
		npc := le.Uint32(rec[28:])
		out := rec[funcSize+4*npc:]
		for j, fd := range s.function.funcdata {
			if fd.symbol != nil {
				le.PutUint32(out[4*j:], uint32(fd.symbol.addr-t.gofunc))
			}
		}
	}
	for _, tree := range t.inltrees {
		le.PutUint32(t.functions[tree.at:], uint32(tree.addr-t.gofunc))
	}
	return nil
}
