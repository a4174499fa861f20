package report

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Color tells whether lines to w are to be coloured. mode is the user's flag,
// "auto", "always" or "never"; for "auto" the environment has the next word
// (no-color.org, force-color.org), then the terminal.
func Color(mode string, w io.Writer) bool {
	switch {
	case mode == "always":
		return true
	case mode == "never", os.Getenv("NO_COLOR") != "":
		return false
	case os.Getenv("FORCE_COLOR") != "":
		return true
	case os.Getenv("TERM") == "dumb":
		return false
	}
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
