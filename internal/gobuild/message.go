package gobuild

import (
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// note is one line of the compiler's -m output.
type note struct {
	pos  token.Position // the file by its absolute path
	text string
}

var noteLine = regexp.MustCompile(`^(.+?):(\d+):(\d+): (.*)$`)

// notePrefixes and noteSuffixes tell what -m prints from errors. They are only
// needed when a compilation fails behind the type checker, which is rare.
var (
	notePrefixes = []string{"can inline ", "cannot inline ", "inlining call to ", "leaking param", "mutates param: ", "calls param: ", "moved to heap: ",
		"devirtualizing ", "partially devirtualizing ", "mark inlined call", "ignoring self-assignment", "zero-copy ", "live at "}
	noteSuffixes = []string{" escapes to heap", " does not escape", " ignoring self-assignment"}
)

func isNote(text string) bool {
	for _, p := range notePrefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	for _, s := range noteSuffixes {
		if strings.HasSuffix(text, s) {
			return true
		}
	}
	return false
}

// splitMessages parts the output of the compiler into -m notes and the rest.
func splitMessages(out string) (notes []note, rest string) {
	var b strings.Builder
	for line := range strings.Lines(out) {
		m := noteLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || !isNote(m[4]) {
			b.WriteString(line)
			continue
		}
		n := note{token.Position{Filename: m[1]}, m[4]}
		n.pos.Line, _ = strconv.Atoi(m[2])
		n.pos.Column, _ = strconv.Atoi(m[3])
		notes = append(notes, n)
	}
	return notes, b.String()
}

// MachineError is a tool that failed for a reason that does not lie in the user's
// program: a full disk, no permission. It is an Errno as to errors.Is.
type MachineError struct {
	Message string // the line in which the tool says so
	Errno   syscall.Errno
}

func (e *MachineError) Error() string { return e.Message }
func (e *MachineError) Unwrap() error { return e.Errno }

// MachineErrors are those of a machine that has too little of something, or forbids.
var MachineErrors = []syscall.Errno{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EFBIG, syscall.EIO, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EACCES,
}

// machineError looks for such a reason in what a tool has printed. Messages with a
// position are of the user's code.
func machineError(out string) error {
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if noteLine.MatchString(line) {
			continue
		}
		for _, errno := range MachineErrors {
			if strings.HasSuffix(line, ": "+errno.Error()) {
				return &MachineError{strings.TrimSpace(line), errno}
			}
		}
	}
	return nil
}

// goOutput writes the compiler's output as the go command prints it: below the
// name of the package, with the shortest paths (cmd/go/internal/work/shell.go,
// reportCmd).
func goOutput(cwd, importPath, dir, out string) string {
	if !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	for {
		if rel, err := filepath.Rel(cwd, dir); err == nil && len(rel) < len(dir) && sameFile(filepath.Join(cwd, rel), dir) {
			out = replacePrefix(out, dir, rel)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "# " + importPath + "\n" + out
		}
		dir = parent
	}
}

// replacePrefix replaces old where a path can begin.
func replacePrefix(s, old, new string) string {
	for _, before := range []string{" ", "\n", "\n\t"} {
		s = strings.ReplaceAll(s, before+old, before+new)
	}
	if rest, ok := strings.CutPrefix(s, old); ok {
		s = new + rest
	}
	return s
}

func sameFile(a, b string) bool {
	fa, err := os.Stat(a)
	if err != nil {
		return false
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}
