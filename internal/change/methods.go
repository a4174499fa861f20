package change

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// MethodSet is a type that exists and has other methods now: its own, or those of what
// it embeds.
type MethodSet struct {
	Type       program.Definition // its descriptor, as it was compiled now
	Names      []string           // of the methods that are new or gone
	Renumbered bool               // an exported method has another place in the order of names
	Fewer      bool               // there are fewer exported methods
}

// method is what a descriptor says of one method.
type method struct {
	name, typ string // typ is the linker name of its func type
	exported  bool
}

// methods finds the types whose methods are others than the program knows. Assertions,
// type switches and reflection go by the descriptor in the program, which package link
// rewrites. What has no place for methods there is a restart, if it may be asked.
func (j *judge) methods(p *pkg) {
	for name, now := range p.New.compiled() {
		typ, ok := typeName(name)
		if !ok || isInterface(now) || j.worlds.mentions(typ) {
			continue // (one of which there are two has all its methods from the start)
		}
		before, ok := j.descriptor(p, name)
		if !ok {
			continue
		}
		if _, exists := j.prog.Hidden(name); !exists {
			continue // the host has no descriptor: nothing can have asked
		}
		was, is := methodsOf(before), methodsOf(now)
		// One that takes or returns a type of which there are two is another method, too.
		for i := range was {
			if t, _ := typeName(was[i].typ); j.worlds.mentions(t) {
				was[i].typ += " as it was"
			}
		}
		if slices.Equal(was, is) {
			continue
		}
		m := MethodSet{Type: now, Names: append(missing(was, is), missing(is, was)...)}
		old, new := exported(was), exported(is)
		m.Fewer = len(old) > len(new)
		m.Renumbered = m.Fewer || !slices.Equal(old, new[:len(old)])
		if j.prog.MayHaveMethods(name) {
			j.res.MethodSets = append(j.res.MethodSets, m)
			continue
		}
		for _, n := range m.Names {
			if j.hasInterfaceMethod(n) {
				q, d := j.addedMethod(n)
				if d == nil {
					q, d = p, declOfType(p, strings.TrimPrefix(typ, "*"))
				}
				j.restart(q, d, fmt.Sprintf("values of type %s may be asked for %s, and the program has no place for methods of that type: it had none", typ, n))
			}
		}
	}
}

// addedMethod is the declaration of a method that the edit adds.
func (j *judge) addedMethod(name string) (*pkg, *source.Decl) {
	for _, p := range j.pkgs {
		for _, d := range p.Delta.Added {
			if d.Kind == source.Method && methodName(d) == name {
				return p, d
			}
		}
	}
	return nil, nil
}

// missing are the names of a that b does not have, or has with another type.
func missing(a, b []method) (list []string) {
	for _, m := range a {
		if !slices.Contains(b, m) {
			list = append(list, m.name)
		}
	}
	return list
}

func exported(list []method) []method {
	return slices.DeleteFunc(slices.Clone(list), func(m method) bool { return !m.exported })
}

// methodsOf are the methods in a type's descriptor, in order. Each is an abi.Method:
// Name NameOff; Mtyp TypeOff; Ifn, Tfn TextOff (internal/abi/type.go).
func methodsOf(d program.Definition) (list []method) {
	var m method
	n := 0
	for _, r := range written(d) {
		switch {
		case r.Type == goobj.RAddrOff:
			if t, ok := local(d.Object, r.Sym); ok {
				m.name, m.exported = nameOf(d.Object.Data(t))
			}
		case r.Type == goobj.RMethodOff:
			if n%3 == 0 {
				m.typ = refName(d.Object, r.Sym)
				list = append(list, m)
			}
			n++
		}
	}
	return list
}

// nameOf reads an abi.Name: flags, of which bit 0 says that it is exported, the length
// as a varint, and the bytes.
func nameOf(b []byte) (name string, exported bool) {
	if len(b) > 1 {
		if n, w := binary.Uvarint(b[1:]); w > 0 && n <= uint64(len(b)-1-w) {
			return string(b[1+w:][:n]), b[0]&1 != 0
		}
	}
	return "", false
}

// methodName is a method's name without its receiver.
func methodName(d *source.Decl) string { return d.Symbol[strings.LastIndexByte(d.Symbol, '.')+1:] }

// hasInterfaceMethod reports whether any interface of the program, or of the edit, has
// a method of this name.
func (j *judge) hasInterfaceMethod(name string) bool {
	if j.prog.HasInterfaceMethod(name) {
		return true
	}
	for _, p := range j.pkgs {
		for typ, d := range p.New.compiled() {
			if strings.HasPrefix(typ, "type:") && isInterface(d) && slices.Contains(interfaceMethods(d), name) {
				return true
			}
		}
	}
	return false
}
