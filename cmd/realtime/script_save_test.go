package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A staged file is one that the next save writes.
type staged struct {
	file string
	data []byte
}

// stage file old new replaces in file what occurs exactly once; \n and \t in old
// and new stand for newline and tab. stage file from takes the whole content of
// another file. Nothing is written before the next save or edit.
func stage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: stage file old new | stage file from")
	}
	s, file := of(ts), ts.MkAbs(args[0])
	if len(args) == 2 {
		data, err := os.ReadFile(ts.MkAbs(args[1]))
		ts.Check(err)
		s.stage(file, string(data))
		return
	}
	text, err := s.content(file)
	ts.Check(err)
	unescape := strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace
	before, after := unescape(args[1]), unescape(args[2])
	if n := strings.Count(text, before); n != 1 {
		ts.Fatalf("%s has %d times %q, want 1", args[0], n, before)
	}
	s.stage(file, strings.Replace(text, before, after, 1))
}

// content is what the file will hold when the staged files are saved.
func (s *script) content(file string) (string, error) {
	for _, f := range s.staged {
		if f.file == file {
			return string(f.data), nil
		}
	}
	data, err := os.ReadFile(file)
	return string(data), err
}

func (s *script) stage(file, text string) {
	for i := range s.staged {
		if s.staged[i].file == file {
			s.staged[i].data = []byte(text)
			return
		}
	}
	s.staged = append(s.staged, staged{file, []byte(text)})
}

// A way is how an editor brings a file to the disk.
type way func(file string, data []byte) error

// ways are the saves as editors do them. Where one leaves the file for a moment
// in a state that is not meant, the moment is as long as such a one may be: this
// is the thing under test, no waiting for an event.
var ways = map[string]way{
	"-rename":  saveRename,
	"-inplace": func(file string, data []byte) error { return os.WriteFile(file, data, 0o666) },
	"-half":    saveHalf,
	"-backup":  saveBackup,
	"-older":   saveOlder,
}

const moment = 10 * time.Millisecond

// saveRename writes beside and renames over, as most editors do.
func saveRename(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".save-*")
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// saveHalf shows half of the file before the whole.
func saveHalf(file string, data []byte) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := f.Write(data[:len(data)/2]); err != nil {
		return err
	}
	time.Sleep(moment)
	if _, err := f.Write(data[len(data)/2:]); err != nil {
		return err
	}
	return f.Close()
}

// saveBackup moves the old file away first, as vim does with its backup: there
// is no file for a moment.
func saveBackup(file string, data []byte) error {
	if err := os.Rename(file, file+"~"); err != nil {
		return err
	}
	time.Sleep(moment)
	if err := os.WriteFile(file, data, 0o666); err != nil {
		return err
	}
	return os.Remove(file + "~")
}

// saveOlder gives the file a time before that of the old one, as cp -p, tar and
// sync tools do.
func saveOlder(file string, data []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+"~", data, 0o666); err != nil {
		return err
	}
	then := info.ModTime().Add(-time.Hour)
	if err := os.Chtimes(file+"~", then, then); err != nil {
		return err
	}
	return os.Rename(file+"~", file)
}

// save [-rename|-inplace|-half|-backup|-older] writes what is staged.
func save(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: save [-rename|-inplace|-half|-backup|-older]")
	}
	s, write := of(ts), way(saveRename)
	if len(args) == 1 {
		if write = ways[args[0]]; write == nil {
			ts.Fatalf("no such way to save: %s", args[0])
		}
	}
	s.setMark()
	for _, f := range s.staged {
		ts.Check(write(f.file, f.data))
	}
	s.staged = nil
}

func (s *script) setMark() {
	if s.run == nil {
		return
	}
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.since = mark{len(s.run.stdout), len(s.run.stderr), len(s.run.events)}
}

// edit [way] file old new and edit [way] file from are stage and save.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	var how []string
	if len(args) > 0 && ways[args[0]] != nil {
		how, args = args[:1], args[1:]
	}
	stage(ts, neg, args)
	save(ts, false, how)
}

// touch file changes the file's time and nothing else.
func touch(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "touch file")
	now := time.Now()
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), now, now))
}

// series n file old new path edits n times: old, then each new, is replaced by
// new with %d as the number of the edit. Each must be live, in the same process,
// and the page must answer with the number.
func series(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 5, "series n file old new path")
	var n int
	_, err := fmt.Sscan(args[0], &n)
	ts.Check(err)
	if *fresh {
		n = 2
	}
	before := args[2]
	for i := range n {
		after := fmt.Sprintf(args[3], i+1)
		edit(ts, false, []string{args[1], before, after})
		await(ts, false, []string{"live"})
		get(ts, false, []string{args[4], fmt.Sprintf("^%d$", i+1)})
		samePid(ts, false, nil)
		before = after
	}
}
