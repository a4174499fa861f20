package subject

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answer is a program with a function of each kind that has code of its own.
const answer = `package main

import "fmt"

type number int

func (n number) String() string { return fmt.Sprintf("number %d", int(n)) }

func sum[T int | float64](list ...T) (s T) {
	for _, n := range list {
		s += n
	}
	return s
}

var late = func() int { return sum(1, 2) }

func main() {
	defer func() { fmt.Println(number(late()), sum(0.5, 1)) }()
}
`

// start runs answer, held, with its output in a file.
func start(t *testing.T) (s *Subject, out string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module answer\n\ngo 1.25\n", "main.go": answer, HoldFile: string(HoldSource)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out = filepath.Join(dir, "out")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s, err = Start(context.Background(), Config{Dir: dir, Work: dir, Held: true, Stdout: f, Stderr: f}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s, out
}

func relink(t *testing.T, s *Subject, want func(name string) bool) *Relinked {
	t.Helper()
	all, err := s.Functions(func(path string) bool { return path == "main" })
	if err != nil {
		t.Fatal(err)
	}
	functions := all[:0]
	for _, f := range all {
		if want(f.Replaces) {
			functions = append(functions, f)
		}
	}
	r, err := s.Relink(context.Background(), functions, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ends(t *testing.T, s *Subject, out string, status int, text string) {
	t.Helper()
	got := s.Wait()
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if got != status || !strings.Contains(string(b), text) {
		t.Errorf("status %d, want %d; output, want %q in it:\n%.300s", got, status, text, b)
	}
}

// TestRelink: a patched program does as before, and does not run its old code.
func TestRelink(t *testing.T) {
	s, out := start(t)
	r := relink(t, s, func(string) bool { return true })
	if len(r.Image.Redirects) < 6 {
		t.Errorf("%d redirects", len(r.Image.Redirects))
	}
	if spared, err := s.Poison(r); err != nil || spared > 0 {
		t.Error(spared, err)
	}
	if err := s.Release(r.Image, r.Image); err != nil {
		t.Fatal(err)
	}
	ends(t, s, out, 0, "number 3 1.5\n")
}

// The checks of a suite must be able to fail: old code that runs dies, and the program
// sees whether its own code is a patch's.
func TestOldCode(t *testing.T) {
	t.Run("runs", func(t *testing.T) {
		s, out := start(t)
		r := relink(t, s, func(name string) bool { return name == "main.number.String" || name == "main.realtimeWhere" })
		f, ok, err := s.Program.HostFunction("main.main", 1)
		if err != nil || !ok {
			t.Fatal(f, ok, err)
		}
		r.Image.Redirects[0].Old, r.Image.Redirects[0].Size = f.Addr-5, f.Size+5 // its entry too
		if _, err := s.Poison(r); err != nil {
			t.Fatal(err)
		}
		if err := s.Release(r.Image, r.Image); err != nil {
			t.Fatal(err)
		}
		ends(t, s, out, 2, "SIGTRAP")
	})
	t.Run("is seen", func(t *testing.T) {
		s, out := start(t)
		r := relink(t, s, func(name string) bool { return name == "main.main" })
		if err := s.Release(r.Image, r.Image); err != nil {
			t.Fatal(err)
		}
		ends(t, s, out, 99, "is not that of a patch")
	})
}
