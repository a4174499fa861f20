package change

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// A fork is a function of which there are two from now on. Rule 1 forbids to redirect
// the old one: its signature is another, or holds a type of which there are two. All
// that calls it by name is in the edit, and calls the new one; old calls that are in
// progress finish with the old one. Whatever else could still enter it pins it.
type fork struct {
	p    *pkg
	key  symbolKey
	decl *source.Decl // of the new version; nil for what the compiler made
	old  program.Definition
	sig  *signature.Signature // of old; nil for what has none
	why  string
	left bool // only since its new version keeps what an old call has on its stack
}

// findForks compares signatures where the sources leave room for a difference.
func (j *judge) findForks() {
	w := j.worlds
	if len(w.changed) == 0 && len(j.leave) == 0 && !slices.ContainsFunc(j.pkgs, mayFork) {
		return
	}
	if len(w.changed) > 0 {
		j.forkRemoved()
	}
	var wrappers []*fork
	for _, p := range j.pkgs {
		for _, key := range p.New.layers[0].order {
			was, ok := p.Old.function(key)
			base, made := splitName(key.name)
			if !ok || made != "" || w.forks[key.name] != nil || isInit(strings.TrimPrefix(key.name, p.prefix)) {
				continue
			}
			now, _ := p.New.function(key)
			f := &fork{p: p, key: key, old: was}
			if owner := j.owner(base); owner != nil {
				f.p, f.decl = owner, owner.declared(strings.TrimPrefix(generic(base), owner.prefix))
			}
			var before *source.Decl
			if f.decl != nil {
				before = f.p.Delta.Old.Decls[f.decl.Name]
			}
			f.why, f.sig = j.forkReason(was, now, declaredBy(before), declaredBy(f.decl))
			f.left = j.mayLeave(f)
			switch {
			case f.why != "":
				w.forks[key.name] = f
			case f.left:
				f.why = "it keeps what an old call has on its stack"
				w.forks[key.name] = f
			case f.sig == nil:
				wrappers = append(wrappers, f)
			}
		}
	}
	// What the compiler makes for a method calls it, and has its signature.
	for grown := len(w.forks) > 0; grown; {
		grown = false
		for _, f := range wrappers {
			if w.forks[f.key.name] == nil && slices.ContainsFunc(written(f.old), func(r goobj.Reloc) bool {
				return w.forks[refName(f.old.Object, r.Sym)] != nil
			}) {
				f.why = "it calls one"
				w.forks[f.key.name], grown = f, true
			}
		}
	}
	clear(w.memo)
}

// mayLeave reports whether a function is one of those that are to be left to old calls.
// One with a func literal is not: it may be the literal that keeps something, and closures
// of it may be held.
func (j *judge) mayLeave(f *fork) bool {
	return j.leave[generic(f.key.name)] && !j.hasLiterals(f)
}

// hasLiterals reports whether a function has func literals, or may have.
func (j *judge) hasLiterals(f *fork) bool {
	if f.decl == nil || f.decl.Lits != nil {
		return true
	}
	old := f.p.Delta.Old.Decls[f.decl.Name]
	return old == nil || old.Lits != nil
}

// mayFork reports whether the sources of a package, or what it is compiled against,
// may have changed a signature.
func mayFork(p *pkg) bool {
	d := p.Delta
	if d.Empty() {
		return true // compiled for what another package exports
	}
	return len(d.Imported) > 0 || slices.ContainsFunc(d.Changed, func(c source.Change) bool {
		return c.New.Kind == source.Type || c.New.Kind == source.Const || c.What&(source.Signature|source.Imports) != 0
	}) || slices.ContainsFunc(d.Removed, func(x *source.Decl) bool { return x.Kind == source.Type || x.Kind == source.Const })
}

// forkReason says why a function is left to its old callers, "" if it is not, and what
// signature it had. The declarations are nil if they are not in the edit.
func (j *judge) forkReason(was, now program.Definition, before, after *declared) (why string, sig *signature.Signature) {
	oldSig, errOld := j.abbrevs.Of(was.Object, was.Sym)
	newSig, errNew := j.abbrevs.Of(now.Object, now.Sym)
	if errOld != nil || errNew != nil {
		name := was.Object.Name(was.Sym)
		// Wrappers, and what compares and hashes values of a type.
		fa, _ := was.Object.FuncInfo(was.Sym)
		fb, _ := now.Object.FuncInfo(now.Sym)
		switch {
		case j.worlds.mentions(plain(name)), j.worlds.mentions(name):
			return "it is of a type that changed", oldSig
		case fa != nil && fb != nil && fa.Args != fb.Args:
			return "signature changed", oldSig
		}
		return "", oldSig
	}
	if why := j.differ(oldSig, newSig, before, after); why != "" {
		return why, oldSig
	}
	for _, param := range oldSig.Params {
		if j.worlds.mentions(param.Type) {
			return "it takes or returns a type that changed", oldSig
		}
	}
	return "", oldSig
}
