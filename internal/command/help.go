package command

import (
	"fmt"
	"io"
	"strings"
)

const runHelp = `usage: realtime run [build flags] [flags] [package] [arguments]

Run builds and starts a program as go run does and watches its source. When a
function is edited and saved, its next call in the running program runs the new
code. An edit that can't go live is built in the background, and the program
restarted; code that does not compile changes nothing.

The package is a path, or a list of .go files; without one it is that of the
working directory. What follows it goes to the program. To give the program of
the working directory a flag, write "realtime run . -flag".

The build flags are those of go run (go help build) and go to the go command
unchanged, but for -json and -v, which are realtime's. -exec, -n and -linkshared
can't be had. -C stands first, before "run" or after it. $GOFLAGS is respected.

The flags of realtime:

	-restart auto|never
		What to do with an edit that can't go live: restart the program
		(auto, the default), or say so and run on with the old code.
	-grace duration
		How long a program that is restarted may take to end after
		SIGTERM, before SIGKILL (default 5s).
	-inline
		Let the compiler inline in the packages that can be edited. The
		code is faster; a loop that never returns keeps the old bodies
		of what was inlined into it.
	-poll duration
		Look at the files this often instead of waiting for the file
		system's events, which some network and shared folders don't
		send.
	-json
		Print JSON events on standard output, the program's output among
		them.
	-color auto|always|never
		Colour realtime's lines. For auto, the default, see NO_COLOR and
		FORCE_COLOR, then the terminal.
	-v
		Print what realtime does in detail.

Exit status: the program's own. 1 if it can't be built, 2 if the command line is
wrong.

For example:

	realtime run ./cmd/server -addr :8080
	realtime -C examples/shop run -race .
`

const versionHelp = `usage: realtime version

Version prints the version of realtime and the Go release that built it.
`

const helpHelp = `usage: realtime help [command]

Help prints what realtime does, or how a command is used.
`

// topHelp returns the help text of realtime itself.
func topHelp() string {
	var b strings.Builder
	b.WriteString(`Realtime changes the functions of a Go program while it runs: edit, save, and
the next call runs the new code.

usage: realtime [-C dir] <command> [arguments]

`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "\t%-9s %s\n", c.name, c.short)
	}
	b.WriteString(`
"realtime help <command>" tells more about one.
`)
	return b.String()
}

func help(c *command, _ string, args []string, stdio Stdio) (int, error) {
	if len(args) == 0 {
		io.WriteString(stdio.Out, topHelp())
		return 0, nil
	}
	if len(args) > 1 {
		return 2, usagef("realtime help", "help is for one command")
	}
	if !isHelpFlag(args[0]) {
		if c = lookup(args[0]); c == nil {
			return 2, unknown("command", args[0], "realtime help", commandNames())
		}
	}
	io.WriteString(stdio.Out, c.help)
	return 0, nil
}
