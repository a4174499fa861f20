package session

import (
	"context"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
)

func escapeOf(o *gobuild.Object) *change.Escape {
	e := &change.Escape{Leaks: map[change.Position][]string{}, StackLiterals: map[change.Position]bool{}}
	for p, texts := range o.Leaks {
		e.Leaks[change.Position(p)] = texts
	}
	for p := range o.StackLiterals {
		e.StackLiterals[change.Position(p)] = true
	}
	return e
}

// escapeOf is what the compiler says of a package as the program runs it: for the
// host's own, it is compiled once more, from the sources as they were.
func (s *sources) escapeOf(ctx context.Context, h *host, p *gobuild.Package) *change.Escape {
	if e := s.escape[p.ImportPath]; e != nil {
		return e
	}
	overlay := map[string][]byte{}
	for _, f := range p.GoFiles {
		overlay[f] = s.content[f]
	}
	e := &change.Escape{}
	if o, err := h.compiler.Compile(ctx, gobuild.Request{ImportPath: p.ImportPath, Overlay: overlay}); err == nil {
		e = escapeOf(o)
	}
	s.escape[p.ImportPath] = e
	return e
}
