package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// With -fresh the scripts run without realtime: an edit is followed by a new
// `go run`. What a script says about answers must hold there too; what it says
// about process ids, events and kept state is passed over. So a script is known
// to be true before it is asked of a patched process.
var fresh = flag.Bool("fresh", false, "check the scripts against plain go run")

// With -runflag=-race (it may be there several times) every program of a script is built
// with that flag too. The condition [race] tells of -race, under which the first report
// ends the program: a detector that is wrong about new code fails the script.
var runFlags []string

func init() {
	flag.Func("runflag", "build the programs of the scripts with this `flag` too", func(f string) error {
		runFlags = append(runFlags, f)
		return nil
	})
}

func race() bool { return slices.Contains(runFlags, "-race") }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"realtime": main})
}

// TestScript runs every script of testdata/script: a program, its edits, and
// what the running process answers after each. The commands are documented at
// their functions in script_command_test.go and script_save_test.go.
//
// No command sleeps: each waits for an event, at most for the time patience.
func TestScript(t *testing.T) {
	env := goEnv(t, "GOCACHE", "GOMODCACHE", "GOTOOLCHAIN", "CGO_ENABLED")
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			switch name {
			case "fresh":
				return *fresh, nil
			case "race":
				return race(), nil
			case "cgo":
				return env["CGO_ENABLED"] == "1", nil
			case "root":
				return os.Getuid() == 0, nil
			case "tmpfs":
				return canMount(), nil
			case "userns":
				return exec.Command("unshare", "-Ur", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Setup: func(e *testscript.Env) error {
			for name, value := range env {
				e.Setenv(name, value)
			}
			e.Setenv("ROOT", root)
			e.Setenv("GO", path) // for scripts that put another go in front
			e.Setenv("HOME", filepath.Join(e.WorkDir, ".home"))
			e.Setenv("GOENV", "off")
			e.Setenv("GOPROXY", "off")
			e.Setenv("GOTRACEBACK", "") // testscript asks for all runtime frames
			if race() {
				e.Setenv("GORACE", "halt_on_error=1")
			}
			s := &script{held: -1}
			e.Values[scriptKey{}] = s
			e.Defer(s.end)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":      await,
			"closings":   closings,
			"decl":       declared,
			"edit":       edit,
			"event":      eventLike,
			"eventually": eventually,
			"exit":       exit,
			"fill":       fill,
			"freeport":   freePort,
			"get":        get,
			"gone":       gone,
			"hold":       hold,
			"leave":      leave,
			"newpid":     newPid,
			"samepid":    samePid,
			"save":       save,
			"series":     series,
			"serve":      serveFile,
			"signal":     signal,
			"stage":      stage,
			"start":      start,
			"stderrlike": stderrLike,
			"tmpfs":      tmpfs,
			"through":    through,
			"stdoutlike": stdoutLike,
			"stream":     stream,
			"streamlike": streamLike,
			"touch":      touch,
			"type":       typeIn,
		},
	})
}

// goEnv returns the named settings of the go command that runs this test, so
// that the scripts share its caches: their HOME is not the user's.
func goEnv(t *testing.T, names ...string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"env"}, names...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reading the go environment: %v", err)
	}
	env := make(map[string]string)
	for i, value := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		env[names[i]] = value
	}
	return env
}
