package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A wish is what was asked for: a folder, a module root or a file.
type wish struct {
	kind wishKind
	path string // absolute, as the caller spells it
	real string // folder that is watched for it; empty: it doesn't exist
}

type wishKind uint8

const (
	wantDir wishKind = iota
	wantRoot
	wantFile
)

// A folder is watched under its real path. fsnotify knows one name per inode; the names our callers use are kept here.
type folder struct {
	paths  []string            // reported with all interesting files
	files  map[string][]string // base name to the paths of single files
	below  bool                // new folders in it are watched too
	polled bool
}

// reported returns the paths under which the file name in the folder is reported.
func (f *folder) reported(t *tree, name string) []string {
	paths := slices.Clone(f.files[name])
	if !temporary(name) {
		for _, dir := range f.paths {
			if path := filepath.Join(dir, name); t.interesting(path) && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// A tree keeps the watches: which folders, by events or by polling.
type tree struct {
	interesting func(path string) bool
	pollAll     bool
	interval    time.Duration // only for notes
	note        func(string)

	wishes  []*wish
	folders map[string]*folder // by real path
	events  *fsnotify.Watcher  // nil: none to be had
	limited bool               // no more watches to be had
}

// reset gives up all watches; fulfil makes them again.
func (t *tree) reset() {
	t.close()
	t.folders = make(map[string]*folder)
	t.limited = false
	for _, w := range t.wishes {
		w.real = ""
	}
	var err error
	if t.events, err = fsnotify.NewWatcher(); err != nil {
		// EMFILE: fs.inotify.max_user_instances is 128 and shared by all of a user's programs.
		t.events = nil
		t.note(fmt.Sprintf("no file events (%v): folders are polled every %v", err, t.interval))
	}
}

func (t *tree) close() {
	if t.events != nil {
		t.events.Close()
	}
}

// channels returns nil channels if there are no events.
func (t *tree) channels() (<-chan fsnotify.Event, <-chan error) {
	if t.events == nil {
		return nil, nil
	}
	return t.events.Events, t.events.Errors
}

// fulfil watches what is asked for and exists, and returns the files found.
func (t *tree) fulfil(wishes []*wish) (found []string) {
	for _, w := range wishes {
		dir := w.path
		if w.kind == wantFile {
			dir = filepath.Dir(dir)
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || !isDir(real) {
			continue
		}
		switch w.kind {
		case wantDir:
			found = append(found, t.walk(real, w.path, false)...)
		case wantRoot:
			found = append(found, t.walk(real, w.path, true)...)
		case wantFile:
			if !t.file(filepath.Join(real, filepath.Base(w.path)), w.path) {
				continue
			}
			found = append(found, w.path)
		}
		if t.folders[real] != nil {
			w.real = real
		}
	}
	return found
}

// watch returns the folder with the real path dir, nil if it does not exist or can't be read.
func (t *tree) watch(dir string) *folder {
	if f := t.folders[dir]; f != nil {
		return f
	}
	f := &folder{polled: t.pollAll || t.events == nil || eventless(dir)}
	if t.events != nil {
		err := error(syscall.ENOSPC)
		if !t.limited {
			err = t.events.Add(dir)
		}
		switch {
		case err == nil:
		case errors.Is(err, syscall.ENOSPC):
			t.limited, f.polled = true, true
			t.note(fmt.Sprintf("inotify watch limit reached (fs.inotify.max_user_watches): further folders are polled every %v", t.interval))
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
			return nil
		default:
			f.polled = true
			t.note(fmt.Sprintf("no file events for %s (%v): polled every %v", dir, err, t.interval))
		}
	}
	t.folders[dir] = f
	return f
}

// file reports the file at real, whose folder is without links, as path. It follows a link, so that the file it leads to is watched.
func (t *tree) file(real, path string) bool {
	dir, name := filepath.Split(real)
	f := t.watch(filepath.Clean(dir))
	if f == nil {
		return false
	}
	if f.files == nil {
		f.files = make(map[string][]string)
	}
	if !slices.Contains(f.files[name], path) {
		f.files[name] = append(f.files[name], path)
	}
	if target, err := filepath.EvalSymlinks(real); err == nil && target != real {
		t.file(target, path)
	}
	return true
}

// walk watches the folder with the real path dir, whose files are reported below path, and with below the folders in it that can hold
// packages of the same module. It returns the files found.
func (t *tree) walk(dir, path string, below bool) (found []string) {
	f := t.watch(dir)
	if f == nil {
		return nil
	}
	if !slices.Contains(f.paths, path) {
		f.paths = append(f.paths, path)
	}
	f.below = f.below || below
	// The watch is there before the folder is read: what is created from now on is seen.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case e.IsDir():
			if below && t.inModule(filepath.Join(dir, name)) {
				found = append(found, t.walk(filepath.Join(dir, name), filepath.Join(path, name), true)...)
			}
		case e.Type()&fs.ModeSymlink != 0:
			found = append(found, t.link(f, dir, name)...)
		case e.Type().IsRegular():
			found = append(found, f.reported(t, name)...)
		}
	}
	return found
}

// link returns the reported paths of a symbolic link to a file, and watches that file. The go command reads such files, but doesn't
// walk into links to folders.
func (t *tree) link(f *folder, dir, name string) []string {
	paths := f.reported(t, name)
	if len(paths) == 0 {
		return nil
	}
	link := filepath.Join(dir, name)
	if target, err := filepath.EvalSymlinks(link); err == nil && !isDir(target) {
		for _, path := range paths {
			t.file(target, path)
		}
	}
	return paths
}

// inModule reports whether the go command looks for packages of the parent's module in dir (go help packages). A package that is used
// from testdata is watched only if asked for.
func (t *tree) inModule(dir string) bool {
	name := filepath.Base(dir)
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "vendor" || name == "node_modules" || name == "testdata" {
		return false
	}
	return stat(filepath.Join(dir, "go.mod")) == nil
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// event returns the paths that may have changed.
func (t *tree) event(e fsnotify.Event, tr *tracker) []string {
	if e.Op == 0 { // of a watch that was removed
		return nil
	}
	dir, name := filepath.Split(e.Name)
	f := t.folders[filepath.Clean(dir)]
	if e.Op == fsnotify.Chmod {
		// Also sent for touch, and when an open file is unlinked. Only a file that could not be read can have news.
		if f == nil {
			return nil
		}
		return slices.DeleteFunc(f.reported(t, name), func(path string) bool { return tr.known[path].size != unreadable })
	}
	if t.folders[e.Name] != nil || e.Has(fsnotify.Create) && isDir(e.Name) {
		return t.refold(e.Name, tr)
	}
	if f == nil {
		return nil
	}
	if e.Has(fsnotify.Create) {
		if info, err := os.Lstat(e.Name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return append(t.link(f, filepath.Clean(dir), name), t.missing()...)
		}
	}
	return f.reported(t, name)
}

// refold looks anew at a folder that was created, removed, renamed, or several of these, and at all below it.
// A watch follows its inode, so those made under the old name have to go first.
func (t *tree) refold(real string, tr *tracker) (touched []string) {
	for dir, f := range t.folders {
		if !within(dir, real) {
			continue
		}
		delete(t.folders, dir)
		if t.events != nil {
			t.events.Remove(dir) // fails if the folder is gone, and the watch with it
		}
		for path := range tr.paths() {
			if slices.Contains(f.paths, filepath.Dir(path)) {
				touched = append(touched, path)
			}
		}
		for _, paths := range f.files {
			touched = append(touched, paths...)
		}
	}
	for _, w := range t.wishes {
		if w.real != "" && within(w.real, real) {
			w.real = ""
		}
	}
	if parent := t.folders[filepath.Dir(real)]; parent != nil && parent.below && isDir(real) && t.inModule(real) {
		for _, path := range parent.paths {
			touched = append(touched, t.walk(real, filepath.Join(path, filepath.Base(real)), true)...)
		}
	}
	return append(touched, t.missing()...)
}

// within reports whether dir is root or below it.
func within(dir, root string) bool {
	rest, ok := strings.CutPrefix(dir, root)
	return ok && (rest == "" || rest[0] == filepath.Separator)
}

// missing tries again to watch what did not exist, and returns the files found.
func (t *tree) missing() []string {
	var wishes []*wish
	for _, w := range t.wishes {
		if w.real == "" {
			wishes = append(wishes, w)
		}
	}
	return t.fulfil(wishes)
}

// needPoll reports whether poll has anything to do.
func (t *tree) needPoll() bool {
	for _, f := range t.folders {
		if f.polled {
			return true
		}
	}
	return slices.ContainsFunc(t.wishes, func(w *wish) bool { return w.real == "" })
}

// poll looks at the folders without events and for the ones that were missing, and returns the paths that may have changed.
func (t *tree) poll(tr *tracker) []string {
	touched := t.missing()
	seen := make(map[string]bool)  // files there
	dirs := make(map[string]bool)  // reported names of the polled folders
	gone := make(map[string]bool)  // polled folders that can't be read
	fresh := make(map[string]bool) // folders to be watched
	for dir, f := range t.folders {
		if !f.polled {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			gone[dir] = true
			continue
		}
		for _, path := range f.paths {
			dirs[path] = true
		}
		for _, e := range entries {
			if e.IsDir() {
				sub := filepath.Join(dir, e.Name())
				if f.below && t.folders[sub] == nil && t.inModule(sub) {
					fresh[sub] = true
				}
				continue
			}
			for _, path := range f.reported(t, e.Name()) {
				seen[path] = true
				if !tr.vouches(path) {
					touched = append(touched, path)
				}
			}
		}
		for _, paths := range f.files {
			for _, path := range paths {
				if !seen[path] && !tr.vouches(path) {
					touched = append(touched, path)
				}
			}
		}
	}
	for path := range tr.paths() {
		if dirs[filepath.Dir(path)] && !seen[path] && !tr.vouches(path) {
			touched = append(touched, path)
		}
	}
	for dir := range fresh {
		touched = append(touched, t.refold(dir, tr)...)
	}
	for dir := range gone {
		touched = append(touched, t.refold(dir, tr)...)
	}
	return touched
}
