package session

import (
	"context"
	"maps"
	"path/filepath"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/watch"
)

// ahead is an edit that is prepared while its save may still be going on: the quiet period
// is no time in which nothing is done. Preparing changes nothing in the program, so what
// turns out to be another edit is thrown away.
type ahead struct {
	edit   *edit
	began  time.Time
	ended  time.Time // valid when done has told
	done   chan error
	cancel context.CancelFunc
}

// early is the channel of saves that may still be going on.
func (s *session) early() <-chan watch.Change {
	if s.changes() == nil || !s.host.running() || s.host.restartMode != "" || s.host.sources == nil {
		return nil
	}
	return s.watcher.Early()
}

// prepare begins to prepare what c will be if no more of it comes: an edit of Go files.
func (s *session) prepare(ctx context.Context, c watch.Change) {
	for f, kind := range c.Files {
		if kind != watch.Modified || filepath.Ext(f) != ".go" {
			return
		}
	}
	if !s.host.sources.concerns(c) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{edit: s.newEdit(c), began: time.Now(), done: make(chan error, 1), cancel: cancel}
	go func() {
		err := guard(func() error { return a.edit.prepare(ctx) })
		a.ended = time.Now()
		a.done <- err
	}()
	s.ahead = a
}

// prepared is the edit of a settled change, if it was rightly prepared, and how that
// ended. Otherwise it is one that is not.
func (s *session) prepared(c watch.Change) (e *edit, err error, ok bool) {
	a := s.ahead
	if a == nil {
		return s.newEdit(c), nil, false
	}
	s.ahead = nil
	defer a.cancel()
	same := maps.Equal(a.edit.change.Files, c.Files)
	if !same {
		a.cancel()
	}
	err = <-a.done
	if !same || len(a.edit.saved) == 0 || unchanged(a.edit.host, a.edit.saved) != nil {
		return s.newEdit(c), nil, false
	}
	// What the user waited for: until the work began, and from its end until the save was over.
	t := &a.edit.report.Timing
	t.Settle = a.began.Sub(c.At) + max(0, c.Settled.Sub(a.ended))
	a.edit.change = c
	return a.edit, err, true
}

// drop ends what is prepared.
func (s *session) drop() {
	if s.ahead != nil {
		s.ahead.cancel()
		<-s.ahead.done
		s.ahead = nil
	}
}

// newEdit is the edit that a change will be.
func (s *session) newEdit(c watch.Change) *edit {
	return &edit{
		host:   s.host,
		change: c,
		watch:  s.watchDirs,
		report: report.Edit{Timing: report.Timing{Settle: c.Settled.Sub(c.At)}},
	}
}
