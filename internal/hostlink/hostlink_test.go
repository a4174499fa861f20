package hostlink

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// The go command starts the test as the linker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		code, err := Run(os.Args[2:])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func TestRoom(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module example.com/app\n\ngo 1.25\n",
		"lib/lib.go": "package lib\n\ntype Plain struct{ N int }\n\ntype Box[T any] struct{ V T }\n",
		"main.go": "package main\n\nimport (\n\t\"fmt\"\n\t\"reflect\"\n\n\t\"example.com/app/lib\"\n)\n\ntype plain int\n\nfunc main() {\n" +
			"\tfor _, v := range []any{new(plain), new(lib.Plain), new(lib.Box[plain]), new(int)} {\n" +
			"\t\tt := reflect.TypeOf(v)\n\t\tfmt.Println(t, t.NumMethod(), t.Elem(), t.Name(), t.PkgPath())\n\t}\n}\n",
	} {
		name = filepath.Join(dir, "app", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, linker := range []string{"", exe} {
		b, err := gobuild.Build(t.Context(), gobuild.Config{
			Dir: filepath.Join(dir, "app"), Target: []string{"."}, Work: filepath.Join(dir, filepath.Base(linker)), Agent: agent.Files,
			ToolExec: func(modules []string) (string, bool) { return Flag(linker, modules) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := program.Open(b.Exe, b.Env.GOVERSION, b.Env.GOROOT)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Recover(program.NewLibrary(b.Archives())); err != nil {
			t.Fatal(err)
		}
		for typ, live := range map[string]bool{
			"type:*main.plain": true, "type:*example.com/app/lib.Plain": true, "type:*example.com/app/lib.Box[main.plain]": true, "type:*int": false,
		} {
			if _, ok := p.Hidden(typ); !ok {
				t.Errorf("%s is not found", typ)
			}
			if got := p.MayHaveMethods(typ); got != (live && linker != "") {
				t.Errorf("linked by %q: %s may have methods: %v", linker, typ, got)
			}
		}
		// Nobody can tell.
		out, err := exec.Command(b.Exe).CombinedOutput()
		const want = "*main.plain 0 main.plain  \n*lib.Plain 0 lib.Plain  \n*lib.Box[main.plain] 0 lib.Box[main.plain]  \n*int 0 int  \n"
		if err != nil || string(out) != want {
			t.Errorf("linked by %q: %v, %q", linker, err, out)
		}
	}
}

func TestFlag(t *testing.T) {
	for _, c := range []struct{ exe, want string }{
		{"/bin/realtime", "'/bin/realtime' '-hostlink' 'a/b,c'"}, {"/a b/realtime", "'/a b/realtime' '-hostlink' 'a/b,c'"},
		{"/it's/realtime", ""}, {"", ""},
	} {
		if got, ok := Flag(c.exe, []string{"a/b", "c"}); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, %v", c.exe, got, ok)
		}
	}
}
