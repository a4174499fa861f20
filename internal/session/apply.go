package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/patch"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// image judges what was compiled, and links it. Functions in leave are left to their old
// callers.
func (e *edit) image(ctx context.Context, leave []string) (err error) {
	start := time.Now()
	e.report.Decls = nil
	e.declModules()
	if e.verdict, err = e.judge(leave); err != nil {
		return err
	}
	e.report.Timing.Change, start = time.Since(start), time.Now()
	e.img, err = e.link(ctx, e.verdict)
	e.report.Timing.Link = time.Since(start)
	return e.refused(err, e.verdict)
}

// apply takes a prepared edit into the program. If a call in progress stands in the way,
// because a function that it may call keeps now what is on its stack, that function is
// left to it, if it can be.
func (e *edit) apply(ctx context.Context) error {
	if len(e.units) == 0 {
		e.accept(nil)
		return nil
	}
	if err := e.reaches(); err != nil {
		return err
	}
	start := time.Now()
	err := e.load(ctx, e.verdict, e.img)
	var b *blocked
	if errors.As(err, &b) && len(b.leave) > 0 {
		if err := e.image(ctx, b.leave); err != nil {
			return err
		}
		start = time.Now()
		if err = e.load(ctx, e.verdict, e.img); err == nil {
			e.left(b)
		}
	}
	if err == nil {
		err = e.runAfter(ctx, e.img.After)
	}
	e.report.Timing.Load = time.Since(start)
	return err
}

// left says which functions were left to calls in progress, where nothing else does.
func (e *edit) left(b *blocked) {
	for i := range e.report.Decls {
		if d := &e.report.Decls[i]; d.Verdict == report.VerdictLiveNewCalls && d.Reason == "" {
			d.Reason = b.who + " goes on with the old code"
		}
	}
}

// blocked is an edit that a call in progress stands in the way of.
type blocked struct {
	who   string   // "goroutine 7 in main.worker (main.go:12)"
	leave []string // functions to be left to such calls
}

func (b *blocked) Error() string { return b.who + " must not run on with the old code" }

// judge compares what was compiled with what runs.
func (e *edit) judge(leave []string) (*change.Result, error) {
	h := e.host
	var pkgs []change.Package
	for _, u := range e.units {
		pkgs = append(pkgs, u.judged)
	}
	res, err := change.Judge(pkgs, change.Options{Program: h.patch.Program, Abbrevs: h.abbrevs, Leave: leave, Unsafe: h.build.Unsafe})
	if err != nil {
		return nil, err
	}
	if err := e.embedded(res); err != nil {
		return nil, err
	}
	for _, d := range res.Decls {
		e.report.Decls = append(e.report.Decls, reported(d))
	}
	if len(res.Restarts()) > 0 {
		return nil, restartf("")
	}
	return res, nil
}

// reported is a verdict as the report has it.
func reported(d change.Decl) report.Decl {
	return report.Decl{
		ImportPath: d.ImportPath, Package: d.Package, Kind: d.Kind, Name: d.Name,
		File: d.Pos.Filename, Line: d.Pos.Line, Col: d.Pos.Column,
		Verdict: report.Verdict(d.Verdict), Reason: d.Reason, LinesOnly: d.LinesOnly,
	}
}

// judged is a unit as package change sees it.
func (e *edit) judged(u *unit) change.Package {
	return change.Package{
		ImportPath: u.pkg.ImportPath, LinkPath: u.linkPath, Delta: u.delta,
		Old: u.old, New: u.now, Past: e.host.sources.past[u.linkPath],
		OldEscape: e.host.sources.escape[u.pkg.ImportPath], NewEscape: u.escape,
		Inits: u.inits,
	}
}

// link makes the image.
func (e *edit) link(ctx context.Context, res *change.Result) (*link.Image, error) {
	h := e.host
	in := link.Input{Retires: len(res.Retired) > 0, Data: res.Data, NewVariables: res.NewVariables, Twins: res.Twins, Files: e.files}
	var archives []*goobj.Archive
	for _, u := range e.units {
		if u.excerpt == nil {
			archives = append(archives, u.archive)
		}
		for _, p := range u.object.Added {
			h.patch.Library.AddFile(p.ImportPath, p.Export)
			if p.Export != "" {
				in.NewPackages = append(in.NewPackages, p.ImportPath)
			}
			if p.Live {
				e.newDirs = append(e.newDirs, p.Dir)
			}
		}
		prefix := goobj.PathToPrefix(u.linkPath) + "."
		for _, x := range u.before {
			in.Initializers = append(in.Initializers, prefix+x.Func)
		}
		for _, r := range e.repeats(u) {
			in.After = append(in.After, prefix+r.symbol)
		}
	}
	in.Library = h.patch.Library.With(archives)
	for _, u := range e.units {
		if u.excerpt != nil {
			in.Library = in.Library.Graft(u.archive, u.now.Owns())
		}
	}
	for _, f := range res.Functions {
		in.Functions = append(in.Functions, link.Function{Object: f.Object, Sym: f.Sym, Replaces: f.Replaces, LinesOnly: f.LinesOnly})
	}
	for _, m := range res.MethodSets {
		in.MethodSets = append(in.MethodSets, link.MethodSet(m))
	}
	e.library = in.Library
	return h.patch.Link(ctx, in)
}

// load gives the image to the agent and, when it is live, makes it part of what is
// known of the host.
func (e *edit) load(ctx context.Context, res *change.Result, img *link.Image) error {
	h := e.host
	c := &patch.Conditions{Wait: time.Second, News: e.news()}
	if e.behind {
		c = &patch.Conditions{}
	}
	for _, r := range img.Redirects {
		h.bodies.learn(r, res, h.abbrevs)
	}
	var err error
	if c.Quiet, err = h.versions(res.Quiet); err != nil {
		return err
	}
	c.Quiet = append(c.Quiet, e.fileReaders...)
	former, err := h.former.quiet(res, h.bodies)
	if err != nil {
		return err
	}
	c.Quiet = append(c.Quiet, former...)
	for _, t := range res.Retired {
		e.debug = append(e.debug, fmt.Sprintf("retires %s at %#x", t.Type, t.Addr))
		c.Retired = append(c.Retired, t.Addr)
	}
	left, err := h.versions(spans(slices.Concat(res.Left, res.Removed)))
	if err != nil {
		return err
	}
	old := append(h.bodies.changed(img, res), left...)
	c.Running = slices.Clone(old) // Load sorts it
	callers := e.ask(res, img, &c.Running)
	// The agent waits for the end of the program's initialization.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	applied, err := h.patch.Load(ctx, img, e.library, c)
	var f *agent.Failure
	if errors.As(err, &f) && len(f.Holders) > 0 {
		return e.held(res, f.Holders)
	}
	if errors.As(err, &f) && len(f.Blockers) > 0 {
		b := f.Blockers[0]
		who := fmt.Sprintf("goroutine %d", b.GoID)
		if r, ok := h.bodies.running(h.bodies.around(b.PC), b); ok {
			who += fmt.Sprintf(" in %s (%s:%d)", r.Name, filepath.Base(r.File), r.Line)
		}
		if len(img.InitTasks) > 0 || len(img.InitFuncs) > 0 {
			return &blocked{who: who} // they have run, and must not again
		}
		return &blocked{who: who, leave: res.Worse}
	}
	if err != nil {
		return err
	}
	e.report.Timing.Pause = time.Duration(applied.PauseNS)
	e.report.Held.Versions, e.report.Held.Bytes = h.patch.Held()
	all := len(applied.Frames) < wire.MaxFrames
	callers.answer(applied, c.Running)
	var stay []wire.Range
	for _, f := range applied.Frames {
		stay = append(stay, c.Running[f.Range])
		if r, ok := h.bodies.running(c.Running[f.Range].Start, f); ok {
			e.report.Running = append(e.report.Running, r)
		}
	}
	if !all {
		stay = old // any of them may have a call
	}
	h.former.remember(res, stay, h.abbrevs)
	e.markRunning(res, all)
	e.tellCallable(callers, res)
	if res.Retyped {
		h.patch.Program.ForgetRemoved()
	}
	h.patch.Program.Remove(res.Removed)
	h.bodies.defined(img, res, h.abbrevs)
	e.accept(e.units)
	return nil
}

// held makes the edit a restart because of values of types that changed.
func (e *edit) held(res *change.Result, holders []wire.Holder) error {
	// Words on a stack may be of variables that are dead, and say least.
	slices.SortStableFunc(holders, func(a, b wire.Holder) int { return cmp.Compare(min(a.GoID, 1), min(b.GoID, 1)) })
	for _, h := range holders {
		e.debug = append(e.debug, fmt.Sprintf("held: %+v", h))
		i := slices.IndexFunc(res.Retired, func(t change.Retired) bool { return t.Addr == h.Type })
		if i < 0 {
			continue
		}
		d := reported(res.Retired[i].Decl)
		if slices.ContainsFunc(e.report.Decls, func(have report.Decl) bool {
			return have.Verdict == report.VerdictRestart && have.ImportPath == d.ImportPath && have.Name == d.Name
		}) {
			continue // the first holder is enough
		}
		e.report.Decls = slices.DeleteFunc(e.report.Decls, func(have report.Decl) bool { return have.ImportPath == d.ImportPath && have.Name == d.Name })
		d.Reason += "; " + e.holder(h) + " holds a value, or the type, of " + res.Retired[i].Type + " as an interface"
		e.report.Decls = append(e.report.Decls, d)
	}
	return restartf("a value of a type that changed is held as an interface")
}

// holder says in whose memory a word lies.
func (e *edit) holder(h wire.Holder) string {
	switch {
	case h.GoID != 0:
		return fmt.Sprintf("goroutine %d", h.GoID)
	case h.Base != 0:
		return "an object of the heap"
	}
	if name, ok := e.host.patch.Program.VariableAt(h.At); ok {
		return "var " + name
	}
	return "a variable"
}

// news are the declarations of the edit, as package realtimefunc reads them.
func (e *edit) news() string {
	var b strings.Builder
	for _, d := range e.report.Decls {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", d.Kind, d.ImportPath, d.Name)
	}
	return b.String()
}

// spans are functions as a whole.
func spans(list []program.Definition) (s []change.Span) {
	for _, d := range list {
		s = append(s, change.Span{Definition: d})
	}
	return s
}

// versions are the bodies of functions, as the edit finds them, in memory.
func (h *host) versions(list []change.Span) (ranges []wire.Range, err error) {
	for _, d := range list {
		addr, ok, err := h.patch.Program.Function(d.Object.Name(d.Sym), d.Object.ABI(d.Sym))
		if errors.Is(err, program.ErrAmbiguous) {
			return nil, restartf("%v", err)
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			continue // the linker dropped it
		}
		h.bodies.know(addr, d.Definition, h.abbrevs)
		for _, v := range h.patch.Program.Versions(addr) {
			r := wire.Range{Start: v.Addr, End: v.Addr + v.Size}
			if v.Addr == addr && d.End > 0 {
				r = wire.Range{Start: addr + uint64(d.Start), End: addr + uint64(d.End)}
			}
			ranges = append(ranges, r)
		}
	}
	return ranges, nil
}

// markRunning turns the verdict of declarations that still run somewhere into "live
// for new calls". A func literal that was left to calls of the function around it is live
// if there are none; all: the report has all calls.
func (e *edit) markRunning(res *change.Result, all bool) {
	for i := range e.report.Decls {
		d := &e.report.Decls[i]
		if d.Reason == change.Around && all && !slices.ContainsFunc(e.report.Running, func(r report.Running) bool { return runsAround(d, r) }) {
			d.Verdict, d.Reason = report.VerdictLive, ""
		}
	}
	for _, r := range e.report.Running {
		for i := range e.report.Decls {
			d := &e.report.Decls[i]
			if d.Verdict == report.VerdictLive && d.Kind == "func" && runs(d, r) {
				d.Verdict = report.VerdictLiveNewCalls
				d.Reason = fmt.Sprintf("goroutine %d goes on with the old code", r.Goroutine)
			}
		}
	}
}

// runsAround reports whether a call in progress is one of a function around d.
func runsAround(d *report.Decl, r report.Running) bool {
	for name := d.Name; ; {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return false
		}
		name = name[:i]
		// Type arguments stand in the names of calls alone.
		last := name[strings.LastIndexByte(name, '.')+1:]
		if strings.HasSuffix(r.Name, "."+name) || strings.Contains(r.Name, "."+name+"-range") || strings.Contains(r.Name, "[") && strings.Contains(r.Name, last) {
			return true
		}
	}
}

func runs(d *report.Decl, r report.Running) bool {
	return r.Name == d.Package+"."+d.Name || r.Name == d.ImportPath+"."+d.Name
}

// accept makes the edit what the next one is compared with.
func (e *edit) accept(units []*unit) {
	s := e.host.sources
	for f, b := range e.mods {
		s.mods[f] = b
	}
	for _, u := range e.comments {
		e.adopt(u)
	}
	var objects []*gobuild.Object
	for _, u := range units {
		if u.content != nil {
			for _, f := range u.delta.Old.Files {
				delete(s.content, f.Path)
			}
			e.adopt(u)
		}
		s.escape[u.pkg.ImportPath] = u.escape
		if u.old != nil {
			s.past[u.linkPath] = s.past[u.linkPath].With(u.old.Newest())
		}
		s.objects[u.linkPath] = u.now
		if u.excerpt != nil {
			was := s.excerpted[u.pkg.ImportPath]
			s.excerpted[u.pkg.ImportPath] = part{moved: was.moved || u.excerpt.Moved, exports: was.exports || !u.excerpt.Bodies}
		} else {
			delete(s.excerpted, u.pkg.ImportPath)
		}
		objects = append(objects, u.object)
		for _, p := range u.object.Added {
			if p.Live {
				if err := s.add(p); err != nil {
					s.pending[p.Dir] = true
				}
			}
		}
	}
	if e.host.compiler != nil {
		e.host.compiler.Accept(objects...)
	}
	if e.behind {
		return
	}
	e.host.edited = e.host.edited || len(units) > 0
	e.report.Later = s.later()
	e.newFolders = s.adoptAssets(units)
	clear(s.pending)
	s.stuck = false
}
