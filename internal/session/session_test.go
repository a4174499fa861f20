package session

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/watch"
)

func TestOutputs(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []report.Output
	}{
		{"nothing", "", nil},
		{"no package", "go: no such thing\n", []report.Output{{Text: "go: no such thing\n"}}},
		{"one", "# example.com/app\n./a.go:1:2: bad\n./a.go:2:2: worse\n", []report.Output{
			{ImportPath: "example.com/app", Text: "# example.com/app\n./a.go:1:2: bad\n./a.go:2:2: worse\n"},
		}},
		{"two", "# a\nx\n# b\ny\n", []report.Output{{ImportPath: "a", Text: "# a\nx\n"}, {ImportPath: "b", Text: "# b\ny\n"}}},
		{"a variant", "# a [a.test]\nx\n", []report.Output{{ImportPath: "a", Text: "# a [a.test]\nx\n"}}},
		{"text before", "go: downloading\n# a\nx\n", []report.Output{{Text: "go: downloading\n"}, {ImportPath: "a", Text: "# a\nx\n"}}},
		{"no newline at the end", "# a\nx", []report.Output{{ImportPath: "a", Text: "# a\nx"}}},
	} {
		if d := cmp.Diff(test.want, outputs(&gobuild.CompileError{Output: test.text})); d != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, d)
		}
	}
}

// TestWorkDir: one program has one folder, and two sessions at a time have two.
func TestWorkDir(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	o := Options{Dir: "/home/gopher/app", BuildFlags: []string{"-race"}, Target: []string{"./cmd/server"}}
	open := func(o Options) (string, func()) {
		t.Helper()
		dir, unlock, err := workDir(o)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(dir); err != nil || !st.IsDir() || filepath.Dir(filepath.Dir(dir)) != cache {
			t.Fatalf("%s: %v", dir, err)
		}
		return dir, unlock
	}
	first, unlockFirst := open(o)
	second, unlockSecond := open(o)
	if first == second {
		t.Fatalf("two sessions work in %s", first)
	}
	unlockFirst()
	again, unlockAgain := open(o)
	if again != first {
		t.Errorf("the first folder is free, and %s is used", again)
	}
	unlockSecond()
	unlockAgain()

	seen := map[string]string{first: "the same"}
	for name, other := range map[string]Options{
		"another folder":  {Dir: "/home/gopher/other", BuildFlags: o.BuildFlags, Target: o.Target},
		"other flags":     {Dir: o.Dir, Target: o.Target},
		"another package": {Dir: o.Dir, BuildFlags: o.BuildFlags, Target: []string{"."}},
		"inlining":        {Dir: o.Dir, BuildFlags: o.BuildFlags, Target: o.Target, Inline: true},
	} {
		dir, unlock := open(other)
		unlock()
		if was, ok := seen[dir]; ok {
			t.Errorf("%s: the folder of %s", name, was)
		}
		seen[dir] = name
	}
	// What does not change the build does not change the folder.
	o.Args, o.NoRestart = []string{"-v"}, true
	dir, unlock := open(o)
	unlock()
	if dir != first {
		t.Errorf("with arguments: %s, not %s", dir, first)
	}
}

func TestWorkDirRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	if _, _, err := workDir(Options{}); err == nil {
		t.Error("a work folder below a file")
	}
}

func TestInteresting(t *testing.T) {
	for path, want := range map[string]bool{
		"/a/b.go": true, "/a/b_test.go": false, "/a/b.s": true, "/a/b.c": true, "/a/b.h": true, "/a/b.syso": true,
		"/a/go.mod": true, "/a/go.work": true, "/a/go.sum": false, "/a/b.go~": false, "/a/.b.go.swp": false,
		"/a/b.txt": false, "/a/go": false, "/a/mygo.mod": false,
	} {
		if got := interesting(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// fixture is two packages on disk, as a host was built of them.
func fixture(t *testing.T) (*sources, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": "package main\n\nfunc main() {}\n", "lib/lib.go": "package lib\n", "lib/page.html": "<p>\n", "lib/static/a.css": "p {}\n", "go.mod": "module m\n",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	s, err := readSources(&gobuild.Host{
		Env: gobuild.Env{GOMOD: filepath.Join(dir, "go.mod"), GOWORK: "off"}, AgentPath: "m/internal/agent",
		Live: []*gobuild.Package{
			{ImportPath: "m/lib", Dir: filepath.Join(dir, "lib"), GoFiles: []string{filepath.Join(dir, "lib/lib.go")}, EmbedPatterns: []string{"*.html", "static"}, EmbedFiles: []string{"page.html", "static/a.css"}},
			{ImportPath: "m", Name: "main", Dir: dir, GoFiles: []string{filepath.Join(dir, "main.go")}},
			{ImportPath: "m/internal/agent", Dir: filepath.Join(dir, "internal/agent")},
			{ImportPath: "m/internal/agent/wire", Dir: filepath.Join(dir, "internal/agent/wire")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestWatched(t *testing.T) {
	s, dir := fixture(t)
	dirs, trees, files := s.watched()
	if d := cmp.Diff([]string{dir, filepath.Join(dir, "lib"), filepath.Join(dir, "lib/static")}, dirs); d != "" {
		t.Errorf("folders (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{filepath.Join(dir, "lib/static")}, trees); d != "" {
		t.Errorf("trees (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{filepath.Join(dir, "go.mod")}, files); d != "" {
		t.Errorf("files (-want +got)\n%s", d)
	}
}

func TestPackageOf(t *testing.T) {
	s, dir := fixture(t)
	for file, want := range map[string]string{"main.go": "m", "new.go": "m", "lib/lib.go": "m/lib", "lib/sub/x.go": "", "other/x.go": ""} {
		got := ""
		if p := s.packageOf(filepath.Join(dir, file)); p != nil {
			got = p.ImportPath
		}
		if got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

// TestConcerns: what was undone before it was seen is no edit.
func TestConcerns(t *testing.T) {
	s, dir := fixture(t)
	file := filepath.Join(dir, "main.go")
	saved := func(f string, kind watch.Kind) watch.Change {
		return watch.Change{Files: map[string]watch.Kind{f: kind}}
	}
	if s.concerns(saved(file, watch.Modified)) {
		t.Error("a touch is an edit")
	}
	write(t, file, "package main\n\nfunc main() { println() }\n")
	if !s.concerns(saved(file, watch.Modified)) {
		t.Error("a change is no edit")
	}
	write(t, file, "package main\n\nfunc main() {}\n")
	if s.concerns(saved(file, watch.Modified)) {
		t.Error("an undone change is an edit")
	}
	h := &host{sources: s}
	h.keepPending(saved(file, watch.Modified))
	if !s.concerns(watch.Change{}) {
		t.Error("what was not accepted is forgotten")
	}
	clear(s.pending)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if !s.concerns(saved(file, watch.Removed)) {
		t.Error("a removed file is no edit")
	}
	if s.concerns(saved(filepath.Join(dir, "tmp.go"), watch.Removed)) {
		t.Error("a file that came and went is an edit")
	}
	if !s.concerns(saved(filepath.Join(dir, "new.go"), watch.Created)) {
		t.Error("a new file is no edit")
	}
}

// TestOld: the sources as they run, whatever is on disk by now.
func TestOld(t *testing.T) {
	s, dir := fixture(t)
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc other() {}\n")
	p, err := s.old(s.build.Live[1])
	if err != nil {
		t.Fatal(err)
	}
	if p.Decls["main"] == nil || p.Decls["other"] != nil {
		t.Error("the sources on disk were read")
	}
	again, err := s.old(s.build.Live[1])
	if err != nil || again != p {
		t.Errorf("parsed twice: %v", err)
	}
}

func TestReadSourcesRefuses(t *testing.T) {
	if _, err := readSources(&gobuild.Host{Live: []*gobuild.Package{{GoFiles: []string{filepath.Join(t.TempDir(), "gone.go")}}}}); err == nil {
		t.Error("a file that is gone was read")
	}
}

// TestMarkRunning: what still runs somewhere is live for new calls; a type of the same
// name, or a function of another package, is not touched.
func TestMarkRunning(t *testing.T) {
	live := report.VerdictLive
	e := &edit{report: report.Edit{
		Decls: []report.Decl{
			{ImportPath: "m", Package: "main", Name: "loop", Kind: "func", Verdict: live},
			{ImportPath: "m", Package: "main", Name: "idle", Kind: "func", Verdict: live},
			{ImportPath: "m/lib", Package: "lib", Name: "(*T).Run", Kind: "func", Verdict: live},
			{ImportPath: "m/lib", Package: "lib", Name: "loop", Kind: "func", Verdict: live},
			{ImportPath: "m", Package: "main", Name: "loop", Kind: "type", Verdict: live},
		},
		Running: []report.Running{{Name: "main.loop", Goroutine: 7}, {Name: "m/lib.(*T).Run", Goroutine: 9}},
	}}
	e.markRunning(&change.Result{}, true)
	want := []report.Verdict{report.VerdictLiveNewCalls, live, report.VerdictLiveNewCalls, live, live}
	for i, d := range e.report.Decls {
		if d.Verdict != want[i] {
			t.Errorf("%s %s.%s: %s, want %s", d.Kind, d.Package, d.Name, d.Verdict, want[i])
		}
	}
	if d := e.report.Decls[0]; d.Reason != "goroutine 7 goes on with the old code" {
		t.Errorf("reason %q", d.Reason)
	}
}
