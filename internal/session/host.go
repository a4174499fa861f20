package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/hostlink"
	"github.com/realtimefunc/realtimefunc/internal/patch"
	"github.com/realtimefunc/realtimefunc/internal/process"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// host is one build of the program, its process, and all that is known of them.
type host struct {
	build       *gobuild.Host
	restartMode string // why no edit can go live; "" if it can

	process *process.Process
	began   time.Time // when it was started
	ended   bool
	client  *agent.Client
	gone    <-chan struct{} // closed when the control channel is
	unwatch func()          // ends the wait for that
	warmed  chan error      // closed to edits until the facts below are known

	ready  time.Time // when it was opened to edits; zero: it is not yet
	edited bool      // edits went live that the executable has not
	told   bool      // that not all of the program has them
	hinted bool      // that this may be so
	again  string    // why it is to be expected that the program starts itself, though it has not yet; "" if it is not

	// The facts, made by warm while the program starts.
	compiler *gobuild.Compiler
	patch    *patch.Host
	abbrevs  signature.Abbrevs
	sources  *sources
	bodies   bodies
	former   former
}

// build builds the program.
func (s *session) build(ctx context.Context) (*host, error) {
	h := &host{}
	b, err := gobuild.Build(ctx, gobuild.Config{
		Dir: s.Dir, Flags: s.BuildFlags, Target: s.Target, KeepInlining: s.Inline,
		Work: s.work, Agent: agent.Files, Stderr: s.Stderr,
		ToolExec: func(modules []string) (string, bool) { return hostlink.Flag(s.Executable, modules) },
	})
	if err != nil {
		return nil, err
	}
	h.build = b
	switch {
	case b.NoAgent != "":
		h.restartMode = b.NoAgent
	case b.Stripped:
		h.restartMode = "-ldflags leave out the symbol table"
	}
	return h, nil
}

// start runs a built program and begins to gather what edits need.
func (s *session) start(ctx context.Context, h *host) error {
	var extra []*os.File
	env := os.Environ()
	stdout, stderr := s.Report.Stream("stdout", s.Stdout), s.Report.Stream("stderr", s.Stderr)
	if h.restartMode == "" {
		tool, child, err := agent.Socketpair()
		if err != nil {
			return err
		}
		defer child.Close()
		h.client = agent.New(tool)
		if h.gone, h.unwatch, err = agent.Gone(tool); err != nil {
			return err
		}
		extra = append(extra, child)
		env = append(env, agent.Environ(3, piped(stdout), piped(stderr)))
	}
	stdin, _ := s.Stdin.(*os.File)
	p, err := process.Start(process.Options{
		Path: h.build.Exe, Args: s.Args, Dir: s.Dir, Env: env, Extra: extra,
		Stdin: stdin, Stdout: stdout, Stderr: stderr,
		Grace: s.Grace,
	})
	if err != nil {
		return notStarted(err)
	}
	h.process, h.began = p, time.Now()
	if h.client != nil {
		h.client.PID = p.PID()
	}
	h.again = s.host.startsAgain()
	s.host = h
	h.warmed = make(chan error, 1)
	go func() {
		done := p.Reading() // the executable is read, and the go command looks whether it is up to date
		err := guard(func() error { return h.warm(ctx) })
		done()
		h.warmed <- err
	}()
	return nil
}

func (h *host) running() bool { return h != nil && h.process != nil && !h.ended }

func (h *host) close() {
	h.ended = true
	if h.client != nil {
		h.client.Close()
		h.unwatch()
	}
}

// learn lists the packages of a build and reads their sources.
func (h *host) learn(ctx context.Context) error {
	err := h.build.Load(ctx)
	var compile *gobuild.CompileError
	if errors.As(err, &compile) {
		return errStale
	}
	if err != nil {
		return fmt.Errorf("listing packages: %w", err)
	}
	sources, err := readSources(h.build)
	if err != nil {
		return errStale
	}
	if h.compiler, err = gobuild.NewCompiler(h.build); err != nil {
		return err
	}
	if same, err := h.build.Verify(ctx); err != nil || !same {
		return errStale
	}
	h.sources = sources
	return nil
}

// errStale says that the sources are not those that the host was built from: a save
// has slipped in, so nothing is known of what runs.
var errStale = errors.New("a file was saved during the build")

// warm learns what edits need, while the program starts: nothing of the size of the
// program is done per edit.
func (h *host) warm(ctx context.Context) error {
	setup := make(chan error, 1)
	if h.restartMode == "" {
		go func() { setup <- guard(func() error { return h.connect(ctx) }) }()
	}
	if h.sources == nil {
		if err := h.learn(ctx); err != nil {
			return err
		}
	}
	if h.restartMode != "" {
		return errors.New(h.restartMode)
	}
	h.bodies = bodies{}
	h.former = former{bodies: map[wire.Range]bool{}, references: map[string][]string{}}
	if err := <-setup; err != nil {
		return err
	}
	return h.patch.Learn()
}

// connect reads the executable and reserves room for images in the process.
func (h *host) connect(ctx context.Context) (err error) {
	if h.patch, err = patch.Connect(ctx, h.build, h.client, false); err != nil {
		return err
	}
	h.abbrevs, err = signature.ParseAbbrevs(h.patch.Program.Abbrevs)
	return err
}

func exitReport(h *host, e process.Exit, reason string) report.Exit {
	r := report.Exit{PID: h.process.PID(), Code: e.Code, Ran: e.Duration, Reason: reason}
	if e.Signal != 0 {
		r.Signal = unix.SignalName(e.Signal)
	}
	if e.Asked != nil && reason == "" {
		r.Reason = "interrupt"
	}
	return r
}
