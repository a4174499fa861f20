package link

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
)

// pcHeader is the host's with the image's counts and offsets (runtime/symtab.go).
func (l *linker) pcHeader() ([]byte, error) {
	t := &l.tables
	layout := l.Program.Layouts["runtime.pcHeader"]
	host := l.Program.Bytes(l.Program.ModuleWord("pcHeader"), int(layout.Size))
	if host == nil {
		return nil, fmt.Errorf("the host's pcHeader can't be read")
	}
	b := append([]byte(nil), host...)
	for field, v := range map[string]uint64{
		"nfunc":          uint64(len(t.funcs)),
		"nfiles":         uint64(len(t.cu)),
		"funcnameOffset": t.funcname - t.header,
		"cuOffset":       t.cutab - t.header,
		"filetabOffset":  t.filetab - t.header,
		"pctabOffset":    t.pctab - t.header,
		"pclnOffset":     t.pcln - t.header,
	} {
		off, ok := layout.Offset[field]
		if !ok {
			return nil, fmt.Errorf("runtime.pcHeader has no field %s", field)
		}
		binary.LittleEndian.PutUint64(b[off:], v)
	}
	return b, nil
}

// moduledata makes the image's runtime.moduledata. Offsets of types and text count
// from the host's bases, so that one base serves host and images alike; what tells
// modules apart (pc range, pclntab, funcdata, data) is the image's own.
func (l *linker) moduledata() ([]byte, error) {
	t := &l.tables
	layout := l.Program.Layouts["runtime.moduledata"]
	b := make([]byte, layout.Size)
	var missing error
	set := func(field string, words ...uint64) {
		off, ok := layout.Offset[field]
		if !ok {
			missing = fmt.Errorf("runtime.moduledata has no field %s", field)
			return
		}
		for i, w := range words {
			binary.LittleEndian.PutUint64(b[off+8*uint64(i):], w)
		}
	}
	optional := func(field string, words ...uint64) {
		if _, ok := layout.Offset[field]; ok {
			set(field, words...)
		}
	}
	slice := func(field string, addr uint64, n int) { set(field, addr, uint64(n), uint64(n)) }

	set("pcHeader", t.header)
	slice("funcnametab", t.funcname, len(t.funcnames))
	slice("cutab", t.cutab, len(t.cu))
	slice("filetab", t.filetab, len(t.files))
	slice("pctab", t.pctab, len(t.pcs))
	slice("pclntable", t.pcln, len(t.functions))
	slice("ftab", t.pcln, len(t.funcs)+1)
	set("findfunctab", t.findfunc)
	set("minpc", l.start[secText])
	set("maxpc", l.end[secText])
	set("text", l.Program.ModuleWord("text"))
	set("etext", l.end[secText])
	set("noptrdata", l.start[secNoPtrData])
	set("enoptrdata", l.end[secNoPtrData])
	set("data", l.start[secData])
	set("edata", l.start[secData]+roundUp(l.end[secData]-l.start[secData], 8))
	for _, empty := range []string{"bss", "ebss", "noptrbss", "enoptrbss"} {
		set(empty, l.end[secNoPtrData])
	}
	set("end", l.image.End)
	set("types", l.Program.ModuleWord("types"))
	set("etypes", t.end)
	set("rodata", l.Program.ModuleWord("rodata"))
	set("gofunc", t.gofunc)
	optional("epclntab", t.epclntab) // from 1.26
	if l.Program.Release.Typelinks {
		slice("typelinks", t.typelinkAddr, len(t.typelinks))
	}
	// bitvector { n int32; bytedata *uint8 }
	words := roundUp(l.end[secData]-l.start[secData], 8) / 8
	set("gcdatamask", words, t.maskAddr)
	set("gcbssmask", 0, t.maskAddr)
	return b, missing
}

// sortedTypelinks orders types by their string, as reflect's search wants them
// (reflect/type.go:typesByString).
func (l *linker) sortedTypelinks() []*symbol {
	list := l.tables.typelinks
	text := make(map[*symbol]string, len(list))
	for _, s := range list {
		text[s] = typeString(s)
	}
	sort.SliceStable(list, func(i, j int) bool { return text[list[i]] < text[list[j]] })
	return list
}

// typeString is the string of a type descriptor, as reflect.Type.String has it.
func typeString(s *symbol) string {
	for i, r := range s.relocs {
		name := s.targets[i].symbol
		if r.Off != typeStr || name == nil {
			continue
		}
		b := name.object.Data(name.sym) // flags, length as a varint, bytes (internal/abi.Name)
		if len(b) == 0 {
			break
		}
		n, w := binary.Uvarint(b[1:])
		if w <= 0 || n > uint64(len(b)-1-w) {
			break
		}
		text := string(b[1+w:][:n])
		if s.object.Data(s.sym)[typeTFlag]&tflagExtraStar != 0 {
			text = strings.TrimPrefix(text, "*")
		}
		return text
	}
	return s.name
}
