package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// A live is a program under realtime run, and its sources.
type live struct {
	dir     string
	session *drive.Session
	stdin   *os.File
	talk    *talk
	pid     int
	has     files
	history []files // since its process was started: all files, then those that each step changed
}

// start runs realtime on the files.
func start(dir string, t *toolchain, now files, gc bool) (*live, error) {
	l := &live{dir: dir, has: now, history: []files{now}}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := now.write(dir); err != nil {
		return nil, err
	}
	args := []string{"run", "-json"}
	if gc {
		args = append(args, "-ldflags=-checklinkname=0")
	}
	cmd := exec.Command(t.realtime, append(args, ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOCACHE="+t.cache, "XDG_CACHE_HOME="+filepath.Join(filepath.Dir(dir), "cache"), "GOTRACEBACK=all")
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	cmd.Stdin, l.stdin, l.talk = in, out, newTalk(out)
	heard := func(stream, text string) {
		if stream == "stdout" {
			l.talk.Write([]byte(text))
		}
	}
	if l.session, err = drive.Start(cmd, heard, noAnswer); err != nil {
		return nil, err
	}
	if err := l.session.Started(nil); err != nil {
		return nil, err
	}
	l.pid = l.session.Pid
	return l, nil
}

// noAnswer leaves the answers out of what is kept.
func noAnswer(line []byte) bool { return len(line) < 7 || string(line[:7]) != "answer " }

func (l *live) stop() {
	l.session.Stop()
	l.stdin.Close()
}

// patience is how long the program may take for an answer: with all checks of the
// garbage collector it takes long.
const patience = 40 * time.Second

// ask asks the program; if it does not answer, its goroutines are in the log.
func (l *live) ask() (string, error) {
	answer, err := l.talk.ask(patience)
	if err != nil {
		syscall.Kill(l.pid, syscall.SIGQUIT)
		l.session.Closing(drive.Patience / 6) // exit
	}
	return answer, err
}

// save writes the files that differ, each at once.
func (l *live) save(now files) ([]string, error) {
	names := now.differ(l.has)
	step := files{}
	for _, name := range names {
		step[name] = now[name]
		to := filepath.Join(l.dir, filepath.FromSlash(name))
		if err := os.WriteFile(to+"~", []byte(now[name]), 0o666); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		to := filepath.Join(l.dir, filepath.FromSlash(name))
		if err := os.Rename(to+"~", to); err != nil {
			return nil, err
		}
	}
	l.has = maps.Clone(now)
	l.history = append(l.history, step)
	return names, nil
}

// closing waits for an event that closes an edit of what was saved since began. An edit
// from before may come late: files that are saved together can become two edits.
func (l *live) closing(began time.Time, wait time.Duration) (drive.Event, error) {
	for {
		e, err := l.session.Closing(wait)
		saved := e.Time.Add(-time.Duration(e.Elapsed * float64(time.Second)))
		if err != nil || e.Action == "exit" || !saved.Before(began.Add(-time.Millisecond)) {
			return e, err
		}
	}
}

// edit saves the files and waits until the program answers as it must. Files that are
// saved one after the other may become more than one edit.
func (l *live) edit(now files, want string) (drive.Event, error) {
	began := time.Now()
	names, err := l.save(now)
	if err != nil {
		return drive.Event{}, err
	}
	wait := drive.Patience
	restarted := false
	var wrong error
	for {
		e, err := l.closing(began, wait)
		switch {
		case err != nil && wrong != nil:
			return e, wrong
		case err != nil:
			return e, err
		case e.Action == "exit" && e.Reason == "restart":
			continue
		case e.Action == "rejected" && len(names) > 1:
			wrong, wait = fmt.Errorf("%v", e), drive.Patience/4
			continue
		case e.Action != "live" && e.Action != "restart":
			return e, fmt.Errorf("%v", e)
		case e.Action == "live" && e.Pid != l.pid:
			return e, fmt.Errorf("live, but the process id is %d, it was %d", e.Pid, l.pid)
		}
		if e.Action == "restart" {
			restarted = true
			l.pid = e.Pid
			l.history = []files{maps.Clone(now)}
		}
		got, err := l.ask()
		if err == nil && got != want && len(e.Later) > 0 {
			// It may differ by line numbers.
			if err = l.session.Lines(e, drive.Patience/4); err == nil {
				got, err = l.ask()
			}
		}
		switch {
		case err != nil:
			return e, fmt.Errorf("after %v: %w", e, err)
		case got == want:
			if restarted && e.Action == "live" {
				e.Action = "restart" // of several edits the worst counts
			}
			return e, nil
		}
		wrong, wait = &different{e, got}, drive.Patience/4
	}
}

// different is an answer that is not the fresh one.
type different struct {
	event drive.Event
	got   string
}

func (d *different) Error() string { return fmt.Sprintf("another answer after %v", d.event) }

// reject saves what does not compile and sees that nothing changes.
func (l *live) reject(broken files, want string) error {
	began := time.Now()
	if _, err := l.save(broken); err != nil {
		return err
	}
	e, err := l.closing(began, drive.Patience)
	if err != nil {
		return err
	}
	if e.Action != "rejected" || e.Pid != l.pid {
		return fmt.Errorf("code that does not compile: %v, process %d, it was %d", e, e.Pid, l.pid)
	}
	got, err := l.ask()
	if err == nil && got != want {
		err = &different{e, got}
	}
	return err
}

// reasons are why an edit is a restart, without the names in it.
func reasons(e drive.Event) []string {
	var list []string
	if e.Reason != "" {
		list = append(list, e.Reason)
	}
	for _, d := range e.Decls {
		if d.Verdict == "restart" {
			list = append(list, d.Kind+": "+d.Reason)
		}
	}
	for i, r := range list {
		list[i] = names.ReplaceAllString(r, "…")
	}
	slices.Sort(list)
	return slices.Compact(list)
}
