package link

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// remembering is a cache of the standard library that holds, for each type that it has
// met, what was made of the methods the type had then. All are sync.Maps.
type remembering struct {
	variable string
	maker    string // the function that looks at the methods and puts the answer in
	methods  []string
}

// forgettable are those that can be emptied (encoding/json, Go 1.25 to 1.27).
var forgettable = []remembering{
	{"encoding/json.encoderCache", "encoding/json.typeEncoder", []string{"MarshalJSON", "MarshalText", "IsZero"}},
	{"encoding/json.fieldCache", "encoding/json.cachedTypeFields", []string{"MarshalJSON", "MarshalText", "IsZero"}},
	{"encoding/json/v2.lookupArshalerCache", "encoding/json/v2.lookupArshaler", []string{
		"MarshalJSON", "MarshalJSONTo", "UnmarshalJSON", "UnmarshalJSONFrom", "MarshalText", "AppendText", "UnmarshalText", "IsZero",
	}},
}

// lasting are those that hold more than can be made anew (encoding/gob: the numbers of
// types, which encoders and decoders have sent to each other).
var lasting = []remembering{
	{"encoding/gob.userTypeCache", "", []string{"GobEncode", "GobDecode", "MarshalBinary", "UnmarshalBinary", "MarshalText", "UnmarshalText"}},
}

// remembered sees to it that nothing of the standard library goes by the methods that a
// type had before.
func (l *linker) remembered(m MethodSet) error {
	name := strings.TrimPrefix(m.Type.Object.Name(m.Type.Sym), "type:")
	concerns := func(r remembering) (addr uint64, ok bool) {
		addr, ok = l.Program.Variable(r.variable)
		return addr, ok && slices.ContainsFunc(r.methods, func(n string) bool { return slices.Contains(m.Names, n) })
	}
	for _, r := range lasting {
		if _, ok := concerns(r); ok {
			return fmt.Errorf("%s remembers which methods type %s had", r.variable, name)
		}
	}
	for _, r := range forgettable {
		addr, ok := concerns(r)
		if !ok || l.forgotten[addr] {
			continue
		}
		l.forgotten[addr] = true
		// sync.Map is internal/sync.HashTrieMap, and begins with the word that says whether
		// its root was made (hashtriemap.go:init, Go 1.25 to 1.27). What was put into the
		// old root is garbage when there is another.
		if _, old, _ := l.Program.HostFunction("sync.(*Map).missLocked", goobj.ABIInternal); old {
			return fmt.Errorf("%s remembers which methods type %s had", r.variable, name)
		}
		l.image.Writes = append(l.image.Writes, Write{addr, binary.LittleEndian.AppendUint32(nil, 0)})
		if err := l.quiet(r.maker); err != nil {
			return err
		}
	}
	if !m.Renumbered {
		return nil
	}
	by, err := l.numbers(m.Fewer)
	if err != nil {
		return err
	}
	if by != "" {
		return fmt.Errorf("methods of type %s get other numbers, by which reflect.Values that %s made may hold them", name, by)
	}
	return nil
}

// emptyCaches lists what must not be taken for values of retired types: the caches that
// know types by their descriptors and can be made anew, and the runtime's own tables.
func (l *linker) emptyCaches() {
	if !l.Retires {
		return
	}
	// The first table of itabs (runtime/iface.go), and the m and the g's that are no memory
	// of the heap (proc.go): they hold no values of the program.
	for _, name := range []string{"runtime.itabTableInit", "runtime.gcrash", "runtime.g0", "runtime.m0"} {
		if s, ok := l.Program.HostVariable(name); ok {
			l.image.Skip = append(l.image.Skip, Range{s.Addr, s.Addr + s.Size})
		}
	}
	addrs := func(names ...string) (list []uint64) {
		for _, name := range names {
			if s, ok := l.Program.HostVariable(name); ok {
				list = append(list, s.Addr)
			}
		}
		return list
	}
	l.image.Clear = addrs(perType...)
	l.image.Derived = addrs("reflect.ptrMap", "reflect.lookupCache")
}

// perType are caches of the standard library, sync.Maps, that hold what was made of a type
// and is made again where it is missing (Go 1.25 to 1.27).
var perType = []string{
	"encoding/json.encoderCache", "encoding/json.fieldCache", "encoding/json/v2.lookupArshalerCache",
	"encoding/xml.tinfoMap", "encoding/binary.structSize", "reflect.layoutCache",
}

// numbers names a function that may hold methods by their numbers: a reflect.Value that
// Value.Method, Methods or MethodByName has made is the receiver and a number (reflect/value.go:
// methodReceiver). Text templates call such a value at once. If there are fewer methods,
// nothing may be counting them for reflect.Type.Method, which panics behind the last.
func (l *linker) numbers(fewer bool) (string, error) {
	const template = "text/template"
	for _, path := range l.Library.Packages() {
		a, err := l.Library.Archive(path)
		if err != nil {
			return "", err
		}
		if path == "reflect" || program.IsAgent(path) {
			continue
		}
		for _, o := range a.Objects {
			for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
				if !o.Kind(s).IsText() || isWrapper(o, s) {
					continue
				}
				values := l.callsMethodValue(o, s)
				if !values && !(fewer && l.callsTypeMethod(o, s)) {
					continue
				}
				name := o.Name(s)
				if _, linked, err := l.Program.Function(name, o.ABI(s)); err == nil && !linked {
					continue
				}
				if values && path != template {
					return name, nil
				}
				if err := l.quiet(name); err != nil {
					return "", err
				}
			}
		}
	}
	return "", nil
}

// isWrapper reports whether the compiler has made a function for a promoted method: who
// calls the method of an embedded reflect.Value, calls that itself.
func isWrapper(o *goobj.Object, s goobj.Sym) bool {
	name := o.Name(s)
	if name = name[strings.LastIndexByte(name, '.')+1:]; name != "Method" && name != "Methods" && name != "MethodByName" {
		return false
	}
	info, err := o.FuncInfo(s)
	return err == nil && info != nil && len(info.Files) > 0 && int(info.Files[0]) < len(o.Files) && o.Files[info.Files[0]] == "<autogenerated>"
}

func (l *linker) callsMethodValue(o *goobj.Object, s goobj.Sym) bool {
	return slices.ContainsFunc(o.Relocs(s, nil), func(r goobj.Reloc) bool {
		name := called(o, r)
		return name == "reflect.Value.Method" || name == "reflect.Value.MethodByName" || strings.HasPrefix(name, "reflect.Value.Methods")
	})
}

// called is the name of what a relocation refers to, as far as the object has it.
func called(o *goobj.Object, r goobj.Reloc) string {
	if s, ok := o.Local(r.Sym); ok {
		return o.Name(s)
	}
	name, _ := o.RefName(r.Sym)
	return name
}

// callsTypeMethod reports whether a function calls reflect.Type.Method or, since Go 1.26,
// Methods. A call of an interface's method comes with a marker of where that stands in
// the interface's descriptor (cmd/compile/internal/reflectdata/reflect.go:
// MarkUsedIfaceMethod); the compiler may know what is behind the interface, too.
func (l *linker) callsTypeMethod(o *goobj.Object, s goobj.Sym) bool {
	return slices.ContainsFunc(o.Relocs(s, nil), func(r goobj.Reloc) bool {
		if name := called(o, r); name == "reflect.(*rtype).Method" || strings.HasPrefix(name, "reflect.(*rtype).Methods") {
			return true
		}
		if r.Type != goobj.RUseIfaceMethod || l.refName(o, r.Sym) != "type:reflect.Type" {
			return false
		}
		d, err := l.typeDefinition(o, r.Sym)
		if err != nil {
			return true // in doubt
		}
		for _, m := range d.Object.Relocs(d.Sym, nil) {
			if int64(m.Off) == r.Add {
				name := l.refName(d.Object, m.Sym)
				return name == "type:.namedata.Method." || name == "type:.namedata.Methods."
			}
		}
		return true
	})
}
