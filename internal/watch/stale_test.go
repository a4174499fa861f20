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
	file := filepath.Join(dir, "page.html")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var wanted atomic.Bool
	wanted.Store(true)
	write("one")
	w, err := New(Options{Dirs: []string{dir}, Interesting: func(string) bool { return wanted.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	wanted.Store(false)
	write("three")
	wanted.Store(true)
	if err := w.Add([]string{dir}, nil, nil); err != nil {
		t.Fatal(err)
	}
	write("one")
	if c := <-w.Changes(); c.Files[file] != Modified {
		t.Errorf("%v", c.Files)
	}
}
