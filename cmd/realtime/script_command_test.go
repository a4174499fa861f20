package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// A script is the state of one running script.
type script struct {
	args, env []string
	dir       string
	json      bool
	run       *run
	url       string // where the program answers now
	pid       string // what it last said it was
	starts    int    // how often the program has said that it is ready
	next      int    // the closing event that await takes next
	from      int    // where in run.text the next edit begins
	since     mark   // what there was at the last save
	staged    []staged
	open      eventStream
	held      int // a pidfd; -1: none
	client    http.Client
	through   []string // words before those of the tool: see through
	left      []string // processes whose tool is gone
}

// A mark is how much of a run there was at one time.
type mark struct{ stdout, stderr, events int }

type scriptKey struct{}

func of(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// fatalf ends the script and shows what the run has printed.
func (s *script) fatalf(ts *testscript.TestScript, format string, args ...any) {
	if s.run != nil {
		ts.Logf("%s", s.run)
	}
	ts.Fatalf(format, args...)
}

// end leaves no process behind, also when the script has failed.
func (s *script) end() {
	s.open.close()
	s.client.CloseIdleConnections()
	if s.held >= 0 {
		unix.Close(s.held)
	}
	for _, pid := range s.left {
		kill(pid, syscall.SIGKILL)
	}
	if s.run == nil {
		return
	}
	to := 1
	if len(s.through) > 0 {
		to = -1 // a shell may stand before the tool
	}
	if s.run.signal(to, syscall.SIGINT) != nil {
		return
	}
	// Without waiting for the program's own way to end.
	kill(s.pid, syscall.SIGKILL)
	s.run.wait(func() bool { return s.run.ended })
	s.run.kill()
}

// usage ends the script unless the command has n arguments, and no "!" in front.
func usage(ts *testscript.TestScript, neg bool, args []string, n int, text string) {
	if neg || len(args) != n {
		ts.Fatalf("usage: %s", text)
	}
}

func compile(ts *testscript.TestScript, expr string) *regexp.Regexp {
	re, err := regexp.Compile("(?m)" + expr)
	ts.Check(err)
	return re
}

// start [-C dir] [flags] package [args] starts `realtime run` and waits for its
// start event (or line) and for the program's line `ready URL`.
func start(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) == 0 || s.run != nil {
		ts.Fatalf("usage: start [flags] package [args], once")
	}
	ts.Check(ts.Exec("env", "-0"))
	s.env = strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
	s.dir = ts.MkAbs(".")
	// In the scripts the package is ./path or a list of files.
	pkg := slices.IndexFunc(args, func(a string) bool { return a[0] == '.' || path.Ext(a) == ".go" })
	flags, rest := slices.Clone(args[:pkg]), args[pkg:]
	s.json = slices.Contains(flags, "-json")
	command := "realtime"
	if *fresh {
		command, s.json = "go", false
		flags = slices.DeleteFunc(flags, func(a string) bool {
			return a == "-json" || strings.HasPrefix(a, "-restart=")
		})
	}
	s.args = slices.Concat(s.through, []string{command, "run"}, flags, runFlags, rest)
	s.launch(ts)
	if !s.started() {
		s.fatalf(ts, "the program did not start")
	}
	if !*fresh && !s.run.waitFor(buildPatience, func() bool { return slices.ContainsFunc(s.run.events, isStart) }) {
		s.fatalf(ts, "no start event")
	}
	s.pid = s.page(ts, "/pid")
}

func isStart(e event) bool { return e.Action == "start" }

func (s *script) launch(ts *testscript.TestScript) {
	r, err := launch(s.dir, s.env, s.args, s.json)
	ts.Check(err)
	s.run, s.starts, s.next, s.from, s.since = r, 0, 0, 0, mark{}
}

// started waits until the program has said once more that it is ready.
func (s *script) started() bool {
	r := s.run
	if !r.waitFor(buildPatience, func() bool { return len(r.urls()) > s.starts }) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	urls := r.urls()
	s.starts, s.url = len(urls), urls[len(urls)-1]
	return true
}

// await live|restart|rejected [regexp] waits for the closing event of the next
// edit. The regexp must match in the text of the edit: the compiler's messages
// and the tool's lines, or in -json mode `file:line:col: name: verdict: reason`.
func await(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) < 1 || len(args) > 2 || !slices.Contains(closingActions, args[0]) {
		ts.Fatalf("usage: await live|restart|rejected [regexp]")
	}
	if *fresh {
		s.awaitFresh(ts, args)
		return
	}
	r := s.run
	if !r.waitFor(buildPatience, func() bool { return len(r.closings) > s.next }) {
		s.fatalf(ts, "no closing event of edit %d", s.next+1)
	}
	r.mu.Lock()
	c, err := r.closings[s.next], r.err
	r.mu.Unlock()
	ts.Logf("%s", c.raw)
	ts.Check(err)
	s.next++
	if c.Action != args[0] {
		s.fatalf(ts, "the edit was closed with %q, want %q", c.Action, args[0])
	}
	if len(args) == 2 {
		// The compiler's messages may follow their line.
		re := compile(ts, args[1])
		if !r.wait(func() bool { return re.Match(r.text[s.from:]) }) {
			s.fatalf(ts, "no match for %#q in the text of the edit", args[1])
		}
	}
	s.from = c.end
	if r.json && c.Elapsed <= 0 {
		s.fatalf(ts, "closing event without Elapsed")
	}
	if c.Action == "restart" && !s.started() {
		s.fatalf(ts, "the new program did not start")
	}
	if r.json && c.Action != "rejected" {
		if pid := s.page(ts, "/pid"); strconv.Itoa(c.Pid) != pid {
			s.fatalf(ts, "closing event with Pid %d, the program's is %s", c.Pid, pid)
		}
	}
}

// awaitFresh starts the edited program with go run. What cannot be built leaves
// the old one running, as with realtime.
func (s *script) awaitFresh(ts *testscript.TestScript, args []string) {
	old, oldURL := s.run, s.url
	s.launch(ts)
	switch up := s.started(); {
	case up && args[0] == "rejected":
		old.kill()
		s.fatalf(ts, "the edited program starts, it must not build")
	case up:
		old.kill()
		s.pid = s.page(ts, "/pid")
		s.open.reopen(s)
	case args[0] != "rejected":
		old.kill()
		s.fatalf(ts, "the edited program does not start")
	default:
		text := string(s.run.text)
		s.run, s.url = old, oldURL
		if len(args) == 2 && !compile(ts, args[1]).MatchString(text) {
			s.fatalf(ts, "no match for %#q in the output of go run:\n%s", args[1], text)
		}
	}
}

// closings n asserts that n edits have been closed since the start.
func closings(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "closings n")
	s := of(ts)
	if *fresh {
		return
	}
	s.run.mu.Lock()
	got := len(s.run.closings)
	s.run.mu.Unlock()
	if strconv.Itoa(got) != args[0] {
		s.fatalf(ts, "%d edits were closed, want %s", got, args[0])
	}
}

// decl name verdict [regexp] asserts that the last closing event, in -json mode,
// has the declaration, with that verdict and a reason that matches. The name is
// Total, cart.Total, Item.Label or (*Cart).Add.
func declared(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: decl name verdict [regexp]")
	}
	if *fresh {
		return
	}
	if !s.run.json || s.next == 0 {
		ts.Fatalf("decl needs start -json, and an await before it")
	}
	s.run.mu.Lock()
	last := s.run.closings[s.next-1]
	s.run.mu.Unlock()
	for _, d := range last.Decls {
		if !d.is(args[0]) {
			continue
		}
		if d.Verdict != args[1] {
			s.fatalf(ts, "%s has the verdict %q, want %q", d.Name, d.Verdict, args[1])
		}
		if len(args) == 3 && !compile(ts, args[2]).MatchString(d.Reason) {
			s.fatalf(ts, "%s has the reason %q, want %#q", d.Name, d.Reason, args[2])
		}
		return
	}
	s.fatalf(ts, "no declaration %s in %s", args[0], last.raw)
}

// is reports whether d has the name, with or without its package's.
func (d *decl) is(name string) bool {
	pkg, bare, _ := strings.Cut(name, ".")
	return d.Name == name || d.Name == bare && (pkg == "main" || pkg == path.Base(d.ImportPath))
}

// event action regexp waits for an event since the last save (or the start)
// whose JSON matches.
func eventLike(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "event action regexp")
	s, re := of(ts), compile(ts, args[1])
	if *fresh {
		return
	}
	if !s.run.wait(func() bool {
		return slices.ContainsFunc(s.run.events[s.since.events:], func(e event) bool {
			return e.Action == args[0] && re.MatchString(e.raw)
		})
	}) {
		s.fatalf(ts, "no event %s that matches %#q", args[0], args[1])
	}
}

// [!] get path [regexp] asks the running program once; the answer must match.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 || neg && len(args) == 1 {
		ts.Fatalf("usage: [!] get path [regexp]")
	}
	s := of(ts)
	body, err := s.ask(args[0])
	if err != nil && len(args) == 2 && !neg {
		s.fatalf(ts, "%v", err)
	}
	ts.Logf("[%s]\n%s", args[0], body)
	if len(args) == 2 && neg == compile(ts, args[1]).MatchString(body) {
		s.fatalf(ts, "GET %s: %q, want match %v for %#q", args[0], body, !neg, args[1])
	}
}

// eventually path regexp asks until the answer matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "eventually path regexp")
	s, re := of(ts), compile(ts, args[1])
	var body string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if body, _ = s.ask(args[0]); re.MatchString(body) {
			return
		}
	}
	s.fatalf(ts, "GET %s: still %q, want %#q", args[0], body, args[1])
}

func (s *script) ask(path string) (string, error) {
	s.client.Timeout = patience
	resp, err := s.client.Get(s.url + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// page is an answer that there must be.
func (s *script) page(ts *testscript.TestScript, path string) string {
	body, err := s.ask(path)
	if err != nil {
		s.fatalf(ts, "%v", err)
	}
	return strings.TrimSpace(body)
}

// samepid asserts that the process is the one of the start, or of the last newpid.
func samePid(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, "samepid")
	s := of(ts)
	if pid := s.page(ts, "/pid"); pid != s.pid {
		s.fatalf(ts, "the process id is %s, it was %s", pid, s.pid)
	}
}

// newpid asserts that the process is another one.
func newPid(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, "newpid")
	s := of(ts)
	pid := s.page(ts, "/pid")
	if pid == s.pid && !*fresh {
		s.fatalf(ts, "the process id is still %s", pid)
	}
	s.pid = pid
}

// stdoutlike regexp waits for it in what the program has printed since the last
// save (or the start).
func stdoutLike(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "stdoutlike regexp")
	s, re := of(ts), compile(ts, args[0])
	if !s.run.wait(func() bool { return re.Match(s.run.stdout[s.since.stdout:]) }) {
		s.fatalf(ts, "no match for %#q on stdout", args[0])
	}
}

// stderrlike is stdoutlike for stderr: without -json the tool's lines are there too.
func stderrLike(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "stderrlike regexp")
	s, re := of(ts), compile(ts, args[0])
	if !s.run.wait(func() bool { return re.Match(s.run.stderr[s.since.stderr:]) }) {
		s.fatalf(ts, "no match for %#q on stderr", args[0])
	}
}

// signal INT|TERM|KILL does what a terminal's Ctrl-C or kill does to the tool: the
// first goes to the foreground process group, the others to the tool alone. signal
// NAME program sends any signal to the program.
func signal(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if len(args) == 2 && args[1] == "program" && !neg {
		s.signalProgram(ts, args[0])
		return
	}
	usage(ts, neg, args, 1, "signal INT|TERM|KILL | signal NAME program")
	switch args[0] {
	case "INT":
		ts.Check(s.run.signal(-1, syscall.SIGINT))
	case "TERM":
		ts.Check(s.run.signal(1, syscall.SIGTERM))
	case "KILL":
		ts.Check(s.run.signal(1, syscall.SIGKILL))
	default:
		ts.Fatalf("unknown signal %q", args[0])
	}
}

// [!] exit code waits until the tool has ended, with that status, and until
// nothing it has started keeps its output open.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] exit code")
	}
	s := of(ts)
	if !s.run.wait(func() bool { return s.run.ended }) {
		s.fatalf(ts, "the tool runs on")
	}
	code := s.run.exitCode()
	if code < 0 || neg == (strconv.Itoa(code) == args[0]) {
		s.fatalf(ts, "exit status %d (%v)", code, s.run.waitErr)
	}
}

// type text sends a line to the program's stdin.
func typeIn(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "type text")
	_, err := fmt.Fprintln(of(ts).run.stdin, args[0])
	ts.Check(err)
}

// hold path remembers the process whose id the page says; gone waits for its end.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "hold path")
	s := of(ts)
	pid, err := strconv.Atoi(s.page(ts, args[0]))
	ts.Check(err)
	s.held, err = unix.PidfdOpen(pid, 0)
	ts.Check(err)
}

func gone(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, "gone")
	s := of(ts)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.held), Events: unix.POLLIN}}, int(patience.Milliseconds()))
	ts.Check(err)
	if n == 0 {
		s.fatalf(ts, "the held process runs on")
	}
}

// freeport sets $PORT to a port that nobody listens on.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, "freeport")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("PORT", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// An eventStream is a response that goes on, read line by line.
type eventStream struct {
	path string
	body io.ReadCloser
	*run // its stdout holds what was read
}

// stream path opens a response that goes on.
func stream(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "stream path")
	s := of(ts)
	s.open.path = args[0]
	ts.Check(s.open.reopen(s))
}

// streamlike regexp waits for it on the open stream, behind the last match.
func streamLike(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "streamlike regexp")
	s, re := of(ts), compile(ts, args[0])
	e := s.open
	if !e.wait(func() bool {
		at := re.FindIndex(e.stdout)
		if at != nil {
			e.stdout = e.stdout[at[1]:]
		}
		return at != nil
	}) {
		s.fatalf(ts, "no match for %#q on the stream, which has %q (ended: %v)", args[0], e.stdout, e.ended)
	}
}

func (e *eventStream) reopen(s *script) error {
	if e.path == "" {
		return nil
	}
	e.close()
	resp, err := http.Get(s.url + e.path)
	if err != nil {
		return err
	}
	e.body, e.run = resp.Body, &run{grown: make(chan struct{})}
	go func(r *run) {
		in := bufio.NewScanner(resp.Body)
		for in.Scan() {
			r.change(func() { r.stdout = append(append(r.stdout, in.Bytes()...), '\n') })
		}
		r.change(func() { r.ended = true })
	}(e.run)
	return nil
}

func (e *eventStream) close() {
	if e.body != nil {
		e.body.Close()
	}
}

// serve [dir] writes serve.go, the part that all programs share, into a main package.
func serveFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: serve [dir]")
	}
	dir := strings.Join(append(args, "."), "/")
	data, err := serveSource()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(dir+"/serve.go"), data, 0o666))
}

var serveSource = sync.OnceValues(func() ([]byte, error) { return os.ReadFile("testdata/serve.go") })
