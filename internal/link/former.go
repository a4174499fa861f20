package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// A FormerError tells of an initializer that would see the program as it was before the
// edit: it runs before the redirects are written.
type FormerError struct {
	Initializer string // linker name of the function
	Why         string // what it does
}

func (e *FormerError) Error() string { return e.Why }

// checkInitializers looks for code of the program that the edit replaces, and that an
// initializer comes to before it is replaced. The image's code calls the image's functions.
// What else can be called by the initializer is what its code names: functions, func values,
// itabs, types that it puts into interfaces; or what it finds in variables. So all that it
// names is followed, through all packages. A variable is an end: either no value of code can
// be reached from its type, or all code of the program may be reached.
func (l *linker) checkInitializers() error {
	former := map[symName]bool{}
	var names []string
	for _, f := range l.Functions {
		if f.LinesOnly {
			continue
		}
		for _, name := range []string{f.Replaces, f.Object.Name(f.Sym)} {
			key := symName{name, f.Object.ABI(f.Sym)}
			if _, ok, err := l.Program.Function(name, key.abi); !ok && err == nil || former[key] || name == "" {
				continue
			}
			former[key] = true
			names = append(names, shortName(name))
		}
	}
	for _, m := range l.MethodSets {
		names = append(names, "methods of "+shortName(strings.TrimPrefix(m.Type.Object.Name(m.Type.Sym), "type:")))
	}
	if len(l.Files) > 0 {
		names = append(names, "package embed") // whose files are exchanged with the redirects
	}
	if len(names) == 0 && len(l.late) == 0 {
		return nil
	}
	trusted := l.runtimePackages()
	for _, s := range slices.Concat(l.inits, l.initTasks) {
		w := &walk{linker: l, former: former, trusted: trusted, seen: map[*symbol]bool{}, host: map[program.Definition]bool{}, types: map[string]bool{}, clean: map[program.Definition]bool{}}
		w.symbol(s)
		for w.indirect && len(w.values) > 0 {
			follow := w.values[len(w.values)-1]
			w.values = w.values[:len(w.values)-1]
			follow()
		}
		why := ""
		switch {
		case w.direct != "":
			why = "comes to the former code of " + w.direct
		case w.embeds && len(l.Files) > 0:
			why = "may read embedded files, which change with this edit"
		case w.indirect && w.late != "":
			why = fmt.Sprintf("uses methods of %s, which the program gets with this edit", w.late)
		case w.indirect && w.named != "":
			why = fmt.Sprintf("calls through an interface or func value, and may run the former code of %s", w.named)
		case w.indirect && w.outside != "" && len(names) > 0:
			if len(names) > 3 {
				names = append(names[:3], "others")
			}
			why = fmt.Sprintf("calls through an interface or func value that it may have from %s, and may run the former code of %s", w.outside, strings.Join(names, ", "))
		default:
			continue
		}
		return &FormerError{s.name, why}
	}
	return nil
}

// shortName is a linker name without the folders of the package.
func shortName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// runtimePackages are the runtime and what it imports. They get func values from their
// callers alone, and keep none that another call of them would run on the same goroutine:
// those of timers, finalizers and cleanups run on goroutines of their own.
func (l *linker) runtimePackages() map[string]bool {
	set := map[string]bool{}
	work := []string{"runtime"}
	for len(work) > 0 {
		path := work[len(work)-1]
		work = work[:len(work)-1]
		if set[path] {
			continue
		}
		set[path] = true
		if a, err := l.Library.Archive(path); err == nil {
			work = append(work, a.Objects[0].Imports()...)
		}
	}
	return set
}

// walk follows what one initializer names.
type walk struct {
	*linker
	former  map[symName]bool
	trusted map[string]bool
	seen    map[*symbol]bool
	host    map[program.Definition]bool
	types   map[string]bool             // put into interfaces
	clean   map[program.Definition]bool // types from which no code is reached

	values []func() // follow functions that it has as values: of interest if it calls any

	indirect bool   // it may call a func value, or a method through an interface
	direct   string // former code that code of the program names
	embeds   bool   // it comes to package embed
	named    string // former code of which it takes the value
	outside  string // a variable from which there may be values of code
	late     string // a type or interface whose methods are there only when the edit is live
}

// symbol follows a symbol of the image.
func (w *walk) symbol(s *symbol) {
	if w.seen[s] || s.object == nil || s.section == secFuncdata || strings.HasPrefix(s.name, "type:") {
		return
	}
	w.seen[s] = true
	if s.section == secText && w.trusted[s.object.ImportPath] {
		w.indirect = true
		return
	}
	w.embeds = w.embeds || s.section == secText && s.object.ImportPath == "embed"
	w.assembly(s.object, s.section == secText)
	for i, r := range s.relocs {
		if r.Type == goobj.RUseIfaceMethod && w.late == "" {
			// Code of the program calls none that its linker has dropped.
			if name := w.refName(s.object, r.Sym); w.linker.late[name] {
				w.late = shortName(strings.TrimPrefix(name, "type:"))
			}
		}
		switch t := s.targets[i]; {
		case w.marker(s.object, s.sym, r):
		case t.symbol != nil && t.symbol.section == secText && s.section != secText:
			w.values = append(w.values, func() { w.symbol(t.symbol) })
		case t.symbol != nil:
			w.symbol(t.symbol)
		case t.addr != 0 && s.section == secText:
			w.reference(s.object, r, inImage)
		case t.addr != 0:
			w.reference(s.object, r, inData)
		}
	}
}

// assembly may jump to what it has in a register.
func (w *walk) assembly(o *goobj.Object, text bool) {
	if text && o.Flags&goobj.FlagFromAssembly != 0 {
		w.indirect = true
	}
}

// marker handles relocations that refer to nothing which can be called.
func (w *walk) marker(o *goobj.Object, s goobj.Sym, r goobj.Reloc) bool {
	switch {
	case r.Type == goobj.RCallInd:
		w.indirect = true
	case r.Type == goobj.RUseIface:
		w.convert(w.refName(o, r.Sym))
	case r.Type&goobj.RWeak != 0 && r.Type != goobj.RCall|goobj.RWeak && o.Flag2(s)&goobj.Flag2Itab == 0:
	case r.Size != 0 && !r.Sym.IsZero():
		return false
	}
	return true
}

// reference follows what a symbol refers to in the program.
func (w *walk) reference(o *goobj.Object, r goobj.Reloc, from referrer) {
	name := w.refName(o, r.Sym)
	if strings.HasPrefix(name, "type:") && w.isType(name) {
		return // without an interface it leads to no method
	}
	if b, ok := w.Program.Builtin(r.Sym); ok {
		w.indirect = w.indirect || takesFunc[b.Name]
		return
	}
	d, ok := w.find(o, r.Sym)
	if !ok {
		w.unknown(name)
		return
	}
	k := d.Object.Kind(d.Sym)
	switch key := (symName{d.Object.Name(d.Sym), d.Object.ABI(d.Sym)}); {
	case !k.IsText():
		w.data(d, k)
	case w.former[key] && from == inProgram && (r.Type&^goobj.RWeak == goobj.RCall || r.Type == goobj.RPCRel):
		w.direct = shortName(key.name)
	case w.former[key]:
		w.named = shortName(key.name)
	case from == inData:
		w.values = append(w.values, func() { w.text(d) })
	default:
		w.text(d)
	}
}

// referrer is what refers to a symbol of the program.
type referrer int

const (
	inImage   referrer = iota // code of the image
	inProgram                 // code of the program
	inData                    // data: a function in it is a value
)

// isType reports whether a symbol is a type descriptor, not what comes with one.
func (w *walk) isType(name string) bool { return !strings.HasPrefix(name, "type:.") }

// takesFunc are those functions of the runtime which compiled code calls to have a func
// value called; the others that it calls by number call none
// (cmd/compile/internal/typecheck/_builtin/runtime.go, Go 1.25 to 1.27).
var takesFunc = map[string]bool{
	"runtime.deferproc": true, "runtime.deferprocStack": true, "runtime.deferrangefunc": true, "runtime.deferreturn": true, "runtime.newproc": true,
}

// unknown is a symbol of which nothing can be said.
func (w *walk) unknown(name string) {
	w.indirect = true
	if w.outside == "" {
		w.outside = shortName(name)
	}
}

// text follows a function of the program.
func (w *walk) text(d program.Definition) {
	if w.host[d] {
		return
	}
	w.host[d] = true
	if w.trusted[d.Object.ImportPath] {
		if name := d.Object.Name(d.Sym); !strings.HasPrefix(name, "runtime.gcWriteBarrier") && !strings.HasPrefix(name, "runtime.panic") {
			w.indirect = true // called by a name: it may be given func values
		}
		return
	}
	w.embeds = w.embeds || d.Object.ImportPath == "embed"
	w.assembly(d.Object, true)
	for _, r := range d.Object.Relocs(d.Sym, nil) {
		if !w.marker(d.Object, d.Sym, r) {
			w.reference(d.Object, r, inProgram)
		}
	}
}

// data follows what is read-only, and looks at the type of what is not.
func (w *walk) data(d program.Definition, k goobj.Kind) {
	if w.host[d] || w.trusted[d.Object.ImportPath] && k.IsVariable() {
		return
	}
	w.host[d] = true
	if k.IsVariable() {
		if w.holdsNone(d) || k == goobj.NoPtrData || k == goobj.NoPtrDataFIPS || k == goobj.NoPtrBSS {
			return
		}
		if refs := d.Object.Aux(d.Sym, goobj.AuxGotype, nil); len(refs) > 0 {
			if t, err := w.typeDefinition(d.Object, refs[0]); err == nil && w.holdsNoCode(t) {
				return
			}
		}
		if w.outside == "" {
			w.outside = shortName(d.Object.Name(d.Sym))
		}
		return
	}
	for _, r := range d.Object.Relocs(d.Sym, nil) {
		if !w.marker(d.Object, d.Sym, r) {
			w.reference(d.Object, r, inData)
		}
	}
}

// holdsNoCode reports whether no func and no interface can be reached from a value of a type.
func (w *walk) holdsNoCode(t program.Definition) bool {
	if no, ok := w.clean[t]; ok {
		return no
	}
	w.clean[t] = true // what contains itself adds nothing
	const kindUnsafePointer = 26
	b := t.Object.Data(t.Sym)
	no := len(b) > typeKind
	if no {
		switch b[typeKind] & kindMask {
		case kindFunc, kindInterface, kindUnsafePointer:
			no = false
		}
	}
	for _, r := range t.Object.Relocs(t.Sym, nil) {
		if name := w.refName(t.Object, r.Sym); !no || r.Type&goobj.RWeak != 0 || r.Type == goobj.RMethodOff || !strings.HasPrefix(name, "type:") || !w.isType(name) {
			continue
		}
		elem, err := w.typeDefinition(t.Object, r.Sym)
		no = err == nil && w.holdsNoCode(elem)
	}
	w.clean[t] = no
	return no
}

// convert follows the methods of a type that is put into an interface, and of those that
// reflection finds in it.
func (w *walk) convert(name string) {
	if w.types[name] || !strings.HasPrefix(name, "type:") || !w.isType(name) {
		return
	}
	w.types[name] = true
	if addr, ok := w.Program.Hidden(name); w.late == "" && (w.linker.late[name] || ok && w.grows(addr)) {
		w.late = shortName(strings.TrimPrefix(name, "type:"))
	}
	var relocs []goobj.Reloc
	var o *goobj.Object
	if s, ok := w.descriptor(name); ok {
		for i, r := range s.relocs {
			if t := s.targets[i]; r.Type == goobj.RMethodOff && t.symbol != nil {
				w.values = append(w.values, func() { w.symbol(t.symbol) })
			}
		}
		o, relocs = s.object, s.relocs
	} else if d, ok := w.Program.HiddenDefinition(name); ok {
		o, relocs = d.Object, d.Object.Relocs(d.Sym, nil)
	} else {
		if _, ok := w.Program.Hidden(name); ok {
			w.unknown(strings.TrimPrefix(name, "type:"))
		}
		return // the linker has dropped it
	}
	for _, r := range relocs {
		if r.Type&goobj.RWeak != 0 || r.Sym.IsZero() {
			continue
		}
		if n := w.refName(o, r.Sym); strings.HasPrefix(n, "type:") {
			w.convert(n)
		} else if r.Type == goobj.RMethodOff {
			w.reference(o, r, inData)
		}
	}
}

// descriptor is a descriptor in the image.
func (w *walk) descriptor(name string) (*symbol, bool) {
	s, ok := w.linker.named[symName{name: name}]
	return s, ok
}

// find is the definition that counts of what an object refers to.
func (w *walk) find(o *goobj.Object, r goobj.Ref) (d program.Definition, ok bool) {
	if s, local := o.Local(r); local && int(s) < o.NumDefs() {
		d = program.Definition{Object: o, Sym: s}
	} else if local {
		name, abi := o.Name(s), o.ABI(s)
		if c, known := w.Program.Confirmed(name, abi); known && !w.Library.Live(c.Object.ImportPath) {
			return c, true
		}
		found, err := w.Library.Find(name, abi)
		return found, err == nil
	} else if found, err := w.foreign(o, r); err == nil {
		d = found
	} else {
		return d, false
	}
	if d.Object.ABI(d.Sym) == goobj.ABIStatic || d.Object.Name(d.Sym) == "" {
		return d, true
	}
	// An excerpt has stubs.
	p, sym, err := w.Library.Proper(d.Object, d.Sym)
	return program.Definition{Object: p, Sym: sym}, err == nil
}
