package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// A host is a program that answers, of its own copy of the sources. What it writes goes
// to a file: under realtime run without -json too, which then has no part in its output.
type host struct {
	name string
	copy *shop.Shop
	addr string
	size int64 // of the executable; 0 if realtime has built it
	pid  int   // of the program

	process *shop.Process
	log     string
	edits   int
}

// built starts a program as go build makes it with these flags.
func built(name string, s *shop.Shop, flags ...string) (*host, error) {
	h := &host{name: name, copy: s}
	exe := filepath.Join(filepath.Dir(s.Dir), "exe")
	if err := s.Build(exe, flags...); err != nil {
		return nil, err
	}
	info, err := os.Stat(exe)
	if err != nil {
		return nil, err
	}
	h.size = info.Size()
	if err := h.start(exe); err != nil {
		return nil, err
	}
	h.pid = h.process.Pid
	return h, nil
}

// hosted starts a program under realtime run with these flags.
func hosted(name string, s *shop.Shop, flags ...string) (*host, error) {
	h := &host{name: name, copy: s}
	if err := h.start("realtime", append(append([]string{"run"}, flags...), ".")...); err != nil {
		return nil, err
	}
	pid := regexp.MustCompile(`(?m)^realtime: built .* live packages? · pid (\d+)$`)
	text, err := h.wrote(func(text string) bool { return pid.MatchString(text) })
	if err != nil {
		h.stop()
		return nil, err
	}
	h.pid, err = strconv.Atoi(pid.FindStringSubmatch(text)[1])
	return h, err
}

// start starts a command that runs the program, and waits until it answers.
func (h *host) start(name string, args ...string) (err error) {
	if h.addr, err = shop.Addr(); err != nil {
		return err
	}
	h.log = filepath.Join(filepath.Dir(h.copy.Dir), "log")
	out, err := os.Create(h.log)
	if err != nil {
		return err
	}
	defer out.Close()
	args = append(append(args, "-addr", h.addr), h.copy.Args...)
	if h.process, err = shop.Start(h.copy.Command(name, args...), out); err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < shop.Patience; time.Sleep(pollRestart) {
		response, err := http.Get("http://" + h.addr)
		if err == nil {
			return response.Body.Close()
		}
	}
	h.stop()
	text, _ := os.ReadFile(h.log)
	return fmt.Errorf("%s: no answer in %v\n%s", h.name, shop.Patience, text)
}

// wrote waits until what the host and realtime have written is enough.
func (h *host) wrote(enough func(string) bool) (string, error) {
	for begin := time.Now(); ; time.Sleep(pollRestart) {
		text, err := os.ReadFile(h.log)
		if err != nil || enough(string(text)) {
			return string(text), err
		}
		if time.Since(begin) > shop.Patience {
			return "", fmt.Errorf("%s: not in %v what it was waited for\n%s", h.name, shop.Patience, text)
		}
	}
}

// moveLines moves all lines of a file down by one, and waits until the edit is live: all
// functions of the file get a new version for their line numbers.
func (h *host) moveLines(file string) error {
	text, err := os.ReadFile(h.copy.Path(file))
	if err != nil {
		return err
	}
	clause := regexp.MustCompile(`(?m)^package .*$`).FindIndex(text)
	if clause == nil {
		return fmt.Errorf("%s has no package clause", file)
	}
	moved := slices.Insert(text, clause[1], '\n')
	if err := os.WriteFile(h.copy.Path(file), moved, 0o666); err != nil {
		return err
	}
	h.edits++
	closed := func(text string) int { return strings.Count(text, "realtime: live in ") }
	_, err = h.wrote(func(text string) bool { return closed(text) >= h.edits || strings.Contains(text, "realtime: restart") })
	if err != nil {
		return err
	}
	if text, err := os.ReadFile(h.log); err != nil || closed(string(text)) != h.edits {
		return fmt.Errorf("%s: moving lines of %s: not live: %w\n%s", h.name, file, err, text)
	}
	return nil
}

func (h *host) stop() { h.process.Stop(syscall.SIGTERM) }
