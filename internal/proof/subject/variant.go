package subject

import (
	"context"
	"fmt"
	"os"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// Compile compiles live packages of the program, each before its importers, from other
// sources: overlay has them by absolute path.
func (s *Subject) Compile(ctx context.Context, importPaths []string, overlay map[string][]byte) ([]*goobj.Archive, error) {
	c, err := gobuild.NewCompiler(s.Build)
	if err != nil {
		return nil, err
	}
	var archives []*goobj.Archive
	files := map[string]string{}
	for _, path := range importPaths {
		o, err := c.Compile(ctx, gobuild.Request{ImportPath: path, Overlay: overlay, Archives: files})
		if err != nil {
			return nil, fmt.Errorf("compiling %s: %w", path, err)
		}
		// The next variant is compiled into the same file.
		f, err := os.CreateTemp(s.Build.Work, "*.a")
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(o.Archive); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		files[path] = f.Name()
		a, err := goobj.ReadArchive(s.Build.Packages[path].LinkPath(), o.Archive)
		if err != nil {
			return nil, err
		}
		archives = append(archives, a)
	}
	return archives, nil
}

// Counterparts are the functions of the same names in other archives, which the library
// has.
func Counterparts(functions []link.Function, library *program.Library) ([]link.Function, error) {
	list := make([]link.Function, 0, len(functions))
	for _, f := range functions {
		a, err := library.Archive(f.Object.ImportPath)
		if err != nil {
			return nil, err
		}
		found := false
		for _, d := range library.Definitions(a, f.Replaces) {
			if d.Object.ABI(d.Sym) == f.Object.ABI(f.Sym) {
				list, found = append(list, link.Function{Object: d.Object, Sym: d.Sym, Replaces: f.Replaces}), true
				break
			}
		}
		if !found {
			return nil, fmt.Errorf("package %q does not define %s", f.Object.ImportPath, f.Replaces)
		}
	}
	return list, nil
}
