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
	// brief is how long no event must come before a change is told of early. It is longer than the gap between truncate and
	// write, so that most saves are whole by then.
	brief = 2 * time.Millisecond
	// maxHints and maxEarly keep a long checkout from being looked at again and again: changes told of early, and files in one.
	maxHints = 3
	maxEarly = 8
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
	early *Change // likewise, but what the save is so far

	hinted      bool      // since the last event
	hints       int       // since open was empty
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
		t.first, t.hints = now, 0
	}
	p := t.open[path]
	if p == nil {
		p = &pending{first: now}
		t.open[path] = p
	}
	p.last, p.read = now, false
	t.last, t.next, t.ready, t.early, t.hinted = now, t.settled.Add(t.quiet), nil, nil, false
}

// due returns when to call settle; zero for not at all.
func (t *tracker) due() time.Time {
	if len(t.open) == 0 || t.ready != nil {
		return time.Time{}
	}
	due := t.quietAt()
	if t.hints < maxHints && len(t.open) <= maxEarly && !t.hinted && t.last.Add(brief).Before(due) {
		return t.last.Add(brief)
	}
	return due
}

// quietAt is when the save is over, if no more events come.
func (t *tracker) quietAt() time.Time {
	at := earlier(t.last.Add(t.quiet), t.first.Add(limit))
	if at.Before(t.next) {
		return t.next
	}
	return at
}

// settle looks at the open paths and makes the change ready if all of them are whole. Before the quiet period is over the
// change is told of early: it may be the first part of one.
func (t *tracker) settle(now time.Time) {
	hint := now.Before(t.quietAt())
	if hint {
		t.hinted = true
		t.hints++
	}
	if until := t.git.busy(t.first, t.last, now); !until.IsZero() {
		if !hint {
			t.next = until
		}
		return
	}
	if hint {
		t.hint(now)
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
	t.ready = t.change(now)
}

// hint looks at the open paths as settle does, and leaves all to be looked at again.
func (t *tracker) hint(now time.Time) {
	t.read(now)
	whole, differs := true, false
	for path, p := range t.open {
		whole = whole && !p.doubtful().After(now)
		differs = differs || !p.version.same(t.known[path])
		p.read = false
	}
	if whole && differs {
		t.early = t.change(now)
	}
}

// change is the difference between the open paths and what is known of them.
func (t *tracker) change(now time.Time) *Change {
	c := &Change{Files: make(map[string]Kind, len(t.open)), At: now, Settled: now}
	for path, p := range t.open {
		old := t.known[path]
		switch {
		case p.version.same(old):
			continue
		case !p.version.exists:
			c.Files[path] = Removed
		case !old.exists:
			c.Files[path] = Created
		default:
			c.Files[path] = Modified
		}
		c.At = earlier(c.At, p.first)
	}
	return c
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
	t.ready, t.early = nil, nil
}

func (t *tracker) know(path string, v version) {
	if v.exists {
		t.known[path] = v
	} else {
		delete(t.known, path)
	}
}
