package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// The commands of the fault_*.txtar scripts.

// kill signals a process by its number, if it is one.
func kill(pid string, sig syscall.Signal) error {
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 1 {
		return os.ErrProcessDone
	}
	return syscall.Kill(n, sig)
}

func (s *script) signalProgram(ts *testscript.TestScript, name string) {
	sig := unix.SignalNum("SIG" + name)
	if sig == 0 {
		ts.Fatalf("unknown signal %q", name)
	}
	s.setMark()
	ts.Check(kill(s.pid, sig))
}

// through words... puts words before the command line of the tool: a shell that
// sets limits, say, and then runs "$@".
func through(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: through words...")
	}
	of(ts).through = args
}

// leave gives up a tool that was killed. The program, which it has left, is ended
// with the script; start may start another one.
func leave(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, "leave")
	s := of(ts)
	s.left = append(s.left, s.pid)
	s.run = nil
}

// canMount reports whether the test may mount file systems.
var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "realtime-mount")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k") != nil {
		return false
	}
	return unix.Unmount(dir, 0) == nil
})

// tmpfs dir size=32m[.noexec] mounts a file system in memory.
func tmpfs(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "tmpfs dir options")
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	flags := uintptr(0)
	if filepath.Ext(args[1]) == ".noexec" {
		flags, args[1] = unix.MS_NOEXEC, args[1][:len(args[1])-len(".noexec")]
	}
	ts.Check(unix.Mount("tmpfs", dir, "tmpfs", flags, args[1]))
	ts.Defer(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// fill dir takes all the room that is left on the file system of a folder; fill dir
// off gives it back.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: fill dir [off]")
	}
	name := filepath.Join(ts.MkAbs(args[0]), "filling")
	if len(args) == 2 {
		ts.Check(os.Remove(name))
		return
	}
	f, err := os.Create(name)
	ts.Check(err)
	defer f.Close()
	for b := make([]byte, 1<<16); len(b) > 0; {
		if _, err := f.Write(b); errors.Is(err, syscall.ENOSPC) {
			b = b[:len(b)/2]
		} else {
			ts.Check(err)
		}
	}
}
