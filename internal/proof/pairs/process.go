package pairs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// patience is how long the program may take for an answer.
const patience = 8 * time.Second

// checks are linker flags that set GODEBUG in the program alone: in the environment they
// would hold for the tool and the compiler, too. The go command sets the variable the same
// way for //go:debug lines, and the linker takes the last (cmd/go/internal/work/gc.go and
// runtime/runtime1.go, Go 1.25 to 1.27). The collector marks twice and compares, and writes
// a pattern over what it frees.
const checks = "-ldflags=-X=runtime.godebugDefault=gccheckmark=1,clobberfree=1"

// errEnded is why a program does not answer.
var errEnded = errors.New("the program has ended")

// A talk is with a program: questions to its input, answers from its output.
type talk struct {
	to     io.WriteCloser
	lines  chan string
	ended  chan struct{}
	number int

	mu   sync.Mutex
	rest []byte
}

func newTalk(to io.WriteCloser) *talk {
	return &talk{to: to, lines: make(chan string, 64), ended: make(chan struct{})}
}

// Write takes what the program wrote.
func (t *talk) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, b...)
	for {
		line, rest, ok := bytes.Cut(t.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		select {
		case t.lines <- string(line):
		default: // nobody asked for so much
		}
		t.rest = rest
	}
}

// await waits for a line that begins so, and returns the rest of it.
func (t *talk) await(prefix string) (string, error) {
	late := time.After(patience)
	for {
		select {
		case line := <-t.lines:
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest, nil
			}
		case <-t.ended:
			return "", errEnded
		case <-late:
			return "", fmt.Errorf("no answer in %v", patience)
		}
	}
}

// An answer is what a pair says to both questions.
type answer struct{ new, old string }

// ask asks the pair with a number.
func (t *talk) ask(pair int) (a answer, err error) {
	if a.old, err = t.question("old", pair); err == nil {
		a.new, err = t.question("new", pair)
	}
	return a, err
}

func (t *talk) question(name string, pair int) (string, error) {
	t.number++
	if _, err := fmt.Fprintf(t.to, "%s p%d %d\n", name, pair, t.number); err != nil {
		return "", errEnded
	}
	quoted, err := t.await(fmt.Sprintf("answer %d ", t.number))
	if err != nil {
		return "", err
	}
	return strconv.Unquote(quoted)
}

// rounds is how often each pair is asked in all: once before the edit.
const rounds = 4

// fresh builds a program and asks each pair of it as often as the patched one is asked.
func fresh(dir string, files Files, pairs []*Pair) ([][rounds]answer, error) {
	if err := files.write(dir); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-o", "program", ".")
	build.Dir = dir
	if text, err := build.CombinedOutput(); err != nil {
		for i, p := range pairs {
			text = bytes.ReplaceAll(text, fmt.Appendf(nil, "p%d/", i), []byte(p.Name+" "))
		}
		return nil, fmt.Errorf("building the program: %w\n%s", err, text)
	}
	cmd := exec.Command(filepath.Join(dir, "program"))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	t := newTalk(in)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = t, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		cmd.Wait()
		close(t.ended)
	}()
	end := func() {
		cmd.Process.Kill()
		<-t.ended
	}
	defer end()
	if _, err := t.await("ready"); err != nil {
		return nil, fmt.Errorf("starting the fresh program: %w", err)
	}
	answers := make([][rounds]answer, len(pairs))
	for i := range answers {
		for k := range rounds {
			if answers[i][k], err = t.ask(i); err != nil {
				end()
				return nil, fmt.Errorf("asking %s of the fresh program: %w\n%s", pairs[i].Name, err, &said)
			}
		}
	}
	return answers, nil
}

// A process is the program under realtime run.
type process struct {
	dir     string
	session *drive.Session
	talk    *talk
}

// start runs the program with what the files are now.
func start(tool, dir string) (*process, error) {
	cmd := exec.Command(tool, "run", "-json", "-restart=never", "-grace=200ms", checks, ".")
	cmd.Dir = dir
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	p := &process{dir: dir, talk: newTalk(out)}
	cmd.Stdin = in
	heard := func(stream, text string) {
		if stream == "stdout" {
			p.talk.Write([]byte(text))
		}
	}
	noAnswer := func(line []byte) bool { return !bytes.HasPrefix(line, []byte("answer ")) }
	if p.session, err = drive.Start(cmd, heard, noAnswer); err != nil {
		return nil, err
	}
	if err := p.session.Started(nil); err != nil {
		return nil, err
	}
	if _, err := p.talk.await("ready"); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting the program: %w\n%s", err, p.session.Said())
	}
	return p, nil
}

func (p *process) stop() {
	p.session.Stop()
	p.talk.to.Close()
}

// save writes files and waits for the event that closes the edit.
func (p *process) save(f Files) (drive.Event, error) {
	began := time.Now()
	if err := f.write(p.dir); err != nil {
		return drive.Event{}, err
	}
	for {
		e, err := p.session.Closing(drive.Patience)
		saved := e.Time.Add(-time.Duration(e.Elapsed * float64(time.Second)))
		if err != nil || e.Action == "exit" || !saved.Before(began.Add(-time.Millisecond)) {
			return e, err
		}
	}
}
