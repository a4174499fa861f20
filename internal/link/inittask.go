package link

import (
	"fmt"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// initTask schedules the initialization of a package that the program does not have,
// after that of the packages it needs. The compiler states that order by R_INITORDER
// relocations between the packages' ..inittask symbols (cmd/link/internal/ld/inittask.go).
func (l *linker) initTask(path string) error {
	a, err := l.Library.Archive(path)
	if err != nil {
		return err
	}
	name := goobj.PathToPrefix(path) + "..inittask"
	key := symName{name: name}
	if _, ok := l.named[key]; ok {
		return nil
	}
	if _, ok := l.Program.Variable(name); ok {
		return nil
	}
	defs := l.Library.Definitions(a, name)
	if len(defs) == 0 {
		return nil // nothing to initialize
	}
	o, s := defs[0].Object, defs[0].Sym
	c := l.symbol(o, s)
	l.named[key] = c
	for _, r := range o.Relocs(s, nil) {
		if r.Type != l.Program.Release.InitOrder {
			continue
		}
		task := l.refName(o, r.Sym)
		before, ok := strings.CutSuffix(task, "..inittask")
		if !ok {
			return fmt.Errorf("%s: the package to be initialized before is not named (%q)", name, task)
		}
		if err := l.initTask(goobj.PrefixToPath(before)); err != nil {
			return err
		}
	}
	// runtime.initTask { state, nfns uint32; fns [nfns]uintptr }: doInit1 throws
	// "inittask with no functions" (runtime/proc.go).
	if c.size > 8 {
		l.initTasks = append(l.initTasks, c)
	}
	return nil
}

// mapInit finds the function that fills a map variable which the program's linker
// dropped, together with that function, because nothing used it (map.init.N,
// cmd/compile/internal/pkginit). The package's own initialization has run without it.
func (l *linker) mapInit(v *symbol) error {
	if l.NewVariables[v.name] {
		return nil // its initializer runs by itself
	}
	path := v.object.ImportPath
	if _, ok := l.named[symName{name: goobj.PathToPrefix(path) + "..inittask"}]; ok {
		return nil // the package is new: its own init does it
	}
	prefix := goobj.PathToPrefix(path) + ".map.init."
	o := v.object
	for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
		if !o.Kind(s).IsText() || !strings.HasPrefix(o.Name(s), prefix) {
			continue
		}
		for _, r := range o.Relocs(s, nil) {
			t, ok := o.Local(r.Sym)
			if !ok || int(t) >= o.NumDefs() || o.Name(t) != v.name {
				continue
			}
			f, err := l.byName(o.Name(s), o.ABI(s), o, s)
			if err != nil {
				return err
			}
			if f.symbol != nil {
				l.inits = append([]*symbol{f.symbol}, l.inits...)
			}
			return nil
		}
	}
	return nil
}
