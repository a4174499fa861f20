// Package subject runs programs whose functions the suites of internal/proof replace:
// not by an edit, but by relinked copies of what the program is made of. Whatever the
// program does afterwards it must do as before.
package subject

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/patch"
)

// Config says what to build and how to run it.
type Config struct {
	Dir    string   // absolute; the program runs there too, unless RunIn says where
	RunIn  string   // absolute
	Flags  []string // build flags
	Target string   // package; "" is "."
	Work   string   // folder for the executable and the overlay
	Args   []string // of the program
	Env    []string // added to the program's environment

	// Held programs stand still behind the last initializer of package main, until
	// Release: see HoldFile.
	Held bool

	Stdin, Stdout, Stderr *os.File
}

// Subject is a running program that can be patched.
type Subject struct {
	*patch.Host
	Build *gobuild.Host

	client *agent.Client
	cmd    *exec.Cmd
	memory *os.File // the program's, as it is seen from outside: the agent is what is tested
	held   bool
}

// HoldFile is a file of package main which stops the program before main.main. The go
// command orders the initializers of a package by its file names.
const HoldFile = "zzz_realtime_hold.go"

// HoldSource is its text. It uses no predeclared name: the program may give them other
// meanings.
var HoldSource = []byte(`package main

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
)

// realtimeReleased is the end of the images; 0: not yet.
var realtimeImages, realtimeReleased, realtimePC atomic.Uintptr

var realtimeNap, realtimeRest = syscall.Timespec{Nsec: 100e3}, syscall.Timespec{}

func init() {
	for realtimeReleased.Load() == 0 {
		syscall.Nanosleep(&realtimeNap, &realtimeRest)
	}
	realtimeWhere()
	if pc := realtimePC.Load(); pc < realtimeImages.Load() || pc >= realtimeReleased.Load() {
		os.Stderr.WriteString("the code that runs is not that of a patch\n")
		os.Exit(99)
	}
}

func realtimeWhere() {
	pc, _, _, _ := runtime.Caller(0)
	realtimePC.Store(pc)
}
`)

// Start builds a program and starts it.
func Start(ctx context.Context, c Config) (s *Subject, err error) {
	if c.Target == "" {
		c.Target = "."
	}
	if c.RunIn == "" {
		c.RunIn = c.Dir
	}
	build, err := gobuild.Build(ctx, gobuild.Config{
		Dir: c.Dir, Flags: c.Flags, Target: []string{c.Target}, Work: c.Work, Agent: agent.Files,
	})
	if err != nil {
		return nil, err
	}
	if build.NoAgent != "" {
		return nil, errors.New(build.NoAgent)
	}
	if err := build.Load(ctx); err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	tool, child, err := agent.Socketpair()
	if err != nil {
		return nil, err
	}
	s = &Subject{Build: build, client: agent.New(tool), held: c.Held}
	s.cmd = exec.CommandContext(ctx, build.Exe, c.Args...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = c.RunIn, c.Stdout, c.Stderr
	if c.Stdin != nil {
		s.cmd.Stdin = c.Stdin
	}
	s.cmd.Env = append(append(os.Environ(), "PWD="+c.RunIn, agent.Environ(3, false, false)), c.Env...)
	s.cmd.ExtraFiles = []*os.File{child}
	err = s.cmd.Start()
	child.Close() // the other end sees it when the program ends
	if err != nil {
		s.client.Close()
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	if s.memory, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", s.PID()), os.O_WRONLY, 0); err == nil {
		s.Host, err = patch.Connect(ctx, build, s.client, c.Held)
	}
	if err == nil {
		err = s.Learn()
	}
	if err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// PID is that of the program.
func (s *Subject) PID() int { return s.cmd.Process.Pid }

// Wait waits for the end of the program and returns its exit status; a program that a
// signal has ended has status 128 and the signal's number.
func (s *Subject) Wait() int {
	s.cmd.Wait()
	s.client.Close()
	s.memory.Close()
	status := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// Kill ends the program.
func (s *Subject) Kill() {
	s.cmd.Process.Kill()
	s.Wait()
}

// IsAgent reports whether a package is not the program's own.
func (s *Subject) IsAgent(path string) bool {
	return path == s.Build.AgentPath || strings.HasPrefix(path, s.Build.AgentPath+"/")
}

// Release lets a held program go on, whose functions the images replace, from the first
// to the last that was loaded. It ends itself with status 99 unless its code lies in
// them.
func (s *Subject) Release(first, last *link.Image) error {
	images, ok1 := s.Program.Variable("main.realtimeImages")
	released, ok2 := s.Program.Variable("main.realtimeReleased")
	if !s.held || !ok1 || !ok2 {
		return errors.New("the program is not held")
	}
	word := func(w uint64) []byte { return binary.LittleEndian.AppendUint64(nil, w) }
	if err := s.write(images, word(first.Segments[0].Addr)); err != nil {
		return err
	}
	return s.write(released, word(last.End))
}

// write changes the program's memory, whatever its protection.
func (s *Subject) write(addr uint64, b []byte) error {
	if _, err := s.memory.WriteAt(b, int64(addr)); err != nil {
		return fmt.Errorf("writing to the program's memory: %w", err)
	}
	return nil
}
