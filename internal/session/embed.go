package session

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// embedded brings embedded files that changed into the verdict: which variables have
// other values, and what was made of them before and stays.
func (e *edit) embedded(res *change.Result) error {
	h := e.host
	e.files, e.fileReaders = nil, nil
	for _, u := range e.units {
		if u.assets == nil {
			continue
		}
		for _, f := range u.assets.changed {
			e.report.Decls = append(e.report.Decls, report.Decl{
				ImportPath: u.pkg.ImportPath, Name: f, File: filepath.Join(u.pkg.Dir, filepath.FromSlash(f)), Verdict: report.VerdictLive,
			})
		}
	}
	if len(res.Embeds) == 0 {
		return nil
	}
	live, err := e.liveArchives()
	if err != nil {
		return err
	}
	res.Embedded(live, h.patch.Program)
	for _, v := range res.Embeds {
		if v.Files.Object == nil {
			continue
		}
		at, _ := h.patch.Program.Variable(v.Symbol)
		header := h.patch.Program.Word(at)
		if header == 0 {
			return restartf("the files of %s are nowhere in the program", v.Symbol)
		}
		e.files = append(e.files, link.Files{Header: header, Definition: v.Files})
	}
	if len(e.files) > 0 {
		if e.fileReaders, err = h.fileReaders(); err != nil {
			return err
		}
	}
	return e.kept(res)
}

// liveArchives are the archives of all live packages as the edit makes them.
func (e *edit) liveArchives() ([]*goobj.Archive, error) {
	var list []*goobj.Archive
	for _, p := range e.host.build.Live {
		if i := slices.IndexFunc(e.units, func(u *unit) bool { return u.pkg == p }); i >= 0 {
			list = append(list, e.units[i].archive)
			continue
		}
		a, err := e.host.patch.Library.Archive(p.LinkPath())
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// fileReaders are the functions that look through the pointer in an embed.FS, and those
// that have them inlined. One that stands between the loads of the slice's pointer and
// its length must not be given another slice: it would read behind the end of one.
func (h *host) fileReaders() ([]wire.Range, error) {
	const lookup, readDir = "embed.FS.lookup", "embed.FS.readDir" // embed/embed.go, 1.25 to 1.27
	found := map[uint64]wire.Range{}
	add := func(o *goobj.Object, s goobj.Sym) error {
		addr, ok, err := h.patch.Program.Function(o.Name(s), o.ABI(s))
		if err != nil || !ok {
			return err
		}
		for _, v := range h.patch.Program.Versions(addr) {
			found[v.Addr] = wire.Range{Start: v.Addr, End: v.Addr + v.Size}
		}
		return nil
	}
	embed, err := h.patch.Library.Archive("embed")
	if err != nil {
		return nil, err
	}
	for _, path := range h.patch.Library.Packages() {
		a, err := h.patch.Library.Archive(path)
		if err != nil {
			return nil, err
		}
		for _, o := range a.Objects {
			for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
				if !o.Kind(s).IsText() {
					continue
				}
				reads := path == "embed" && (o.Name(s) == lookup || o.Name(s) == readDir)
				if f, err := o.FuncInfo(s); err != nil {
					return nil, fmt.Errorf("reading %s: %w", o.Name(s), err)
				} else if f != nil {
					for _, call := range f.InlTree {
						name := inlined(o, call, embed)
						reads = reads || name == lookup || name == readDir
					}
				}
				if reads {
					if err := add(o, s); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	list := make([]wire.Range, 0, len(found))
	for _, r := range found {
		list = append(list, r)
	}
	return list, nil
}

// inlined is the name of a function of package embed that was inlined; "" of another.
func inlined(o *goobj.Object, call goobj.InlinedCall, embed *goobj.Archive) string {
	if s, ok := o.Local(call.Func); ok {
		return o.Name(s)
	}
	// The index counts in the archive that o was compiled against, and nobody edits embed.
	if path, _ := o.Package(call.Func); path == "embed" && uint64(call.Func.Idx) < uint64(embed.Objects[0].NumDefs()) {
		return embed.Objects[0].Name(goobj.Sym(call.Func.Idx))
	}
	return ""
}

// kept reports what was made of the files when the program started.
func (e *edit) kept(res *change.Result) error {
	names := map[string][]string{}
	for _, v := range res.Embeds {
		names[v.ImportPath] = append(names[v.ImportPath], v.Name)
	}
	for _, p := range e.host.build.Live {
		if names[p.ImportPath] == nil && !slices.ContainsFunc(p.Imports, func(path string) bool { return names[path] != nil }) {
			continue
		}
		sp, err := e.host.sources.old(p)
		if err != nil {
			return restartf("the sources of %s, as they were, can't be read: %v", p.ImportPath, err)
		}
		if i := slices.IndexFunc(e.units, func(u *unit) bool { return u.pkg == p }); i >= 0 {
			sp = e.units[i].delta.New
		}
		for path, vars := range names {
			for _, d := range sp.Readers(path, vars) {
				kind := "var"
				if d.Kind == source.Init {
					kind = "func"
				}
				e.report.Decls = append(e.report.Decls, report.Decl{
					ImportPath: p.ImportPath, Package: sp.Name, Kind: kind, Name: d.Name, File: d.Pos.Filename, Line: d.Pos.Line, Col: d.Pos.Column,
					Verdict: report.VerdictKept, Reason: "read the embedded files when the program started, and does not again",
				})
			}
		}
	}
	return nil
}
