package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/patch"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// judge compares what was compiled with what runs.
func (e *edit) judge() (*change.Result, error) {
	h := e.host
	var pkgs []change.Package
	for _, u := range e.units {
		pkgs = append(pkgs, e.judged(u))
	}
	res, err := change.Judge(pkgs, h.patch.Program, h.abbrevs)
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
	in := link.Input{Data: res.Data, NewVariables: res.NewVariables}
	var archives []*goobj.Archive
	for _, u := range e.units {
		archives = append(archives, u.archive)
		for _, p := range u.object.Added {
			h.patch.Library.AddFile(p.ImportPath, p.Export)
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
	in.Library = h.patch.Library.With(archives)
	for _, f := range res.Functions {
		in.Functions = append(in.Functions, link.Function{Object: f.Object, Sym: f.Sym, Replaces: f.Replaces})
	}
	e.library = in.Library
	return h.patch.Link(ctx, in)
}

// load gives the image to the agent and, when it is live, makes it part of what is
// known of the host.
func (e *edit) load(ctx context.Context, res *change.Result, img *link.Image) error {
	h := e.host
	c := &patch.Conditions{Wait: time.Second}
	for _, r := range img.Redirects {
		h.bodies.learn(r, res)
	}
	for _, f := range res.Quiet {
		for _, r := range img.Redirects {
			if r.Name == f.Replaces {
				c.Quiet = append(c.Quiet, wire.Range{Start: r.Old, End: r.Old + r.Size})
			}
		}
	}
	c.Running = h.bodies.changed(img, res)
	// The agent waits for the end of the program's initialization.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	applied, err := h.patch.Load(ctx, img, e.library, c)
	var f *agent.Failure
	if errors.As(err, &f) && len(f.Blockers) > 0 {
		return restartf("goroutine %d is in old code that must not run on (%s)", f.Blockers[0].GoID, f.Reason)
	}
	if err != nil {
		return err
	}
	e.report.Timing.Pause = time.Duration(applied.PauseNS)
	for _, f := range applied.Frames {
		if r, ok := h.bodies.running(c.Running[f.Range], f); ok {
			e.report.Running = append(e.report.Running, r)
		}
	}
	e.markRunning(res)
	h.patch.Program.Remove(res.Removed)
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
