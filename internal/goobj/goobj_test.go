package goobj

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// stdArchive is the archive of a standard package, built by the go command in use.
func stdArchive(t testing.TB, path string) []byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-f", "{{.Export}}", path).Output()
	if err != nil {
		t.Fatalf("go list -export %s: %v", path, err)
	}
	b, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadArchive(t *testing.T) {
	for _, path := range []string{"fmt", "runtime", "net/http", "math/big", "errors"} {
		a, err := ReadArchive(path, stdArchive(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Export) == 0 {
			t.Errorf("%s: no export data", path)
		}
		funcs, lines := 0, 0
		for _, o := range a.Objects {
			for s := Sym(0); int(s) < o.NumDefs(); s++ {
				for _, r := range o.Relocs(s, nil) {
					if _, ok := o.Local(r.Sym); ok || r.Sym.IsZero() || r.Sym.Pkg == PkgBuiltin {
						continue
					}
					if _, ok := o.Package(r.Sym); !ok {
						t.Fatalf("%s: %s: relocation to %v, which is nowhere", path, o.Name(s), r.Sym)
					}
					if _, ok := o.RefName(r.Sym); !ok && !o.Kind(s).IsDWARF() {
						t.Fatalf("%s: %s: relocation to %v, which has no name", path, o.Name(s), r.Sym)
					}
				}
				if !o.Kind(s).IsText() {
					continue
				}
				funcs++
				fi, err := o.FuncInfo(s)
				if err != nil {
					t.Fatal(err)
				}
				if fi != nil && fi.StartLine > 0 {
					lines++
				}
			}
		}
		if funcs == 0 || lines == 0 {
			t.Errorf("%s: %d functions, %d of them with a start line", path, funcs, lines)
		}
	}
}

// TestTruncated cuts an object at many places: Open must answer an error or an
// object whose accessors are safe.
func TestTruncated(t *testing.T) {
	b := stdArchive(t, "errors")
	for n := 0; n < len(b); n += 97 {
		if a, err := ReadArchive("errors", b[:n]); err == nil {
			walk(a)
		}
	}
}

func walk(a *Archive) {
	for _, o := range a.Objects {
		for s := Sym(0); int(s) < o.NumSyms(); s++ {
			_, _, _, _ = o.Name(s), o.Kind(s), o.ABI(s), o.Align(s)
			if int(s) >= o.NumDefs() {
				continue
			}
			if o.Hashed(s) {
				_ = o.Hash(s)
			}
			for _, r := range o.Relocs(s, nil) {
				o.Local(r.Sym)
				o.Package(r.Sym)
				o.RefName(r.Sym)
			}
			o.Aux(s, AuxPcdata, nil)
			_, _ = o.FuncInfo(s)
		}
	}
}

// damage overwrites bytes of a copy of b, as in says: 3 bytes of a position and one
// of a value, again and again. An archive is too large for a fuzzer to find the places
// that matter by itself: those of the object's header and tables come at every other
// time.
func damage(b, in []byte) []byte {
	b = bytes.Clone(b)
	tables := max(0, bytes.Index(b, []byte(magic)))
	for ; len(in) >= 4; in = in[4:] {
		at := int(in[0]) | int(in[1])<<8 | int(in[2])<<16
		if at%2 == 0 {
			at = tables + at/2%(1<<12)
		}
		b[at%len(b)] = in[3]
	}
	return b
}

func FuzzDamagedArchive(f *testing.F) {
	b := stdArchive(f, "errors")
	for i := range byte(64) {
		f.Add([]byte{2 * i, 0, 0, 255, 2 * i, 1, 0, 1, 8 * i, i, 0, i})
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if a, err := ReadArchive("p", damage(b, in)); err == nil {
			walk(a)
		}
	})
}

func FuzzReadArchive(f *testing.F) {
	f.Add(stdArchive(f, "errors"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := ReadArchive("p", b); err == nil {
			walk(a)
		}
	})
}

func BenchmarkReadArchive(b *testing.B) {
	data := stdArchive(b, "net/http")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ReadArchive("net/http", data); err != nil {
			b.Fatal(err)
		}
	}
}
