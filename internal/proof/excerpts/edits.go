package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// edit makes edits of the package.
func (s *subject) edit(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	n := 0
	for _, f := range s.source.Files {
		list, err := mutations(f.Path, f.Content)
		if err != nil {
			return err
		}
		for _, m := range list {
			if n++; n%*every != 0 || !s.only.MatchString(m.what) {
				continue
			}
			s.count(m.what, s.tryEdit(ctx, f, m))
		}
	}
	return nil
}

// tryEdit makes one edit.
func (s *subject) tryEdit(ctx context.Context, f *source.File, m mutation) error {
	if slices.Contains(s.pkg.EmbedFiles, filepath.Base(m.file)) {
		return errors.New("the package embeds the file")
	}
	files := map[string][]byte{}
	for _, f := range s.source.Files {
		files[f.Path] = f.Content
	}
	files[m.file] = slices.Concat(f.Content[:m.from], []byte(m.text), f.Content[m.to:])
	now, err := source.ParseWith(s.source, s.pkg.ImportPath, files)
	if err != nil {
		return err
	}
	e := &edition{s, source.Diff(s.source, now), map[string][]byte{m.file: files[m.file]}, nil}
	part, archive, spread, err := e.part(ctx, nil)
	if err != nil && !compileError(err) {
		return err
	}
	whole, file, wholeErr := e.all(ctx)
	switch {
	case wholeErr != nil && !compileError(wholeErr):
		return wholeErr
	case wholeErr != nil && err != nil:
		return nil // neither compiles
	case err != nil:
		return fmt.Errorf("it does not compile in part: %w", err)
	case wholeErr != nil:
		return &difference{fmt.Sprintf("it compiles in part, and not as a whole: %v", wholeErr)}
	}
	defer os.Remove(file)
	if err := s.compare(part, whole); err != nil {
		return err
	}
	if spread == nil {
		return nil
	}
	return s.importers(ctx, spread, archive, file)
}

// edition is one version of a package, or one that imports another version of others.
type edition struct {
	s        *subject
	delta    *source.Delta
	overlay  map[string][]byte
	archives map[string]string
}

// part compiles what the tool would compile. changed are names of what the package imports
// that mean something else.
func (e *edition) part(ctx context.Context, changed map[string]bool) (*change.Objects, string, *source.Spread, error) {
	s := e.s
	importers, err := s.importing(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	around := s.around(importers)
	for tries := 0; ; tries++ {
		x, why := e.delta.Excerpt(changed, around)
		if why != nil {
			if x, why = e.delta.Outline(changed, nil, around); why != nil {
				return nil, "", nil, why
			}
		}
		o, err := s.compiler.Compile(ctx, gobuild.Request{ImportPath: s.pkg.ImportPath, Excerpt: x.Files, Outline: x.Outline != nil, Imported: x.Imported, Overlay: e.overlay, Archives: e.archives})
		if err != nil {
			return nil, "", nil, err
		}
		archive, err := goobj.ReadArchive(s.pkg.LinkPath(), o.Archive)
		if err != nil {
			return nil, "", nil, err
		}
		if len(archive.Mixed()) > 0 {
			return nil, "", nil, errMixed
		}
		prefix := goobj.PathToPrefix(s.pkg.LinkPath()) + "."
		now, _, err := change.GraftExcerpt(s.code, s.escape, e.delta, x, archive, change.EscapeOf(o.Notes), prefix)
		var tags *change.TagsError
		if errors.As(err, &tags) && tries < 3 {
			if changed == nil {
				changed = map[string]bool{}
			}
			for name := range tags.Names {
				changed[name] = true
			}
			continue
		}
		if err != nil {
			return nil, "", nil, err
		}
		return now, o.ArchivePath, x.Spread, nil
	}
}

// all compiles the whole.
func (e *edition) all(ctx context.Context) (*change.Objects, string, error) {
	o, err := e.s.compiler.Compile(ctx, gobuild.Request{ImportPath: e.s.pkg.ImportPath, Overlay: e.overlay, Archives: e.archives})
	if err != nil {
		return nil, "", err
	}
	archive, err := goobj.ReadArchive(e.s.pkg.LinkPath(), o.Archive)
	if err != nil {
		return nil, "", err
	}
	if len(archive.Mixed()) > 0 {
		err = errMixed
	}
	return change.Index(archive), o.ArchivePath, err
}

// errMixed is a package that the tool compiles again when it has compiled what it imports.
var errMixed = errors.New("what it imports must be compiled again")

func compileError(err error) bool { return errors.As(err, new(*gobuild.CompileError)) }

// compare compares all of a package that was compiled in part with the whole.
func (s *subject) compare(part, whole *change.Objects) error {
	for _, name := range whole.Names() {
		what := change.Differs(part, whole, name)
		switch {
		case what == "", strings.HasSuffix(what, " has other lines"):
			continue
		case s.allocations(part.Newest(), name) > s.allocations(whole.Newest(), name):
			return errCareful
		}
		return &difference{what}
	}
	if names := change.DataDiffer(part, whole); len(names) > 0 {
		return &difference{names[0] + " differs"}
	}
	return nil
}

// importers compiles the packages that import s against the whole of it. Those that name what
// the edit reaches must be what they are against its outline, the others what they were.
func (s *subject) importers(ctx context.Context, spread *source.Spread, outline, whole string) error {
	list, err := s.importing(ctx)
	if err != nil {
		return err
	}
	for _, t := range list {
		e := &edition{t, source.Diff(t.source, t.source), nil, map[string]string{s.pkg.ImportPath: outline}}
		part, err := t.code, error(nil)
		if t.source.Mentions(spread.Exported()) {
			if part, _, _, err = e.part(ctx, spread.Exported()); err != nil && !compileError(err) {
				continue // the tool would compile the whole
			}
		}
		e.archives = map[string]string{s.pkg.ImportPath: whole}
		all, _, wholeErr := e.all(ctx)
		switch {
		case wholeErr != nil && !compileError(wholeErr):
			continue // it would compile the same
		case (err != nil) != (wholeErr != nil):
			return &difference{fmt.Sprintf("%s: in part: %v, as a whole: %v", t.pkg.ImportPath, err, wholeErr)}
		case err != nil:
			continue
		}
		if err := t.compare(part, all); err != nil {
			if errors.Is(err, errCareful) {
				return err
			}
			return &difference{fmt.Sprintf("%s, which imports it: %v", t.pkg.ImportPath, err)}
		}
	}
	return nil
}

// importing are the packages that import s, as they are.
func (s *subject) importing(ctx context.Context) (list []*subject, err error) {
	for _, p := range s.host.Dependents(s.pkg.ImportPath) {
		t := s.loaded[p.ImportPath]
		if t == nil {
			t = &subject{host: s.host, compiler: s.compiler, pkg: p, loaded: s.loaded}
			if err := t.load(ctx); err != nil {
				return nil, err
			}
			s.loaded[p.ImportPath] = t
		}
		list = append(list, t)
	}
	return list, nil
}
