// Package hostlink stands between the go command and the linker while a host is built
// (go build -toolexec): the pointer types of live packages get a place for methods,
// which they otherwise have only if they have methods. Without it, *T could never be
// known to have a method if T had none when the program was built.
//
// All other tools run as if it were not there. So do all that only ask for a version,
// and so the go command's cache is the one that any go build uses.
package hostlink

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// Command is the word by which realtime is asked for it.
const Command = "-hostlink"

// Flag is the value of -toolexec with which exe, an executable that takes Command, links
// a program with the given live modules. There is none if the go command could not take
// it apart again.
func Flag(exe string, modules []string) (string, bool) {
	if exe == "" {
		return "", false
	}
	var words []string
	for _, w := range append([]string{exe, Command}, strings.Join(modules, ",")) {
		if strings.ContainsAny(w, "'\"\n") {
			return "", false
		}
		words = append(words, "'"+w+"'")
	}
	return strings.Join(words, " "), true
}

// Run runs a tool: args are what follows Command. It returns the tool's exit status.
func Run(args []string) (int, error) {
	if len(args) < 2 {
		return 2, errors.New("linking the host: too few arguments")
	}
	modules, tool, args := strings.Split(args[0], ","), args[1], args[2:]
	if filepath.Base(tool) != "link" || slices.Contains(args, "-V=full") || len(args) == 0 {
		return 1, syscall.Exec(tool, append([]string{tool}, args...), os.Environ())
	}
	dir, err := os.MkdirTemp("", "realtime-link")
	if err != nil {
		return 1, fmt.Errorf("linking the host: %w", err)
	}
	defer os.RemoveAll(dir)
	// What can't be done is left undone: the host tells which of its types have room.
	if roomy, err := withRoom(args, modules, dir); err == nil {
		args = roomy
	}
	c := exec.Command(tool, args...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := c.Run(); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	} else if err != nil {
		return 1, fmt.Errorf("linking the host: %w", err)
	}
	return 0, nil
}

// withRoom is the linker's command line, with copies of the archives of live packages:
// that of main stands last, the others in the file that -importcfg names.
func withRoom(args, modules []string, dir string) ([]string, error) {
	args = slices.Clone(args)
	i := slices.Index(args, "-importcfg")
	if i < 0 || i+1 >= len(args)-1 {
		return nil, errors.New("no -importcfg")
	}
	config, err := os.ReadFile(args[i+1])
	if err != nil {
		return nil, err
	}
	n := 0
	archive := func(path, file string) (string, error) {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		a, err := goobj.ReadArchive(path, b)
		if err != nil {
			return "", err
		}
		a.GiveRoom(func(name string) bool { return own(strings.TrimPrefix(name, "type:*"), modules) })
		n++
		file = filepath.Join(dir, fmt.Sprint(n, ".a"))
		return file, os.WriteFile(file, b, 0o666)
	}
	lines := strings.Split(string(config), "\n")
	for k, line := range lines {
		path, file, ok := strings.Cut(strings.TrimPrefix(line, "packagefile "), "=")
		if !ok || !strings.HasPrefix(line, "packagefile ") || !slices.ContainsFunc(modules, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") }) {
			continue
		}
		if file, err = archive(path, file); err != nil {
			return nil, err
		}
		lines[k] = "packagefile " + path + "=" + file
	}
	args[i+1] = filepath.Join(dir, "importcfg.link")
	if err := os.WriteFile(args[i+1], []byte(strings.Join(lines, "\n")), 0o666); err != nil {
		return nil, err
	}
	last := len(args) - 1
	args[last], err = archive("main", args[last])
	return args, err
}

// own reports whether a type, by its linker name, is declared in a live package.
func own(typ string, modules []string) bool {
	return strings.HasPrefix(typ, "main.") || slices.ContainsFunc(modules, func(m string) bool {
		return strings.HasPrefix(typ, m+"/") || strings.HasPrefix(typ, goobj.PathToPrefix(m)+".")
	})
}
