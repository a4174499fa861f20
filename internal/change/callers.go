package change

import (
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Callers knows, over all edits of a process, what may still call a function: an edit of one
// that has run, and is not called again, is live without any effect, which must be said.
//
// A function is called by name, by its value, or as a method of an interface value. The
// objects of the newest versions tell who calls by name and who takes a value. What the
// objects don't tell is remembered here: which values older versions may have stored, which
// of the newest versions can't have run yet, and which old versions have calls in progress.
type Callers struct {
	scope
	held      map[string][]string // functions whose value may be stored, and who has taken it
	idle      map[string]bool     // functions whose newest version can't have been called; and whether an older one may have
	lingering map[uint64]*version // replaced versions with calls in progress, by entry
	edited    map[string]bool     // packages, by linker's import path: their variables and initializers were read
	outside   *outside            // what packages do that are not live; nil: not known yet
}

// version is one body of a function that may have calls in progress.
type version struct {
	name    string // that the function has now; "" if it is gone
	def     program.Definition
	targets []target
	old     bool // it was replaced
	unknown bool // there were too many frames to tell where they stand
	flow    *flow
}

// NewCallers begins with a process in which nothing was edited; std are the packages of the
// standard library.
func NewCallers(prog *program.Program, std map[string]bool) *Callers {
	return &Callers{
		scope: scope{prog: prog, std: std}, held: map[string][]string{}, idle: map[string]bool{},
		lingering: map[uint64]*version{}, edited: map[string]bool{},
	}
}

// Prepare finds what refers to what in a package, which takes its time once.
func (c *Callers) Prepare(x *Objects) {
	for _, l := range x.layers {
		c.refs(l)
	}
}

func (c *Callers) refs(l *layer) *refs {
	if l.refs == nil {
		l.refs = c.find(l)
	}
	return l.refs
}

// Context is what Ask has to know of an edit beside its packages.
type Context struct {
	Live    []*Objects // of all live packages, as the edit makes them
	Defined []program.Defined
	Revived []string
	// OnStack reports whether all func literals that begin on a line of a package's file make
	// their closures on the stack: as the file is now, or was before the edit.
	OnStack func(path string, at Place, before bool) bool
}

// Question asks which functions may still be called once an edit is live. Its ranges are
// those whose frames it wants to know, before it can be answered.
type Question struct {
	c       *Callers
	ctx     Context
	held    map[string][]string
	idle    map[string]bool
	fresh   map[string]bool // idle, since this edit
	runs    map[string]bool // initializers that the edit runs
	edited  map[string]bool
	methods map[string]bool // names of methods of interfaces that the edit brings
	revived map[string]bool
	lost    map[string][]string // who has the value of functions that are gone
	asked   map[uint64]*version
	now     map[string]bool     // functions that may be called, as the objects tell
	around  map[string][]string // of the others: all through which they can be called
	ahead   map[string]bool     // functions that a call in progress may come to
	renames map[string]string
	defined map[symbolKey]uint64 // what comes with the edit
}

// Ask prepares the question for an edit that is about to go live.
func (c *Callers) Ask(pkgs []Package, res *Result, ctx Context) *Question {
	q := &Question{
		c: c, ctx: ctx, held: map[string][]string{}, idle: map[string]bool{}, fresh: map[string]bool{}, runs: map[string]bool{}, edited: maps.Clone(c.edited),
		methods: map[string]bool{}, revived: setOf(ctx.Revived), lost: map[string][]string{}, asked: map[uint64]*version{},
		now: map[string]bool{}, around: map[string][]string{}, ahead: map[string]bool{}, renames: map[string]string{}, defined: map[symbolKey]uint64{},
	}
	held := maps.Clone(c.held)
	hold := func(in map[string][]string, d program.Definition, by string, before bool) {
		for _, t := range c.targets(d) {
			if t.kind == refValue && !q.onStack(pkgs, t.name, before) {
				in[t.name] = holders(in[t.name], by)
			}
		}
	}
	for _, p := range pkgs {
		prefix := goobj.PathToPrefix(p.LinkPath) + "."
		for name, d := range p.New.compiled() {
			if _, has := c.prog.Hidden(name); !has && strings.HasPrefix(name, "type:") && isInterface(d) {
				for _, m := range interfaceMethods(d) {
					q.methods[m] = true
				}
			}
		}
		if !q.edited[p.LinkPath] {
			q.edited[p.LinkPath] = true
			for _, l := range p.Old.layers {
				for _, key := range l.order {
					if isInit(shortOf(key.name)) {
						hold(held, l.text[key], key.name, true)
					}
				}
				for fn, v := range c.refs(l).held {
					if _, has := c.prog.Variable(v); has {
						held[fn] = holders(held[fn], "var "+v)
					}
				}
			}
		}
		for _, x := range p.InitFuncs() {
			q.runs[prefix+x.Symbol] = true
		}
		if p.Inits != nil {
			for _, in := range p.Inits.List {
				if p.runs(in) {
					q.runs[prefix+in.Func] = true
				}
			}
		}
	}
	// What the old versions may have stored, by the names that literals had then.
	gone := map[string]bool{}
	for _, g := range res.Gone {
		gone[g.Object.Name(g.Sym)] = true
	}
	for _, f := range res.Functions {
		if name := f.Object.Name(f.Sym); f.Replaces != "" && f.Replaces != name {
			q.renames[f.Replaces] = name
		}
	}
	for _, f := range res.Functions {
		// The same code may take other literals, which have the names of former ones.
		if !f.LinesOnly || f.Old.Object != nil && slices.ContainsFunc(c.targets(f.Old), func(t target) bool { return gone[t.name] || q.renames[t.name] != "" }) {
			q.fresh[f.Object.Name(f.Sym)] = true
		}
		if f.Old.Object != nil && q.fresh[f.Object.Name(f.Sym)] && c.ran(f.Old) {
			hold(held, f.Old, f.Old.Object.Name(f.Old.Sym), true)
		}
	}
	for _, g := range res.Gone {
		name := g.Object.Name(g.Sym)
		if c.ran(g.Definition) {
			hold(held, g.Definition, name, true)
		}
		_, made := splitName(name)
		gone[name] = isLiteral(made) // its name may be that of another literal now
		q.lost[name] = held[name]
	}
	for name, by := range held {
		if to := q.rename(name); !gone[name] {
			q.held[to] = append(q.held[to], by...)
		}
	}
	for name := range c.idle {
		if _, is := gone[name]; !is {
			q.idle[q.rename(name)] = c.idle[name]
		}
	}
	// Now the new names.
	for _, f := range res.Functions {
		name := f.Object.Name(f.Sym)
		if f.Old.Object != nil {
			q.version(f.Old, name)
		}
	}
	for _, g := range res.Gone {
		q.version(g.Definition, "")
	}
	for addr, v := range c.lingering {
		n := *v
		n.targets = slices.Clone(v.targets)
		for i := range n.targets {
			n.targets[i].name = q.rename(n.targets[i].name)
		}
		q.asked[addr] = &n
	}
	live := map[string]bool{}
	for _, x := range ctx.Live {
		live[x.Newest().ImportPath] = true
	}
	for _, d := range ctx.Defined {
		if d.Text {
			q.defined[symbolKey{d.Name, d.ABI}] = d.Addr
		}
		if d.Text && d.Object != nil && live[d.Object.ImportPath] {
			if _, has, _ := c.prog.Function(d.Name, d.ABI); !has {
				q.fresh[d.Name] = true
			}
		}
	}
	for name := range q.fresh {
		q.idle[name] = false
	}
	for _, f := range res.Functions {
		if name := f.Object.Name(f.Sym); q.fresh[name] && f.Old.Object != nil && c.everRan(f.Old) {
			q.idle[name] = true
		}
	}
	twins := map[string]string{}
	for copied, t := range res.Twins {
		twins[copied.Object.Name(copied.Sym)] = t.Object.Name(t.Sym)
	}
	for _, p := range pkgs {
		for name := range q.runs {
			if d, ok := p.New.function(symbolKey{name, goobj.ABIInternal}); ok {
				made := map[string][]string{}
				hold(made, d, name, false)
				for fn, by := range made {
					if t := twins[fn]; t != "" {
						fn = t
					}
					q.held[fn] = append(q.held[fn], by...)
				}
			}
		}
		for x := range p.Fresh {
			if d, ok := p.New.datum(goobj.PathToPrefix(p.LinkPath) + "." + x.Symbol); ok {
				for _, fn := range c.heldBy(d) {
					q.held[fn] = holders(q.held[fn], "var "+d.Object.Name(d.Sym))
				}
			}
		}
	}
	return q
}

// holders is a list of names with one more.
func holders(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(slices.Clip(list), name)
}

// ran reports whether a version, the newest before the edit, may have been called.
func (c *Callers) ran(d program.Definition) bool {
	name := d.Object.Name(d.Sym)
	_, has, err := c.prog.Function(name, d.Object.ABI(d.Sym))
	_, idle := c.idle[name]
	return (has || err != nil) && !idle && !isInit(shortOf(name))
}

// everRan reports whether any version of a function may have been called.
func (c *Callers) everRan(d program.Definition) bool {
	return c.ran(d) || c.idle[d.Object.Name(d.Sym)]
}

// shortOf is a symbol without its package.
func shortOf(name string) string {
	head, _, _ := strings.Cut(name, "[")
	_, short, _ := strings.Cut(name[strings.LastIndexByte(head, '/')+1:], ".")
	return short
}

func (q *Question) rename(name string) string {
	if to, ok := q.renames[name]; ok {
		return to
	}
	return name
}

// onStack reports whether a function is a func literal whose closures don't outlive the call
// of the function around it.
func (q *Question) onStack(pkgs []Package, name string, before bool) bool {
	if _, made := splitName(name); !isLiteral(made) {
		return false
	}
	key := symbolKey{name, goobj.ABIInternal}
	list := q.ctx.Live
	if before {
		list = nil
		for _, p := range pkgs {
			list = append(list, p.Old)
		}
	}
	for _, x := range list {
		if d, ok := x.function(key); ok {
			info, err := d.Object.FuncInfo(d.Sym)
			return err == nil && info != nil && len(info.Files) > 0 && q.ctx.OnStack(d.Object.ImportPath, Place{fileName(d.Object, info.Files[0]), int(info.StartLine)}, before)
		}
	}
	return false
}

// version asks for the frames of a body that the edit replaces; name is what it becomes.
func (q *Question) version(d program.Definition, name string) {
	addr, ok, err := q.c.prog.Function(d.Object.Name(d.Sym), d.Object.ABI(d.Sym))
	if err != nil || !ok {
		return
	}
	v := &version{name: name, def: d, old: true, targets: q.c.targets(d)}
	for i := range v.targets {
		t := &v.targets[i]
		if _, made := splitName(t.name); t.kind == refValue && isLiteral(made) {
			t.kind = refWithin
		}
		t.name = q.rename(t.name)
	}
	q.asked[addr] = v
}

// May reports whether a function may be called, as far as the objects alone tell, and asks
// for the frames that can tell more.
func (q *Question) May(name string) bool {
	if q.now[name] {
		return true
	}
	if q.around[name] != nil {
		return false
	}
	seen := map[string]bool{name: true}
	list := []string{name}
	var defs []ref
	for i := 0; i < len(list); i++ {
		fn := list[i]
		if q.now[fn] || q.root(fn) {
			q.now[fn], q.now[name] = true, true
			return true
		}
		for _, r := range q.callers(fn) {
			if r.from.abi != goobj.ABIInternal || r.kind == refValue && q.storedBy(r.from) && !q.onStack(nil, fn, false) {
				q.now[fn], q.now[name] = true, true
				return true
			}
			defs = append(defs, r)
			if !seen[r.from.name] {
				seen[r.from.name] = true
				list = append(list, r.from.name)
			}
		}
	}
	q.around[name] = list
	for _, r := range defs {
		q.newest(r)
	}
	return false
}

// newest asks for the frames of the newest version of a function: the program's, or the one
// that comes with the edit.
func (q *Question) newest(r ref) {
	add := func(addr uint64) {
		if q.asked[addr] == nil {
			q.asked[addr] = &version{name: r.from.name, def: r.def, targets: q.literals(q.c.targets(r.def))}
		}
	}
	if addr, comes := q.defined[r.from]; comes {
		add(addr)
	}
	if q.fresh[r.from.name] {
		return // the one before is asked for, if there is one
	}
	if addr, ok, err := q.c.prog.Function(r.from.name, r.from.abi); err == nil && ok {
		add(addr)
	}
}

// literals marks the closures that a call has on its stack.
func (q *Question) literals(list []target) []target {
	for i := range list {
		if t := &list[i]; t.kind == refValue && q.onStack(nil, t.name, false) {
			t.kind = refWithin
		}
	}
	return list
}

// callers are the references to a function in the newest versions of all.
func (q *Question) callers(fn string) (list []ref) {
	for _, x := range q.ctx.Live {
		for _, l := range x.layers {
			for _, r := range q.c.refs(l).to[fn] {
				if now, ok := x.function(r.from); ok && now == r.def {
					list = append(list, r)
				}
			}
		}
	}
	return list
}

// storedBy reports whether a function, in the version that it has now, may have run before
// the edit: what it takes the value of may be held.
func (q *Question) storedBy(key symbolKey) bool {
	if isInit(shortOf(key.name)) {
		return !q.edited[program.PackageOf(key.name)]
	}
	_, has, err := q.c.prog.Function(key.name, key.abi)
	_, idle := q.idle[key.name]
	return (has || err != nil) && !idle
}

// root reports whether a function may be called by what is no function of a live package, or
// by something that has its value.
func (q *Question) root(fn string) bool {
	c := q.c
	if len(q.held[fn]) > 0 || q.runs[fn] || c.outside == nil || c.outside.functions[fn] || strings.Contains(fn, "_cgoexp_") || fn == wire.HookName {
		return true
	}
	path := program.PackageOf(fn)
	for _, x := range q.ctx.Live {
		for _, l := range x.layers {
			r := c.refs(l)
			if r.opaque[path] {
				return true
			}
			if v, ok := r.held[fn]; ok && !q.edited[program.PackageOf(v)] {
				return true
			}
			if slices.ContainsFunc(r.methods[fn], func(d descriptor) bool { return q.asMethod(fn, d) }) {
				return true
			}
		}
	}
	return false
}

// asMethod reports whether an interface value, or reflection, may call a function for a type
// that has it as a method.
func (q *Question) asMethod(fn string, d descriptor) bool {
	prog := q.c.prog
	addr, has := prog.Hidden(d.typ)
	if !has && !slices.ContainsFunc(q.ctx.Defined, func(n program.Defined) bool { return n.Name == d.typ }) {
		return false // nobody can have a value of it in an interface
	}
	if was, ok := prog.HiddenDefinition(d.typ); has && ok && !q.revived[d.typ] && !prog.Revived(d.typ) {
		// The linker writes -1 for methods of types that are never put into an interface
		// (cmd/link/internal/ld/deadcode.go, 1.25 to 1.27).
		known, pruned := false, true
		for _, m := range methodsIn(was) {
			if m.fn == fn {
				b := prog.Bytes(addr+uint64(m.off), 4)
				known, pruned = true, pruned && b != nil && string(b) == "\xff\xff\xff\xff"
			}
		}
		if known && pruned {
			return false
		}
	}
	signature, ok := typeName(d.signature)
	return !ok && prog.HasInterfaceMethod(d.method) || ok && prog.HasInterfaceMethodOf(d.method, signature) || q.methods[d.method] ||
		token.IsExported(d.method) && q.reflects(d.method, signature)
}
