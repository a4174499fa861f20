package program

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// buildHost builds a one-file program and lists the archives it was linked from.
func buildHost(t testing.TB, src string) (exe string, lib *Library) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module hello\n\ngo 1.25\n", "main.go": src} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []byte {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %v: %v", args, err)
		}
		return out
	}
	exe = filepath.Join(dir, "hello")
	run("build", "-gcflags=hello=-l", "-o", exe, ".")
	files := map[string]string{}
	for _, line := range jsonLines(t, run("list", "-deps", "-export", "-gcflags=hello=-l", "-json=ImportPath,Export,Name", ".")) {
		path := line["ImportPath"]
		if line["Name"] == "main" {
			path = "main"
		}
		if line["Export"] != "" {
			files[path] = line["Export"]
		}
	}
	return exe, NewLibrary(files, map[string]bool{"main": true})
}

func jsonLines(t testing.TB, b []byte) (list []map[string]string) {
	dec := json.NewDecoder(bytes.NewReader(b))
	for dec.More() {
		var m map[string]string
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// goroot is the tool chain's folder.
func goroot(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(out))
}

const server = `package main

import (
	"fmt"
	"net/http"
)

type T struct {
	a int
	s string
}

var g = map[string]*T{}

func h(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, len(g), g["x"], T{}) }

func main() {
	http.HandleFunc("/", h)
	http.ListenAndServe("127.0.0.1:0", nil)
}
`

func TestRecover(t *testing.T) {
	exe, lib := buildHost(t, server)
	start := time.Now()
	p, err := Open(exe, runtime.Version(), goroot(t))
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Since(start)
	if err := p.Recover(lib); err != nil {
		t.Fatal(err)
	}
	t.Logf("open %v, recover %v: %d types and itabs, %d functions confirmed of %d", opened, time.Since(start)-opened, p.HiddenCount(), len(p.confirmed), len(p.text))
	for _, name := range []string{"type:int", "type:string", "type:main.T", "type:*main.T", "type:map[string]*main.T", "type:*net/http.Request", "go:itab.*net/http.response,net/http.ResponseWriter"} {
		a, ok := p.Hidden(name)
		if !ok {
			t.Errorf("%s: not found", name)
			continue
		}
		// The linker lists most itabs (to 1.26): both ways must agree.
		if s, ok := p.data[elfName(name)]; ok && s.Addr != a {
			t.Errorf("%s: found at %#x, the symbol table says %#x", name, a, s.Addr)
		}
	}
	for name, a := range p.hidden {
		if s, ok := p.data[elfName(name)]; ok && s.Addr != a {
			t.Errorf("%s: found at %#x, the symbol table says %#x", name, a, s.Addr)
		}
	}
	// A type that is known leads to its pointer type (internal/abi.Type.PtrToThis).
	for name, a := range p.hidden {
		typ, ok := strings.CutPrefix(name, "type:")
		b := p.Bytes(a+44, 4)
		if !ok || b == nil || binary.LittleEndian.Uint32(b) == 0 || p.defs[name].Object == nil {
			continue
		}
		if got, want := p.hidden["type:*"+typ], p.ModuleWord("types")+uint64(binary.LittleEndian.Uint32(b)); got != want {
			t.Errorf("type:*%s: found at %#x, want %#x", typ, got, want)
		}
	}
	if off, ok := p.TLSOffset(); !ok || off != -8 {
		t.Errorf("TLS offset %d, %v", off, ok)
	}
	if s, ok, err := p.HostFunction("main.h", goobj.ABIInternal); !ok || err != nil || s.Size == 0 {
		t.Errorf("main.h: %v %v %v", s, ok, err)
	}
	for _, f := range []string{"text", "types", "etypes", "rodata", "gofunc", "end"} {
		if p.ModuleWord(f) == 0 {
			t.Errorf("moduledata.%s is 0", f)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(os.Args[0], "go1.99", goroot(t)); err == nil {
		t.Error("an unknown release was accepted")
	}
	if _, err := Open("/bin/sh", runtime.Version(), goroot(t)); err == nil {
		t.Error("a program that is not Go was accepted")
	}
}
