// Package process runs the user's program as the go command would: with the terminal, and without getting in its way.
//
// # The terminal
//
// If stdin is a terminal and this process is in its foreground process group, the program stays in that group. Ctrl-C, Ctrl-Z and
// Ctrl-\ then reach the program through the kernel, once, and it may read the terminal. We are in the group too, so we catch the
// signals, do nothing, and live until the program has ended; they are never forwarded.
//
// Otherwise the program gets a process group of its own, and SIGINT, SIGQUIT, SIGTERM and SIGHUP that we receive are forwarded to that
// group, each once.
//
// SIGTERM and SIGHUP are sent to a process rather than typed, so they are forwarded to the program in both cases.
//
// # The program's children
//
// They end with the program. With a group of its own that is kill(-pgid). With a shared group the processes have to be found: those
// that descend from the program by /proc, and those whose parents have died. The latter come to us, because we are a child subreaper
// (prctl(2)), and are told from our own children, such as compilers, by a variable in their environment, [Mark], or by what they
// run, if that is the program's own executable.
package process

import (
	"bytes"
	"context"

	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"

	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Mark is the name of the variable by which the program's processes know each other.
const Mark = "REALTIME_PROGRAM"

// Grace is how long the program and its children have between SIGTERM and SIGKILL when nothing else is said.
const Grace = 3 * time.Second

// drainTime is how long output is read after all processes have ended. Only a process that escaped (it cleared its environment and left
// the group) can hold the pipe open for longer.
const drainTime = time.Second

// Options of [Start].
type Options struct {
	Path  string
	Args  []string   // without the program's name
	Dir   string     // empty: ours
	Env   []string   // nil: ours; Mark is added
	Extra []*os.File // become file descriptors 3, 4, …

	Stdin          *os.File // nil: /dev/null
	Stdout, Stderr io.Writer

	// Output, if not nil, gets the output instead of Stdout and Stderr, line by line with the line's newline. A line without one
	// was the last of its stream, or is a piece of a line longer than 64 KB. Stream is "stdout" or "stderr". Calls don't overlap;
	// line is valid during the call.
	Output func(stream string, line []byte)

	// Grace is how long children that outlive the program have between SIGTERM and SIGKILL; 0: [Grace].
	Grace time.Duration
}

// An Exit tells how the program ended.
type Exit struct {
	Code       int            // as a shell gives it: 128 + signal if a signal ended the program
	Signal     syscall.Signal // 0: none
	CoreDumped bool
	Duration   time.Duration // from its start to its end, without that of its children
	Asked      os.Signal     // the first signal by which somebody asked us or the program to stop; nil: none
}

// String describes the exit as the os package does: "exit status 2", "signal: killed".
func (e Exit) String() string {
	if e.Signal == 0 {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	s := "signal: " + e.Signal.String()
	if e.CoreDumped {
		s += " (core dumped)"
	}
	return s
}

// A Process is a program that was started.
type Process struct {
	cmd    *exec.Cmd
	grace  time.Duration
	shared bool   // our process group
	mark   string // in the environment of all its processes
	begin  time.Time

	signals    chan os.Signal
	interrupts chan os.Signal
	met        sync.Map // pids that members returned: only filled when the end has begun
	output     *output
	exe        *executable // nil: it can't be read
	launches   *launches   // of it

	ended  chan struct{} // the program itself
	kill   chan struct{} // closed: grace is over
	killed sync.Once
	done   chan struct{}
	exit   Exit
}

var (
	starts     atomic.Int64
	reaperOnce sync.Once
)

// Start runs the program.
func Start(opts Options) (*Process, error) {
	// Without this, which every kernel since 3.4 has, orphans would only be found through their process group.
	reaperOnce.Do(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })
	p := &Process{
		cmd:        exec.Command(opts.Path, opts.Args...),
		grace:      opts.Grace,
		shared:     foreground(opts.Stdin),
		mark:       fmt.Sprintf("%s=%d.%d", Mark, os.Getpid(), starts.Add(1)),
		signals:    make(chan os.Signal, 16),
		interrupts: make(chan os.Signal, 16),
		ended:      make(chan struct{}),
		kill:       make(chan struct{}),
		done:       make(chan struct{}),
	}
	if p.grace <= 0 {
		p.grace = Grace
	}
	env := opts.Env
	if env == nil {
		env = os.Environ()
	}
	p.cmd.Env = append(env[:len(env):len(env)], p.mark)
	p.cmd.Dir = opts.Dir
	p.cmd.ExtraFiles = opts.Extra
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !p.shared}
	if opts.Stdin != nil {
		p.cmd.Stdin = opts.Stdin
	}
	var err error
	if p.output, err = newOutput(p.cmd, opts); err != nil {
		return nil, fmt.Errorf("starting %q: %w", opts.Path, err)
	}
	// From before the start: a Ctrl-C right after it must not end us and leave the program.
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // nohup, or a background job of a script: it stays so, here and in the program
			signal.Notify(p.signals, sig)
		}
	}
	signal.Notify(p.signals, syscall.SIGCHLD)
	p.exe, _ = openExecutable(opts.Path)
	p.launches = watchStarts(opts.Path) // from before the start: that of the program is the first
	p.begin = time.Now()
	err = p.cmd.Start()
	p.output.started(err == nil)
	if err != nil {
		signal.Stop(p.signals)
		p.closeWatch()
		return nil, fmt.Errorf("starting %q: %w", opts.Path, err)
	}
	p.Started() // its own start is told by now, and is not to become one with what it does next
	go p.listen()
	go p.wait()
	go p.supervise()
	return p, nil
}

// foreground reports whether f is the terminal that we are in the foreground of.
func foreground(f *os.File) bool {
	if f == nil || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	pgrp, err := unix.IoctlGetUint32(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && int(pgrp) == unix.Getpgrp()
}

// PID returns the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program and its children have ended and all output was delivered.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for Done and tells how the program ended.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Interrupts delivers the signals by which somebody asked to stop while the program ran. The program has got them already;
// it decides whether to end, and the session ends with it. Signals of which nobody reads are dropped.
func (p *Process) Interrupts() <-chan os.Signal { return p.interrupts }

// Signal sends sig to the program alone.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Stop ends the program and its children: SIGTERM, then SIGKILL when grace or ctx has ended. It waits for Done.
func (p *Process) Stop(ctx context.Context, grace time.Duration) Exit {
	p.signalAll(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.exit
	case <-timer.C:
	case <-ctx.Done():
	}
	p.killed.Do(func() { close(p.kill) })
	select {
	case <-p.ended:
	default:
		p.signalAll(syscall.SIGKILL)
	}
	return p.Wait()
}

// wait reaps the program. exec.Cmd's own Wait would wait for the end of its output too, which children can delay for ever.
func (p *Process) wait() {
	state, err := p.cmd.Process.Wait()
	p.exit.Duration = time.Since(p.begin)
	p.exit.Code = 1
	if err == nil {
		status := state.Sys().(syscall.WaitStatus)
		p.exit.Code = status.ExitStatus()
		if status.Signaled() {
			p.exit.Signal = status.Signal()
			p.exit.Code = 128 + int(status.Signal())
			p.exit.CoreDumped = status.CoreDump()
		}
	}
	close(p.ended)
}

// supervise handles signals while the program runs, and then ends what it left.
func (p *Process) supervise() {
	var asked os.Signal
	handle := func(sig os.Signal) {
		if sig == syscall.SIGCHLD {
			p.reapOrphans()
			return
		}
		if asked == nil {
			asked = sig
		}
		p.forward(sig.(syscall.Signal))
		select {
		case p.interrupts <- sig:
		default:
		}
	}
	for running := true; running; {
		select {
		case sig := <-p.signals:
			handle(sig)
		case <-p.ended:
			running = false
		}
	}
	// Ctrl-C reaches the program and us at the same time, and the program may have been faster to end than we to look.
	if s := p.exit.Signal; asked == nil && p.shared && (s == syscall.SIGINT || s == syscall.SIGQUIT) {
		asked = s
	}
	p.endRest(handle)
	p.closeWatch()
	p.output.drain(drainTime)
	signal.Stop(p.signals)
	for {
		select {
		case sig := <-p.signals:
			handle(sig)
			continue
		default:
		}
		break
	}
	p.exit.Asked = asked
	close(p.done)
}

// forward hands on a signal that was sent to us.
func (p *Process) forward(sig syscall.Signal) {
	switch {
	case !p.shared:
		p.signalGroup(sig)
	case sig == syscall.SIGTERM || sig == syscall.SIGHUP:
		p.cmd.Process.Signal(sig)
	}
}

// endRest ends the processes that outlived the program.
func (p *Process) endRest(handle func(os.Signal)) {
	if len(p.members()) == 0 {
		return
	}
	p.signalAll(syscall.SIGTERM)
	grace := time.NewTimer(p.grace)
	defer grace.Stop()
	// Not all of them are our children, so not every end of one is a SIGCHLD.
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	kill := p.kill
	hard := false
	for rounds := 0; ; {
		select {
		case sig := <-p.signals:
			handle(sig)
		case <-grace.C:
			hard = true
		case <-kill:
			hard, kill = true, nil
		case <-look.C:
		}
		if hard {
			// A process may fork between our look and the signal, hence again and again; one that doesn't end is stuck in the kernel.
			p.signalAll(syscall.SIGKILL)
			if rounds++; rounds > 200 {
				return
			}
		}
		if len(p.members()) == 0 {
			return
		}
	}
}

// signalGroup signals the program's own process group. A group exists as long as one member does; its number is not given to a new
// process before that.
func (p *Process) signalGroup(sig syscall.Signal) {
	select {
	case <-p.ended:
		for _, m := range p.members() {
			if m.pgrp == p.PID() {
				syscall.Kill(-p.PID(), sig)
				return
			}
		}
	default:
		syscall.Kill(-p.PID(), sig)
	}
}

// signalAll signals the program and all its descendants.
func (p *Process) signalAll(sig syscall.Signal) {
	// Found before the first of them dies: then the chain of parents is whole.
	members := p.members()
	if !p.shared {
		p.signalGroup(sig)
		if sig == syscall.SIGTERM {
			p.signalGroup(syscall.SIGCONT) // a stopped process gets the other signal only now
		}
	}
	for _, m := range members {
		if !p.shared && m.pgrp == p.PID() {
			continue
		}
		if m.pid == p.PID() {
			p.cmd.Process.Signal(sig)
		} else {
			syscall.Kill(m.pid, sig)
		}
		if sig == syscall.SIGTERM {
			syscall.Kill(m.pid, syscall.SIGCONT)
		}
	}
}

// output reads the pipes of the program's output, if it has any.
type output struct {
	mu      sync.Mutex
	readers sync.WaitGroup
	ours    []*os.File // read ends
	theirs  []*os.File
	copies  []func()
}

func newOutput(cmd *exec.Cmd, opts Options) (*output, error) {
	o := new(output)
	for _, s := range []struct {
		name string
		to   io.Writer
		end  *io.Writer
	}{{"stdout", opts.Stdout, &cmd.Stdout}, {"stderr", opts.Stderr, &cmd.Stderr}} {
		if opts.Output == nil {
			if _, ok := s.to.(*os.File); ok || s.to == nil {
				*s.end = s.to
				continue
			}
		}
		r, w, err := os.Pipe()
		if err != nil {
			o.started(false)
			return nil, err
		}
		o.ours, o.theirs = append(o.ours, r), append(o.theirs, w)
		*s.end = w
		o.copies = append(o.copies, func() {
			if opts.Output == nil {
				// One writer may serve both streams.
				io.Copy(writer(func(b []byte) (int, error) {
					o.mu.Lock()
					defer o.mu.Unlock()
					return s.to.Write(b)
				}), r)
				io.Copy(io.Discard, r) // the writer failed; the program must not block
				return
			}
			lines(r, func(line []byte) {
				o.mu.Lock()
				defer o.mu.Unlock()
				opts.Output(s.name, line)
			})
		})
	}
	return o, nil
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// started begins to read, or gives all up.
func (o *output) started(ok bool) {
	for _, f := range o.theirs {
		f.Close()
	}
	if !ok {
		for _, f := range o.ours {
			f.Close()
		}
		return
	}
	for _, run := range o.copies {
		o.readers.Go(run)
	}
}

// drain waits for the end of the output, but no longer than limit.
func (o *output) drain(limit time.Duration) {
	deadline := time.Now().Add(limit)
	for _, f := range o.ours {
		f.SetReadDeadline(deadline)
	}
	o.readers.Wait()
	for _, f := range o.ours {
		f.Close()
	}
}

// lineLimit bounds the memory that a line takes.
const lineLimit = 64 << 10

// lines calls f with each line that r delivers.
func lines(r io.Reader, f func(line []byte)) {
	buf := make([]byte, 0, lineLimit)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		rest := buf
		for {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				break
			}
			f(rest[:i+1])
			rest = rest[i+1:]
		}
		if len(rest) > 0 && (len(rest) == lineLimit || err != nil) {
			f(rest)
			rest = nil
		}
		if err != nil {
			return
		}
		buf = buf[:copy(buf[:cap(buf)], rest)]
	}
}
