package gobuild

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testAgent stands for the agent. It uses what go 1.21 has, whatever the go
// line of the user's module says, and shows itself in the program's output.
func testAgent(importPath string) map[string][]byte {
	return map[string][]byte{
		"agent.go": []byte("//go:build go1.21\n\npackage realtimeagent\n\n" +
			"import (\n\t\"os\"\n\n\t\"" + importPath + "/wire\"\n)\n\n" +
			"func init() { os.Stdout.WriteString(min(wire.Word, \"x\") + \" \") }\n"),
		"wire/wire.go": []byte("package wire\n\nvar Word = \"agent\"\n"),
	}
}

// files are the files of a fixture, by slash-separated path.
type files map[string]string

func (fs files) write(t testing.TB, dir string) {
	t.Helper()
	for name, text := range fs {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// fixture is a program in one of the settings that a host build must work in.
type fixture struct {
	name    string
	files   files
	dir     string // the go command runs here, below the fixture's folder
	root    string // name of the fixture's folder
	symlink bool   // the folder is reached through a symbolic link
	flags   []string
	target  []string
	environ []string
	slow    bool

	output   string   // of the program
	live     []string // import paths, dependencies first
	noAgent  string
	stripped bool
}

const plainMain = "package main\n\nimport \"example.com/m/lib\"\n\nfunc main() { println2(lib.Hello()) }\n"
const plainPrint = "package main\n\nimport \"os\"\n\nfunc println2(s string) { os.Stdout.WriteString(s + \"\\n\") }\n"
const plainLib = "package lib\n\nfunc Hello() string { return \"hello\" }\n"

var plain = files{
	"go.mod":     "module example.com/m\n\ngo 1.25.0\n",
	"main.go":    plainMain,
	"print.go":   plainPrint,
	"lib/lib.go": plainLib,
}

// with returns the files with others added or replaced.
func (fs files) with(more files) files {
	all := files{}
	for _, m := range []files{fs, more} {
		for name, text := range m {
			all[name] = text
		}
	}
	return all
}

var fixtures = []fixture{
	{
		name: "plain", files: plain,
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "spaces and symlink", files: plain, root: "a folder's name", symlink: true,
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "import path from below", files: plain, dir: "lib", target: []string{"example.com/m"},
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "old go line", files: plain.with(files{"go.mod": "module example.com/m\n\ngo 1.12\n"}),
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "no go line", files: plain.with(files{"go.mod": "module example.com/m\n"}),
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "file list", files: plain.with(files{"gen/a.go": plainMain, "gen/b.go": plainPrint, "gen/c.go": "broken"}),
		target: []string{"gen/a.go", "gen/b.go"},
		output: "agent hello\n", live: []string{"example.com/m/lib", "command-line-arguments"},
	}, {
		name: "ignored file", files: plain.with(files{"gen.go": "//go:build ignore\n\npackage main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"gen\\n\") }\n"}),
		target: []string{"gen.go"},
		output: "agent gen\n", live: []string{"command-line-arguments"},
	}, {
		name: "pattern", files: plain, target: []string{"./..."},
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "vendor",
		files: plain.with(files{
			"go.mod":                      "module example.com/m\n\ngo 1.25.0\n\nrequire example.com/dep v1.0.0\n",
			"vendor/modules.txt":          "# example.com/dep v1.0.0\n## explicit; go 1.25.0\nexample.com/dep\n",
			"vendor/example.com/dep/d.go": "package dep\n\nfunc Word() string { return \"vendored\" }\n",
			"lib/lib.go":                  "package lib\n\nimport \"example.com/dep\"\n\nfunc Hello() string { return dep.Word() }\n",
		}),
		output: "agent vendored\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "workspace", dir: "two",
		files: files{
			"go.work":        "go 1.25.0\n\nuse (\n\t./one\n\t./two\n)\n",
			"one/go.mod":     "module example.com/one\n\ngo 1.25.0\n",
			"one/lib/lib.go": plainLib,
			"two/go.mod":     "module example.com/two\n\ngo 1.25.0\n",
			"two/cmd/s/m.go": "package main\n\nimport \"example.com/one/lib\"\n\nfunc main() { println2(lib.Hello()) }\n",
			"two/cmd/s/p.go": plainPrint,
		},
		target: []string{"./cmd/s"},
		output: "agent hello\n", live: []string{"example.com/one/lib", "example.com/two/cmd/s"},
	}, {
		name: "replace", dir: "app",
		files: files{
			"app/go.mod": "module example.com/app\n\ngo 1.25.0\n\nrequire example.com/m v1.0.0\n\nreplace example.com/m => ../other\n",
			"app/m.go":   plainMain, "app/p.go": plainPrint,
			"other/go.mod": "module example.com/m\n\ngo 1.24\n", "other/lib/lib.go": plainLib,
		},
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/app"},
	}, {
		name: "cgo",
		files: plain.with(files{
			"lib/lib.go": "package lib\n\n// static int two(void) { return 2; }\nimport \"C\"\n\nfunc Hello() string { return words[C.two()] }\n",
			"lib/go.go":  "package lib\n\nvar words = []string{\"zero\", \"one\", \"two\"}\n",
		}),
		output: "agent two\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "embed",
		files: plain.with(files{
			"lib/lib.go":     "package lib\n\nimport \"embed\"\n\n//go:embed data\nvar data embed.FS\n\nfunc Hello() string {\n\tb, _ := data.ReadFile(\"data/a.txt\")\n\treturn string(b)\n}\n",
			"lib/data/a.txt": "embedded",
		}),
		output: "agent embedded\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "assembly",
		files: plain.with(files{
			"lib/lib.go":      "package lib\n\nfunc one() int\nfunc two() int { return one() + 1 }\n\nfunc Hello() string { return \"0123\"[two():3] }\n",
			"lib/one_amd64.s": "#include \"textflag.h\"\n\nTEXT ·one(SB), NOSPLIT, $0-8\n\tMOVQ $1, ret+0(FP)\n\tRET\n",
		}),
		output: "agent 2\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "tags and user's flags", files: plain.with(files{
			"lib/lib.go": "//go:build !x\n\n" + plainLib,
			"lib/x.go":   "//go:build x\n\npackage lib\n\nvar word = \"none\"\n\nfunc Hello() string { return \"tag\" + word }\n",
		}),
		flags:   []string{"-tags", "x", "-trimpath", "-ldflags=-X example.com/m/lib.word=set"},
		environ: []string{"GOFLAGS=-gcflags=example.com/...=-N"},
		output:  "agent tagset\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "user's overlay", files: plain.with(files{
			"o.json":  `{"Replace": {"lib/lib.go": "new.txt"}}`,
			"new.txt": "package lib\n\nfunc Hello() string { return \"overlaid\" }\n",
		}),
		flags:  []string{"-overlay=o.json"},
		output: "agent overlaid\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "profile", files: plain.with(files{"default.pgo": ""}),
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "race", files: plain, flags: []string{"-race"}, slow: true,
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "stripped", files: plain, flags: []string{"-ldflags=-s"}, stripped: true,
		output: "agent hello\n", live: []string{"example.com/m/lib", "example.com/m"},
	}, {
		name: "no module", files: files{"a.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"alone\\n\") }\n"},
		target: []string{"a.go"},
		output: "alone\n", live: []string{"command-line-arguments"}, noAgent: "the program is in no module",
	},
}

// config writes the files of a fixture and returns how to build it.
func (f fixture) config(t testing.TB) Config {
	t.Helper()
	top := t.TempDir()
	root := filepath.Join(top, "src")
	if f.root != "" {
		root = filepath.Join(top, f.root)
	}
	f.files.write(t, root)
	if f.symlink {
		if err := os.Symlink(root, filepath.Join(top, "the link")); err != nil {
			t.Fatal(err)
		}
		root = filepath.Join(top, "the link")
	}
	target := f.target
	if target == nil {
		target = []string{"."}
	}
	return Config{
		Dir:     filepath.Join(root, f.dir),
		Flags:   f.flags,
		Target:  target,
		Work:    filepath.Join(top, "our work"),
		Agent:   testAgent,
		Environ: append(os.Environ(), f.environ...),
	}
}

func importPaths(list []*Package) []string {
	var paths []string
	for _, p := range list {
		paths = append(paths, p.ImportPath)
	}
	return paths
}

func TestBuild(t *testing.T) {
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			if f.slow && testing.Short() {
				t.Skip("compiles the standard library")
			}
			ctx := context.Background()
			h, err := Build(ctx, f.config(t))
			if err != nil {
				t.Fatal(err)
			}
			if h.NoAgent != f.noAgent || h.Stripped != f.stripped {
				t.Errorf("no agent %q, stripped %v, want %q, %v", h.NoAgent, h.Stripped, f.noAgent, f.stripped)
			}
			out, err := exec.Command(h.Exe).CombinedOutput()
			if err != nil || string(out) != f.output {
				t.Errorf("program printed %q, %v, want %q", out, err, f.output)
			}
			if err := h.Load(ctx); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.live, importPaths(h.Live)); diff != "" {
				t.Errorf("live packages (-want +got):\n%s", diff)
			}
			checkSelf(t, h)
		})
	}
}

func TestBuildTwiceLinksOnce(t *testing.T) {
	ctx := context.Background()
	config := fixture{files: plain}.config(t)
	h, err := Build(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(h.Exe)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = Build(ctx, config); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(h.Exe)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Errorf("the second build made a new executable")
	}
}

func TestBuildErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		files  files
		target string
		want   string // all that is printed
	}{
		{"type error", plain.with(files{"lib/lib.go": "package lib\n\nfunc Hello() string { return 1 }\n"}), ".",
			"# example.com/m/lib\nlib/lib.go:3:30: cannot use 1 (untyped int constant) as string value in return statement\n"},
		{"no main package", plain, "./lib", "package example.com/m/lib is not a main package\n"},
		{"no such folder", plain, "./none", "stat $DIR/none: directory not found\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := fixture{files: test.files, target: []string{test.target}}.config(t)
			_, err := Build(context.Background(), config)
			var ce *CompileError
			if !errors.As(err, &ce) {
				t.Fatalf("got %v, want a CompileError", err)
			}
			if got := strings.ReplaceAll(ce.Output, config.Dir, "$DIR"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// checkSelf compiles all live packages again and compares.
func checkSelf(t *testing.T, h *Host) {
	t.Helper()
	c, err := NewCompiler(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range h.Live {
		// Once from disk, once from files that are given.
		given := map[string][]byte{}
		for _, f := range p.GoFiles {
			text, err := h.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			given[f] = text
		}
		for _, overlay := range []map[string][]byte{nil, given} {
			if _, err := c.SelfCheck(context.Background(), Request{ImportPath: p.ImportPath, Overlay: overlay}); err != nil {
				t.Error(err)
			}
		}
	}
}
