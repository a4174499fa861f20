package process

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A kin is a process as /proc/PID/stat shows it: pid (comm) state ppid pgrp session tty tpgid flags … (proc_pid_stat(5)).
type kin struct {
	pid, ppid, pgrp, session int
	state                    byte
	execed                   bool // it was not only forked: then /proc/PID/exe is still its parent's
}

// parseStat reads the contents of /proc/PID/stat.
func parseStat(text string) (k kin, ok bool) {
	// comm is whatever the program likes, brackets and newlines included.
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return k, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 4 || len(fields[0]) != 1 {
		return k, false
	}
	k.state = fields[0][0]
	for _, n := range []struct {
		to   *int
		text string
	}{{&k.pid, strings.TrimSpace(text[:open])}, {&k.ppid, fields[1]}, {&k.pgrp, fields[2]}, {&k.session, fields[3]}} {
		var err error
		if *n.to, err = strconv.Atoi(n.text); err != nil {
			return k, false
		}
	}
	if len(fields) > 6 {
		flags, err := strconv.ParseUint(fields[6], 10, 64)
		k.execed = err == nil && flags&forkNoExec == 0
	}
	return k, true
}

// forkNoExec is PF_FORKNOEXEC of the kernel's include/linux/sched.h, in the field flags of /proc/PID/stat.
const forkNoExec = 0x40

// dead reports whether only the process's exit status is left.
func (k kin) dead() bool { return k.state == 'Z' || k.state == 'X' }

// processes returns all processes. Reading /proc takes milliseconds; if a parent ends meanwhile, its child may be listed with a parent
// that is not there or dead, and the chain is broken. Then /proc is read again.
func processes() []kin {
	for range 5 {
		if all := readProc(); whole(all) {
			return all
		}
	}
	return readProc() // with hidepid (proc(5)) there are always parents that can't be seen
}

// whole reports whether all living processes have living parents.
func whole(all []kin) bool {
	living := make(map[int]bool, len(all))
	for _, k := range all {
		living[k.pid] = !k.dead()
	}
	return !slices.ContainsFunc(all, func(k kin) bool { return !k.dead() && k.ppid != 0 && !living[k.ppid] })
}

func readProc() []kin {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var all []kin
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", name, "stat"))
		if err != nil {
			continue // it has ended
		}
		if k, ok := parseStat(string(text)); ok {
			all = append(all, k)
		}
	}
	return all
}

// members returns the living processes of the program when its end has begun.
func (p *Process) members() []kin {
	living := p.family()
	for _, k := range living {
		p.met.Store(k.pid, true)
	}
	return living
}

// family returns the living processes of the program: itself, its group if it has one of its own, the orphans that bear its mark, and
// what descends from any of them. Orphans that have ended are reaped on the way.
func (p *Process) family() []kin {
	self := os.Getpid()
	ended := false
	select {
	case <-p.ended:
		ended = true
	default:
	}
	children := make(map[int][]kin)
	var found []kin
	for _, k := range processes() {
		orphan := k.ppid == self && k.pid != p.PID()
		switch {
		case k.pid == p.PID() && !ended,
			!p.shared && k.pgrp == p.PID(),
			orphan && p.bears(k):
			found = append(found, k)
		default:
			children[k.ppid] = append(children[k.ppid], k)
		}
	}
	for i := 0; i < len(found); i++ { // found grows
		found = append(found, children[found[i].pid]...)
		delete(children, found[i].pid)
	}
	living := found[:0]
	for _, k := range found {
		switch {
		case !k.dead():
			living = append(living, k)
		case k.ppid == self && k.pid != p.PID():
			reap(k.pid)
		}
	}
	return living
}

// bears reports whether the process has the program's mark in the environment that it was started with, or no mark and the program's
// executable. A process that is ending or dead has neither any more (fs/proc/base.c: no mm), so those that were met alive are
// remembered.
func (p *Process) bears(k kin) bool {
	if _, met := p.met.Load(k.pid); met {
		return true
	}
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(k.pid), "environ"))
	if err == nil {
		for entry := range bytes.SplitSeq(env, []byte{0}) {
			if bytes.HasPrefix(entry, []byte(Mark+"=")) {
				return string(entry) == p.mark
			}
		}
	}
	// Started with an environment of the program's choice. What is in our group and not in the program's is a command of ours.
	return (p.shared || k.pgrp != unix.Getpgrp()) && p.exe != nil && p.exe.runs(k.pid)
}

// reapOrphans reaps orphans that ended while the program runs: a service that makes daemons all day would fill the process table.
//
// wait4(-1) would take exec.Cmd its children away. Those are in our session and our process group; a dead process that is not, and not
// the program, has come to us as an orphan. Dead orphans that share our group are left until we end.
func (p *Process) reapOrphans() {
	// Almost always a child of an exec.Cmd that was waited for already: then there is no dead child and no need to read /proc.
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil || info.Signo == 0 {
		return
	}
	self := os.Getpid()
	session, err := unix.Getsid(0)
	if err != nil {
		return
	}
	for _, k := range processes() {
		if k.ppid != self || !k.dead() || k.pid == p.PID() {
			continue
		}
		if k.session != session || !p.shared && k.pgrp == p.PID() {
			reap(k.pid)
		}
	}
}

// reap takes the exit status of a dead child.
func reap(pid int) { syscall.Wait4(pid, nil, syscall.WNOHANG, nil) }
