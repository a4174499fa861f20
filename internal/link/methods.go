package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// MethodSet is a type that exists and has other methods now.
type MethodSet struct {
	Type  program.Definition // its descriptor, as it was compiled now
	Names []string           // of the methods that are new or gone
	// Renumbered: an exported method has another number, which is its place in the order
	// of names.
	Renumbered bool
	Fewer      bool // there are fewer exported methods
}

// growth is a type of the program that has other methods now. Its descriptor stays
// where it is, for its address is the type. What it says of methods stands in the
// section behind it (internal/abi/type.go, Go 1.25 to 1.27):
//
//	UncommonType {
//		PkgPath NameOff
//		Mcount  uint16 // number of methods
//		Xcount  uint16 // of those that are exported
//		Moff    uint32 // from here to the array of methods, sorted by name
//		_       uint32
//	}
//
// Moff has no sign and reaches 4 GB, and images lie above the host. So the descriptor as
// it was compiled now goes into the image beside that of the program, a spare that
// nothing takes for the type, and the counts and the offset are set to its array.
type growth struct {
	addr     uint64 // of the program's descriptor
	uncommon uint64 // offset of the section, in both
	spare    *symbol
}

const (
	tflagUncommon = 1 << 0

	uncommonMcount = 4
	uncommonMoff   = 8
	uncommonSize   = 16
	methodSize     = 16
)

// growMethods prepares a type of the program to have other methods.
func (l *linker) growMethods(m MethodSet) error {
	d := m.Type
	name := d.Object.Name(d.Sym)
	addr, ok := l.Program.Hidden(name)
	if !ok || l.revived[name] {
		return nil // it comes with the image, or came with another package's copy
	}
	host := l.Program.Bytes(addr, typeEnd)
	if host == nil {
		return fmt.Errorf("methods of %s: the descriptor can't be read", name)
	}
	if host[typeTFlag]&tflagUncommon == 0 {
		return nil // no place for methods; whoever judged the edit knows
	}
	at, err := uncommonOffset(d)
	if err != nil {
		return fmt.Errorf("methods of %s: %w", name, err)
	}
	g := &growth{addr: addr, uncommon: at}
	if d.Object.Data(d.Sym)[typeTFlag]&tflagUncommon != 0 {
		g.spare = l.symbol(d.Object, d.Sym)
		g.spare.spare = true
	}
	l.growing = append(l.growing, g)
	l.revived[name] = true // the new array has all methods
	return l.remembered(m)
}

// grows reports whether the type at addr gets other methods.
func (l *linker) grows(addr uint64) bool {
	for _, g := range l.growing {
		if g.addr == addr {
			return true
		}
	}
	return false
}

// uncommonOffset is where the uncommon section of a type lies: behind what its kind has
// (internal/abi/type.go:Uncommon).
func uncommonOffset(d program.Definition) (uint64, error) {
	b := make([]byte, d.Object.Size(d.Sym))
	copy(b, d.Object.Data(d.Sym)) // which may lack zeros at the end
	if len(b) < typeEnd {
		return 0, errors.New("the descriptor is too short")
	}
	first, methods := int32(-1), 0
	for _, r := range d.Object.Relocs(d.Sym, nil) {
		if r.Type == goobj.RMethodOff { // three for each method, behind its name
			if first < 0 {
				first = r.Off - 4
			}
			methods++
		}
	}
	methods /= 3
	var at int
	switch b[typeKind] & kindMask {
	case kindArray:
		at = typeEnd + 24
	case kindChan:
		at = typeEnd + 16
	case kindFunc, kindPointer, kindSlice:
		at = typeEnd + 8
	case kindInterface, kindStruct:
		at = typeEnd + 32
	case kindMap: // of a size that the releases don't agree on, and the last but for the methods
		at = len(b) - uncommonSize - methods*methodSize
	default:
		at = typeEnd
	}
	if b[typeTFlag]&tflagUncommon == 0 {
		return uint64(at), nil // and lost all methods
	}
	if at < typeEnd || at+uncommonSize > len(b) || int(binary.LittleEndian.Uint16(b[at+uncommonMcount:])) != methods ||
		methods > 0 && at+int(binary.LittleEndian.Uint32(b[at+uncommonMoff:])) != int(first) {
		return 0, errors.New("the descriptor has another layout than is known")
	}
	return uint64(at), nil
}

// setMethods writes what the descriptors of the program say of methods, and makes all
// forget what was asked of these types before.
func (l *linker) setMethods() error {
	if len(l.growing) > 0 {
		if err := l.forget(); err != nil {
			return err
		}
	}
	for _, g := range l.growing {
		at, b := uint64(uncommonMcount), make([]byte, 8) // Mcount, Xcount, Moff
		if g.spare != nil {
			section := g.spare.data[g.uncommon:]
			at, b = 0, slices.Clone(section[:uncommonMoff+4]) // and PkgPath: there may have been no methods
			to := g.spare.addr + uint64(binary.LittleEndian.Uint32(section[uncommonMoff:]))
			if to < g.addr || to-g.addr > 1<<32-1 {
				return fmt.Errorf("the methods of %s are out of reach", g.spare.name)
			}
			binary.LittleEndian.PutUint32(b[uncommonMoff:], uint32(to-g.addr))
		}
		l.image.Writes = append(l.image.Writes, pageWise(Write{g.addr + g.uncommon + at, b})...)
		l.image.Methods = append(l.image.Methods, g.addr)
	}
	for _, s := range l.all {
		if program.IsCache(s.name) {
			l.image.Caches = append(l.image.Caches, program.Cache{Name: s.name, Addr: s.addr})
		}
	}
	return nil
}

// pageWise is a write in parts of one page each: pages may be mapped one by one.
func pageWise(w Write) []Write {
	if n := pageSize - w.Addr%pageSize; n < uint64(len(w.Data)) {
		return []Write{{w.Addr, w.Data[:n]}, {w.Addr + n, w.Data[n:]}}
	}
	return []Write{w}
}

// forget empties the caches of all type assertions and switches: they hold which types
// do not have the methods, too (runtime/iface.go:typeAssert, interfaceSwitch). Who is in
// there now may have asked already, and put the answer into the emptied cache.
func (l *linker) forget() error {
	value := func(variable string) (uint64, error) {
		addr, ok := l.Program.Variable(variable)
		if !ok {
			return 0, fmt.Errorf("the program has no %s", variable)
		}
		return addr, nil
	}
	asserted, err := value("runtime.emptyTypeAssertCache")
	if err != nil {
		return err
	}
	switched, err := value("runtime.emptyInterfaceSwitchCache")
	if err != nil {
		return err
	}
	for _, c := range l.Program.Caches() {
		empty := asserted
		if strings.Contains(c.Name, "..interfaceSwitch.") {
			empty = switched
		}
		if l.Program.Word(c.Addr) != empty {
			return fmt.Errorf("the cache %s does not begin empty", c.Name)
		}
		l.image.Writes = append(l.image.Writes, Write{c.Addr, binary.LittleEndian.AppendUint64(nil, empty)})
	}
	for _, name := range []string{"runtime.typeAssert", "runtime.interfaceSwitch"} {
		if err := l.quiet(name); err != nil {
			return err
		}
	}
	return nil
}

// quiet asks that nothing be in a function of the program when the image goes live.
func (l *linker) quiet(name string) error {
	addr, ok, err := l.Program.Function(name, goobj.ABIInternal)
	if err != nil || !ok {
		return fmt.Errorf("the program has no %s (%v)", name, err)
	}
	for _, v := range l.Program.Versions(addr) {
		l.image.Quiet = append(l.image.Quiet, Range{v.Addr, v.Addr + v.Size})
	}
	return nil
}
