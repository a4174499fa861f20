package link

import "testing"

// TestInlinedLiterals: a func literal that was inlined in several places is in the host
// several times under one name, from Go 1.27 on, and in some objects it has no body. All
// functions of the host can be linked once more, each with a literal that has one.
func TestInlinedLiterals(t *testing.T) {
	f, err := build(t.TempDir(), map[string]string{
		"main.go": `package main

import (
	"slices"
	"strings"
)

type path string

func (p path) parts() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(p) > 0 {
			p = path(strings.TrimPrefix(string(p), "/"))
			i := min(uint(strings.IndexByte(string(p), '/')), uint(len(p)))
			if !yield(clean(string(p)[:i])) {
				return
			}
			p = p[i:]
		}
	}
}

func clean(s string) string {
	if strings.Contains(s, "~") {
		s = strings.ReplaceAll(s, "~", "/")
	}
	return s
}

type parted interface {
	parts() func(yield func(string) bool)
}

//go:noinline
func count(l parted) (n int) {
	for range l.parts() {
		n++
	}
	return n
}

func main() {
	p := path("a/b/c")
	println(count(p), count(&p))
	println(len(slices.Collect(slices.Values([]string{"a"}))), len(slices.Collect(slices.Chunk([]int{1, 2}, 1))))
}
`,
	})
	if err != nil {
		t.Fatal(err)
	}
	img, err := Link(f.input(f.archive))
	if err != nil {
		t.Fatal(err)
	}
	if len(img.Redirects) == 0 {
		t.Error("nothing is redirected")
	}
	for _, d := range img.Defined {
		if d.Text && d.Size == 0 {
			t.Errorf("%s has no body", d.Name)
		}
	}
}
