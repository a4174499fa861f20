package gobuild

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// embedConfig is the file format of the compiler's -embedcfg.
type embedConfig struct {
	Patterns map[string][]string
	Files    map[string]string
}

// embedcfg resolves //go:embed patterns (cmd/go/internal/load, resolveEmbed) and
// writes the configuration to a file. Embedded files that are only in the edit
// are written to scratch. It returns the files, relative to dir.
func (v fileView) embedcfg(dir string, patterns []string, file, scratch string) (files []string, err error) {
	e := embedConfig{map[string][]string{}, map[string]string{}}
	fsys := os.DirFS(dir)
	for _, pattern := range patterns {
		glob, all := strings.CutPrefix(pattern, "all:")
		matches, err := fs.Glob(fsys, glob)
		if err != nil {
			return nil, err
		}
		var list []string
		for _, m := range matches {
			list = append(list, embedded(fsys, m, all)...)
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("resolving //go:embed pattern %q: no file", pattern)
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

// embedded returns the file, or the files of a folder but for hidden ones
// (unless all is set) and those of other modules.
func embedded(fsys fs.FS, name string, all bool) (list []string) {
	fs.WalkDir(fsys, name, func(file string, d fs.DirEntry, err error) error {
		switch base := path.Base(file); {
		case err != nil:
			return err
		case file != name && !all && (base[0] == '.' || base[0] == '_'):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
			if _, err := fs.Stat(fsys, path.Join(file, "go.mod")); err == nil && file != name {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			list = append(list, file)
		}
		return nil
	})
	return list
}
