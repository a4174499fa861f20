package session

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/report"
)

// module takes a saved go.mod file. It may add and drop modules that no package of the
// program comes from; what concerns the others, or the language, is a restart.
func (e *edit) module(ctx context.Context, file string) error {
	h := e.host
	old := h.sources.mods[file]
	now, err := h.build.ReadFile(file)
	if err != nil {
		e.decl(file, "can't be read")
		return nil
	}
	if bytes.Equal(old, now) {
		return nil
	}
	lines, broken := gobuild.DiffMod(old, now)
	var told []string
	for _, l := range lines {
		if told = append(told, l.String()); l.Module != "" && !h.build.Uses(l.Module) {
			continue
		}
		e.report.Decls = append(e.report.Decls, report.Decl{
			Name: filepath.Base(file), File: file, Line: l.Line, Verdict: report.VerdictRestart, Reason: l.String(),
		})
	}
	if e.explained() {
		return nil
	}
	if len(lines) > 0 || broken != nil {
		other, err := h.build.Remodel(ctx)
		switch {
		case err != nil:
			return err
		case broken != nil:
			e.decl(file, broken.Error())
		case other != "":
			e.decl(file, strings.Join(told, "; ")+", and "+other)
		}
	}
	if e.mods == nil {
		e.mods = map[string][]byte{}
	}
	e.mods[file] = now
	return nil
}

// modules takes the saved go.mod files.
func (e *edit) modules(ctx context.Context, files []string) error {
	e.mods = nil
	slices.Sort(files)
	for _, f := range files {
		if err := e.module(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// declModules reports the go.mod files that are taken over.
func (e *edit) declModules() {
	for f := range e.mods {
		e.report.Decls = append(e.report.Decls, report.Decl{Name: filepath.Base(f), File: f, Verdict: report.VerdictLive})
	}
}

// readMods reads the go.mod files of the live modules.
func (s *sources) readMods() error {
	for _, f := range s.build.ModFiles() {
		b, err := s.build.ReadFile(f)
		if err != nil {
			return err
		}
		s.mods[f] = b
	}
	return nil
}
