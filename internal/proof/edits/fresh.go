package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// freshPatience is how long a freshly built program may take for an answer, which comes
// within a tenth of a second where no edit has made it slower.
const freshPatience = 10 * time.Second

// A fresh builds and runs what the patched process is compared with. It has a folder of
// its own.
type fresh struct {
	dir string
	has files
}

// unfit is why an edit is no step: its program is of no use, however it runs.
type unfit struct{ why string }

func (u *unfit) Error() string { return u.why }

// answer is that of a new process of the files; baseline is that of the first version, if
// there is one. An error may be an [unfit].
func (f *fresh) answer(now files, baseline string) (string, error) {
	if err := f.build(now); err != nil {
		return "", err
	}
	first, err := f.run()
	if err != nil {
		return "", err
	}
	// A probe that tells nothing does not see a wrong patch either.
	if baseline == "" {
		return first, nil
	}
	if len(first) < len(baseline)/2 || panics(first) > panics(baseline)+strings.Count(baseline, "\n== ")/4 {
		return "", &unfit{"hardly answers"}
	}
	return first, nil
}

// panics counts the questions that are answered by one.
func panics(answer string) int { return strings.Count(answer, "\npanic: ") }

// build builds the program. Inlining is off as in what realtime builds: the lines of a
// stack trace depend on it.
func (f *fresh) build(now files) error {
	changed := files{}
	for _, name := range now.differ(f.has) {
		changed[name] = now[name]
	}
	if err := changed.write(f.dir); err != nil {
		return err
	}
	f.has = now
	_, err := output(f.dir, "go", "build", "-gcflags="+modulePath+"/...=-l -dwarf=false", "-ldflags=-w", "-o", f.program(), ".")
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return &unfit{"does not compile"}
	}
	return err
}

func (f *fresh) program() string { return filepath.Join(f.dir, "program") }

// run starts the program and asks it three times, to see that answers leave no state.
func (f *fresh) run() (string, error) {
	cmd := exec.Command(f.program())
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	t := newTalk(in)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = t, &said
	if err := cmd.Start(); err != nil {
		return "", err
	}
	go func() {
		cmd.Wait()
		close(t.ended)
	}()
	defer func() {
		cmd.Process.Signal(os.Kill)
		<-t.ended
	}()
	if _, err := t.await("ready", freshPatience); err != nil {
		return "", &unfit{"does not start"}
	}
	var answer string
	for i := range 3 {
		again, err := t.ask(freshPatience)
		select {
		case <-t.ended:
			return "", &unfit{"crashes"}
		default:
		}
		if err != nil {
			return "", &unfit{"does not answer"}
		}
		if i > 0 && again != answer {
			return "", &unfit{"answers differently"}
		}
		answer = again
	}
	return answer, nil
}

// settled reports whether new processes of the files always give this answer.
func (f *fresh) settled(now files, answer string) bool {
	if err := f.build(now); err != nil {
		return false
	}
	for range 8 {
		if again, err := f.run(); err != nil || again != answer {
			return false
		}
	}
	return true
}

// difference is the first line in which two answers differ, with the question.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	question := ""
	for i := range max(len(a), len(b)) {
		x, y := "(nothing)", "(nothing)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("%s\n\tfresh:   %.300s\n\tpatched: %.300s", question, x, y)
		}
		if strings.HasPrefix(x, "== ") {
			question = x
		}
	}
	return "no difference"
}
