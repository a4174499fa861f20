package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// pty opens a pseudo-terminal (pts(4)).
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Skip("no pseudo-terminals here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	var n uint32
	conn, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	termios, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	termios.Lflag &^= unix.ECHO // what is typed is not for the screen
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, termios); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// A session is the tool with a program, as a user has it.
type session struct {
	tool    *exec.Cmd
	in      io.Writer // the keyboard
	screen  *talk     // what the program prints
	report  *talk     // what the tool prints
	program int
	done    chan error
}

// run starts the tool with a program in the role args. With terminal, both have one.
func run(t *testing.T, terminal bool, args ...string) *session {
	t.Helper()
	s := &session{done: make(chan error, 1)}
	opts := self(t, "tool", args...)
	s.tool = exec.Command(opts.Path, opts.Args...)
	s.tool.Env = opts.Env
	reportR, reportW := pipe(t)
	s.tool.ExtraFiles = []*os.File{reportW}
	if terminal {
		master, slave := pty(t)
		s.tool.Stdin, s.tool.Stdout, s.tool.Stderr = slave, slave, slave
		s.tool.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		s.in, s.screen = master, listen(t, master)
		defer slave.Close()
	} else {
		inR, inW := pipe(t)
		outR, outW := pipe(t)
		s.tool.Stdin, s.tool.Stdout, s.tool.Stderr = inR, outW, os.Stderr
		s.in, s.screen = inW, listen(t, outR)
		defer outW.Close()
		defer inR.Close()
	}
	if err := s.tool.Start(); err != nil {
		t.Fatal(err)
	}
	reportW.Close()
	s.report = listen(t, reportR)
	s.program = s.report.pid("program ")
	t.Cleanup(func() {
		s.tool.Process.Kill()
		syscall.Kill(s.program, syscall.SIGKILL)
	})
	go func() { s.done <- s.tool.Wait() }()
	return s
}

func (s *session) wait(t *testing.T, code int) {
	t.Helper()
	<-s.done
	if got := s.tool.ProcessState.ExitCode(); got != code {
		t.Errorf("the tool ended with %v, want code %d", s.tool.ProcessState, code)
	}
	if alive(s.program) {
		t.Error("the program lives")
	}
}

func group(t *testing.T, pid int) int {
	t.Helper()
	pgrp, err := unix.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	return pgrp
}

func TestTerminal(t *testing.T) {
	s := run(t, true, "listen")
	s.screen.expect("ready")
	if group(t, s.program) != group(t, s.tool.Process.Pid) {
		t.Error("the program is not in the tool's process group")
	}
	// Both get it from the kernel, and the tool would have forwarded it before it tells.
	io.WriteString(s.in, "\x03")
	s.screen.expect("got interrupt")
	s.report.expect("tool got interrupt")
	io.WriteString(s.in, "count\n") // the program reads the terminal
	s.screen.expect("count 1")
	io.WriteString(s.in, "\x1c")
	s.screen.expect("got quit")
	s.report.expect("tool got quit")
	io.WriteString(s.in, "count\n")
	s.screen.expect("count 2")
	io.WriteString(s.in, "end\n")
	s.report.expect("end 5 interrupt")
	s.wait(t, 5)
}

func TestTerminalInterruptEnds(t *testing.T) {
	s := run(t, true, "listen")
	s.screen.expect("ready")
	io.WriteString(s.in, "default\n")
	s.screen.expect("defaults")
	io.WriteString(s.in, "\x03")
	s.report.expect("end 130 interrupt")
	s.wait(t, 130)
}

// Signals that are sent to the tool alone.
func TestTerminalSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		s := run(t, true, "listen", sig.String())
		s.screen.expect("ready")
		s.tool.Process.Signal(sig)
		s.screen.expect("got " + sig.String())
		s.report.expect("end 7 " + sig.String())
		s.wait(t, 7)
	}
}

// In a shared group the children are found by descent.
func TestTerminalChildren(t *testing.T) {
	for _, how := range []string{"child", "setsid", "orphan", "setsid-orphan"} {
		s := run(t, true, "parent", how, "listen", "terminated")
		pid := s.screen.pid("pid ")
		s.screen.expect("ready")
		syscall.Kill(s.program, syscall.SIGKILL)
		s.report.expect("end 137 <nil>")
		s.wait(t, 137)
		if alive(pid) {
			t.Errorf("%s: child outlived the program", how)
		}
	}
}

func TestNoTerminal(t *testing.T) {
	s := run(t, false, "parent", "child", "listen")
	child := s.screen.pid("pid ")
	s.screen.expect("ready")
	if group(t, s.program) != s.program || group(t, child) != s.program {
		t.Error("the program has no process group of its own")
	}
	s.tool.Process.Signal(syscall.SIGINT) // the parent dies of it, the child hears it
	s.screen.expect("got interrupt")
	s.report.expect("tool got interrupt")
	s.screen.expect("got terminated") // it outlived the program
	syscall.Kill(child, syscall.SIGKILL)
	s.report.expect("end 130 interrupt")
	s.wait(t, 130)
}

func TestNoTerminalOnce(t *testing.T) {
	s := run(t, false, "listen", "hangup")
	s.screen.expect("ready")
	s.tool.Process.Signal(syscall.SIGINT)
	s.screen.expect("got interrupt")
	s.report.expect("tool got interrupt")
	io.WriteString(s.in, "count\n")
	s.screen.expect("count 1")
	s.tool.Process.Signal(syscall.SIGHUP)
	s.screen.expect("got hangup")
	s.report.expect("end 7 interrupt")
	s.wait(t, 7)
}
