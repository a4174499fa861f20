package toolchain

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// goroot is the folder of the tool chain in use.
func goroot(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestFor(t *testing.T) {
	for version, want := range map[string]string{
		"go1.25":            "go1.25",
		"go1.25.5":          "go1.25",
		"go1.26.8":          "go1.26",
		"go1.26rc2":         "go1.26",
		"go1.27.1":          "go1.27",
		"go1.26.8-custom":   "go1.26",
		"go1.24.9":          "",
		"go1.28":            "",
		"go1.2":             "",
		"go2.0":             "",
		"":                  "",
		"1.26":              "",
		"devel go1.27-abcd": "",
	} {
		r, err := For(version)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is taken for %s", version, r.Name)
		case want == "" && !strings.Contains(err.Error(), "go1.25 to go1.27"):
			t.Errorf("%q: %v", version, err)
		case want != "" && (err != nil || r.Name != want):
			t.Errorf("%q: %v, %v; want %s", version, r, err, want)
		}
	}
}

// TestReleases: each has all its facts.
func TestReleases(t *testing.T) {
	for _, r := range known {
		if r.InitOrder == 0 || r.MainInitDone == "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestBuiltins(t *testing.T) {
	list, err := Builtins(goroot(t))
	if err != nil {
		t.Fatal(err)
	}
	abi := map[string]goobj.ABI{}
	for _, b := range list {
		abi[b.Name] = b.ABI
	}
	for name, want := range map[string]goobj.ABI{
		"runtime.newobject":         goobj.ABIInternal,
		"runtime.gopanic":           goobj.ABIInternal,
		"runtime.mapassign_faststr": goobj.ABIInternal,
		"runtime.x86HasPOPCNT":      goobj.ABI0,
	} {
		if got, ok := abi[name]; !ok || got != want {
			t.Errorf("%s: %d, %v; want %d", name, got, ok, want)
		}
	}
}

func TestBuiltinsRefuse(t *testing.T) {
	write := func(text string) string {
		root := t.TempDir()
		dir := filepath.Join(root, "src/cmd/internal/goobj")
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "builtinlist.go"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return root
	}
	line := "\t{\"runtime.f\", 1},\n"
	for _, test := range []struct{ name, root, want string }{
		{"missing", t.TempDir(), "reading the list"},
		{"short", write(strings.Repeat(line, 99)), "only 99"},
		{"no ABI", write(strings.Repeat(line, 200) + "\t{\"runtime.g\", 99999},\n"), "99999"},
	} {
		if _, err := Builtins(test.root); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if list, err := Builtins(write(strings.Repeat(line, 100))); err != nil || len(list) != 100 {
		t.Errorf("%d, %v", len(list), err)
	}
}
