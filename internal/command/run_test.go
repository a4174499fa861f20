package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseRun(t *testing.T) {
	for _, test := range []struct {
		args []string
		want runLine
	}{
		{nil, runLine{target: []string{"."}}},
		{[]string{"./cmd/server"}, runLine{target: []string{"./cmd/server"}}},
		{[]string{"./cmd/server", "-addr", ":8080", "x.go"}, runLine{target: []string{"./cmd/server"}, args: []string{"-addr", ":8080", "x.go"}}},
		{[]string{"a.go", "b.go", "c", "d.go"}, runLine{target: []string{"a.go", "b.go"}, args: []string{"c", "d.go"}}},
		{[]string{".", "--", "-x"}, runLine{target: []string{"."}, args: []string{"--", "-x"}}},
		{[]string{"--", ".", "-x"}, runLine{target: []string{"."}, args: []string{"-x"}}},
		{[]string{"--", "-x"}, runLine{target: []string{"."}, args: []string{"-x"}}},
		{[]string{"./a@b"}, runLine{target: []string{"./a@b"}}},
		{[]string{"-race", "-tags", "a,b", "--ldflags=-X main.v=1 -s", "-race=false", "-buildvcs", "-buildvcs=auto", "-p", "0x2", "."},
			runLine{build: buildLine{args: []string{"-race", "-tags=a,b", "-ldflags=-X main.v=1 -s", "-race=false", "-buildvcs", "-buildvcs=auto", "-p=0x2"}}, target: []string{"."}}},
		{[]string{"-gcflags", "all=-N -l", "-gcflags=-S", "-trimpath=1"},
			runLine{build: buildLine{args: []string{"-gcflags=all=-N -l", "-gcflags=-S", "-trimpath=1"}}, target: []string{"."}}},
		{[]string{"-n=false", "-compiler=gc", "-buildmode=pie"},
			runLine{build: buildLine{args: []string{"-n=false", "-compiler=gc", "-buildmode=pie"}}, target: []string{"."}}},
		{[]string{"-json", "-v", "-inline", "-restart=never", "-poll=2s", "-grace", "1m", "-color=never", "-x", "."},
			runLine{build: buildLine{args: []string{"-x"}}, target: []string{"."}, json: true, verbose: true, inline: true,
				restart: "never", poll: 2 * time.Second, grace: time.Minute, color: "never"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			if test.want.restart == "" {
				test.want.restart, test.want.color, test.want.grace = "auto", "auto", 5*time.Second
			}
			got, err := parseRun(test.args)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&test.want, got, cmp.AllowUnexported(runLine{}, buildLine{}), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestUsage is what a user sees who is wrong, or wants help.
func TestUsage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	const (
		tells    = "\n  \"realtime help run\" tells more\n"
		lists    = "\"realtime help\" lists all\n"
		runLists = "\"realtime help run\" lists all\n"
	)
	for _, test := range []struct {
		args string
		code int
		out  string
		err  string
	}{
		{"", 2, "", topHelp()},
		{"-h", 0, topHelp(), ""},
		{"--help", 0, topHelp(), ""},
		{"help", 0, topHelp(), ""},
		{"help run", 0, runHelp, ""},
		{"-h run", 0, runHelp, ""},
		{"run -h", 0, runHelp, ""},
		{"run -race --help", 0, runHelp, ""},
		{"help version", 0, versionHelp, ""},
		{"version -h", 0, versionHelp, ""},
		{"help help", 0, helpHelp, ""},
		{"help -h", 0, helpHelp, ""},

		{"rnu", 2, "", "realtime: unknown command \"rnu\"\n  did you mean \"run\"? " + lists},
		{"--version", 2, "", "realtime: unknown command \"--version\"\n  did you mean \"version\"? " + lists},
		{"./cmd/server", 2, "", "realtime: unknown command \"./cmd/server\"\n  " + lists},
		{"help rn", 2, "", "realtime: unknown command \"rn\"\n  did you mean \"run\"? " + lists},
		{"help run run", 2, "", "realtime: help is for one command\n  \"realtime help\" tells more\n"},
		{"version 2", 2, "", "realtime: version takes no arguments\n  \"realtime help version\" tells more\n"},

		{"run -tagz=x", 2, "", "realtime: unknown flag \"-tagz\"\n  did you mean \"-tags\"? " + runLists},
		{"run -o x", 2, "", "realtime: unknown flag \"-o\"\n  " + runLists},
		{"run -tags", 2, "", "realtime: flag needs an argument: -tags" + tells},
		{"run -race=maybe", 2, "", "realtime: invalid boolean value \"maybe\" for -race: neither true nor false" + tells},
		{"run -p many", 2, "", "realtime: invalid value \"many\" for flag -p: not a number" + tells},
		{"run -restart=no", 2, "", "realtime: invalid value \"no\" for flag -restart: not one of auto, never" + tells},
		{"run -grace=-1s", 2, "", "realtime: -poll and -grace take a time that is not negative, such as 2s" + tells},
		{"run -n .", 2, "", "realtime: flag -n can't be had: realtime runs the program, there is nothing to do without building it" + tells},
		{"run -exec sudo .", 2, "", "realtime: flag -exec can't be had: realtime must start the program itself to reach its functions" + tells},
		{"run -linkshared .", 2, "", "realtime: flag -linkshared can't be had: a program that shares the runtime with others can't be changed alone" + tells},
		{"run -compiler gccgo .", 2, "", "realtime: flag -compiler can't be had: only what the gc compiler builds can be changed while it runs" + tells},
		{"run -buildmode=plugin .", 2, "", "realtime: flag -buildmode can't be had: only exe and pie make a program that can be run" + tells},
		{"run a.go a_test.go", 2, "", "realtime: \"a_test.go\" is a test file and no part of a program" + tells},
		{"run example.com/x@latest", 2, "", "realtime: \"example.com/x@latest\" is a released version and not for editing: use go run" + tells},

		{"run -C", 2, "", "realtime: flag needs an argument: -C" + tells},
		{"run -race -C x .", 2, "", "realtime: invalid value \"x\" for flag -C: must be the first flag" + tells},
		{"run -C " + dir + "/none .", 1, "", "realtime: -C " + dir + "/none: no such directory\n"},
		{"-C=" + file + " run .", 1, "", "realtime: -C " + file + ": not a directory\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Run(strings.Fields(test.args), Stdio{strings.NewReader(""), &out, &errs})
			if code != test.code {
				t.Errorf("exit status %d, want %d", code, test.code)
			}
			if d := cmp.Diff(test.out, out.String()); d != "" {
				t.Errorf("standard output (-want +got)\n%s", d)
			}
			if d := cmp.Diff(test.err, errs.String()); d != "" {
				t.Errorf("standard error (-want +got)\n%s", d)
			}
		})
	}
}

func TestPrecondition(t *testing.T) {
	for _, test := range []struct {
		name, value, want string
	}{
		{"PATH", t.TempDir(), "realtime: no go command in $PATH: realtime builds with yours; it is at https://go.dev/dl\n"},
		{"GOOS", "plan9", "realtime: plan9/amd64 is not supported: this release changes programs on linux/amd64 only\n"},
		{"GOARCH", "mips", "realtime: linux/mips is not supported: this release changes programs on linux/amd64 only\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOOS", "linux")
			t.Setenv("GOARCH", "amd64")
			t.Setenv(test.name, test.value)
			var errs bytes.Buffer
			if code := Run([]string{"run", "."}, Stdio{nil, nil, &errs}); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			if d := cmp.Diff(test.want, errs.String()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	code := Run([]string{"version"}, Stdio{nil, &out, nil})
	if want := regexp.MustCompile(`^realtime \S+ built with go\S+( .*)? for \w+/\w+\n$`); code != 0 || !want.Match(out.Bytes()) {
		t.Errorf("status %d, %q", code, out.String())
	}
}

func TestChdir(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		dir  string
		rest []string
	}{
		{nil, "", nil},
		{[]string{"run"}, "", []string{"run"}},
		{[]string{"-C", "a", "run"}, "a", []string{"run"}},
		{[]string{"--C=a/b", "run"}, "a/b", []string{"run"}},
		{[]string{"-C", dir + "/a"}, "a", nil},
		{[]string{".", "-C", "a"}, "", []string{".", "-C", "a"}},
	} {
		got, rest, err := chdir(dir, test.args)
		if want := filepath.Join(dir, test.dir); got != want || !slices.Equal(rest, test.rest) || err != nil {
			t.Errorf("chdir(%q) = %q, %q, %v, want %q, %q", test.args, got, rest, err, want, test.rest)
		}
	}
}

// TestBuildFlagsComplete holds our table to the go command in use.
func TestBuildFlagsComplete(t *testing.T) {
	text, err := exec.Command("go", "help", "build").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"C", "json", "v"}
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^\t-(\w+)( .*)?$`).FindAllStringSubmatch(string(text), -1) {
		name, takes := m[1], m[2]
		documented = append(documented, name)
		kind, ok := buildFlags[name]
		if !ok && !slices.Contains(ours, name) {
			t.Errorf("flag -%s of go build is not known", name)
		}
		if f := (&buildFlag{kind: kind}); ok && f.IsBoolFlag() != (takes == "") {
			t.Errorf("flag -%s: IsBoolFlag = %v, but go help build has %q", name, f.IsBoolFlag(), m[0])
		}
	}
	for name := range buildFlags {
		if name != "exec" && !slices.Contains(documented, name) {
			t.Errorf("flag -%s is not one of go build", name)
		}
	}
}

// TestLikeGoRun gives command lines to go run and asks the program which
// arguments, build settings and files it got.
func TestLikeGoRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/args\n\ngo 1.25\n",
		"main.go": `package main

import (
	"encoding/json"
	"os"
)

var files = []string{"main.go"}

func main() { json.NewEncoder(os.Stdout).Encode([][]string{files, os.Args[1:]}) }
`,
		"b.go":      "package main\n\nfunc init() { files = append(files, \"b.go\") }\n",
		"tagged.go": "//go:build tagged\n\npackage main\n\nfunc init() { files = append(files, \"tagged.go\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{".", "-x", "a.go"},
		{"-trimpath", "--", ".", "--", "-C", "y"},
		{"-tags", "tagged", "example.com/args", "-tags", "z"},
		{"-tags=tagged", "-tags=", "."},
		{"main.go", "b.go", ".", "c.go"},
		{"main.go", "-v", "b.go"},
		{"-v=false", "-p", "1", ".", ""},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			l, err := parseRun(args)
			if err != nil {
				t.Fatal(err)
			}
			// As it was given, and as we would pass it on.
			given := goRun(t, dir, args)
			parsed := goRun(t, dir, slices.Concat(l.build.args, l.target))
			if d := cmp.Diff(given[0], parsed[0]); d != "" {
				t.Errorf("files (-go run +parsed)\n%s", d)
			}
			if d := cmp.Diff(given[1], l.args, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("arguments (-go run +parsed)\n%s", d)
			}
		})
	}
	for _, args := range [][]string{{"-nosuch", "."}, {"-p", "x", "."}, {".", "-C"}, {"-race=x", "."}, {"-trimpath", "-C", ".", "."}} {
		_, ours := parseRun(args)
		cmd := exec.Command("go", append([]string{"run"}, args...)...)
		cmd.Dir = dir
		if theirs := cmd.Run(); (ours == nil) != (theirs == nil) {
			t.Errorf("%q: go run says %v, we say %v", args, theirs, ours)
		}
	}
	if _, err := parseRun([]string{"-help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-help: %v", err)
	}
}

// goRun returns the files and arguments of the test program.
func goRun(t *testing.T, dir string, args []string) (got [2][]string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"run"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go run %q: %v", args, err)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestNearest(t *testing.T) {
	known := []string{"-race", "-tags", "-v", "-restart", "run", "version"}
	for name, want := range map[string]string{
		"-rcae":    "-race",
		"-tag":     "-tags",
		"-restrat": "-restart",
		"-z":       "",
		"rum":      "run",
		"vesion":   "version",
		"-gcflags": "",
		"":         "",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
