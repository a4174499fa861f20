package change

import (
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// refs are the references to functions in one layer, by the function that they refer to.
// They grow with the package, so they are found once for each layer, and best while there
// is no edit.
type refs struct {
	to       map[string][]ref
	held     map[string]string       // functions that the initial value of a variable holds, and the variable
	methods  map[string][]descriptor // functions that a type's descriptor has as methods
	byName   byName                  // methods that functions look for
	reflects []symbolKey             // functions that call methods by reflection
	opaque   map[string]bool         // packages of which functions were inlined that are known by number only
}

// ref is one reference in a function's code.
type ref struct {
	from symbolKey
	def  program.Definition
	off  int32
	kind refKind
}

type refKind uint8

const (
	refCall    refKind = iota // a call, or a go statement
	refValue                  // its value is taken, and may be stored
	refWithin                 // a closure that the calls of this function alone have: of a defer statement, a range body
	refInlined                // its code is part of this function's
)

// descriptor is the place of a method in a type's descriptor.
type descriptor struct{ typ, method, signature string }

// target is a function that a definition refers to.
type target struct {
	name string
	off  int32
	kind refKind
}

// scope is what the search for references needs to know of the program.
type scope struct {
	prog *program.Program
	std  map[string]bool // packages of the standard library: nobody edits them
	memo map[program.Definition][]string
}

// find makes the index of a layer.
func (s *scope) find(l *layer) *refs {
	r := &refs{byName: byName{}, to: map[string][]ref{}, held: map[string]string{}, methods: map[string][]descriptor{}, opaque: map[string]bool{}}
	for _, key := range l.order {
		def := l.text[key]
		if def.Object.Flag(def.Sym)&goobj.FlagReflectMethod != 0 && !strings.HasPrefix(key.name, reflectPath+".") {
			r.reflects = append(r.reflects, key)
		}
		for _, u := range def.Object.Relocs(def.Sym, nil) {
			if u.Type == goobj.RUseNamedMethod {
				r.byName.add(def.Object, u)
			}
		}
		for _, t := range s.targets(def) {
			if path, _, numbered := strings.Cut(t.name, "#"); numbered && t.kind == refInlined {
				r.opaque[path] = true
			}
			r.to[t.name] = append(r.to[t.name], ref{key, def, t.off, t.kind})
		}
	}
	for name, d := range l.data {
		switch {
		case strings.HasPrefix(name, "type:"):
			for _, m := range methodsIn(d) {
				r.methods[m.fn] = append(r.methods[m.fn], descriptor{name, m.name, m.typ})
			}
		case isVariable(d):
			for _, fn := range s.heldBy(d) {
				r.held[fn] = name
			}
		}
	}
	return r
}

// isVariable reports whether data is a package variable: what it holds at first is what the
// program has, until it assigns to it.
func isVariable(d program.Definition) bool {
	name := d.Object.Name(d.Sym)
	return d.Object.Kind(d.Sym).IsVariable() && name != "" && !private(d.Object, d.Sym) && !strings.HasSuffix(name, "·f") &&
		!strings.HasSuffix(name, "..inittask") && !strings.HasPrefix(name, "go:") && !strings.Contains(name, "..dict.")
}

// methodRef is a function in a descriptor's array of methods, with what it says of it.
type methodRef struct {
	fn, name, typ string
	off           int32
}

// methodsIn are the functions that a descriptor has for its methods: two for each, one for
// interfaces and one for reflection (see methodsOf).
func methodsIn(d program.Definition) (list []methodRef) {
	var m methodRef
	n := 0
	for _, r := range written(d) {
		switch {
		case r.Type == goobj.RAddrOff:
			if t, ok := local(d.Object, r.Sym); ok {
				m.name, _ = nameOf(d.Object.Data(t))
			}
		case r.Type == goobj.RMethodOff:
			if n%3 == 0 {
				m.typ = refName(d.Object, r.Sym)
			} else {
				m.fn, m.off = refName(d.Object, r.Sym), r.Off
				list = append(list, m)
			}
			n++
		}
	}
	return list
}

// targets are the functions that a function refers to.
func (s *scope) targets(d program.Definition) (list []target) {
	o := d.Object
	var starting []int // closures that were made since the last go statement was begun
	for _, r := range written(d) {
		if b, ok := s.prog.Builtin(r.Sym); ok {
			if b.Name == "runtime.newproc" {
				for _, i := range starting {
					// The goroutine begins here, and may begin as long as this is ahead.
					list = append(list, target{list[i].name, r.Off, refCall})
					if list[i].kind == refValue && adjoins(o.Data(d.Sym), list[i].off, r.Off) {
						list[i].kind = refCall // go f()
					}
				}
				starting = nil
			}
			continue
		}
		if s.foreign(o, r.Sym) {
			continue
		}
		if sym, ok := local(o, r.Sym); ok && !o.Kind(sym).IsText() {
			for _, fn := range s.functionsIn(program.Definition{Object: o, Sym: sym}, 0) {
				list = append(list, target{fn, r.Off, refValue})
				starting = append(starting, len(list)-1)
			}
			continue
		}
		name := refName(o, r.Sym)
		fn := strings.TrimSuffix(name, "·f")
		switch _, isLocal := local(o, r.Sym); {
		case r.Type == goobj.RCall:
			list = append(list, target{name, r.Off, refCall})
		case isLocal || fn != name || textReference(r):
			t := target{fn, r.Off, refValue}
			_, made := splitName(fn)
			switch {
			case strings.Contains(made, ".gowrap"):
				t.kind = refCall
			case strings.Contains(made, ".deferwrap"), made != "" && !isLiteral(made) && made != methodValue:
				t.kind = refWithin
			}
			list = append(list, t)
			starting = append(starting, len(list)-1)
		}
	}
	if info, err := o.FuncInfo(d.Sym); err == nil && info != nil {
		for _, call := range info.InlTree {
			if !s.foreign(o, call.Func) {
				list = append(list, target{refName(o, call.Func), 0, refInlined})
			}
		}
	}
	return list
}

// textReference reports whether a reference to a name of another object may be one to a
// function's code: closures of func literals, and method values, are made with these.
func textReference(r goobj.Reloc) bool { return r.Type == goobj.RPCRel || r.Type == goobj.RAddr }

// foreign reports whether a symbol is one of the standard library's.
func (s *scope) foreign(o *goobj.Object, r goobj.Ref) bool {
	path, ok := o.Package(r)
	return ok && s.std[path]
}

// adjoins reports whether the closure at one offset is handed to the call at the other by the
// very next instruction: LEAQ f(IP), AX; CALL runtime.newproc.
func adjoins(code []byte, closure, call int32) bool {
	const lea, toAX, callOp = 0x8d, 0x05, 0xe8
	return call == closure+5 && closure >= 3 && int(call) <= len(code) && code[closure-2] == lea && code[closure-1] == toAX && code[call-1] == callOp
}

// heldBy are the functions that data refers to, and what it points to.
func (s *scope) heldBy(d program.Definition) []string {
	var list []string
	for _, r := range written(d) {
		list = append(list, s.functionsOf(d.Object, r, 0)...)
	}
	return list
}

// functionsIn are the functions that code gets the value of with a reference to data: the one
// of a static closure, and those in data that has no identity of its own.
func (s *scope) functionsIn(d program.Definition, depth int) []string {
	o, name := d.Object, d.Object.Name(d.Sym)
	if fn, ok := strings.CutSuffix(name, "·f"); ok {
		return []string{fn}
	}
	if depth > maxNesting || strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "go:") || name != "" && !private(o, d.Sym) && !strings.Contains(name, "..dict.") {
		return nil
	}
	if list, ok := s.memo[d]; ok {
		return list
	}
	if s.memo == nil {
		s.memo = map[program.Definition][]string{}
	}
	s.memo[d] = nil // for a cycle
	var list []string
	for _, r := range written(d) {
		list = append(list, s.functionsOf(o, r, depth)...)
	}
	s.memo[d] = list
	return list
}

// maxNesting bounds how far composite data is followed.
const maxNesting = 64

func (s *scope) functionsOf(o *goobj.Object, r goobj.Reloc, depth int) []string {
	if s.foreign(o, r.Sym) {
		return nil
	}
	if sym, ok := local(o, r.Sym); ok && !o.Kind(sym).IsText() {
		return s.functionsIn(program.Definition{Object: o, Sym: sym}, depth+1)
	}
	if r.Type&goobj.RWeak != 0 {
		return nil
	}
	return []string{strings.TrimSuffix(refName(o, r.Sym), "·f")}
}
