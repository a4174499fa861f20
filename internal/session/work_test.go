package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrivate: a work folder that others could write into is closed to them, and one that
// another user has put there is refused.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	open, link, other := filepath.Join(dir, "open"), filepath.Join(dir, "link"), filepath.Join(dir, "other")
	if err := os.Mkdir(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{open, link, filepath.Join(dir, "new", "below")} {
		if err := private(d); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info.Mode(), err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("root alone can make a folder of another user")
	}
	if err := os.Mkdir(other, 0o777); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.Symlink(open, foreign); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{other, foreign} {
		if err := os.Lchown(d, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if err := private(d); err == nil || !strings.Contains(err.Error(), "another user (uid 65534)") {
			t.Errorf("%s: %v", d, err)
		}
	}
}
