package watch

import (
	"iter"
	"slices"
	"time"
)

const (
	// limit is how long events may keep a change from being reported.
	limit = 500 * time.Millisecond
	// grace is how long a missing file is waited for. vim with backupcopy=no and many sync tools move the old file away before they
	// write the new one.
	grace = 150 * time.Millisecond
	// patience is how long a half-written file is waited for. It is also what a real syntax error waits.
	patience = 100 * time.Millisecond
)

// A tracker knows the contents that were reported and the paths that may differ from them. Time comes in as an argument.
//
// A path is open from its first event until its content was reported or found to be the reported one. All open paths are reported
// together, when none of them is in doubt.
type tracker struct {
	quiet time.Duration
	git   git

	known map[string]version // as reported; no entry: no such file
	open  map[string]*pending
	ready *Change // covers all of open; waits for a receiver

	first, last time.Time // event since open was empty
	next        time.Time // not to settle before
	settled     time.Time // when settle last ran
}

type pending struct {
	first, last time.Time // event
	read        bool      // version and torn are what the file held after the last event
	torn        bool
	version     version
}

// doubtful returns until when the file may be in the middle of a save; zero if it isn't.
func (p *pending) doubtful() time.Time {
	var until time.Time
	switch {
	case !p.version.exists:
		until = p.last.Add(grace)
	case p.torn:
		until = p.last.Add(patience)
	default:
		return until
	}
	return earlier(until, p.first.Add(limit))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// baseline takes the present contents of the files as reported, but for those that are known already.
func (t *tracker) baseline(paths []string) {
	paths = slices.DeleteFunc(paths, func(path string) bool {
		_, ok := t.known[path]
		return ok || t.open[path] != nil
	})
	versions := make([]version, len(paths))
	readAll(paths, func(i int, v version, _ []byte) { versions[i] = v })
	for i, v := range versions {
		if v.exists {
			t.known[paths[i]] = v
		}
	}
}

// stale returns the files that are known with another content than they have, though no
// event was of interest. What is known of them says nothing from now on: whatever they
// hold when they are quiet is news.
func (t *tracker) stale(paths []string) (list []string) {
	for _, path := range paths {
		if v, ok := t.known[path]; ok && t.open[path] == nil && !v.vouches(stat(path)) {
			list = append(list, path)
		}
	}
	stale := make([]bool, len(list))
	readAll(list, func(i int, v version, _ []byte) { stale[i] = !v.same(t.known[list[i]]) })
	n := 0
	for i, path := range list {
		if stale[i] {
			t.known[path] = version{exists: true, size: forgotten}
			list[n] = path
			n++
		}
	}
	return list[:n]
}

// forgotten is the size of a file of which nothing is known but that it was there.
const forgotten = -2

// paths yields the known and the open paths, some of them twice.
func (t *tracker) paths() iter.Seq[string] {
	return func(yield func(string) bool) {
		for path := range t.known {
			if !yield(path) {
				return
			}
		}
		for path := range t.open {
			if !yield(path) {
				return
			}
		}
	}
}

// differing returns those of found, and of the files known before, that may have changed.
func (t *tracker) differing(found []string) []string {
	return slices.DeleteFunc(slices.AppendSeq(found, t.paths()), t.vouches)
}

// vouches reports whether the attributes of the file prove that nothing is new about it.
func (t *tracker) vouches(path string) bool {
	v := t.known[path]
	if p := t.open[path]; p != nil {
		if !p.read {
			return true // will be read anyway
		}
		v = p.version
	}
	return v.vouches(stat(path))
}

// touch notes an event for path.
func (t *tracker) touch(path string, now time.Time) {
	if len(t.open) == 0 {
		t.first = now
	}
	p := t.open[path]
	if p == nil {
		p = &pending{first: now}
		t.open[path] = p
	}
	p.last, p.read = now, false
	t.last, t.next, t.ready = now, t.settled.Add(t.quiet), nil
}

// due returns when to call settle; zero for not at all.
func (t *tracker) due() time.Time {
	if len(t.open) == 0 || t.ready != nil {
		return time.Time{}
	}
	due := earlier(t.last.Add(t.quiet), t.first.Add(limit))
	if due.Before(t.next) {
		return t.next
	}
	return due
}

// settle looks at the open paths and makes the change ready if all of them are whole.
func (t *tracker) settle(now time.Time) {
	if until := t.git.busy(t.first, t.last, now); !until.IsZero() {
		t.next = until
		return
	}
	t.settled = now
	t.read(now)
	var doubt time.Time
	for path, p := range t.open {
		if p.version.same(t.known[path]) {
			t.know(path, p.version)
			delete(t.open, path)
		} else if until := p.doubtful(); until.After(now) && until.After(doubt) {
			doubt = until
		}
	}
	if len(t.open) == 0 {
		return
	}
	if !doubt.IsZero() {
		t.next = doubt
		return
	}
	c := &Change{Files: make(map[string]Kind, len(t.open)), At: now, Settled: now}
	for path, p := range t.open {
		old := t.known[path]
		switch {
		case !p.version.exists:
			c.Files[path] = Removed
		case !old.exists:
			c.Files[path] = Created
		default:
			c.Files[path] = Modified
		}
		c.At = earlier(c.At, p.first)
	}
	t.ready = c
}

// read reads the open files that had an event since they were last read, and those in doubt: a polled file has no events.
func (t *tracker) read(now time.Time) {
	var paths []string
	for path, p := range t.open {
		if !p.read || !p.doubtful().IsZero() {
			paths = append(paths, path)
		}
	}
	readAll(paths, func(i int, v version, content []byte) {
		p := t.open[paths[i]] // a map may be read by many
		p.read, p.version = true, v
		// Parsing costs more than reading; where the answer would not be waited for, it isn't asked.
		p.torn = now.Before(p.last.Add(patience)) && !v.same(t.known[paths[i]]) && torn(paths[i], v, content)
	})
}

// commit is to be called when the ready change was received.
func (t *tracker) commit() {
	for path, p := range t.open {
		t.know(path, p.version)
	}
	clear(t.open)
	t.ready = nil
}

func (t *tracker) know(path string, v version) {
	if v.exists {
		t.known[path] = v
	} else {
		delete(t.known, path)
	}
}
