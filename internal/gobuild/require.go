package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// ModLine is a directive of a go.mod file that was added, removed or changed.
type ModLine struct {
	Line   int    // in the new file; 0 if it is not there any more
	Module string // that a require or replace is about, or ""
	Was    string // as in the old file: "require example.com/x v1.0.0"; "" if it is new
	Now    string // likewise
}

func (l ModLine) String() string {
	switch {
	case l.Was == "":
		return l.Now + " was added"
	case l.Now == "":
		return l.Was + " was removed"
	}
	return l.Was + " is " + strings.TrimPrefix(l.Now, verb(l.Now)+" ") + " now"
}

// DiffMod compares two versions of a go.mod file. Comments, order and layout don't
// count, and neither do lines that no build depends on.
func DiffMod(old, new []byte) ([]ModLine, error) {
	was, err := directives(old)
	if err != nil {
		return nil, err
	}
	now, err := directives(new)
	if err != nil {
		return nil, err
	}
	var diff []ModLine
	for _, n := range now {
		if slices.ContainsFunc(was, func(o directive) bool { return o.text == n.text }) {
			continue
		}
		l := ModLine{Line: n.line, Module: n.module, Now: n.text}
		for _, o := range was {
			if o.subject == n.subject && !slices.ContainsFunc(now, func(n directive) bool { return n.text == o.text }) {
				l.Was = o.text
			}
		}
		diff = append(diff, l)
	}
	for _, o := range was {
		if !slices.ContainsFunc(now, func(n directive) bool { return n.text == o.text || n.subject == o.subject }) {
			diff = append(diff, ModLine{Module: o.module, Was: o.text})
		}
	}
	return diff, nil
}

type directive struct {
	line    int
	text    string // normal
	subject string // what a file has one line for: "require example.com/x", "go"
	module  string
}

func verb(text string) string {
	v, _, _ := strings.Cut(text, " ")
	return v
}

// directives are those of a go.mod file that builds depend on.
func directives(data []byte) (list []directive, err error) {
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	add := func(line *modfile.Line, tokens []string) {
		for i, t := range tokens {
			tokens[i] = unquoted(t)
		}
		d := directive{line: line.Start.Line, text: strings.Join(tokens, " "), subject: tokens[0]}
		switch tokens[0] {
		case "retract", "tool":
			return
		case "require", "replace":
			if len(tokens) > 1 {
				d.module = tokens[1]
				d.subject += " " + d.module
			}
			if left, _, ok := strings.Cut(d.text, " => "); ok {
				d.subject = left // with the version, if one is replaced
			}
		case "exclude", "godebug", "ignore":
			d.subject = d.text
		}
		list = append(list, d)
	}
	for _, stmt := range f.Syntax.Stmt {
		switch s := stmt.(type) {
		case *modfile.Line:
			add(s, slices.Clone(s.Token))
		case *modfile.LineBlock:
			for _, line := range s.Line {
				add(line, append(slices.Clone(s.Token), line.Token...))
			}
		}
	}
	return list, nil
}

// ModFiles are the go.mod files of the live modules; none if the user has named another
// one in their place.
func (h *Host) ModFiles() []string {
	if _, ok := last(h.all, "modfile"); ok {
		return nil
	}
	var files []string
	for _, m := range h.modules {
		if f := filepath.Join(m.dir, "go.mod"); exists(f) {
			files = append(files, f)
		}
	}
	return files
}

// Uses reports whether a package of the program comes from the module.
func (h *Host) Uses(module string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, p := range h.Packages {
		if !p.pending() && p.Module != nil && p.Module.Path == module {
			return true
		}
	}
	return false
}

// Remodel takes over what go.mod says now, if all packages of the program still come
// from the modules, versions and folders that they came from; else it says what is
// another one.
func (h *Host) Remodel(ctx context.Context) (other string, err error) {
	modules, err := liveModules(h.Dir, h.Env, h.all)
	if err != nil {
		return "", err
	}
	args := append([]string{"list", "-deps", "-json=ImportPath,Dir,Module"}, h.flagArgs("list")...)
	out, err := h.output(ctx, h.gocmd(ctx, append(append(args, "--"), h.targets...)...))
	if err != nil {
		return "", err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var now listed
		if err := dec.Decode(&now); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fmt.Errorf("reading go list: %w", err)
		}
		was := h.pkg(now.ImportPath)
		if was == nil || was.pending() {
			continue
		}
		if a, b := was.Module.String(), now.Module.String(); a != b {
			return fmt.Sprintf("package %s comes from %s now, not from %s", now.ImportPath, b, a), nil
		}
		if was.Dir != now.Dir {
			return fmt.Sprintf("package %s comes from %s now", now.ImportPath, now.Dir), nil
		}
	}
	h.modules = modules
	if !h.KeepInlining {
		for _, p := range withoutInlining(perPackages(h.all, "gcflags"), modules) {
			h.flags = append(h.flags, p.flag("gcflags"))
			h.gcflags = append(h.gcflags, p)
		}
	}
	return "", nil
}

// String returns "example.com/x v1.0.0 => ../x, go 1.25".
func (m *Module) String() string {
	if m == nil {
		return "no module"
	}
	s := strings.TrimSpace(m.Path + " " + m.Version)
	if m.Replace != nil {
		s += " => " + strings.TrimSpace(m.Replace.Path+" "+m.Replace.Version)
	}
	if m.GoVersion != "" {
		s += ", go " + m.GoVersion
	}
	return s
}

// unquoted is a token without the quotes that go.mod files allow.
func unquoted(token string) string {
	if s, err := strconv.Unquote(token); err == nil {
		return s
	}
	return token
}
