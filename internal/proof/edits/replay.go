package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kept is what is needed to see a failed step again.
type kept struct {
	history   []files // all files, then those that each step changed
	want, got string
	log       string
}

// keep writes it to a new folder: 000 has all files, each next folder those of a step.
func (k kept) keep() (string, error) {
	dir, err := os.MkdirTemp("", "edits-")
	if err != nil {
		return "", err
	}
	for i, f := range k.history {
		if err := f.write(filepath.Join(dir, fmt.Sprintf("%03d", i))); err != nil {
			return dir, err
		}
	}
	return dir, files{"fresh.txt": k.want, "patched.txt": k.got, "log.txt": k.log}.write(dir)
}

// read is the opposite of keep.
func read(dir string) ([]files, error) {
	var history []files
	for i := 0; ; i++ {
		step := files{}
		root := os.DirFS(filepath.Join(dir, fmt.Sprintf("%03d", i)))
		err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(root, name)
			step[name] = string(text)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) && i > 0 {
			return history, nil
		}
		if err != nil {
			return nil, err
		}
		history = append(history, step)
	}
}

// replay does a failed step again: after all that came before it, and alone.
func replay(dir string, gc bool) (failed bool, err error) {
	history, err := read(dir)
	if err != nil {
		return false, err
	}
	t, temp, err := prepare()
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temp)
	before := files{}
	for _, step := range history[:max(1, len(history)-1)] {
		maps.Copy(before, step)
	}
	passed, wrong := 0, 0
	for _, way := range []struct {
		name    string
		history []files
	}{{"all steps", history}, {"the last step alone", []files{before, history[len(history)-1]}}} {
		err := again(way.history, temp, t, gc)
		if err == nil {
			passed++
			fmt.Printf("%s: passed\n", way.name)
			continue
		}
		wrong++
		fmt.Printf("%s: FAIL: %v\n", way.name, err)
	}
	fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, wrong)
	return wrong > 0, nil
}

// again takes a program through its history.
func again(history []files, temp string, t *toolchain, gc bool) error {
	f := fresh{dir: filepath.Join(temp, "fresh")}
	now := maps.Clone(history[0])
	l, err := start(filepath.Join(temp, "live", "edits"), t, now, gc)
	if err != nil {
		return err
	}
	defer l.stop()
	for i, step := range history[1:] {
		now = maps.Clone(now)
		maps.Copy(now, step)
		plain := maps.Clone(now)
		for name := range checked {
			delete(plain, name)
		}
		err := f.build(plain)
		if u := (*unfit)(nil); errors.As(err, &u) {
			// A save that must be rejected.
			began := time.Now()
			if _, err := l.save(now); err != nil {
				return err
			}
			if e, err := l.closing(began, patience); err != nil || e.Action != "rejected" {
				return fmt.Errorf("step %d: %v, %w", i+1, e, err)
			}
			continue
		} else if err != nil {
			return err
		}
		want, err := f.run()
		if err != nil {
			return fmt.Errorf("step %d, fresh: %w", i+1, err)
		}
		e, err := l.edit(now, want)
		fmt.Printf("%d: %s\n", i+1, strings.Join(step.differ(nil), " "))
		if e.Action != "" {
			fmt.Printf("\t%v\n", e)
		}
		if d := (*different)(nil); errors.As(err, &d) {
			return fmt.Errorf("%w\n\t%s", err, difference(want, d.got))
		}
		if err != nil {
			return fmt.Errorf("%w\n%s", err, l.session.Said())
		}
	}
	return nil
}
