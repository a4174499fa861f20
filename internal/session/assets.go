package session

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
)

// sum is the content of an embedded file.
type sum [sha256.Size]byte

func sumOf(b []byte) sum { return sha256.Sum256(b) }

// assets are the files that a package embeds now.
type assets struct {
	pkg     *gobuild.Package
	now     map[string]sum // by absolute path
	changed []string       // new, removed or with another content; relative to the package
	unknown bool           // the patterns can't be resolved, the compiler says why
}

func (a *assets) differ() bool { return a != nil && (a.unknown || len(a.changed) > 0) }

// addAssets reads the files that a package embeds.
func (s *sources) addAssets(p *gobuild.Package) error {
	for _, f := range p.EmbedFiles {
		f = assetPath(p, f)
		b, err := s.build.ReadFile(f)
		if err != nil {
			return fmt.Errorf("reading sources: %w", err)
		}
		s.assets[f] = sumOf(b)
	}
	return nil
}

func assetPath(p *gobuild.Package, file string) string {
	return filepath.Join(p.Dir, filepath.FromSlash(file))
}

// embedding are the packages that embed files: as they are now, for others to read.
func (s *sources) embedding() (list []*gobuild.Package) {
	for _, p := range s.build.Live {
		if len(p.EmbedPatterns) > 0 {
			list = append(list, &gobuild.Package{Dir: p.Dir, EmbedPatterns: slices.Clone(p.EmbedPatterns)})
		}
	}
	return list
}

// embed adds the packages that may embed a file, or have embedded it, and reports
// whether there is one.
func (s *sources) embed(file string, touched map[*gobuild.Package]bool) (found bool) {
	for _, p := range s.build.Live {
		if p.MayEmbed(file) {
			touched[p], found = true, true
		}
	}
	return found
}

// matters reports whether a file that the program was not made of may be one of it now.
func (s *sources) matters(file string) bool {
	if interesting(file) && (s.packageOf(file) != nil || filepath.Ext(file) == ".mod" || filepath.Ext(file) == ".work") {
		return true
	}
	return slices.ContainsFunc(s.build.Live, func(p *gobuild.Package) bool {
		if !p.MayEmbed(file) {
			return false
		}
		files, err := p.Embedded(p.EmbedPatterns)
		return err != nil || slices.ContainsFunc(files, func(f string) bool { return assetPath(p, f) == file })
	})
}

// assetsOf finds the files that a package embeds with the given patterns, and how they
// differ from those that the program has; nil if no saved file is one of them. Only files
// that were saved are read.
func (s *sources) assetsOf(p *gobuild.Package, patterns []string, saved map[string]bool) (*assets, error) {
	if len(patterns) == 0 && len(p.EmbedFiles) == 0 {
		return nil, nil
	}
	concerned := false
	for f := range saved {
		concerned = concerned || p.MayEmbed(f)
	}
	if !concerned && slices.Equal(patterns, p.EmbedPatterns) {
		return nil, nil // there may be many
	}
	a := &assets{pkg: p, now: map[string]sum{}}
	files, err := p.Embedded(patterns)
	if err != nil {
		a.unknown = true
		return a, nil
	}
	before := map[string]bool{}
	for _, f := range p.EmbedFiles {
		before[f] = true
	}
	for _, f := range files {
		path := assetPath(p, f)
		old, known := s.assets[path]
		had := before[f]
		delete(before, f)
		if known && had && !saved[path] {
			a.now[path] = old
			continue
		}
		b, err := s.build.ReadFile(path)
		if err != nil {
			return nil, errAgain
		}
		a.now[path] = sumOf(b)
		if !known || !had || a.now[path] != old {
			a.changed = append(a.changed, f)
		}
	}
	a.changed = slices.AppendSeq(a.changed, maps.Keys(before)) // those that are gone
	slices.Sort(a.changed)
	return a, nil
}

// still reports whether the changed files are as they were when they were found.
func (s *sources) still(a *assets) bool {
	if a == nil {
		return true
	}
	for _, f := range a.changed {
		path := assetPath(a.pkg, f)
		want, there := a.now[path]
		if !there {
			continue // if it comes back, that is the next edit
		}
		if b, err := s.build.ReadFile(path); err != nil || want != sumOf(b) {
			return false
		}
	}
	return true
}

// adoptAssets makes what the packages of an edit embed what the program has. It reports
// whether other folders are to be watched than are watched.
func (s *sources) adoptAssets(units []*unit) bool {
	if !slices.ContainsFunc(units, func(u *unit) bool { return u.assets != nil }) {
		return false
	}
	for _, u := range units {
		if u.assets == nil {
			continue
		}
		// Of a file that another package embeds too the content is the same: it is read
		// at the same save.
		for f, sum := range u.assets.now {
			s.assets[f] = sum
		}
	}
	embedded := map[string]bool{}
	for _, p := range s.build.Live {
		for _, f := range p.EmbedFiles {
			embedded[assetPath(p, f)] = true
		}
	}
	maps.DeleteFunc(s.assets, func(f string, _ sum) bool { return !embedded[f] })
	return s.watching != s.folders()
}

// folders names the folders that packages embed files of, and how.
func (s *sources) folders() string {
	var b strings.Builder
	for _, p := range s.build.Live {
		dirs, trees := p.EmbedFolders()
		fmt.Fprintf(&b, "%q %q %q\n", p.EmbedPatterns, dirs, trees)
	}
	return b.String()
}
