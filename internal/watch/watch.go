// Package watch turns what editors, formatters and git do to files into settled changes.
//
// A save is seldom one event. An editor truncates a file and writes it in two pieces, or renames a new file over the old
// one, or moves the old one away first; a formatter writes it again right behind; git rewrites hundreds. The events of
// fsnotify are taken only as hints that a path may differ. What counts is the content on disk once it has been quiet for
// a moment, compared with the content that was last reported:
//
//   - events restart the quiet period, up to [limit]; a checkout by git is waited for as long as it holds index.lock;
//   - a file that is missing is given [grace] to come back, a file that looks half written is given [patience] to become
//     whole, and nothing is reported before, so that a change never describes half a state;
//   - touch, chmod and writing the same bytes again are not changes.
//
// Folders are watched, never files, because a save by rename gives a file a new inode. A folder is watched once, by its
// real path, and its files are reported by every path under which the folder was asked for.
//
// A watcher that has no events and no folders to poll sleeps.
package watch

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A Kind says what became of a file.
type Kind uint8

const (
	Modified Kind = iota + 1
	Created
	Removed
)

func (k Kind) String() string {
	switch k {
	case Modified:
		return "modified"
	case Created:
		return "created"
	case Removed:
		return "removed"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// A Change is the difference between two settled states of the watched files.
type Change struct {
	Files   map[string]Kind // by absolute path; never empty
	At      time.Time       // first event of the save; for polled folders, when the poll saw it
	Settled time.Time       // when the files were found whole
}

// Options of a [Watcher]. Relative paths are taken from the working directory.
type Options struct {
	Dirs  []string // folders to watch, without the folders in them
	Roots []string // module roots: watched with all folders in them that can hold packages of the module
	Files []string // single files, such as go.mod; they need not exist

	// Interesting tells which files of Dirs and Roots matter. It is called from the watcher's goroutines with the absolute path.
	// Nil means all files that end in .go.
	Interesting func(path string) bool

	Quiet time.Duration // how long no event must come before a change is reported; 0 means 20 ms
	Poll  time.Duration // poll all folders this often; 0 means to poll only where events can't be had, every second
}

const (
	// quiet is longer than the gaps inside one save (under 5 ms between truncate and write, and between the files that
	// an editor saves together), and too short to be felt.
	quiet = 20 * time.Millisecond
	// pollInterval is the pace of polling where there are no events: 2,000 files take about 10 ms.
	pollInterval = time.Second
)

// A Watcher reports the settled changes of a set of files.
type Watcher struct {
	changes chan Change
	early   chan Change
	calls   chan func() // run in the loop
	stop    chan struct{}
	stopped chan struct{}
	close   func()

	mu    sync.Mutex
	notes []string

	// The rest belongs to the loop.
	tree    tree
	tracker tracker
	poll    time.Duration
}

// New starts to watch. Changes are counted from the contents that the files have before New returns.
func New(opts Options) (*Watcher, error) {
	w := &Watcher{
		changes: make(chan Change),
		early:   make(chan Change),
		calls:   make(chan func()),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
		poll:    opts.Poll,
	}
	w.close = sync.OnceFunc(func() { close(w.stop) })
	if w.poll <= 0 {
		w.poll = pollInterval
	}
	w.tree = tree{
		interesting: opts.Interesting,
		pollAll:     opts.Poll > 0,
		interval:    w.poll,
		note:        w.note,
	}
	if w.tree.interesting == nil {
		w.tree.interesting = func(path string) bool { return filepath.Ext(path) == ".go" }
	}
	w.tracker = tracker{
		quiet: opts.Quiet,
		known: make(map[string]version),
		open:  make(map[string]*pending),
	}
	if w.tracker.quiet <= 0 {
		w.tracker.quiet = quiet
	}
	w.tree.reset()
	if err := w.add(opts.Dirs, opts.Roots, opts.Files); err != nil {
		w.tree.close()
		return nil, err
	}
	go w.loop()
	return w, nil
}

// Changes returns the channel of settled changes, closed by [Watcher.Close]. A change that nobody has received yet is taken back when
// one of its files is touched again, so a slow receiver gets few changes, each of them up to date.
func (w *Watcher) Changes() <-chan Change { return w.changes }

// Early returns the channel of changes that may still be going on: what a save looks like as soon as its files are whole.
// Nothing is to be done because of one but work that can be thrown away. The change itself follows by [Watcher.Changes],
// with more in it, or doesn't.
func (w *Watcher) Early() <-chan Change { return w.early }

// Add watches more folders and files. Changes in them are counted from now.
func (w *Watcher) Add(dirs, roots, files []string) error {
	err := errors.New("adding to a closed watcher")
	w.call(func() { err = w.add(dirs, roots, files) })
	return err
}

// Notes returns what the user should know about how files are watched, one line each.
func (w *Watcher) Notes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.notes)
}

// Close stops the watcher.
func (w *Watcher) Close() {
	w.close()
	<-w.stopped
}

func (w *Watcher) note(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.notes, line) {
		w.notes = append(w.notes, line)
	}
}

// call runs f in the loop and waits for it; it does nothing after Close.
func (w *Watcher) call(f func()) {
	done := make(chan struct{})
	select {
	case w.calls <- func() { defer close(done); f() }:
		<-done
	case <-w.stopped:
	}
}

func (w *Watcher) add(dirs, roots, files []string) error {
	var wishes []*wish
	for _, list := range []struct {
		kind  wishKind
		paths []string
	}{{wantDir, dirs}, {wantRoot, roots}, {wantFile, files}} {
		for _, path := range list.paths {
			path, err := filepath.Abs(path)
			if err != nil {
				return fmt.Errorf("watching %q: %w", path, err)
			}
			wishes = append(wishes, &wish{kind: list.kind, path: path})
		}
	}
	w.tree.wishes = append(w.tree.wishes, wishes...)
	found := w.tree.fulfil(wishes)
	w.touch(w.tracker.stale(found))
	w.tracker.baseline(found)
	w.tracker.git.add(wishes)
	return nil
}

// loop owns the state. Its only inputs are events, timers and calls.
func (w *Watcher) loop() {
	defer close(w.stopped)
	defer close(w.changes)
	defer func() { w.tree.close() }()
	settle := time.NewTimer(0)
	poll := time.NewTimer(w.poll)
	for {
		var out, early chan Change
		var change, sofar Change
		if w.tracker.ready != nil {
			out, change = w.changes, *w.tracker.ready
		}
		if w.tracker.early != nil {
			early, sofar = w.early, *w.tracker.early
		}
		var settleC, pollC <-chan time.Time
		if due := w.tracker.due(); !due.IsZero() {
			settle.Reset(time.Until(due))
			settleC = settle.C
		}
		if w.tree.needPoll() {
			pollC = poll.C
		}
		events, failures := w.tree.channels()
		select {
		case <-w.stop:
			return
		case f := <-w.calls:
			f()
		case e, ok := <-events:
			if !ok {
				w.restart("the event queue was closed")
				break
			}
			w.touch(w.tree.event(e, &w.tracker))
		case err, ok := <-failures:
			// An overflow is an ordinary thing (a checkout of many thousand files); nothing is known about what was lost, not even
			// whether a folder is still the one that is watched.
			if !ok || errors.Is(err, fsnotify.ErrEventOverflow) {
				w.restart("")
			} else if err != nil && !errors.Is(err, syscall.EINTR) {
				w.restart("reading file events: " + err.Error())
			}
		case <-settleC:
			w.tracker.settle(time.Now())
		case <-pollC:
			w.touch(w.tree.poll(&w.tracker))
			poll.Reset(w.poll)
		case out <- change:
			w.tracker.commit()
		case early <- sofar:
			w.tracker.early = nil
		}
	}
}

func (w *Watcher) touch(paths []string) {
	now := time.Now()
	for _, path := range paths {
		w.tracker.touch(path, now)
	}
}

// restart begins with new watches and compares all files.
func (w *Watcher) restart(why string) {
	if why != "" {
		w.note(why)
	}
	w.tree.reset()
	w.touch(w.tracker.differing(w.tree.fulfil(w.tree.wishes)))
}
