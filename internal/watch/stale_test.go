package watch

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// TestStale: a file that was of no interest for a time has changed since, and back again:
// both are news to who asks for it once more.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "page.html"), filepath.Join(dir, "other.go")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var wanted atomic.Bool
	wanted.Store(true)
	write(file, "one")
	w, err := New(Options{Dirs: []string{dir}, Interesting: func(path string) bool { return path == other || wanted.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	wanted.Store(false)
	write(file, "three")
	write(other, "package other") // whose event is the later one
	if c := <-w.Changes(); c.Files[other] == 0 || c.Files[file] != 0 {
		t.Errorf("%v", c.Files)
	}
	wanted.Store(true)
	if err := w.Add([]string{dir}, nil, nil); err != nil {
		t.Fatal(err)
	}
	write(file, "one")
	if c := <-w.Changes(); c.Files[file] != Modified {
		t.Errorf("%v", c.Files)
	}
}
