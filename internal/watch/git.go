package watch

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// git knows the lock files of the repositories around the watched files. git holds index.lock from before the first file of a checkout
// is written until after the last.
type git struct {
	locks []string
	seen  map[string]bool // folders searched
}

const (
	// lockRecheck is how often a lock is looked at, while files are changing.
	lockRecheck = 10 * time.Millisecond
	// lockLimit ends the waiting for a checkout that goes on writing files.
	lockLimit = 10 * time.Second
	// lockStale is the age of a lock that a git that crashed has left.
	lockStale = time.Minute
)

// add finds the repositories that the files are in.
func (g *git) add(wishes []*wish) {
	if g.seen == nil {
		g.seen = make(map[string]bool)
	}
	for _, w := range wishes {
		dir := w.path
		if w.kind == wantFile {
			dir = filepath.Dir(dir)
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		for ; !g.seen[dir]; dir = filepath.Dir(dir) {
			g.seen[dir] = true
			if lock := indexLock(dir); lock != "" {
				g.locks = append(g.locks, lock)
				break
			}
		}
	}
}

// indexLock returns the path of the lock of the work tree at dir, if it is one.
func indexLock(dir string) string {
	path := filepath.Join(dir, ".git")
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	if info.IsDir() {
		return filepath.Join(path, "index.lock")
	}
	// A linked work tree or a submodule: gitrepository-layout(5).
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	real, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if !ok {
		return ""
	}
	if !filepath.IsAbs(real) {
		real = filepath.Join(dir, real)
	}
	return filepath.Join(real, "index.lock")
}

// busy returns until when to wait for git; zero if there is no need. first and last are the first and last event.
func (g *git) busy(first, last, now time.Time) time.Time {
	if now.After(last.Add(limit)) || now.After(first.Add(lockLimit)) {
		return time.Time{}
	}
	for _, lock := range g.locks {
		if info, err := os.Lstat(lock); err == nil && now.Sub(info.ModTime()) < lockStale {
			return now.Add(lockRecheck)
		}
	}
	return time.Time{}
}
