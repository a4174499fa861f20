package report

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How much of a long list a person reads.
const (
	maxNames = 6 // on one line
	maxLines = 5
)

// duration returns d as "0.4 ms", "84 ms", "1.2 s" or "2m13s".
func duration(d time.Duration) string {
	switch {
	case d < 9950*time.Microsecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d < 59950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// position returns "./file.go:12:3" as go build prints it: relative to dir if
// that is shorter, and with "./" only for files of dir itself.
func position(dir, file string, line, col int) string {
	if rel, err := filepath.Rel(dir, file); err == nil && len(rel) < len(file) {
		file = rel
		if !strings.ContainsRune(rel, filepath.Separator) {
			file = "./" + rel
		}
	}
	if line > 0 {
		file += ":" + strconv.Itoa(line)
		if col > 0 {
			file += ":" + strconv.Itoa(col)
		}
	}
	return file
}

// name returns d's name for a reader who knows the program: "shop.Total" for a
// plain name; "(*Cart).Add" and "main.func1" say enough themselves.
func (d *Decl) name() string {
	if d.Name == "" || d.Kind == "" || d.Kind == "import" || strings.Contains(d.Name, ".") {
		return d.Name
	}
	pkg := d.Package
	if pkg == "" {
		pkg = path.Base(d.ImportPath)
	}
	return pkg + "." + d.Name
}

// line returns "./cart.go:12:6: type cart.Cart: field Note added".
func (d *Decl) line(dir string) string {
	var parts []string
	if d.File != "" {
		parts = append(parts, position(dir, d.File, d.Line, d.Col))
	}
	if d.Name != "" {
		parts = append(parts, strings.TrimSpace(d.Kind+" "+d.name()))
	}
	if d.Reason != "" {
		parts = append(parts, d.Reason)
	}
	return strings.Join(parts, ": ")
}

// line returns "main.main goes on with the old code: goroutine 1, ./main.go:31".
func (r *Running) line(dir string) string {
	return fmt.Sprintf("%s goes on with the old code: goroutine %d, %s",
		unqualified(r.Name), r.Goroutine, position(dir, r.File, r.Line, 0))
}

// unqualified cuts an import path down to the package name. The slashes of type
// arguments are not the path's.
func unqualified(symbol string) string {
	head, _, _ := strings.Cut(symbol, "[")
	return symbol[strings.LastIndexByte(head, '/')+1:]
}

// changes returns what an edit made live: "shop.Total, (*Cart).Add and 12 more".
// Functions of which only lines moved are not news beside functions that changed.
func (e *Edit) changes() string {
	var names []string
	moved := 0
	for i := range e.Decls {
		d := &e.Decls[i]
		if d.Verdict != VerdictLive && d.Verdict != VerdictLiveNewCalls {
			continue
		}
		if d.LinesOnly {
			moved++
		} else if n := d.name(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	switch {
	case len(names) > maxNames:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	case len(names) > 0:
		return strings.Join(names, ", ")
	case moved > 0:
		return "lines moved in " + count(moved, "function")
	case len(e.Compiled) > 0:
		return "no function of the program changed"
	}
	return "the code is what runs"
}

// reasons returns why an edit needs a restart, one line each.
func (e *Edit) reasons(dir string) []string {
	var lines []string
	for i := range e.Decls {
		if d := &e.Decls[i]; d.Verdict == VerdictRestart {
			lines = append(lines, d.line(dir))
		}
	}
	if e.Reason != "" {
		lines = append(lines, e.Reason)
	}
	return lines
}

// explain returns the lines below an edit that went live: what keeps its old
// value, what else there is to say of a declaration, and which calls go on with the
// old code.
func (e *Edit) explain(dir string) []string {
	var kept, running []string
	last := map[string]bool{} // declarations that have no other calls than the running ones
	for i := range e.Decls {
		switch d := &e.Decls[i]; {
		case d.Verdict == VerdictLiveNewCalls && strings.HasSuffix(d.Reason, RestartToRun):
			if e.runs(d) {
				last[d.Name] = true
			} else {
				kept = append(kept, "live for new calls: "+d.name()+" "+d.Reason)
			}
		case d.Verdict == VerdictKept:
			kept = append(kept, "kept: "+d.line(dir))
		case d.Verdict == VerdictLive && d.Reason != "":
			kept = append(kept, d.line(dir))
		}
	}
	for i := range e.Running {
		line := e.Running[i].line(dir)
		if slices.ContainsFunc(e.Decls, func(d Decl) bool { return last[d.Name] && d.isRunning(&e.Running[i]) }) {
			line += "; it is not called again: " + RestartToRun
		}
		running = append(running, line)
	}
	return append(first(kept), first(running)...)
}

// RestartToRun ends the reason of new code that nothing calls again.
const RestartToRun = "restart the program to run it"

// runs reports whether a call of d goes on with the old code.
func (e *Edit) runs(d *Decl) bool {
	return slices.ContainsFunc(e.Running, func(r Running) bool { return d.isRunning(&r) })
}

func (d *Decl) isRunning(r *Running) bool {
	return d.Kind == "func" && (r.Name == d.Package+"."+d.Name || r.Name == d.ImportPath+"."+d.Name)
}

// first returns the lines that are printed of a list, indented.
func first(lines []string) []string {
	var out []string
	for i, line := range lines {
		if i == maxLines {
			out = append(out, fmt.Sprintf("  and %d more", len(lines)-maxLines))
			break
		}
		out = append(out, "  "+line)
	}
	return out
}

// line returns the split of an edit's time.
func (t Timing) line() string {
	return fmt.Sprintf("settle %s · compile %s · change %s · link %s · load %s · pause %s",
		duration(t.Settle), duration(t.Compile), duration(t.Change),
		duration(t.Link), duration(t.Load), duration(t.Pause))
}

// count returns "1 function", "2 functions".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
