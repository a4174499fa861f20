package link

import (
	"errors"
	"fmt"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// collect finds all that the image must have: the functions of the edit, and what
// their relocations lead to that the program lacks.
func (l *linker) collect() error {
	for _, f := range l.Functions {
		s := l.symbol(f.Object, f.Sym)
		s.replaces = f.Replaces
		l.named[symName{s.name, s.abi}] = s
	}
	for _, d := range l.Data {
		s := l.symbol(d.Object, d.Sym)
		l.named[symName{s.name, s.abi}] = s
	}
	l.emptyCaches()
	for _, m := range l.MethodSets {
		if err := l.growMethods(m); err != nil {
			return err
		}
	}
	l.files()
	for _, path := range l.NewPackages {
		if err := l.initTask(path); err != nil {
			return err
		}
	}
	var err error
	if l.inits, err = l.initializers(l.Initializers); err != nil {
		return err
	}
	if l.after, err = l.initializers(l.After); err != nil {
		return err
	}
	if err := l.drain(); err != nil {
		return err
	}
	return l.resolveWeak()
}

// initializers are functions of the edit, whatever the program has under their names
// from edits and initializations before. Nothing else refers to them.
func (l *linker) initializers(names []string) (list []*symbol, err error) {
	for _, name := range names {
		d, err := l.Library.Find(name, goobj.ABIInternal)
		if err != nil {
			return nil, err
		}
		list = append(list, l.symbol(d.Object, d.Sym))
	}
	return list, nil
}

// drain follows relocations until nothing new is met.
func (l *linker) drain() error {
	for len(l.work) > 0 {
		s := l.work[len(l.work)-1]
		l.work = l.work[:len(l.work)-1]
		if err := l.follow(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// symbol puts a definition into the image.
func (l *linker) symbol(o *goobj.Object, sym goobj.Sym) *symbol {
	s := &symbol{
		object: o, sym: sym, name: o.Name(sym), abi: o.ABI(sym),
		size: uint64(o.Size(sym)), align: uint64(max(o.Align(sym), 1)),
	}
	if s.room = o.NoRoom(sym); s.room {
		s.size = goobj.PtrTypeSize + goobj.UncommonSize
	}
	l.all = append(l.all, s)
	l.work = append(l.work, s)
	return s
}

// follow resolves the relocations of a symbol, and the tables of a function.
func (l *linker) follow(s *symbol) error {
	o := s.object
	k := o.Kind(s.sym)
	switch {
	case k.IsText():
		if s.size == 0 {
			return errors.New("a function without a body")
		}
		// Assembly may ask for more (PCALIGN $64).
		s.section, s.align = secText, max(s.align, 32)
		if err := l.followFunction(s); err != nil {
			return err
		}
	case k.IsROData():
		if s.section != secFuncdata {
			s.section = secROData
		}
	case k.HasPointers():
		s.section = secData
		s.align = max(s.align, 8)
	case k == goobj.NoPtrData || k == goobj.NoPtrDataFIPS || k == goobj.NoPtrBSS:
		s.section = secNoPtrData
	default:
		return fmt.Errorf("symbol of unknown kind %d", k)
	}
	s.align = max(s.align, naturalAlign(s.size))
	s.relocs = o.Relocs(s.sym, nil)
	s.targets = make([]target, len(s.relocs))
	for i, r := range s.relocs {
		if r.Size == 0 {
			if err := l.marker(o, r); err != nil {
				return err
			}
			continue
		}
		if r.Sym.IsZero() {
			if r.Type == goobj.RTLSLE || r.Type == goobj.RCallInd {
				continue
			}
			return fmt.Errorf("relocation of type %d without a symbol", r.Type)
		}
		// A weak call (to map.init) is wanted. So are the methods of an itab: the
		// linker drops those that no interface call in the program names.
		if r.Type&goobj.RWeak != 0 && r.Type != goobj.RCall|goobj.RWeak && o.Flag2(s.sym)&goobj.Flag2Itab == 0 {
			name := l.refName(o, r.Sym)
			s.targets[i] = target{weak: name}
			continue
		}
		t, err := l.resolve(o, r.Sym)
		if err != nil {
			return err
		}
		if r.Type == goobj.RPCRel && t.symbol == nil && t.addr-l.Base+maxReach > 2*maxReach {
			if t.slot, err = l.slot(o, s.sym, r, t.addr); err != nil {
				return err
			}
		}
		s.targets[i] = t
		if t.symbol == nil && program.IsHidden(s.name) {
			if name := l.refName(o, r.Sym); program.IsHidden(name) {
				if err := l.reviveType(name); err != nil {
					return err
				}
			}
		}
	}
	if program.IsHidden(s.name) && !s.spare && o.Flag(s.sym)&goobj.FlagTypelink != 0 {
		l.tables.typelinks = append(l.tables.typelinks, s)
	}
	return nil
}

// maxReach is how far from the image's base a 32-bit displacement surely reaches.
const maxReach = 1<<31 - 1<<28

// slot makes a word of the image that holds an address which code can't reach: that of
// an itab that the runtime has made on its heap. The code takes addresses by LEAQ
// disp32(IP), r, which becomes MOVQ disp32(IP), r, of the same length, from the slot.
func (l *linker) slot(o *goobj.Object, s goobj.Sym, r goobj.Reloc, addr uint64) (*symbol, error) {
	code := o.Data(s)
	if i := int(r.Off) - 3; i < 0 || code[i]&^0x05 != 0x48 || code[i+1] != opLEA || code[i+2]&0xc7 != 0x05 || r.Add != 0 {
		return nil, fmt.Errorf("an instruction that is not LEAQ refers to %#x, out of its reach", addr)
	}
	c, ok := l.slots[addr]
	if !ok {
		c = &symbol{name: fmt.Sprintf("slot of %#x", addr), section: secROData, size: 8, align: 8, content: addr}
		l.slots[addr] = c
		l.all = append(l.all, c)
	}
	return c, nil
}

const (
	opLEA = 0x8d
	opMOV = 0x8b
)

// naturalAlign is the alignment that the linker gives a symbol that asks for none
// (cmd/link/internal/ld/data.go:symalign).
func naturalAlign(size uint64) uint64 {
	for a := uint64(32); a > 1; a /= 2 {
		if size >= a {
			return a
		}
	}
	return 1
}

// marker handles a relocation that writes nothing. Those that keep methods alive
// matter here too: the host's linker has dropped what nothing needed then.
func (l *linker) marker(o *goobj.Object, r goobj.Reloc) error {
	switch r.Type {
	case goobj.RUseIface:
		name := l.refName(o, r.Sym)
		if program.IsHidden(name) {
			return l.reviveType(name)
		}
		return nil
	case goobj.RKeep:
		_, err := l.resolve(o, r.Sym)
		return err
	case goobj.RUseIfaceMethod:
		return l.reviveItabs(strings.TrimPrefix(l.refName(o, r.Sym), "type:"))
	case goobj.RUseNamedMethod, goobj.RUseType, goobj.RUseField, goobj.RCallInd, l.Program.Release.InitOrder:
		return nil
	}
	return fmt.Errorf("unknown marker relocation of type %d", r.Type)
}

// resolve finds what a reference of o means in the patched program.
func (l *linker) resolve(o *goobj.Object, r goobj.Ref) (target, error) {
	if s, ok := o.Local(r); ok {
		if int(s) >= o.NumDefs() {
			return l.byName(o.Name(s), o.ABI(s), nil, goobj.NoSym)
		}
		return l.local(o, s)
	}
	if r.Pkg == goobj.PkgBuiltin {
		b, ok := l.Program.Builtin(r)
		if !ok {
			return target{}, fmt.Errorf("builtin %d is not known", r.Idx)
		}
		return l.byName(b.Name, b.ABI, nil, goobj.NoSym)
	}
	d, err := l.foreign(o, r)
	if err != nil {
		return target{}, err
	}
	return l.byName(d.Object.Name(d.Sym), d.Object.ABI(d.Sym), d.Object, d.Sym)
}

// foreign is the definition of a symbol that o refers to by another package's index.
// The index counts in the archive that o was compiled against, so the name, where
// there is one, decides.
func (l *linker) foreign(o *goobj.Object, r goobj.Ref) (program.Definition, error) {
	path, ok := o.Package(r)
	if !ok {
		return program.Definition{}, fmt.Errorf("reference {%d %d} to nowhere", r.Pkg, r.Idx)
	}
	name, ok := o.RefName(r)
	for _, c := range l.Library.Grafted(path, name) {
		if ok && c.Object.InPackage(c.Sym) {
			return c, nil
		}
	}
	a, err := l.Library.Archive(path)
	if err != nil {
		return program.Definition{}, err
	}
	d := a.Objects[0]
	if was, known := o.Imported(path); !ok && known && was != d.Fingerprint() {
		return program.Definition{}, fmt.Errorf("package %q was compiled against another version of %q", o.ImportPath, path)
	}
	if int64(r.Idx) < int64(d.NumDefs()) {
		if s := goobj.Sym(r.Idx); d.InPackage(s) && (!ok || d.Name(s) == name) {
			return program.Definition{Object: d, Sym: s}, nil
		}
	}
	for _, c := range l.Library.Definitions(a, name) {
		if c.Object == d && d.InPackage(c.Sym) {
			return c, nil
		}
	}
	return program.Definition{}, fmt.Errorf("package %q does not define %q", path, name)
}

// refName is the name of what a reference means.
func (l *linker) refName(o *goobj.Object, r goobj.Ref) string {
	if s, ok := o.Local(r); ok {
		return o.Name(s)
	}
	if b, ok := l.Program.Builtin(r); ok {
		return b.Name
	}
	if d, err := l.foreign(o, r); err == nil {
		return d.Object.Name(d.Sym)
	}
	name, _ := o.RefName(r)
	return name
}

// local resolves a definition of the referring object itself. A function has its name,
// though Go 1.27 stores func literals by their content.
func (l *linker) local(o *goobj.Object, s goobj.Sym) (target, error) {
	if twin, ok := l.Twins[program.Definition{Object: o, Sym: s}]; ok {
		o, s = twin.Object, twin.Sym
	}
	name := o.Name(s)
	switch {
	case o.Flag2(s)&goobj.Flag2Itab != 0:
		return l.byName(name, goobj.ABI0, o, s)
	case o.Hashed(s) && !o.Kind(s).IsText():
		key := string(o.Hash(s)) + string(rune(o.Kind(s))) + fmt.Sprint(o.Size(s))
		c, ok := l.hashed[key]
		if !ok {
			c = l.symbol(o, s)
			l.hashed[key] = c
		}
		return target{symbol: c}, nil
	case o.ABI(s) == goobj.ABIStatic || isNumbered(name) || o.Hashed(s) && l.ambiguous(name, o.ABI(s)):
		key := objectSym{o, s}
		c, ok := l.static[key]
		if !ok {
			c = l.symbol(o, s)
			l.static[key] = c
		}
		return target{symbol: c}, nil
	}
	return l.byName(name, o.ABI(s), o, s)
}

// ambiguous reports whether several functions of the program have a name: copies of a func
// literal that was inlined in several places, which Go 1.27 tells apart by their content
// alone. They may capture differently, so the one that comes with a function is the one.
func (l *linker) ambiguous(name string, abi goobj.ABI) bool {
	_, _, err := l.Program.Function(name, abi)
	return errors.Is(err, program.ErrAmbiguous)
}

// isNumbered reports whether name is a number that means something in one compilation
// only: the caches of type assertions and switches, and the bytes of []byte variables
// that have them from the start. Each belongs to what uses it.
func isNumbered(name string) bool {
	return program.IsCache(name) || strings.Contains(name, "..gobytes.")
}

// byName resolves a symbol that has an identity. (o, s) is a definition of it, if one
// is at hand.
func (l *linker) byName(name string, abi goobj.ABI, o *goobj.Object, s goobj.Sym) (target, error) {
	key := symName{name, abi}
	if c, ok := l.named[key]; ok {
		return target{symbol: c}, nil
	}
	addr, ok, err := l.inProgram(name, abi)
	if err != nil {
		return target{}, err
	}
	if ok {
		return target{addr: addr}, nil
	}
	if o != nil {
		if o, s, err = l.Library.Proper(o, s); err != nil {
			return target{}, err
		}
	}
	if o == nil || o.Kind(s).IsText() && o.Size(s) == 0 {
		d, err := l.Library.Find(name, abi)
		if err != nil {
			return target{}, err
		}
		o, s = d.Object, d.Sym
	}
	if strings.HasPrefix(name, "go:itab.") {
		return l.itab(key, o, s)
	}
	c := l.symbol(o, s)
	l.named[key] = c
	if o.Kind(s).IsVariable() {
		if err := l.mapInit(c); err != nil {
			return target{}, err
		}
	}
	return target{symbol: c}, nil
}

// inProgram finds a symbol among those of the program. What objects refer to by name
// alone may be data or a function of ABI0: objects don't say which.
func (l *linker) inProgram(name string, abi goobj.ABI) (addr uint64, ok bool, err error) {
	if program.IsHidden(name) {
		addr, ok = l.Program.Hidden(name)
		return addr, ok, nil
	}
	if abi == goobj.ABI0 && !strings.HasSuffix(name, "·f") {
		if addr, ok = l.Program.Variable(name); ok {
			return addr, true, nil
		}
	}
	return l.Program.Function(name, abi)
}

// itab resolves an itab that the host was not linked with. The runtime may have made
// it meanwhile, and then that one is the itab: comparisons of interfaces compare its
// address. If both types are the program's, it is asked, and makes it.
func (l *linker) itab(key symName, o *goobj.Object, s goobj.Sym) (target, error) {
	var inter, typ target
	for _, r := range o.Relocs(s, nil) {
		if r.Type&^goobj.RWeak != goobj.RAddr || r.Size != 8 {
			continue
		}
		var err error
		switch r.Off { // internal/abi.ITab: Inter, Type, Hash, Fun
		case 0:
			inter, err = l.resolve(o, r.Sym)
		case 8:
			typ, err = l.resolve(o, r.Sym)
		}
		if err != nil {
			return target{}, err
		}
	}
	if !inter.known() || !typ.known() {
		return target{}, fmt.Errorf("%s does not name its types", key.name)
	}
	if inter.symbol == nil && typ.symbol == nil {
		addr, empty, err := l.FindItab(inter.addr, typ.addr)
		if err != nil {
			return target{}, err
		}
		if empty != 0 && l.grows(typ.addr) {
			// It will be this one, when the type has its methods.
			l.image.Defined = append(l.image.Defined, program.Defined{Name: key.name, Addr: empty})
			return target{addr: empty}, nil
		}
		if addr != 0 {
			l.image.Defined = append(l.image.Defined, program.Defined{Name: key.name, Addr: addr})
			return target{addr: addr}, l.reviveMade(addr, o, s)
		}
	}
	c := l.symbol(o, s)
	l.named[key] = c
	l.itabs = append(l.itabs, c)
	return target{symbol: c}, nil
}

// resolveWeak gives weak references their targets: what the program or the image has
// by now. What neither has stays null.
func (l *linker) resolveWeak() error {
	for _, s := range l.all {
		for i := range s.targets {
			name := s.targets[i].weak
			if name == "" {
				continue
			}
			if c, ok := l.named[symName{name: name}]; ok {
				s.targets[i] = target{symbol: c}
			} else if addr, ok := l.Program.Hidden(name); ok {
				s.targets[i] = target{addr: addr}
			}
		}
	}
	return nil
}
