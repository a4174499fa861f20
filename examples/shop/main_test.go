package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun starts the shop twice on the same data and stops it while a stream
// of events is open.
func TestRun(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stdout, w := io.Pipe()
		defer stdout.Close()
		ended := make(chan error, 1)
		go func() {
			err := run(ctx, []string{"-addr=127.0.0.1:0", "-start-delay=0", "-data=" + data}, w, t.Output())
			w.Close()
			ended <- err
		}()
		line, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil {
			t.Fatal(err, <-ended)
		}
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "shop: ")
		if !ok {
			t.Fatalf("first line %q, want the address", line)
		}
		response, err := http.Get(url + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if line, err := bufio.NewReader(response.Body).ReadString('\n'); line != "id: 1\n" || err != nil {
			t.Errorf("first line of the stream: %q, %v", line, err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopped with %v", err)
		}
	}
}

func TestInterruptedStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"-start-delay=1h", "-data=" + t.TempDir()}, io.Discard, t.Output()); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		arg  string
		want error
	}{
		{"-h", flag.ErrHelp},
		{"-colour", errUsage},
		{"surplus", errUsage},
	} {
		if err := run(t.Context(), []string{test.arg}, io.Discard, io.Discard); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.arg, err, test.want)
		}
	}
}

// TestReadmeEdits applies the edits of the README one after the other to a copy
// of the shop, which must stay a program.
func TestReadmeEdits(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	in := func(input, name string, args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOWORK=off")
		command.Stdin = strings.NewReader(input)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s%s", command, err, input, output)
		}
	}
	edits := strings.Split(string(readme), "```diff\n")[1:]
	if len(edits) != 6 {
		t.Errorf("%d edits in the README, want 6", len(edits))
	}
	for _, edit := range edits {
		diff, _, _ := strings.Cut(edit, "```\n")
		in(diff, "git", "apply")
		in("", "go", "vet", "./...")
	}
}
