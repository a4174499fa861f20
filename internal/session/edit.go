package session

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/watch"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// edit is one settled change on its way into the program.
type edit struct {
	host   *host
	change watch.Change
	report report.Edit

	library *program.Library // with the edit's archives
	units   []*unit          // recompiled packages, each behind those it imports
	newDirs []string
}

// unit is one recompiled package.
type unit struct {
	pkg      *gobuild.Package
	content  map[string][]byte // its Go files, if its own sources changed
	delta    *source.Delta
	inits    *source.Initializers
	object   *gobuild.Object
	archive  *goobj.Archive
	old      *goobj.Archive
	escape   *change.Escape
	linkPath string
}

// needRestart is the end of an edit that only a new process can have.
type needRestart struct{ reason string }

func (e *needRestart) Error() string { return e.reason }

func restartf(format string, args ...any) error { return &needRestart{fmt.Sprintf(format, args...)} }

// run takes the edit through the pipeline. What it returns says how the edit ends: nil
// (live), a *gobuild.CompileError (rejected), or anything else (restart, for that
// reason or those of report.Decls).
func (e *edit) run(ctx context.Context) error {
	if e.host.restartMode != "" {
		return restartf("")
	}
	start := time.Now()
	e.units, e.report.Decls = nil, nil
	if err := e.read(); err != nil {
		return err
	}
	if len(e.units) == 0 {
		e.accept(nil)
		return nil
	}
	if err := e.compile(ctx); err != nil {
		return err
	}
	e.report.Timing.Compile, start = time.Since(start), time.Now()

	res, err := e.judge()
	if err != nil {
		return err
	}
	e.report.Timing.Change, start = time.Since(start), time.Now()

	img, err := e.link(ctx, res)
	if err != nil {
		return err
	}
	e.report.Timing.Link, start = time.Since(start), time.Now()

	if err := e.load(ctx, res, img); err != nil {
		return err
	}
	e.report.Timing.Load = time.Since(start)
	return nil
}

// explained reports whether a declaration says already why the edit is not live.
func (e *edit) explained() bool {
	return slices.ContainsFunc(e.report.Decls, func(d report.Decl) bool { return d.Verdict == report.VerdictRestart })
}

// read finds the packages whose sources differ from what runs.
func (e *edit) read() error {
	s := e.host.sources
	touched := map[*gobuild.Package]bool{}
	files := map[string]bool{}
	for f := range e.change.Files {
		files[f] = true
	}
	for f := range s.pending {
		files[f] = true
	}
	for f := range files {
		switch {
		case s.embeds[f]:
			e.decl(f, "an embedded file changed")
			continue
		case filepath.Base(f) == "go.mod" || filepath.Base(f) == "go.work":
			e.decl(f, "changed")
			continue
		case filepath.Ext(f) != ".go":
			if s.packageOf(f) != nil {
				e.decl(f, "C or assembly changed")
			}
			continue
		}
		if p := s.packageOf(f); p != nil {
			touched[p] = true
		}
	}
	if len(e.report.Decls) > 0 {
		return restartf("")
	}
	for _, p := range s.build.Live {
		if !touched[p] {
			continue
		}
		u, err := e.unit(p)
		if err != nil {
			return err
		}
		if u != nil {
			e.units = append(e.units, u)
		}
	}
	return nil
}

// needsBuild reports the file that only a build of the go command can take.
func (e *edit) needsBuild(err error) {
	var need *gobuild.RebuildError
	if errors.As(err, &need) && need.File != "" {
		e.decl(need.File, strings.TrimPrefix(need.Reason, filepath.Base(need.File)+" "))
	}
}

// decl reports a file that needs a restart.
func (e *edit) decl(file, reason string) {
	e.report.Decls = append(e.report.Decls, report.Decl{Name: filepath.Base(file), File: file, Verdict: report.VerdictRestart, Reason: reason})
}

// unit is a package whose sources changed; nil if they are the same after all.
func (e *edit) unit(p *gobuild.Package) (*unit, error) {
	s := e.host.sources
	old, err := s.old(p)
	if err != nil {
		return nil, restartf("the sources of %s, as they were, can't be read: %v", p.ImportPath, err)
	}
	u := &unit{pkg: p, linkPath: linkPath(p), content: map[string][]byte{}}
	scan, err := s.build.Rescan(p, nil)
	if err != nil {
		u.delta = nil // the compiler says it better
		return u, nil
	}
	for _, f := range slices.Concat(scan.GoFiles, scan.CgoFiles) {
		if u.content[f], err = s.build.ReadFile(f); err != nil {
			return u, nil
		}
	}
	now, err := source.ParseWith(old, p.ImportPath, u.content)
	if err != nil {
		return u, nil
	}
	u.delta = source.Diff(old, now)
	if u.delta.Empty() {
		same := len(u.content) == len(old.Files)
		for _, f := range old.Files {
			same = same && string(u.content[f.Path]) == string(f.Content)
		}
		if !same {
			e.adopt(u) // comments only
		}
		return nil, nil
	}
	if vars := u.delta.NewVars(); len(vars) > 0 {
		if u.inits, err = now.Initializers("realtime_init", vars); err != nil {
			return nil, restartf("%v", err)
		}
	}
	return u, nil
}

// adopt makes a unit's sources those that run, without any code.
func (e *edit) adopt(u *unit) {
	s := e.host.sources
	for f, b := range u.content {
		s.content[f] = b
	}
	if u.delta != nil {
		s.parsed[u.pkg.ImportPath] = u.delta.New
	}
}

func linkPath(p *gobuild.Package) string {
	if p.Name == "main" {
		return "main"
	}
	return p.ImportPath
}

// compile compiles the changed packages, and those that depend on what changed in what
// they export: in waves of packages that don't need each other.
func (e *edit) compile(ctx context.Context) error {
	h := e.host
	archives := map[string]string{}
	queue := map[string]*unit{}
	for _, u := range e.units {
		queue[u.pkg.ImportPath] = u
	}
	all := e.units
	e.units = nil
	var failed []string
	for len(queue) > 0 {
		wave := e.wave(queue)
		baseline := h.sources.baseline(ctx, h.compiler, wave)
		var g errgroup.Group
		g.SetLimit(runtime.GOMAXPROCS(0))
		errs := make([]error, len(wave))
		for i, u := range wave {
			delete(queue, u.pkg.ImportPath)
			g.Go(func() error {
				errs[i] = u.compile(ctx, h, archives)
				return nil
			})
		}
		g.Wait()
		for i, u := range wave {
			var ce *gobuild.CompileError
			switch {
			case errors.As(errs[i], &ce):
				failed = append(failed, ce.Output)
				continue
			case errs[i] != nil:
				e.needsBuild(errs[i])
				return errs[i]
			}
			archives[u.pkg.ImportPath] = u.object.ArchivePath
			e.units = append(e.units, u)
		}
		err := baseline()
		if len(failed) > 0 {
			break
		}
		if err != nil {
			return err
		}
		for _, u := range wave {
			if err := e.queueDependents(queue, u); err != nil {
				return err
			}
		}
	}
	if err := unchanged(h, all); err != nil || len(failed) == 0 {
		return err
	}
	return &gobuild.CompileError{Output: strings.Join(failed, "")}
}

// compile compiles one package against what the edit has compiled already.
func (u *unit) compile(ctx context.Context, h *host, archives map[string]string) error {
	req := gobuild.Request{ImportPath: u.pkg.ImportPath, Archives: archives}
	if u.inits != nil {
		req.Overlay = u.inits.Files
	}
	var err error
	if u.object, err = h.compiler.Compile(ctx, req); err != nil {
		return err
	}
	if u.delta == nil {
		return errAgain // half a file was read, and a whole one compiled
	}
	u.escape = escapeOf(u.object)
	u.archive, err = goobj.ReadArchive(u.linkPath, u.object.Archive)
	return err
}

// wave takes the units that need none of the others in the queue.
func (e *edit) wave(queue map[string]*unit) []*unit {
	paths := make([]string, 0, len(queue))
	for path := range queue {
		paths = append(paths, path)
	}
	packages := e.host.build.Packages
	var wave []*unit
	for _, path := range e.host.build.CompileOrder(paths, nil) {
		seen := map[string]bool{}
		var needs func(path string) bool
		needs = func(path string) bool {
			for _, imp := range packages[path].Imports {
				if p := packages[imp]; p == nil || !p.Live || seen[imp] {
					continue
				}
				seen[imp] = true
				if queue[imp] != nil || needs(imp) {
					return true
				}
			}
			return false
		}
		// The first has nothing of the edit before it, whatever its old imports were.
		if len(wave) == 0 || queue[path].delta != nil && len(queue[path].delta.Imported) == 0 && !needs(path) {
			wave = append(wave, queue[path])
		}
	}
	return wave
}

// queueDependents adds the packages that must be compiled because of what u exports.
func (e *edit) queueDependents(queue map[string]*unit, u *unit) error {
	h := e.host
	var err error
	if u.old, err = h.library.Archive(u.linkPath); err != nil {
		return err
	}
	if !e.exportsChanged(u) {
		return nil
	}
	for _, d := range h.build.Dependents(u.pkg.ImportPath) {
		if queue[d.ImportPath] != nil || slices.ContainsFunc(e.units, func(v *unit) bool { return v.pkg == d }) {
			continue
		}
		old, err := h.sources.old(d)
		if err != nil {
			return restartf("the sources of %s, as they were, can't be read: %v", d.ImportPath, err)
		}
		queue[d.ImportPath] = &unit{pkg: d, linkPath: linkPath(d), delta: source.Diff(old, old)}
	}
	return nil
}

// exportsChanged reports whether packages that import u may compile to something else
// now.
func (e *edit) exportsChanged(u *unit) bool {
	if string(u.archive.Export) == string(u.old.Export) {
		return false
	}
	if u.content == nil || e.host.build.KeepInlining {
		return true
	}
	p := e.judged(u)
	return change.ExportsChanged(&p)
}

// unchanged reports an error if a file was saved again while it was compiled.
func unchanged(h *host, units []*unit) error {
	for _, u := range units {
		for f, b := range u.content {
			if now, err := h.build.ReadFile(f); err != nil || string(now) != string(b) {
				return errAgain
			}
		}
	}
	return nil
}

var errAgain = errors.New("saved again while it was compiled")

// judge compares what was compiled with what runs.
func (e *edit) judge() (*change.Result, error) {
	h := e.host
	var pkgs []change.Package
	for _, u := range e.units {
		pkgs = append(pkgs, e.judged(u))
	}
	res, err := change.Judge(pkgs, h.program, h.abbrevs)
	if err != nil {
		return nil, err
	}
	for _, d := range res.Decls {
		e.report.Decls = append(e.report.Decls, report.Decl{
			ImportPath: d.ImportPath, Package: d.Package, Kind: d.Kind, Name: d.Name,
			File: d.Pos.Filename, Line: d.Pos.Line, Col: d.Pos.Column,
			Verdict: report.Verdict(d.Verdict), Reason: d.Reason, LinesOnly: d.LinesOnly,
		})
	}
	if len(res.Restarts()) > 0 {
		return nil, restartf("")
	}
	return res, nil
}

// judged is a unit as package change sees it.
func (e *edit) judged(u *unit) change.Package {
	return change.Package{
		ImportPath: u.pkg.ImportPath, LinkPath: u.linkPath, Delta: u.delta,
		Old: u.old, New: u.archive,
		OldEscape: *e.host.sources.escape[u.pkg.ImportPath], NewEscape: *u.escape,
	}
}

// link makes the image.
func (e *edit) link(ctx context.Context, res *change.Result) (*link.Image, error) {
	h := e.host
	in := link.Input{
		Program: h.program, Data: res.Data, NewVariables: res.NewVariables,
		Base: h.arena, Limit: h.limit, GOROOT: h.build.Env.GOROOT,
		FindItab: func(inter, typ uint64) (uint64, error) {
			addrs, err := h.client.FindItabs(ctx, []wire.ItabPair{{Inter: inter, Type: typ}})
			if err != nil {
				return 0, err
			}
			return addrs[0], nil
		},
	}
	var archives []*goobj.Archive
	for _, u := range e.units {
		archives = append(archives, u.archive)
		for _, p := range u.object.Added {
			h.library.AddFile(p.ImportPath, p.Export)
			if p.Export != "" {
				in.NewPackages = append(in.NewPackages, p.ImportPath)
			}
			if p.Live {
				e.newDirs = append(e.newDirs, p.Dir)
			}
		}
		if u.inits != nil {
			for _, name := range u.inits.Funcs {
				in.Initializers = append(in.Initializers, u.linkPath+"."+name)
			}
		}
	}
	in.Library = h.library.With(archives)
	for _, f := range res.Functions {
		in.Functions = append(in.Functions, link.Function{Object: f.Object, Sym: f.Sym, Replaces: f.Replaces})
	}
	e.library = in.Library
	return link.Link(in)
}

// load gives the image to the agent and, when it is live, makes it part of what is
// known of the host.
func (e *edit) load(ctx context.Context, res *change.Result, img *link.Image) error {
	h := e.host
	p := patch(img)
	p.Seq = uint32(e.report.Number)
	p.WaitNS = uint64(time.Second)
	for _, r := range img.Redirects {
		h.bodies.learn(r, res)
	}
	for _, f := range res.Quiet {
		for _, r := range img.Redirects {
			if r.Name == f.Replaces {
				p.Quiet = append(p.Quiet, wire.Range{Start: r.Old, End: r.Old + r.Size})
			}
		}
	}
	p.Running = h.bodies.changed(img, res)
	// The agent waits for the end of the program's initialization.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	applied, err := h.client.Apply(ctx, p)
	if err != nil {
		var f *agent.Failure
		if errors.As(err, &f) && (f.Phase == wire.PhaseInit || f.Phase == wire.PhaseRedirect) {
			h.arena = img.End // the image stays, without use
		}
		if f != nil && len(f.Blockers) > 0 {
			b := f.Blockers[0]
			return restartf("goroutine %d is in old code that must not run on (%s)", b.GoID, f.Reason)
		}
		return err
	}
	e.report.Timing.Pause = time.Duration(applied.PauseNS)
	for _, f := range applied.Frames {
		if r, ok := h.bodies.running(p.Running[f.Range], f); ok {
			e.report.Running = append(e.report.Running, r)
		}
	}
	e.markRunning(res)
	h.arena, h.library = img.End, e.library
	memory := map[uint64][]byte{}
	for _, s := range img.Segments {
		memory[s.Addr] = s.Data
	}
	h.program.Accept(img.Defined, memory, img.Revived)
	h.program.Remove(res.Removed)
	h.bodies.defined(img, res)
	e.accept(e.units)
	return nil
}

// markRunning turns the verdict of declarations that still run somewhere into "live
// for new calls".
func (e *edit) markRunning(res *change.Result) {
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

func runs(d *report.Decl, r report.Running) bool {
	return r.Name == d.Package+"."+d.Name || r.Name == d.ImportPath+"."+d.Name
}

// accept makes the edit what the next one is compared with.
func (e *edit) accept(units []*unit) {
	s := e.host.sources
	var objects []*gobuild.Object
	for _, u := range units {
		if u.content != nil {
			for _, f := range u.delta.Old.Files {
				delete(s.content, f.Path)
			}
			e.adopt(u)
		}
		s.escape[u.pkg.ImportPath] = u.escape
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
	clear(s.pending)
}

// patch is an image as the agent gets it.
func patch(img *link.Image) *wire.Patch {
	p := &wire.Patch{
		Moduledata: img.Moduledata, Etypes: img.Etypes, Itabs: img.Itabs, InitTasks: img.InitTasks, InitFuncs: img.InitFuncs,
	}
	for _, s := range img.Segments {
		if s.Size > 0 {
			p.Segments = append(p.Segments, wire.Segment{Addr: s.Addr, Size: s.Size, Prot: s.Prot, Data: s.Data})
		}
	}
	for _, r := range img.Redirects {
		w := wire.Redirect{Old: r.Old, New: r.New, Size: uint32(r.Size)}
		if r.NoFrames {
			w.Flags |= wire.NoFrames
		}
		p.Redirects = append(p.Redirects, w)
	}
	for _, w := range img.Writes {
		p.Writes = append(p.Writes, wire.Write{Addr: w.Addr, Data: w.Data})
	}
	return p
}
