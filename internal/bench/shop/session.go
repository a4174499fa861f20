package shop

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// Patience is how long anything may take before it counts as stuck.
const Patience = drive.Patience

// An Event is a line of realtime run -json, see docs/json.md.
type Event = drive.Event

// A Session is a shop under realtime run -json.
type Session struct {
	*drive.Session
	URL string // where the shop answers
}

// Run starts the shop at a free port, or at addr, and waits until it tells that it answers
// and its edits are watched. The flags are those of realtime run.
func (s *Shop) Run(addr string, flags ...string) (*Session, error) {
	args := append([]string{"run", "-json"}, flags...)
	args = append(append(append(args, "."), s.Args...), "-addr", addr)
	r, ready := &Session{}, make(chan struct{})
	output := func(stream, text string) {
		_, url, ok := strings.Cut(text, filepath.Base(s.Dir)+": http://")
		if !ok || stream != "stdout" || r.URL != "" { // a restarted one has the address of the first
			return
		}
		r.URL = "http://" + strings.TrimSpace(url)
		close(ready)
	}
	var err error
	if r.Session, err = drive.Start(s.Command("realtime", args...), output, noAccess); err != nil {
		return nil, err
	}
	if err := r.Started(ready); err != nil {
		return nil, fmt.Errorf("the %s: %w", filepath.Base(s.Dir), err)
	}
	return r, nil
}

// Fill fills the cart of [Fill].
func (r *Session) Fill() error { return Fill(r.URL) }

// noAccess leaves out the shop's access log.
func noAccess(line []byte) bool { return !bytes.Contains(line, []byte("level=INFO msg=request")) }
