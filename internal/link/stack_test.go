package link

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

const stackHost = `package main

import "bytes"

//go:nosplit
//go:noinline
func leaf(x int) int { return x }

//go:nosplit
//go:noinline
func caller(x int) int { var a [300]byte; a[x&31] = 1; return leaf(x) + int(a[x/2&31]) }

//go:nosplit
//go:noinline
func top(x int) int { var a [300]byte; a[x&31] = 1; return caller(x) + int(a[x/2&31]) }

//go:nosplit
//go:noinline
func other(x int) int { return caller(x) + leaf(x) }

//go:noinline
func split(x int) int { var a [300]byte; a[x&31] = 1; return leaf(x) + int(a[x/2&31]) }

//go:noinline
func plain(x int) int { return x + call(split) }

//go:noinline
func call(f func(int) int) int { return f(1) + bytes.IndexByte(data, 3) }

var data = []byte{1, 2}

func main() { println(top(1), other(1), split(1), plain(1)) }
`

// TestStack compares the check with what the Go linker says of the same program.
func TestStack(t *testing.T) {
	f, err := build(t.TempDir(), map[string]string{"main.go": stackHost})
	if err != nil {
		t.Fatal(err)
	}
	const plain = "func plain(x int) int { return x + call(split) }"
	const leaf = "func leaf(x int) int { return x }"
	for _, tt := range []struct {
		name     string
		old, new string
		over     bool
	}{
		{"the same", "", "", false},
		{"leaf", leaf, "func leaf(x int) int { var a [900]byte; a[x&31] = 1; return int(a[x/2&31]) }", true},
		{"huge", leaf, "func leaf(x int) int { var a [100000]byte; a[x&31] = 1; return int(a[x/2&31]) }", true},
		{"callers that did not change", leaf, "func leaf(x int) int { var a [250]byte; a[x&31] = 1; return int(a[x/2&31]) }", true},
		{"within", leaf, "func leaf(x int) int { var a [50]byte; a[x&31] = 1; return int(a[x/2&31]) }", false},
		{"checks the stack now", "//go:nosplit\n//go:noinline\n" + leaf, "//go:noinline\nfunc leaf(x int) int { var a [900]byte; a[x&31] = 1; return int(a[x/2&31]) + call(split) }", false},
		{"does not any more", "//go:noinline\n" + plain, "//go:nosplit\n//go:noinline\nfunc plain(x int) int { var a [700]byte; a[x&31] = 1; return int(a[x/2&31]) + call(split) }", false},
		{"calls what does", "//go:noinline\n" + plain, "//go:nosplit\n//go:noinline\nfunc plain(x int) int { var a [764]byte; a[x&31] = 1; return int(a[x/2&31]) + call(split) }", true},
		{"indirect", "//go:noinline\n" + plain, "//go:nosplit\n//go:noinline\nfunc plain(x int) int { var a [768]byte; a[x&31] = 1; return int(a[x/2&31]) + fs[x&1](x) + call(split) }\nvar fs = [...]func(int) int{split, leaf}", true},
		{"indirect, within", "//go:noinline\n" + plain, "//go:nosplit\n//go:noinline\nfunc plain(x int) int { var a [728]byte; a[x&31] = 1; return int(a[x/2&31]) + fs[x&1](x) + call(split) }\nvar fs = [...]func(int) int{split, leaf}", false},
		{"new", plain, "func plain(x int) int { return fresh(x) + call(split) }\n//go:nosplit\n//go:noinline\nfunc fresh(x int) int { var a [500]byte; a[x&31] = 1; return int(a[x/2&31]) + caller(x) }", true},
		{"cycle", leaf, "func leaf(x int) int { if x == 0 { return 0 }; return leaf(x-1) + 1 }", true},
		{"cycle of two", leaf, "func leaf(x int) int { if x == 0 { return 0 }; return next(x) + 1 }\n//go:nosplit\n//go:noinline\nfunc next(x int) int { return leaf(x-1) + 1 }", true},
		{"assembly of the program", "//go:noinline\n" + plain, "//go:nosplit\n//go:noinline\nfunc plain(x int) int { var a [700]byte; a[x&31] = 1; return int(a[x/2&31]) + bytes.IndexByte(data, byte(x)) }", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(stackHost, tt.old, tt.new, 1)
			a, added, err := f.compile(text)
			if err != nil {
				t.Fatal(err)
			}
			f.added = added
			want := linkerSays(t, text)
			if (want != "") != tt.over {
				t.Fatalf("the Go linker says %q", want)
			}
			_, err = Link(f.input(a))
			var over *StackError
			switch {
			case err == nil && want == "":
			case !errors.As(err, &over):
				t.Fatalf("got %v, the Go linker says %q", err, want)
			case over.Text != want || over.Former:
				t.Errorf("got (former: %v)\n%s\nthe Go linker says\n%s", over.Former, over.Text, want)
			}
		})
	}
}

// TestStackOfFormer: a former version that may still be called is not the source's.
func TestStackOfFormer(t *testing.T) {
	f, err := build(t.TempDir(), map[string]string{"main.go": stackHost})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(stackHost, "func top(x int) int { var a [300]byte; a[x&31] = 1; return caller(x) + int(a[x/2&31]) }", "func top(x int) int { return caller(x) }", 1)
	text = strings.Replace(text, "func caller(x int) int { var a [300]byte;", "func caller(x int) int { var a [600]byte;", 1)
	a, _, err := f.compile(text)
	if err != nil {
		t.Fatal(err)
	}
	if said := linkerSays(t, text); said != "" {
		t.Fatal(said)
	}
	in := f.input(a)
	_, err = Link(in)
	var over *StackError
	if !errors.As(err, &over) || !over.Former || over.Error() != "the former main.top: nosplit stack over 792 byte limit" {
		t.Fatalf("got %v", err)
	}
	var list []string
	for _, fn := range in.Functions {
		if fn.Object.Flag(fn.Sym)&goobj.FlagNoSplit != 0 {
			list = append(list, fn.Replaces)
		}
	}
	if len(list) < 4 {
		t.Fatalf("only %q don't check the stack", list)
	}
}

// linkerSays is what go build prints of a program behind the name of its package.
func linkerSays(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, s := range map[string]string{"main.go": text, "go.mod": "module example.com/app\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", os.DevNull, ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	said, ok := strings.CutPrefix(string(out), "# example.com/app\n")
	if !ok {
		t.Fatalf("%s", out)
	}
	return said
}
