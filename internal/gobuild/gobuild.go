// Package gobuild drives the go command: it builds the host, asks what the
// host is made of, and compiles single packages of it again, exactly as the
// go command compiled them.
//
// # The host build
//
// [Build] is one `go build` whose overlay adds two things to the user's
// program: the agent, as a package that exists only in the overlay, and a file
// in the main package that imports it. Nothing is written to the user's
// folders, and neither go.mod nor vendor/ has to know the agent, for it is
// part of the user's main module and imports the standard library only.
//
// Live packages are compiled without inlining, by -gcflags patterns made from
// go.mod and go.work alone. No `go list` stands before the build: a `go build`
// with nothing to do takes 75 ms, and a `go list` before it would take as much
// again. [Host.Load] asks `go list` afterwards, while the program starts.
//
// # The compile driver
//
// A [Compiler] runs the compile tool itself: a `go build` costs a link and a
// `go list` a load of the whole module graph, on each save. The flags are those
// of cmd/go/internal/work/gc.go (the same in Go 1.25, 1.26 and 1.27), which
// [Compiler.SelfCheck] proves for a package by comparing the object with the
// host's. A package for which that proof fails is compiled by the go command.
package gobuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Config is what the user asked for.
type Config struct {
	// Dir is where the go command runs, absolute, with -C applied. Symbolic
	// links in it are kept: the go command names files by the path it was
	// started in.
	Dir string

	// Flags are the build flags as given for go build, without -C, -o and -exec.
	Flags []string

	// Target is one package argument, or a list of .go files.
	Target []string

	// KeepInlining leaves inlining on in live packages.
	KeepInlining bool

	// Work is a folder of ours for this program. It holds the overlay and the
	// executable. It is to be the same from run to run, so that go build finds
	// the executable up to date and links nothing.
	Work string

	// Agent returns the sources of the agent for its import path, by
	// slash-separated path below the agent's folder. With nil the host is
	// built without an agent.
	Agent func(importPath string) map[string][]byte

	// ToolExec makes the -toolexec flag with which the host is linked, from the paths of
	// the live modules; nil means none. One of the user's own is left as it is.
	ToolExec func(modules []string) (string, bool)

	// Environ is the environment of the go command; nil means os.Environ().
	Environ []string

	// Stderr gets what the go command has to say when it succeeds: downloads,
	// warnings of the C compiler, -v, -x. It may be nil.
	Stderr io.Writer
}

// Host is a program as it was built.
type Host struct {
	Config

	Exe      string        // absolute path of the executable
	Duration time.Duration // of Build
	Env      Env           // what `go env` says

	// NoAgent says why the host was built without an agent; empty if it has
	// one. Such a host can only be restarted.
	NoAgent string
	// Stripped is set if the user's own -ldflags leave out the symbol table or
	// DWARF: nothing can be resolved against such a host.
	Stripped bool

	// AgentPath is the import path of the agent, empty without one.
	AgentPath string

	// The following are known after Load.
	Main     *Package
	Packages map[string]*Package // every dependency, by import path
	Order    []*Package          // all of Packages, dependencies first
	Live     []*Package          // the live ones, dependencies first

	mu       sync.RWMutex      // Packages, Order and Live while packages are compiled
	all      []Flag            // GOFLAGS and the user's
	flags    []Flag            // user's and ours, as go build got them
	targets  []string          // Target and, for .go files, our own
	gcflags  []perPackage      // GOFLAGS, user's and ours, in order
	modules  []module          // live modules
	toolexec []string          // arguments of the go build that links the host
	overlay  map[string]string // user's overlay: absolute path → replacement ("" = deleted)
	ours     map[string]string // our overlay files: absolute path → file in Work
	tags     []string          // build tags and tool tags, after Load
	overlays string            // path of the overlay file given to go; empty without one
}

// Package is one package of the host, as `go list` describes it.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	Live       bool // the user may edit it
	Added      bool // not in the executable: came with an edit
	Cgo        bool // has files that import "C"

	GoFiles    []string // absolute; files of the user, without those that import "C"
	CgoFiles   []string // absolute; files that import "C"
	Files      []string // absolute; what the compiler was given, with files that cgo made
	OtherFiles []string // absolute; assembly, C, headers, .syso

	SFiles        []string // absolute; assembly
	EmbedPatterns []string
	EmbedFiles    []string // relative to Dir
	Imports       []string // resolved: keys of Host.Packages
	ImportMap     map[string]string

	Export    string // archive in the build cache
	GoVersion string // of the module's go line, "" for the standard library
	Module    *Module

	stamp    stamp // of Export, as go list told it
	accepted bool  // came with an edit that was accepted
}

// LinkPath is the import path as the linker has it.
func (p *Package) LinkPath() string {
	if p.Name == "main" {
		return "main"
	}
	return p.ImportPath
}

// Module is the module of a package.
type Module struct {
	Path      string
	Version   string
	Dir       string
	GoVersion string
	Main      bool
	Replace   *Module
}

// CompileError is a build that failed for a reason in the user's program.
// Output is the text as the go command prints it, with its final newline.
type CompileError struct {
	Output string
}

func (e *CompileError) Error() string { return strings.TrimSuffix(e.Output, "\n") }

// gocmd returns a go command that runs in the user's folder.
func (h *Host) gocmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	own(cmd)
	cmd.Dir = h.Dir
	cmd.Env = h.environ()
	return cmd
}

// environ returns the environment of the go command. PWD is set because the go
// command takes its folder, with symbolic links, from there (os.Getwd).
func (h *Host) environ() []string {
	env := h.Environ
	if env == nil {
		env = os.Environ()
	}
	return append(env[:len(env):len(env)], "PWD="+h.Dir)
}

// output runs cmd and returns its standard output. If the command ran and
// failed, what it wrote to standard error comes back as *CompileError.
func (h *Host) output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	stderr := h.Stderr
	if stderr == nil {
		stderr = io.Discard
	}
	return outputTo(ctx, cmd, stderr)
}

// outputTo is output with a place for what a command that succeeds writes to
// standard error.
func outputTo(ctx context.Context, cmd *exec.Cmd, w io.Writer) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		if stderr.Len() > 0 {
			w.Write(stderr.Bytes())
		}
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && stderr.Len() > 0 {
		if err := machineError(stderr.String()); err != nil {
			return nil, err
		}
		// No save mends this (cmd/go/internal/base/goflags.go, 1.25 to 1.27).
		if out := strings.TrimSpace(stderr.String()); strings.HasPrefix(out, "go: parsing $GOFLAGS: ") {
			return nil, errors.New(out)
		}
		return nil, &CompileError{Output: stderr.String()}
	}
	return nil, fmt.Errorf("running %s: %w", filepath.Base(cmd.Path), err)
}

// writeChanged writes data to a file unless the file holds it already, so that
// the go command's cache of file hashes stays valid.
func writeChanged(name string, data []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o666)
}

// own gives a command a process group of its own: a Ctrl-C at the terminal is for the
// program, not for what is being built.
func own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
