package session

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/watch"
)

// sources are the live packages as the program runs them: what an edit is compared
// with. They change only when an edit was accepted.
type sources struct {
	build     *gobuild.Host
	content   map[string][]byte          // Go files, by absolute path
	parsed    map[string]*source.Package // by import path, when first needed
	escape    map[string]change.Escape   // likewise
	objects   map[string]*change.Objects // likewise, by linker's import path
	checked   map[string]bool            // by import path: see session.check
	excerpted map[string]part            // by import path: packages that were compiled in part since they were compiled as a whole
	stuck     bool                       // they can't be completed before the next edit
	callers   *change.Callers            // see host.knowCallers
	blind     bool                       // it is not known what may call a function
	past      map[string]*change.Past    // versions before the newest, by linker's import path
	reads     map[string]reading         // see read
	pending   map[string]bool            // files of edits that were not accepted
	assets    map[string]sum             // embedded files, by absolute path
	mods      map[string][]byte          // go.mod files, by absolute path

	named map[string]*names // by import path, when first needed

	asmHeaders map[string][]byte // go_asm.h that the assembly was assembled with, by import path, when first needed

	watching string // folders of embedded files, when they were last asked for
}

// part is what has happened to a package that was compiled in part.
type part struct {
	moved   bool // functions that were not compiled, to other lines
	exports bool // more than to bodies: others may name what its archive has not
}

// readSources reads what the host was built from.
func readSources(b *gobuild.Host) (*sources, error) {
	s := &sources{build: b, content: map[string][]byte{}, parsed: map[string]*source.Package{}, objects: map[string]*change.Objects{}, excerpted: map[string]part{}, checked: map[string]bool{}, reads: map[string]reading{}, escape: map[string]change.Escape{}, past: map[string]*change.Past{}, pending: map[string]bool{}, assets: map[string]sum{}, mods: map[string][]byte{}, named: map[string]*names{}, asmHeaders: map[string][]byte{}}
	for _, p := range b.Live {
		if err := s.add(p); err != nil {
			return nil, err
		}
	}
	return s, s.readMods()
}

// add reads the files of a package that became live.
func (s *sources) add(p *gobuild.Package) error {
	for _, f := range slices.Concat(p.GoFiles, p.CgoFiles) {
		b, err := s.build.ReadFile(f)
		if err != nil {
			return fmt.Errorf("reading sources: %w", err)
		}
		s.content[f] = b
	}
	return s.addAssets(p)
}

// read is the content of a file as it is now. A file whose attributes are those of the last
// time is not read again: a package may have many.
func (s *sources) read(file string) ([]byte, error) {
	before, err := s.build.Stat(file)
	if r, ok := s.reads[file]; ok && err == nil && r.size == before.Size() && r.time.Equal(before.ModTime()) {
		return r.content, nil
	}
	delete(s.reads, file)
	b, readErr := s.build.ReadFile(file)
	if readErr != nil {
		return nil, readErr
	}
	// The clock of the file system may be a step behind: what was written just now may be
	// written again at the same time.
	if err == nil && time.Since(before.ModTime()) > clockStep {
		s.reads[file] = reading{before.Size(), before.ModTime(), b}
	}
	return b, nil
}

// reading is a file's content, with its attributes from before it was read.
type reading struct {
	size    int64
	time    time.Time
	content []byte
}

// clockStep is more than the step of the clock that the kernel takes the times of files from:
// one tick, 10 ms at most.
const clockStep = 50 * time.Millisecond

// watched is what a watcher is to look at.
func (s *sources) watched() (dirs, trees, files []string) {
	s.watching = s.folders()
	for _, p := range s.build.Live {
		if p.ImportPath != s.build.AgentPath && !strings.HasPrefix(p.ImportPath, s.build.AgentPath+"/") {
			dirs = append(dirs, p.Dir)
			alone, whole := p.EmbedFolders()
			dirs, trees = append(dirs, alone...), append(trees, whole...)
		}
	}
	slices.Sort(dirs)
	slices.Sort(trees)
	for _, f := range []string{s.build.Env.GOMOD, s.build.Env.GOWORK} {
		if f != "" && f != os.DevNull && f != "off" {
			files = append(files, f)
		}
	}
	return slices.Compact(dirs), slices.Compact(trees), files
}

// interesting files are those that the go command would compile, or takes its
// directions from.
func interesting(path string) bool {
	switch filepath.Ext(path) {
	case ".go":
		return !strings.HasSuffix(path, "_test.go")
	case ".s", ".S", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".syso", ".m", ".swig", ".swigcxx":
		return true
	}
	return filepath.Base(path) == "go.mod" || filepath.Base(path) == "go.work"
}

// concerns reports whether a change is one of the program at all: not one that was
// undone before it was seen, and not one of another package's folder.
func (s *sources) concerns(c watch.Change) bool {
	if len(s.pending) > 0 {
		return true
	}
	for f, kind := range c.Files {
		have, ok := s.content[f]
		if !ok {
			have, ok = s.mods[f]
		}
		asset, embedded := s.assets[f]
		if !ok && !embedded {
			if kind != watch.Removed && s.matters(f) {
				return true
			}
			continue
		}
		now, err := s.build.ReadFile(f)
		if err != nil || ok && !bytes.Equal(have, now) || embedded && asset != sumOf(now) {
			return true
		}
	}
	return false
}

// keepPending remembers the files of an edit that was not accepted: the next one
// brings them along.
func (h *host) keepPending(c watch.Change) {
	if h == nil || h.sources == nil {
		return
	}
	for f := range c.Files {
		h.sources.pending[f] = true
	}
}

// packageOf is the live package that a file lies in the folder of.
func (s *sources) packageOf(file string) *gobuild.Package {
	dir := filepath.Dir(file)
	for _, p := range s.build.Live {
		if p.Dir == dir {
			return p
		}
	}
	return nil
}

// old is the package as the program runs it.
func (s *sources) old(p *gobuild.Package) (*source.Package, error) {
	if sp := s.parsed[p.ImportPath]; sp != nil {
		return sp, nil
	}
	sp, err := s.parse(p)
	if err == nil {
		s.parsed[p.ImportPath] = sp
	}
	return sp, err
}

func (s *sources) parse(p *gobuild.Package) (*source.Package, error) {
	files := map[string][]byte{}
	for _, f := range slices.Concat(p.GoFiles, p.CgoFiles) {
		files[f] = s.content[f]
	}
	return source.Parse(p.ImportPath, files)
}
