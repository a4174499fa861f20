package session

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
)

// baseline learns what the compiler says of packages as the program runs them: those
// of the host, that no edit has touched yet, are compiled once more, from the sources
// as they were, while the edit's own compilation goes on. The function it returns
// waits for that.
func (s *sources) baseline(ctx context.Context, c *gobuild.Compiler, units []*unit) (wait func() error) {
	var g errgroup.Group
	made := map[string]*change.Escape{}
	for _, u := range units {
		path := u.pkg.ImportPath
		if s.escape[path] != nil {
			continue
		}
		overlay := s.overlay(u.pkg)
		e := new(change.Escape)
		made[path] = e
		g.Go(func() error {
			o, err := c.Compile(ctx, gobuild.Request{ImportPath: path, Overlay: overlay})
			var compile *gobuild.CompileError
			if errors.As(err, &compile) {
				// It is not what the user has saved that does not compile.
				return restartf("compiling %q as the program runs it: %v", path, err)
			}
			if err != nil {
				return fmt.Errorf("compiling %q as the program runs it: %w", path, err)
			}
			c.Discard(o)
			*e = change.EscapeOf(o.Notes)
			return nil
		})
	}
	return func() error {
		err := g.Wait()
		if err == nil {
			for path, e := range made {
				s.escape[path] = *e
			}
			clear(made)
		}
		return err
	}
}

// overlay are the files of a package as the program runs it.
func (s *sources) overlay(p *gobuild.Package) map[string][]byte {
	overlay := map[string][]byte{}
	if scan, err := s.build.Rescan(p, nil); err == nil {
		for _, f := range scan.GoFiles {
			overlay[f] = nil // what has come is not there yet
		}
	}
	for _, f := range p.GoFiles {
		overlay[f] = s.content[f]
	}
	return overlay
}
