package session

import (
	"errors"
	"fmt"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// knowCallers makes what the host knows of callers, once.
func (h *host) knowCallers() error {
	s := h.sources
	if s.blind {
		return errBlind
	}
	if s.callers == nil {
		std := map[string]bool{}
		for path, p := range h.build.Packages {
			std[path] = p.Standard
		}
		s.callers = change.NewCallers(h.patch.Program, std)
	}
	return s.callers.Learn(h.patch.Library)
}

// errBlind is what there is to say of callers once an edit has gone by unseen.
var errBlind = errors.New("an edit before this one was not looked at")

// callable is the question which functions can be called when an edit is live.
type callable struct {
	*change.Question
	own     map[uint64]bool // entries of bodies of which the report tells the frames
	readers []change.Reader // of embedded files that changed
}

// ask prepares it, and adds the bodies that have to be looked for to those that are. What
// can't be known is not said: the edit is as live without.
func (e *edit) ask(res *change.Result, img *link.Image, running *[]wire.Range) *callable {
	c, err := e.question(res, img, running)
	if err != nil {
		e.host.sources.blind = true
		e.debug = append(e.debug, fmt.Sprintf("finding callers: %v", err))
	}
	return c
}

func (e *edit) question(res *change.Result, img *link.Image, running *[]wire.Range) (*callable, error) {
	h := e.host
	if err := h.knowCallers(); err != nil {
		return nil, err
	}
	ctx := change.Context{Defined: img.Defined, Revived: img.Revived, OnStack: e.onStack()}
	units := map[string]*unit{}
	var pkgs []change.Package
	for _, u := range e.units {
		units[u.linkPath] = u
		pkgs = append(pkgs, u.judged)
	}
	for _, p := range h.build.Live {
		path := p.LinkPath()
		if program.IsAgent(path) {
			continue
		}
		if u := units[path]; u != nil {
			ctx.Live = append(ctx.Live, u.now)
			delete(units, path)
			continue
		}
		x, err := h.objects(path)
		if err != nil {
			return nil, err
		}
		ctx.Live = append(ctx.Live, x)
	}
	for _, u := range units {
		ctx.Live = append(ctx.Live, u.now)
	}
	c := &callable{h.sources.callers.Ask(pkgs, res, ctx), map[uint64]bool{}, nil}
	for _, r := range *running {
		c.own[r.Start] = true
	}
	for i := range res.Decls {
		c.Again(res, i)
	}
	c.Kept(res)
	if len(res.Embeds) > 0 {
		variables := map[string]bool{}
		for _, v := range res.Embeds {
			variables[v.Symbol] = true
		}
		c.readers = c.Readers(variables)
	}
	*running = append(*running, c.Ranges()...)
	return c, nil
}

// answer takes the frames, and leaves those that the report tells.
func (c *callable) answer(applied *wire.Applied, running []wire.Range) {
	if c == nil {
		return
	}
	var frames []change.Stand
	own := applied.Frames[:0]
	all := len(applied.Frames) < wire.MaxFrames
	for _, f := range applied.Frames {
		entry := running[f.Range].Start
		frames = append(frames, change.Stand{Entry: entry, PC: f.PC})
		if c.own[entry] {
			own = append(own, f)
		}
	}
	applied.Frames = own
	c.Answer(frames, all)
}

// tellCallable says what of the edit is not called any more, or is and should not be, and
// remembers it.
func (e *edit) tellCallable(c *callable, res *change.Result) {
	if c == nil {
		return
	}
	for i, d := range res.Decls {
		why := c.Again(res, i)
		if why == "" {
			continue
		}
		for k := range e.report.Decls {
			r := &e.report.Decls[k]
			if r.ImportPath != d.ImportPath || r.Name != d.Name || r.Kind != d.Kind || r.Line != d.Pos.Line {
				continue
			}
			if r.Verdict == report.VerdictLiveNewCalls && r.Reason != "" {
				why = r.Reason + ", and it is not called again"
			}
			r.Verdict, r.Reason = report.VerdictLiveNewCalls, why+"; "+report.RestartToRun
		}
	}
	for _, r := range c.readers {
		if c.Done(r) {
			e.report.Decls = append(e.report.Decls, report.Decl{
				ImportPath: r.ImportPath, Kind: "func", Name: r.Name, File: r.File, Line: r.Line, Verdict: report.VerdictKept,
				Reason: "ran at the start and is not called again: what it made of the embedded files stays; " + report.RestartToRun,
			})
		}
	}
	for _, d := range c.Kept(res) {
		e.report.Decls = append(e.report.Decls, report.Decl{
			ImportPath: d.ImportPath, Package: d.Package, Kind: d.Kind, Name: d.Name, Verdict: report.VerdictKept, Reason: d.Reason,
		})
	}
	c.Accept()
}

// onStack tells of func literals whose closures are made on the stack (change.Context).
func (e *edit) onStack() func(path string, at change.Place, before bool) bool {
	type version struct {
		path   string
		before bool
	}
	known := map[version]map[change.Place]bool{}
	s := e.host.sources
	return func(path string, at change.Place, before bool) bool {
		places, ok := known[version{path, before}]
		if !ok {
			var escape change.Escape
			var parsed *source.Package
			for _, p := range s.build.Live {
				if p.LinkPath() == path {
					escape, parsed = s.escape[p.ImportPath], s.parsed[p.ImportPath]
				}
			}
			for _, u := range e.units {
				switch {
				case u.linkPath != path || u.delta == nil:
				case before:
					parsed = u.delta.Old
				default:
					parsed, escape = u.delta.New, u.escape
				}
			}
			if parsed != nil && escape != nil {
				places = escape.LiteralsOnStack(parsed)
			}
			known[version{path, before}] = places
		}
		return places[at]
	}
}

// prepareCallers reads what refers to functions of a package while there is no edit.
func (h *host) prepareCallers(x *change.Objects) error {
	if err := h.knowCallers(); err != nil {
		return fmt.Errorf("finding callers: %w", err)
	}
	h.sources.callers.Prepare(x)
	return nil
}
