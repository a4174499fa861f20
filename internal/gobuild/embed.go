package gobuild

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	modpath "golang.org/x/mod/module"
)

// embedConfig is the file format of the compiler's -embedcfg.
type embedConfig struct {
	Patterns map[string][]string
	Files    map[string]string
}

// embedcfg resolves //go:embed patterns and writes the configuration to a file.
// Embedded files that are only in the edit are written to scratch. It returns the
// files, relative to dir.
func (v fileView) embedcfg(dir string, patterns []string, file, scratch string) (files []string, err error) {
	e := embedConfig{map[string][]string{}, map[string]string{}}
	for _, pattern := range patterns {
		list, err := resolveEmbed(os.DirFS(dir), pattern)
		if err != nil {
			return nil, err
		}
		e.Patterns[pattern] = list
		for _, f := range list {
			if e.Files[f] != "" {
				continue
			}
			files = append(files, f)
			name := filepath.Join(dir, filepath.FromSlash(f))
			to, ok := v.actual(name)
			if !ok {
				data, err := v.read(name)
				if err != nil {
					return nil, err
				}
				to = filepath.Join(scratch, fmt.Sprintf("embed%d", len(files)))
				if err := os.WriteFile(to, data, 0o666); err != nil {
					return nil, err
				}
			}
			e.Files[f] = to
		}
	}
	cfg, err := json.MarshalIndent(&e, "", "\t")
	if err != nil {
		return nil, err
	}
	return files, os.WriteFile(file, cfg, 0o666)
}

// Embedded returns the files that the patterns match now, relative to the package's
// folder, sorted. The error is not in the words of the go command; a compilation's is.
func (p *Package) Embedded(patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		list, err := resolveEmbed(os.DirFS(p.Dir), pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, list...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// resolveEmbed returns the files that a pattern matches, sorted. What the go command
// refuses (cmd/go/internal/load/pkg.go:resolveEmbed, 1.25 to 1.27; package embed has
// the rules) is an error.
func resolveEmbed(dir fs.FS, pattern string) (files []string, err error) {
	fail := func(format string, args ...any) ([]string, error) {
		return nil, fmt.Errorf("resolving //go:embed pattern %q: "+format, append([]any{pattern}, args...)...)
	}
	glob, all := strings.CutPrefix(pattern, "all:")
	if glob == "." || !fs.ValidPath(glob) {
		return fail("invalid pattern")
	}
	matches, err := fs.Glob(dir, glob)
	if err != nil {
		return fail("%w", err)
	}
	for _, name := range matches {
		for at := name; at != "."; at = path.Dir(at) {
			info, err := fs.Lstat(dir, at)
			switch {
			case err != nil:
				return fail("%w", err)
			case badEmbedName(path.Base(at)):
				return fail("invalid name %s", at)
			case hasModule(dir, at):
				return fail("%s is in another module", name)
			case at != name && !info.IsDir(), at == name && !info.IsDir() && !info.Mode().IsRegular():
				return fail("%s is no regular file", name)
			}
		}
		list, err := embeddedBelow(dir, name, all)
		if err != nil {
			return fail("%w", err)
		}
		if len(list) == 0 {
			return fail("%s has no file to embed", name)
		}
		files = append(files, list...)
	}
	if len(files) == 0 {
		return fail("no file")
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// embeddedBelow returns the file, or the files of a folder but for hidden ones (unless
// all is set), irregular ones and those of other modules.
func embeddedBelow(dir fs.FS, name string, all bool) (list []string, err error) {
	err = fs.WalkDir(dir, name, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(file)
		hidden := base[0] == '.' || base[0] == '_'
		switch bad := badEmbedName(base); {
		case file != name && (bad || hidden && !all) && d.IsDir():
			return fs.SkipDir
		case file != name && hidden && (bad || !all):
		case file != name && bad:
			return fmt.Errorf("invalid name %s", file)
		case d.IsDir() && hasModule(dir, file):
			return fs.SkipDir
		case d.Type().IsRegular():
			list = append(list, file)
		}
		return nil
	})
	return list, err
}

// badEmbedName reports whether no module can have a file of that name.
func badEmbedName(base string) bool {
	switch base {
	case ".bzr", ".hg", ".git", ".svn":
		return true
	}
	return modpath.CheckFilePath(base) != nil
}

func hasModule(dir fs.FS, name string) bool {
	_, err := fs.Stat(dir, path.Join(name, "go.mod"))
	return err == nil
}

// MayEmbed reports whether a pattern of the package may match a file, which need not
// exist: it is the file's own path or that of a folder around it.
func (p *Package) MayEmbed(file string) bool {
	rel, err := filepath.Rel(p.Dir, file)
	if err != nil || !filepath.IsLocal(rel) {
		return false
	}
	for at := filepath.ToSlash(rel); at != "."; at = path.Dir(at) {
		for _, pattern := range p.EmbedPatterns {
			if ok, _ := path.Match(strings.TrimPrefix(pattern, "all:"), at); ok {
				return true
			}
		}
	}
	return false
}

// EmbedFolders returns the folders in which files may appear that the package embeds:
// those to be watched alone, and those to be watched with all below them.
func (p *Package) EmbedFolders() (dirs, trees []string) {
	for _, pattern := range p.EmbedPatterns {
		glob := strings.TrimPrefix(pattern, "all:")
		base := glob // what is in front of the first wildcard
		for strings.ContainsAny(base, `*?[\`) {
			base = path.Dir(base)
		}
		switch dir := filepath.Join(p.Dir, filepath.FromSlash(base)); {
		case base == glob && !isDir(dir):
			dirs = append(dirs, filepath.Dir(dir))
		case base != glob && base == path.Dir(glob):
			// Of the folders that match, those that are there are watched whole.
			dirs = append(dirs, dir)
			matches, _ := fs.Glob(os.DirFS(p.Dir), glob)
			for _, m := range matches {
				if m = filepath.Join(p.Dir, filepath.FromSlash(m)); isDir(m) {
					trees = append(trees, m)
				}
			}
		default:
			trees = append(trees, dir)
		}
	}
	for _, f := range p.EmbedFiles {
		dirs = append(dirs, filepath.Dir(filepath.Join(p.Dir, filepath.FromSlash(f))))
	}
	slices.Sort(dirs)
	slices.Sort(trees)
	return slices.Compact(dirs), slices.Compact(trees)
}
