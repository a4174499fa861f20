package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A talk is what a program is asked on its standard input, and answers on its standard
// output: "probe 3" and `answer 3 "…"`, a line each. Its first line is "ready".
type talk struct {
	to io.Writer

	mu     sync.Mutex
	rest   []byte
	lines  chan string
	ended  chan struct{}
	number int
}

func newTalk(to io.Writer) *talk {
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
func (t *talk) await(prefix string, patience time.Duration) (string, error) {
	late := time.After(patience)
	for {
		select {
		case line := <-t.lines:
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest, nil
			}
		case <-t.ended:
			return "", fmt.Errorf("the program has ended")
		case <-late:
			return "", fmt.Errorf("no answer in %v", patience)
		}
	}
}

// ask asks all questions.
func (t *talk) ask(patience time.Duration) (string, error) {
	t.number++
	if _, err := fmt.Fprintf(t.to, "probe %d\n", t.number); err != nil {
		return "", err
	}
	quoted, err := t.await(fmt.Sprintf("answer %d ", t.number), patience)
	if err != nil {
		return "", err
	}
	return strconv.Unquote(quoted)
}
