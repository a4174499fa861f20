package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/process"
	"github.com/realtimefunc/realtimefunc/internal/program"
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
	warmed  chan error // closed to edits until the facts below are known

	// The facts, made by warm while the program starts.
	compiler *gobuild.Compiler
	program  *program.Program
	abbrevs  signature.Abbrevs
	library  *program.Library
	sources  *sources
	arena    uint64 // next free address
	limit    uint64
	bodies   bodies
}

// Size of the address range for all images of a host, and how far from the host it
// may begin so that 32-bit offsets reach it.
const (
	arenaSize = 512 << 20
	arenaGap  = 64 << 20
	arenaMax  = 1 << 31
)

// build builds the program.
func (s *session) build(ctx context.Context) (*host, error) {
	h := &host{}
	b, err := gobuild.Build(ctx, gobuild.Config{
		Dir: s.Dir, Flags: s.BuildFlags, Target: s.Target, KeepInlining: s.Inline,
		Work: s.work, Agent: agent.Files, Stderr: s.Stderr,
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
	if h.restartMode == "" {
		tool, child, err := agent.Socketpair()
		if err != nil {
			return err
		}
		defer child.Close()
		h.client = agent.New(tool)
		extra = append(extra, child)
		env = append(env, agent.Variable+"=3")
	}
	stdin, _ := s.Stdin.(*os.File)
	p, err := process.Start(process.Options{
		Path: h.build.Exe, Args: s.Args, Dir: s.Dir, Env: env, Extra: extra,
		Stdin: stdin, Stdout: s.Report.Stream("stdout", s.Stdout), Stderr: s.Report.Stream("stderr", s.Stderr),
		Grace: s.Grace,
	})
	if err != nil {
		return fmt.Errorf("starting the program: %w", err)
	}
	h.process, h.began = p, time.Now()
	s.host = h
	h.warmed = make(chan error, 1)
	go func() { h.warmed <- h.warm(ctx) }()
	return nil
}

func (h *host) running() bool { return h != nil && h.process != nil && !h.ended }

func (h *host) close() {
	h.ended = true
	if h.client != nil {
		h.client.Close()
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
		go func() { setup <- h.connect(ctx) }()
	}
	if h.sources == nil {
		if err := h.learn(ctx); err != nil {
			return err
		}
	}
	if h.restartMode != "" {
		return errors.New(h.restartMode)
	}
	files, live := map[string]string{}, map[string]bool{}
	for _, p := range h.build.Packages {
		if p.Export != "" {
			files[linkPath(p)] = p.Export
			live[linkPath(p)] = p.Live
		}
	}
	h.library = program.NewLibrary(files, live)
	h.bodies = bodies{}
	if err := <-setup; err != nil {
		return err
	}
	return h.program.Recover(h.library)
}

// connect reads the executable and reserves room for images in the process.
func (h *host) connect(ctx context.Context) error {
	p, err := program.Open(h.build.Exe, h.build.Env.GOVERSION, h.build.Env.GOROOT)
	if err != nil {
		return err
	}
	h.program = p
	if h.abbrevs, err = signature.ParseAbbrevs(p.Abbrevs); err != nil {
		return err
	}
	if _, err := h.client.Hello(ctx); err != nil {
		return err
	}
	set, err := setup(p)
	if err != nil {
		return err
	}
	ready, err := h.client.Setup(ctx, set)
	if err != nil {
		return err
	}
	h.arena, h.limit = ready.Arena, ready.Arena+arenaSize
	return nil
}

// setup is what the agent must know of the runtime.
func setup(p *program.Program) (*wire.Setup, error) {
	s := &wire.Setup{ArenaMin: (p.End + arenaGap) &^ (1<<20 - 1), ArenaMax: arenaMax, ArenaSize: arenaSize}
	for name, to := range map[string]*uint64{
		"runtime.stopTheWorldGC": &s.StopTheWorldGC, "runtime.startTheWorldGC": &s.StartTheWorldGC,
		"runtime.stopTheWorld": &s.StopTheWorld, "runtime.startTheWorld": &s.StartTheWorld,
		"runtime.gcallers": &s.Gcallers, "runtime.itabAdd": &s.ItabAdd,
		"runtime.getitab": &s.Getitab, "runtime.doInit1": &s.DoInit1,
	} {
		f, ok, err := p.HostFunction(name, goobj.ABIInternal)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("the program has no %s", name)
		}
		*to = f.Addr
	}
	for name, to := range map[string]*uint64{
		"runtime.firstmoduledata": &s.FirstModuledata, "runtime.lastmoduledatap": &s.LastModuledatap,
		"runtime.modulesSlice": &s.ModulesSlice, "runtime.allgs": &s.Allgs, p.Release.MainInitDone: &s.MainInitDone,
	} {
		a, ok := p.Variable(name)
		if !ok {
			return nil, fmt.Errorf("the program has no %s", name)
		}
		*to = a
	}
	if f, ok, _ := p.HostFunction("runtime.raceacquireg", goobj.ABIInternal); ok {
		s.RaceAcquireg = f.Addr // a -race host
	}
	for _, f := range []struct {
		structure, field string
		to               *uint32
	}{
		{"runtime.moduledata", "next", &s.ModuledataNext}, {"runtime.moduledata", "etypes", &s.ModuledataEtypes},
		{"runtime.g", "goid", &s.GGoid}, {"runtime.g", "atomicstatus", &s.GAtomicstatus}, {"runtime.g", "asyncSafePoint", &s.GAsyncSafePoint},
		{"runtime.g", "racectx", &s.GRacectx},
		{"internal/abi.ITab", "Type", &s.ItabType}, {"internal/abi.ITab", "Hash", &s.ItabHash}, {"internal/abi.Type", "Hash", &s.TypeHash},
	} {
		off, ok := p.Layouts.Offset(f.structure, f.field)
		if !ok {
			return nil, fmt.Errorf("%s has no field %s", f.structure, f.field)
		}
		*f.to = uint32(off)
	}
	for _, f := range []struct {
		outer, inner, field string
		to                  *uint32
	}{
		{"stack", "runtime.stack", "lo", &s.GStackLo}, {"stack", "runtime.stack", "hi", &s.GStackHi}, {"sched", "runtime.gobuf", "bp", &s.GSchedBP},
	} {
		a, ok1 := p.Layouts.Offset("runtime.g", f.outer)
		b, ok2 := p.Layouts.Offset(f.inner, f.field)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("runtime.g has no field %s.%s", f.outer, f.field)
		}
		*f.to = uint32(a + b)
	}
	return s, nil
}

func exitReport(h *host, e process.Exit, reason string) report.Exit {
	r := report.Exit{PID: h.process.PID(), Code: e.Code, Ran: e.Duration, Reason: reason}
	if e.Signal != 0 {
		r.Signal = e.Signal.String()
	}
	if e.Asked != nil && reason == "" {
		r.Reason = "interrupt"
	}
	return r
}
