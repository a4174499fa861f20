package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// NewText returns a Reporter that writes lines for a person.
func NewText(w io.Writer, c Config) Reporter {
	return &text{w: w, Config: c}
}

type text struct {
	Config
	mu    sync.Mutex
	w     io.Writer
	ended bool // the program has ended and was not started again
	over  bool // and will not be: realtime ends too
}

// Codes of ECMA-48, "select graphic rendition".
const (
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t *text) paint(code, s string) string {
	if !t.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// write writes what the toolchain said, then lines, in one write. t.mu is held:
// what an event changes and its lines are one step.
func (t *text) write(output []Output, lines ...string) {
	var b strings.Builder
	for _, o := range output {
		b.WriteString(o.Text)
		if o.Text != "" && !strings.HasSuffix(o.Text, "\n") {
			b.WriteByte('\n')
		}
	}
	for _, line := range lines {
		b.WriteString(t.paint(dim, "realtime:"))
		b.WriteByte(' ')
		b.WriteString(line)
		b.WriteByte('\n')
	}
	if b.Len() > 0 {
		io.WriteString(t.w, b.String())
	}
}

func (t *text) Start(s StartInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = false
	live := ""
	if s.RestartMode == "" {
		live = " · " + count(s.LivePackages, "live package")
	}
	lines := []string{fmt.Sprintf("built %s in %s%s · pid %d", s.Target, duration(s.Built), live, s.PID)}
	if s.RestartMode != "" {
		then := "every edit rebuilds and restarts"
		if s.RestartNever {
			then = "with -restart=never no edit is applied"
		}
		lines = append(lines, fmt.Sprintf("%s: %s; %s", t.paint(yellow, "restart mode"), s.RestartMode, then))
	}
	t.write(nil, lines...)
}

func (t *text) BuildFailed(output []Output) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(output)
}

func (t *text) Live(e Edit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := []string{fmt.Sprintf("%s in %s  %s", t.paint(green, "live"), duration(e.Elapsed), e.changes())}
	lines = append(lines, e.explain(t.Dir)...)
	if t.Verbose {
		lines = append(lines, "  "+e.Timing.line())
		if len(e.Compiled) > 0 {
			lines = append(lines, "  compiled "+strings.Join(e.Compiled, ", "))
		}
	}
	t.write(nil, lines...)
}

func (t *text) Lines(int, []string) {}

func (t *text) RestartBegin(e Edit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if reasons := e.reasons(t.Dir); len(reasons) > 0 {
		t.write(nil, append([]string{t.paint(yellow, "restart") + ": " + reasons[0]}, first(reasons[1:])...)...)
	}
}

func (t *text) Restarted(e Edit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = false
	t.write(nil, fmt.Sprintf("%s in %s · pid %d", t.paint(green, "restarted"), duration(e.Elapsed), e.PID))
}

func (t *text) Rejected(e Edit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	reason := e.Reason
	if reason == "" {
		reason = doesNotCompile
	}
	then := "; the program runs on with the last good code"
	switch {
	case t.over:
		then = ""
	case t.ended:
		then = "; the next good save starts the program again"
	}
	t.write(e.Output, fmt.Sprintf("%s: %s%s", t.paint(red, "rejected"), reason, then))
}

func (t *text) NotApplied(e Edit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.paint(red, "not applied") + " (" + restartNever + ")"
	reasons := e.reasons(t.Dir)
	if len(reasons) > 0 {
		line += ": " + reasons[0]
		reasons = reasons[1:]
	}
	lines := []string{line + "; the program runs on with the old code"}
	t.write(nil, append(lines, first(reasons)...)...)
}

// Exited is silent about an end that is no news: status 0 ends realtime too,
// and what realtime ended itself has a line of its own.
func (t *text) Exited(x Exit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.over = x.Reason == "interrupt" || x.Reason == "" && x.Signal == "" && x.Code == 0
	if x.Reason != "" {
		return
	}
	how := fmt.Sprintf("status %d", x.Code)
	switch {
	case x.Signal != "":
		how = x.Signal
	case x.Code == 0:
		return
	}
	t.write(nil, fmt.Sprintf("the program ended with %s after %s; the next save starts it again", how, duration(x.Ran)))
}

func (t *text) Note(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(nil, s)
}

func (t *text) Debug(format string, args ...any) {
	if !t.Verbose {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(nil, t.paint(dim, "debug: "+fmt.Sprintf(format, args...)))
}

func (t *text) Stream(_ string, direct io.Writer) io.Writer { return direct }
