// Package command is the command line of realtime: what a user types becomes
// the options of a session.
//
// Exit status: 2 when the command line is wrong, 1 when something that it needs
// is missing or the program can't be built, else the program's own.
package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/realtimefunc/realtimefunc/internal/hostlink"
)

// Stdio is what a command reads and writes. The program that is run gets it too.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// A command is one word after "realtime".
type command struct {
	name  string
	short string // for the list of commands
	help  string
	run   func(c *command, dir string, args []string, stdio Stdio) (exitCode int, err error)
}

// commands returns the commands in the order of the help text. It is a function
// because help, a command itself, needs the list.
func commands() []*command {
	return []*command{
		{"run", "run a program; an edited function goes live in it", runHelp, run},
		{"version", "print the version of realtime", versionHelp, version},
		{"help", "print this text, or that of a command", helpHelp, help},
	}
}

// Run runs the command that args, without the name of the executable, call for,
// and returns the exit status.
func Run(args []string, stdio Stdio) int {
	run := dispatch
	if len(args) > 0 && args[0] == hostlink.Command {
		run = func(args []string, _ Stdio) (int, error) { return hostlink.Run(args[1:]) } // we are asked by go build
	}
	code, err := run(args, stdio)
	if err == nil {
		return code
	}
	fmt.Fprintf(stdio.Err, "realtime: %v\n", err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stdio.Err, "  %s\n", usage.hint)
		return 2
	}
	return max(code, 1)
}

func dispatch(args []string, stdio Stdio) (int, error) {
	dir, err := os.Getwd()
	if err != nil {
		return 1, fmt.Errorf("finding the working directory: %w", err)
	}
	dir, args, err = chdir(dir, args)
	if err != nil {
		return 1, err
	}
	if len(args) == 0 {
		io.WriteString(stdio.Err, topHelp())
		return 2, nil
	}
	name, args := args[0], args[1:]
	if isHelpFlag(name) {
		name = "help"
	}
	c := lookup(name)
	if c == nil {
		return 2, unknown("command", name, "realtime help", commandNames())
	}
	// As the go command does: -C stands first, before the command or after it.
	dir, args, err = chdir(dir, args)
	if err != nil {
		return 1, err
	}
	return c.run(c, dir, args, stdio)
}

func lookup(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return c
		}
	}
	return nil
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

func isHelpFlag(arg string) bool {
	switch arg {
	case "-h", "--h", "-help", "--help":
		return true
	}
	return false
}

// A usageError is a mistake on the command line.
type usageError struct {
	text string
	hint string // what to type instead
}

func (e *usageError) Error() string { return e.text }

func usagef(help, format string, args ...any) error {
	return &usageError{
		text: fmt.Sprintf(format, args...),
		hint: fmt.Sprintf("%q tells more", help),
	}
}

// unknown returns the error for a name that is none of known, with the one that
// was probably meant.
func unknown(kind, name, help string, known []string) error {
	e := &usageError{
		text: fmt.Sprintf("unknown %s %q", kind, name),
		hint: fmt.Sprintf("%q lists all", help),
	}
	if near := nearest(name, known); near != "" {
		e.hint = fmt.Sprintf("did you mean %q? %s", near, e.hint)
	}
	return e
}
