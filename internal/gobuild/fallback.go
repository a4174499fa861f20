package gobuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// editOverlay is an overlay file for the go command that holds the host's
// overlays and an edit's.
type editOverlay struct {
	cwd   string
	dir   string // ours, to be removed
	name  string
	users map[string]string // file in dir → the user's file
}

func (c *Compiler) newOverlay(req Request) (*editOverlay, error) {
	c.mu.Lock()
	c.runs++
	dir := filepath.Join(c.scratch, "list"+strconv.Itoa(c.runs))
	c.mu.Unlock()
	o := &editOverlay{c.h.Dir, dir, filepath.Join(dir, "overlay.json"), make(map[string]string)}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	replace := make(map[string]string)
	for _, m := range []map[string]string{c.h.overlay, c.h.ours} {
		for from, to := range m {
			replace[from] = to
		}
	}
	for from, data := range req.Overlay {
		if data == nil {
			replace[from] = ""
			continue
		}
		to := filepath.Join(dir, strconv.Itoa(len(o.users))+"_"+filepath.Base(from))
		o.users[to] = from
		replace[from] = to
		if err := os.WriteFile(to, data, 0o666); err != nil {
			return nil, err
		}
	}
	data, err := json.Marshal(overlayFile{replace})
	if err != nil {
		return nil, err
	}
	return o, os.WriteFile(o.name, data, 0o666)
}

// userNames replaces in what the go command prints the names of our files, which
// it shortens where it can, by those of the user's.
func (o *editOverlay) userNames(out string) string {
	var pairs []string
	for ours, user := range o.users {
		short := shortPath(o.cwd, user)
		if rel, err := filepath.Rel(o.cwd, ours); err == nil {
			pairs = append(pairs, rel, short)
		}
		pairs = append(pairs, ours, short)
	}
	return strings.NewReplacer(pairs...).Replace(out)
}

// shortPath returns the path as the go command prints it for a file that is in
// an error message.
func shortPath(cwd, name string) string {
	if filepath.Dir(name) == cwd {
		return "." + string(filepath.Separator) + filepath.Base(name)
	}
	if rel, err := filepath.Rel(cwd, name); err == nil && len(rel) < len(name) {
		return rel
	}
	return name
}

// askGo asks the go command what it has against an edit.
func (c *Compiler) askGo(ctx context.Context, req Request) error {
	overlay, err := c.newOverlay(req)
	if err != nil {
		return err
	}
	defer os.RemoveAll(overlay.dir)
	// With the null device as output nothing is linked.
	args := append([]string{"build", "-o", os.DevNull}, c.h.flagArgs("list")...)
	args = append(append(args, "-overlay="+overlay.name, "--"), c.h.targets...)
	if _, err := c.h.output(ctx, c.h.gocmd(ctx, args...)); err != nil {
		return overlay.error(err)
	}
	return nil
}

// goError returns err in the words of the go command, for those the user knows.
func (c *Compiler) goError(ctx context.Context, p *Package, req Request, err error) error {
	if gerr := c.askGo(ctx, req); gerr != nil {
		return gerr
	}
	return fmt.Errorf("compiling %q: %w", p.ImportPath, err)
}

// compileByGoList lets the go command compile a package, with the flags for notes for this
// package, which changes nothing but the name of the result in the build cache.
func (c *Compiler) compileByGoList(ctx context.Context, p *Package, req Request, o *Object) (string, error) {
	overlay, err := c.newOverlay(req)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(overlay.dir)
	gcflags := ""
	for _, f := range c.h.gcflags {
		if c.h.matches(f.pattern, p) {
			gcflags = f.args
		}
	}
	target := []string{p.ImportPath}
	if p.ImportPath == commandLine {
		target = c.h.targets
	}
	args := append([]string{"list", "-export", "-f", "{{.Export}}"}, c.h.flagArgs("list")...)
	args = append(args, "-overlay="+overlay.name, "-gcflags="+p.ImportPath+"="+strings.TrimSpace(gcflags+" "+strings.Join(noteFlags, " ")), "--")
	var messages strings.Builder
	out, err := outputTo(ctx, c.h.gocmd(ctx, append(args, target...)...), &messages)
	if err != nil {
		return "", overlay.error(err)
	}
	if o.ArchivePath = strings.TrimSpace(string(out)); o.ArchivePath == "" {
		return "", fmt.Errorf("compiling %q: the go command has made no archive", p.ImportPath)
	}
	return overlay.userNames(messages.String()), nil
}

// error gives a *CompileError the user's file names and takes -m output out.
func (o *editOverlay) error(err error) error {
	var ce *CompileError
	if !errors.As(err, &ce) {
		return err
	}
	return &CompileError{Output: o.userNames(withoutNotes(ce.Output))}
}
