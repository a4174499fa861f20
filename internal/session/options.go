package session

import (
	"io"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/report"
)

// Options are what a user asks of a session.
type Options struct {
	// Dir is where the go command and the program run: the user's working
	// directory, or what -C names. Absolute.
	Dir string

	// BuildFlags go to the go command as they are, each as "-name" or
	// "-name=value", in the user's order.
	BuildFlags []string

	// Target is one package (a path or a pattern that matches one), or the
	// names of the .go files that make up the program.
	Target []string

	// Args go to the program.
	Args []string

	// Executable is realtime itself, as an absolute path, which links the host (see
	// package hostlink). Empty: the go command links it alone.
	Executable string

	NoRestart bool          // -restart=never: say what can't go live and run on
	Inline    bool          // keep inlining in live packages
	Poll      time.Duration // look at the files this often; 0: wait for the file system's events
	Grace     time.Duration // from SIGTERM to SIGKILL

	// Stdin, Stdout and Stderr are the program's. Report decides what becomes
	// of the last two (see report.Reporter.Stream).
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	Report report.Reporter
}
