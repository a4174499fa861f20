package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestScripts runs testdata/*.txt: the files of the archive, then one command per line.
//
//	dirs|roots|files path...   what to watch (before watch)
//	poll                       with a poller instead of events
//	watch                      start
//	add dir|root|file path     watch more
//	write path text            in place; \n in text is a newline
//	replace path text          write another file and rename it over path
//	backup path text           as vim with backupcopy=no: move the old file away, write the new one, remove the old
//	rename, remove, mkdir, symlink, chmod, touch, back (mtime to 2001)
//	overflow                   as if the kernel's event queue had overflowed
//	note text                  one of the notes holds the text
//	-> kind path, kind path    wait for one change and compare; no arguments but what differs may come before it
//
// That something is not a change is shown by the next one that is.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			runScript(t, path)
		})
	}
}

type script struct {
	*testing.T
	root string
	opts Options
	w    *Watcher
}

func runScript(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{T: t, root: t.TempDir()}
	for _, f := range archive.Files {
		s.ok(os.MkdirAll(filepath.Dir(s.path(f.Name)), 0o777))
		s.ok(os.WriteFile(s.path(f.Name), f.Data, 0o666))
	}
	s.opts.Interesting = func(path string) bool {
		return filepath.Ext(path) == ".go" || filepath.Ext(path) == ".html"
	}
	defer func() {
		if s.w != nil {
			s.w.Close()
		}
	}()
	for i, line := range strings.Split(string(archive.Comment), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t.Logf("%s:%d: %s", path, i+1, line)
		s.run(line)
	}
}

func (s *script) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *script) path(name string) string { return filepath.Join(s.root, name) }

func (s *script) paths(names []string) (paths []string) {
	for _, name := range names {
		paths = append(paths, s.path(name))
	}
	return paths
}

func (s *script) run(line string) {
	s.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	args := strings.Fields(rest)
	first, text := "", ""
	if len(args) > 0 {
		first = s.path(args[0])
		_, text, _ = strings.Cut(rest, " ")
		text = strings.ReplaceAll(text, `\n`, "\n")
	}
	switch verb {
	case "dirs":
		s.opts.Dirs = s.paths(args)
	case "roots":
		s.opts.Roots = s.paths(args)
	case "files":
		s.opts.Files = s.paths(args)
	case "poll":
		s.opts.Poll = 5 * time.Millisecond
	case "watch":
		w, err := New(s.opts)
		s.ok(err)
		s.w = w
		if s.opts.Poll > 0 {
			w.call(func() { // nothing but the poller
				w.tree.events.Close()
				w.tree.events = nil
			})
		}
	case "add":
		var lists [3][]string
		i := slices.Index([]string{"dir", "root", "file"}, args[0])
		lists[i] = s.paths(args[1:])
		s.ok(s.w.Add(lists[0], lists[1], lists[2]))
	case "write":
		s.ok(os.WriteFile(first, []byte(text), 0o666))
	case "replace":
		s.ok(os.WriteFile(first+".new", []byte(text), 0o666))
		s.ok(os.Rename(first+".new", first))
	case "backup":
		s.ok(os.Rename(first, first+"~"))
		s.ok(os.WriteFile(first, []byte(text), 0o666))
		s.ok(os.Remove(first + "~"))
	case "rename":
		s.ok(os.Rename(first, s.path(args[1])))
	case "remove":
		s.ok(os.RemoveAll(first))
	case "mkdir":
		s.ok(os.MkdirAll(first, 0o777))
	case "symlink":
		s.ok(os.Symlink(args[1], first))
	case "chmod":
		mode, err := strconv.ParseUint(args[1], 8, 32)
		s.ok(err)
		s.ok(os.Chmod(first, os.FileMode(mode)))
	case "touch":
		s.ok(os.Chtimes(first, time.Time{}, time.Now()))
	case "back":
		s.ok(os.Chtimes(first, time.Time{}, time.Unix(1e9, 0)))
	case "overflow":
		s.w.call(func() { s.w.restart("") })
	case "note":
		if !slices.ContainsFunc(s.w.Notes(), func(n string) bool { return strings.Contains(n, rest) }) {
			s.Fatalf("notes: %q", s.w.Notes())
		}
	case "->":
		if got := s.next(); got != rest {
			s.Fatalf("got change  %s\nwant change %s", got, rest)
		}
	default:
		s.Fatalf("unknown command %q", verb)
	}
}

// next waits for a change.
func (s *script) next() string {
	s.Helper()
	select {
	case c := <-s.w.Changes():
		if c.At.IsZero() || c.Settled.Before(c.At) {
			s.Errorf("change at %v, settled %v", c.At, c.Settled)
		}
		var list []string
		for path, kind := range c.Files {
			rel, err := filepath.Rel(s.root, path)
			s.ok(err)
			list = append(list, fmt.Sprintf("%s %s", kind, rel))
		}
		slices.SortFunc(list, func(a, b string) int {
			_, a, _ = strings.Cut(a, " ")
			_, b, _ = strings.Cut(b, " ")
			return strings.Compare(a, b)
		})
		return strings.Join(list, ", ")
	case <-time.After(10 * time.Second):
		s.Fatal("no change")
		panic("unreachable")
	}
}

// A checkout of another branch is one change, though it takes longer than the quiet period and has pauses.
func TestCheckout(t *testing.T) {
	s := &script{T: t, root: t.TempDir()}
	const n = 300
	s.opts.Roots = []string{s.root}
	s.ok(os.MkdirAll(s.path(".git"), 0o777))
	for i := range n {
		s.run(fmt.Sprintf("mkdir p%d", i))
		s.run(fmt.Sprintf("write p%d/a.go package p", i))
	}
	s.run("watch")
	defer s.w.Close()
	s.run("write .git/index.lock x")
	for i := range n {
		s.run(fmt.Sprintf("replace p%d/a.go package q", i))
		if i == n/2 { // a settle in the middle of the checkout reports nothing
			s.w.call(func() { s.w.tracker.settle(time.Now()) })
		}
	}
	s.run("remove .git/index.lock")
	c := <-s.w.Changes()
	if len(c.Files) != n {
		t.Errorf("change of %d files, want %d", len(c.Files), n)
	}
}

// The watcher works without inotify, and says so.
func TestWatchLimit(t *testing.T) {
	s := &script{T: t, root: t.TempDir()}
	s.opts.Roots = []string{s.root}
	s.run("write a.go package a")
	s.run("watch")
	defer s.w.Close()
	s.w.call(func() {
		s.w.poll = time.Millisecond
		s.w.tree.limited = true
	})
	s.run("mkdir sub") // its parent still has a watch
	s.run("write sub/b.go package b")
	s.run("-> created sub/b.go")
	s.run("note inotify watch limit reached")
	s.run("write sub/b.go package c")
	s.run("-> modified sub/b.go")
	s.run("write sub/c.go package c")
	s.run("-> created sub/c.go")
}

func TestQueueOverflow(t *testing.T) {
	s := &script{T: t, root: t.TempDir()}
	s.opts.Roots = []string{s.root}
	s.run("write a.go package a")
	s.run("watch")
	defer s.w.Close()
	// The error comes from the real channel; the lost events are those of the write.
	var errs chan error
	s.w.call(func() { errs = s.w.tree.events.Errors })
	errs <- fsnotify.ErrEventOverflow
	s.run("write a.go package b")
	s.run("-> modified a.go")
}

func TestClose(t *testing.T) {
	w, err := New(Options{Dirs: []string{t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
	if _, ok := <-w.Changes(); ok {
		t.Error("change after Close")
	}
	if err := w.Add([]string{"."}, nil, nil); err == nil {
		t.Error("Add after Close: no error")
	}
}

// The start of a large tree must not be felt: under 50 ms for 2,000 files.
func BenchmarkNew(b *testing.B) {
	root := b.TempDir()
	text := []byte("package p\n" + strings.Repeat("// a line of an ordinary file\n", 200))
	for i := range 200 {
		dir := filepath.Join(root, fmt.Sprintf("p%d", i))
		if err := os.Mkdir(dir, 0o777); err != nil {
			b.Fatal(err)
		}
		for j := range 10 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d.go", j)), text, 0o666); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		w, err := New(Options{Roots: []string{root}})
		if err != nil {
			b.Fatal(err)
		}
		w.Close()
	}
}
