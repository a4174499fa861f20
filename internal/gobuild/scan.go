package gobuild

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
)

// Scan says which files of a folder belong to a package now.
type Scan struct {
	Name          string   // in the package clause
	GoFiles       []string // absolute, without those that import "C"
	CgoFiles      []string // absolute
	OtherFiles    []string // absolute; as in Package
	Imports       []string // as written in the sources, sorted
	EmbedPatterns []string // as written in the sources, sorted
}

// Rescan reads the folder of a package and decides by names, build constraints
// and import clauses which files belong to it, as the go command does but
// without asking it. Overlay stands before the files on disk: absolute path →
// content, nil for a file that is gone.
func (h *Host) Rescan(p *Package, overlay map[string][]byte) (*Scan, error) {
	ctxt := h.buildContext(nil)
	view := fileView{h, overlay}
	ctxt.IsDir = isDir
	ctxt.ReadDir = view.readDir
	ctxt.OpenFile = func(name string) (io.ReadCloser, error) {
		data, err := view.read(name)
		return io.NopCloser(bytes.NewReader(data)), err
	}
	if p.ImportPath == commandLine {
		// Files named on the command line are the package, whatever else is
		// in the folder and whatever their build constraints say.
		ctxt.UseAllFiles = true
		ctxt.ReadDir = func(string) ([]fs.FileInfo, error) { return view.stat(append(p.GoFiles, p.CgoFiles...)), nil }
	}
	b, err := ctxt.ImportDir(p.Dir, 0)
	if err != nil {
		return nil, err
	}
	abs := func(lists ...[]string) (files []string) {
		for _, list := range lists {
			for _, f := range list {
				files = append(files, filepath.Join(p.Dir, f))
			}
		}
		return files
	}
	if a, b := foldDup(b.GoFiles, b.CgoFiles, b.IgnoredGoFiles, b.IgnoredOtherFiles, b.CFiles, b.CXXFiles, b.MFiles, b.HFiles, b.FFiles,
		b.SFiles, b.SwigFiles, b.SwigCXXFiles, b.SysoFiles, b.TestGoFiles, b.XTestGoFiles); a != "" {
		return nil, fmt.Errorf("case-insensitive file name collision: %q and %q", a, b)
	}
	return &Scan{
		Name:          b.Name,
		GoFiles:       abs(b.GoFiles),
		CgoFiles:      abs(b.CgoFiles),
		OtherFiles:    abs(b.CFiles, b.CXXFiles, b.MFiles, b.HFiles, b.FFiles, b.SFiles, b.SwigFiles, b.SwigCXXFiles, b.SysoFiles),
		Imports:       b.Imports,
		EmbedPatterns: b.EmbedPatterns,
	}, nil
}

// CompileOrder puts the packages of an edit in the order of their imports as the
// edit leaves them: a package behind those that it imports.
func (h *Host) CompileOrder(paths []string, overlay map[string][]byte) []string {
	if len(paths) == 1 && h.pkg(paths[0]) != nil {
		return paths
	}
	imports := make(map[string][]string, len(paths))
	for _, path := range paths {
		p := h.pkg(path)
		if p == nil {
			continue
		}
		imports[path] = p.Imports
		if scan, err := h.Rescan(p, overlay); err == nil {
			imports[path] = p.importsOf(scan)
		}
	}
	var order []string
	seen := make(map[string]bool)
	var visit func(path string)
	visit = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		next, edited := imports[path]
		if !edited {
			if p := h.pkg(path); p != nil && p.Live {
				next = p.Imports // an edited package may be behind one that is not
			}
		}
		for _, i := range next {
			visit(i)
		}
		if edited {
			order = append(order, path)
		}
	}
	for _, path := range paths {
		visit(path)
	}
	return order
}

// resolve returns the import path of the package that an import means.
func (p *Package) resolve(path string) string {
	if to, ok := p.ImportMap[path]; ok {
		return to
	}
	return path
}

// importsOf returns the packages that p imports with the sources of scan.
func (p *Package) importsOf(scan *Scan) []string {
	var list []string
	for _, path := range scan.Imports {
		list = append(list, p.resolve(path))
	}
	if p.Cgo {
		list = append(list, "unsafe", "runtime/cgo", "syscall") // of the files that cgo makes
	}
	return list
}

const commandLine = "command-line-arguments"

// ReadFile reads a source file as the go command sees it: through the overlays, the
// user's and ours.
func (h *Host) ReadFile(name string) ([]byte, error) { return fileView{h: h}.read(name) }

// Stat are the attributes of the file that ReadFile reads.
func (h *Host) Stat(name string) (fs.FileInfo, error) {
	if to, ok := (fileView{h: h}).actual(name); ok {
		return os.Stat(to)
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// fileView is the disk below the host's overlays, below those of an edit.
type fileView struct {
	h       *Host
	overlay map[string][]byte
}

// actual returns where a file is on disk, or false if it is only in the edit or
// deleted by an overlay.
func (v fileView) actual(name string) (string, bool) {
	if _, ok := v.overlay[name]; ok {
		return "", false
	}
	if to, ok := v.h.ours[name]; ok {
		return to, true
	}
	if to, ok := v.h.overlay[name]; ok {
		return to, to != ""
	}
	return name, true
}

func (v fileView) read(name string) ([]byte, error) {
	if data := v.overlay[name]; data != nil {
		return data, nil
	}
	if to, ok := v.actual(name); ok {
		return os.ReadFile(to)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (v fileView) readDir(dir string) ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := make(map[string]bool)
	for _, e := range entries {
		// Only names matter: go/build opens what it needs through OpenFile.
		if e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0 {
			names[filepath.Join(dir, e.Name())] = true
		}
	}
	add := func(name string) {
		if filepath.Dir(name) == dir {
			names[name] = true
		}
	}
	for name := range v.h.ours {
		add(name)
	}
	for name := range v.h.overlay {
		add(name)
	}
	for name := range v.overlay {
		add(name)
	}
	var list []string
	for name := range names {
		list = append(list, name)
	}
	sort.Strings(list)
	return v.stat(list), nil
}

// stat returns the files that exist.
func (v fileView) stat(names []string) (list []fs.FileInfo) {
	for _, name := range names {
		if v.overlay[name] == nil {
			to, ok := v.actual(name)
			if !ok {
				continue
			}
			if fi, err := os.Stat(to); err != nil || !fi.Mode().IsRegular() {
				continue
			}
		}
		list = append(list, fileName(filepath.Base(name)))
	}
	return list
}

// fileName is a regular file of which only the name is known.
type fileName string

func (f fileName) Name() string       { return string(f) }
func (f fileName) Size() int64        { return 0 }
func (f fileName) Mode() fs.FileMode  { return 0o444 }
func (f fileName) ModTime() time.Time { return time.Time{} }
func (f fileName) IsDir() bool        { return false }
func (f fileName) Sys() any           { return nil }

// checkImport says whether the go command would let package p import another
// package of the host: no main package, no internal package of others, none without files,
// none whose path is that of another but for the case of letters, no cycle.
func (h *Host) checkImport(p, imported *Package) bool {
	if imported.Name == "main" || h.foldsWith(imported) {
		return false
	}
	elem := strings.Split(imported.ImportPath, "/")
	if slices.Contains(elem, "vendor") || len(imported.GoFiles)+len(imported.CgoFiles) == 0 {
		return false // as an argument of go list, which it was, such a package is one
	}
	if slices.Contains(elem, "internal") {
		last := len(elem) - 1
		for elem[last] != "internal" {
			last--
		}
		parent := strings.Join(elem[:last], "/")
		if imported.Standard || parent == "" || !hasPathPrefix(p.ImportPath, parent) {
			return false
		}
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	seen := make(map[string]bool)
	var reaches func(from *Package) bool
	reaches = func(from *Package) bool {
		if from == p {
			return true
		}
		if from == nil || seen[from.ImportPath] {
			return false
		}
		seen[from.ImportPath] = true
		for _, i := range from.Imports {
			if reaches(h.Packages[i]) {
				return true
			}
		}
		return false
	}
	return !reaches(imported)
}
