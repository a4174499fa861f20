// Package report tells what a session does: as lines for a person, or as JSON
// events for a program.
//
// The contract of the text form:
//
//   - it goes to standard error; the program's own output is never touched;
//   - every line begins with "realtime: ", but for what the compiler says,
//     which is passed on as it is, so that editors link it;
//   - one edit ends in one line, the lines that explain it are indented below;
//   - all lines of one event come out in one write, so that the program's
//     output can't stand between them;
//   - colour repeats what the words say and is left out where it is not wanted.
//
// The contract of the JSON form is docs/json.md.
package report

import (
	"io"
	"time"
)

// A Verdict says what becomes of one changed declaration.
type Verdict string

const (
	VerdictLive         Verdict = "live"               // the next call runs the new code
	VerdictLiveNewCalls Verdict = "live for new calls" // so too, but running calls finish with the old code
	VerdictKept         Verdict = "kept"               // the running value stays
	VerdictRestart      Verdict = "restart"            // needs a new process
)

// A Decl is one changed declaration.
type Decl struct {
	ImportPath string
	Package    string // package name; "" stands for the last element of ImportPath
	Kind       string // "func", "type", "var", "const", "import", or "" for what is not a Go declaration
	Name       string // as in the source: "Total", "(*Cart).Add", "main.func1"
	File       string // absolute, or "" if unknown
	Line, Col  int    // from 1; 0 if unknown
	Verdict    Verdict
	Reason     string // why it is not simply live
	LinesOnly  bool   // only its line numbers changed
}

// A Running is a call that goes on with the old code.
type Running struct {
	Name      string // as in a traceback
	Goroutine uint64
	File      string // absolute
	Line      int
}

// A Timing is where the time of one edit went. Pause is the longest time that
// the program stood still, and is part of Load.
type Timing struct {
	Settle, Compile, Change, Link, Load, Pause time.Duration
}

// Held is what the process holds of all edits so far. Old code is never unloaded.
type Held struct {
	Versions int    // images, one for each edit that brought code
	Bytes    uint64 // of memory
}

// An Output is what the toolchain printed about one package.
type Output struct {
	ImportPath string
	Text       string
}

// An Edit is one edit and what became of it.
type Edit struct {
	Number  int           // from 1
	Elapsed time.Duration // since the save
	PID     int           // the process that has the edit
	Decls   []Decl
	Running []Running
	// Compiled are the import paths of the packages that were compiled for it.
	Compiled []string
	// Later are the import paths of packages with functions that have only moved, and get
	// their line numbers later: see Reporter.Lines.
	Later []string
	// Instances are the ids of the processes that ran the program's executable beside the program,
	// when it was known that it starts itself.
	Instances []int
	Timing    Timing
	Held      Held
	Output    []Output // why it was rejected, in the toolchain's words
	Reason    string   // what no Decl tells
}

// A StartInfo describes the first start of the program.
type StartInfo struct {
	Target       string // as a user names it: "./cmd/shop"
	ImportPath   string
	PID          int
	Built        time.Duration
	LivePackages int

	// RestartMode is why no edit can go live, or "".
	RestartMode string
	// RestartNever tells that no edit may restart the program either.
	RestartNever bool
}

// An Exit is the end of a process of the program.
type Exit struct {
	PID    int
	Code   int    // exit status, if Signal is ""
	Signal string // such as "SIGSEGV", or ""
	Ran    time.Duration
	Reason string // why realtime ended it ("restart", "interrupt"), or "" if it ended by itself
}

// A Reporter takes the events of a session. Its methods may be called from
// several goroutines. An edit is closed by exactly one call of Live, Restarted,
// Rejected or NotApplied.
type Reporter interface {
	// Start reports that the program runs for the first time.
	Start(StartInfo)
	// BuildFailed reports that there is no program to start.
	BuildFailed([]Output)

	// Live closes an edit whose next calls run the new code.
	Live(Edit)
	// Lines reports that all functions of packages have their line numbers, as of an edit.
	Lines(edit int, packages []string)
	// RestartBegin reports that an edit needs a new process, now being built.
	RestartBegin(Edit)
	// Restarted closes an edit that runs in a new process.
	Restarted(Edit)
	// Rejected closes an edit that can't be built.
	Rejected(Edit)
	// NotApplied closes an edit that needs a restart where none is allowed.
	NotApplied(Edit)

	// Exited reports the end of a process, after the last byte of its output.
	Exited(Exit)
	// Note reports anything else that a user should know: one line.
	Note(text string)
	// Debug reports what helps to find a fault in realtime itself.
	Debug(format string, args ...any)

	// Stream returns where the program's "stdout" or "stderr" goes: direct
	// itself, or a writer that makes an event of each write.
	Stream(name string, direct io.Writer) io.Writer
}

// A Config says how a Reporter writes.
type Config struct {
	Dir     string // positions in lines are relative to it; absolute
	Color   bool
	Verbose bool // write what Debug reports, and each edit's Timing
}
