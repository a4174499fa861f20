package change

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// outside is what the packages do that nobody edits, as far as it may call functions of live
// ones. They import live ones through a replaced module, or reach them by linkname, assembly
// and reflection.
type outside struct {
	functions map[string]bool // that they refer to
	methods   byName
	iterates  bool // over all methods of a type
}

// byName are methods that are looked for by constant names (R_USENAMEDMETHOD).
type byName map[string]bool

func (b byName) add(o *goobj.Object, r goobj.Reloc) {
	s, ok := local(o, r.Sym) // the bytes of a string
	if ok {
		b[string(o.Data(s))] = true
	} else {
		b[""] = true
	}
}

func (b byName) has(method string) bool { return b[method] || b[""] }

const (
	reflectPath  = "reflect"
	templatePath = "text/template"
)

// Learn reads the packages that nobody edits, once.
func (c *Callers) Learn(lib *program.Library) error {
	if c.outside != nil {
		return nil
	}
	out := &outside{functions: map[string]bool{}, methods: byName{}}
	iterators := map[int64]bool{} // places in type reflect.Type of what is flagged in package reflect
	if a, err := lib.Archive(reflectPath); err == nil {
		for _, d := range lib.Definitions(a, "type:reflect.Type") {
			for _, r := range written(d) {
				if t, ok := local(d.Object, r.Sym); ok && r.Type == goobj.RAddrOff {
					if name, _ := nameOf(d.Object.Data(t)); name == "Methods" {
						iterators[int64(r.Off)] = true
					}
				}
			}
		}
	}
	var relocs []goobj.Reloc
	for _, path := range lib.Packages() {
		if path == reflectPath || program.IsAgent(path) {
			continue
		}
		a, err := lib.Archive(path)
		if err != nil {
			return err
		}
		live := lib.Live(path)
		for _, o := range a.Objects {
			may := false
			if !live && !c.std[path] {
				may = slices.ContainsFunc(o.Pkgs, func(p string) bool { return lib.Live(goobj.PrefixToPath(p)) })
				for s := goobj.Sym(o.NumDefs()); int(s) < o.NumSyms() && !may; s++ {
					may = lib.Live(program.PackageOf(o.Name(s)))
				}
			}
			for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
				if !may && !o.Kind(s).IsText() || o.Kind(s).IsDWARF() {
					continue
				}
				relocs = o.Relocs(s, relocs[:0])
				for _, r := range relocs {
					switch {
					case r.Type == goobj.RUseNamedMethod:
						out.methods.add(o, r)
					case r.Type == goobj.RUseIfaceMethod:
						out.iterates = out.iterates || len(iterators) > 0 && iterators[r.Add] && refName(o, r.Sym) == "type:reflect.Type"
					case r.Size == 0:
					case may:
						if name := strings.TrimSuffix(refName(o, r.Sym), "·f"); lib.Live(program.PackageOf(name)) {
							out.functions[name] = true
						}
						fallthrough
					case r.Type == goobj.RCall:
						if p, ok := o.Package(r.Sym); ok && p == reflectPath {
							out.iterates = out.iterates || strings.Contains(refName(o, r.Sym), ".Methods")
						}
					}
				}
			}
		}
	}
	c.outside = out
	return nil
}

// reflects reports whether code may call an exported method by reflection. What calls
// reflect.Type.Method and the like is flagged by the compiler, or names the method
// (cmd/compile/internal/walk/expr.go:usemethod); what stands in package reflect is there for
// its callers. Templates call no method without results (text/template/funcs.go:goodFunc).
// All of this is so from 1.25 to 1.27.
func (q *Question) reflects(method, signature string) bool {
	prog, out := q.c.prog, q.c.outside
	if out == nil || out.iterates || out.methods.has(method) || prog.ReflectsMethodsBeyond(reflectPath, templatePath) || results(signature) && prog.ReflectsMethodsBeyond(reflectPath) {
		return true
	}
	return slices.ContainsFunc(q.ctx.Live, func(x *Objects) bool {
		return slices.ContainsFunc(x.layers, func(l *layer) bool {
			r := q.c.refs(l)
			return r.byName.has(method) || slices.ContainsFunc(r.reflects, q.linked)
		})
	})
}

// linked reports whether a function is in the program, or comes with the edit.
func (q *Question) linked(key symbolKey) bool {
	_, has, err := q.c.prog.Function(key.name, key.abi)
	_, comes := q.defined[key]
	return has || comes || err != nil
}

// results reports whether a func type, as linker names spell it, has results, or may have.
func results(signature string) bool {
	depth := 0
	for i, r := range signature {
		switch r {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 && r == ')' {
				return i+1 < len(signature)
			}
		}
	}
	return true
}
