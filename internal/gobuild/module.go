package gobuild

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Env is what `go env` says in the user's folder.
type Env struct {
	GOVERSION, GOROOT, GOTOOLDIR string
	GOOS, GOARCH, GOAMD64        string
	GOMOD, GOWORK, GOFLAGS       string
	GOMODCACHE, GOEXPERIMENT     string
	CGO_ENABLED                  string
}

func (h *Host) loadEnv(ctx context.Context) error {
	out, err := h.output(ctx, h.gocmd(ctx, "env", "-json",
		"GOVERSION", "GOROOT", "GOTOOLDIR", "GOOS", "GOARCH", "GOAMD64", "GOMOD", "GOWORK",
		"GOFLAGS", "GOMODCACHE", "GOEXPERIMENT", "CGO_ENABLED"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, &h.Env); err != nil {
		return fmt.Errorf("reading go env: %w", err)
	}
	return nil
}

// module is a module whose packages are live.
type module struct {
	path string
	dir  string // absolute
}

// liveModules reads go.work, or go.mod, and finds the modules that the user may
// edit: the main modules and those replaced by a folder.
func liveModules(dir string, env Env, flags []Flag) ([]module, error) {
	var work *modfile.WorkFile
	var mods []string // go.mod files of main modules
	switch {
	case env.GOWORK != "" && env.GOWORK != "off":
		data, err := os.ReadFile(env.GOWORK)
		if err != nil {
			return nil, err
		}
		work, err = modfile.ParseWork(env.GOWORK, data, nil)
		if err != nil {
			return nil, err
		}
		for _, use := range work.Use {
			mods = append(mods, filepath.Join(absolute(filepath.Dir(env.GOWORK), use.Path), "go.mod"))
		}
	case env.GOMOD != "" && env.GOMOD != os.DevNull:
		mods = []string{env.GOMOD}
	}

	var list []module
	var replaced []module
	replace := func(base string, list []*modfile.Replace) {
		for _, r := range list {
			if r.New.Version == "" {
				replaced = append(replaced, module{r.Old.Path, absolute(base, filepath.FromSlash(r.New.Path))})
			}
		}
	}
	if work != nil {
		replace(filepath.Dir(env.GOWORK), work.Replace)
	}
	for _, name := range mods {
		root := filepath.Dir(name)
		if alt, ok := last(flags, "modfile"); ok && work == nil {
			name = absolute(dir, alt)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mod, err := modfile.ParseLax(name, data, nil)
		if err != nil {
			return nil, err
		}
		// ParseLax skips replace directives, as it is meant for dependencies.
		if full, err := modfile.Parse(name, data, nil); err == nil {
			mod = full
		}
		if mod.Module == nil {
			continue
		}
		list = append(list, module{mod.Module.Mod.Path, root})
		replace(root, mod.Replace)
	}
	return append(list, replaced...), nil
}

// LiveFolder returns the folder in which a package of a live module lies, or would.
func (h *Host) LiveFolder(importPath string) (dir string, ok bool) {
	longest := -1
	for _, m := range h.modules {
		if hasPathPrefix(importPath, m.path) && len(m.path) > longest {
			dir, ok, longest = filepath.Join(m.dir, filepath.FromSlash(strings.TrimPrefix(importPath, m.path))), true, len(m.path)
		}
	}
	return dir, ok
}

// absolute joins a path that may be absolute already.
func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// moduleOf returns the innermost live module that has the folder.
func moduleOf(modules []module, dir string) (m module, ok bool) {
	for _, c := range modules {
		if hasFilePrefix(dir, c.dir) && len(c.dir) > len(m.dir) {
			m, ok = c, true
		}
	}
	return m, ok
}

// hasFilePrefix reports whether path is dir or lies below it.
func hasFilePrefix(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
