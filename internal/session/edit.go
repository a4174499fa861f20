package session

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/watch"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// edit is one settled change on its way into the program.
type edit struct {
	host   *host
	change watch.Change
	report report.Edit

	library  *program.Library // with the edit's archives
	units    []*unit          // recompiled packages, each behind those it imports
	all      []*unit          // packages that are to be recompiled for their own sake
	verdict  *change.Result   // on what was compiled
	img      *link.Image      // of it
	saved    []*unit          // packages whose sources changed
	comments []*unit          // packages of which nothing but comments changed
	newDirs  []string
	notes    []string            // for the user, beside the report
	debug    []string            // for those who want to know
	beside   chan []int          // processes that run the executable beside the program
	behind   bool                // it completes others: nobody has saved anything
	outlines bool                // packages are not to be compiled against excerpts
	mods     map[string][]byte   // go.mod files that changed
	watch    func(dirs []string) // looks at more folders

	files       []link.Files // of embed.FS variables
	fileReaders []wire.Range // of which no call may be running then
	newFolders  bool         // packages embed files of other folders than are watched
}

// unit is one recompiled package.
type unit struct {
	pkg      *gobuild.Package
	content  map[string][]byte // its Go files, if its own sources changed
	scan     *gobuild.Scan     // which these are
	delta    *source.Delta
	judged   change.Package       // once it is compiled
	before   []source.Initializer // that run before the new code does
	after    []source.Initializer // that run when it is live
	inits    *source.Initializers
	excerpt  *source.Excerpt   // what of it is compiled; nil: all
	whole    error             // why an excerpt was not enough
	imported bool              // others of the edit import it
	changed  map[string]bool   // names that mean something else now, see source.Delta.Excerpt
	widened  int               // times that an excerpt was not enough for what it has found itself
	unknown  bool              // more may mean something else, and is not known by name
	overlay  map[string][]byte // its files, if they are not to be read from disk
	object   *gobuild.Object
	archive  *goobj.Archive
	old, now *change.Objects // the package before and after
	escape   change.Escape   // after
	linkPath string
	assets   *assets // if the package embeds files
}

// needRestart is the end of an edit that only a new process can have.
type needRestart struct{ reason string }

func (e *needRestart) Error() string { return e.reason }

func restartf(format string, args ...any) error { return &needRestart{fmt.Sprintf(format, args...)} }

// run takes the edit through the pipeline. What it returns says how the edit ends: nil
// (live), a *gobuild.CompileError (rejected), or anything else (restart, for that
// reason or those of report.Decls).
func (e *edit) run(ctx context.Context) error {
	if err := e.prepare(ctx); err != nil {
		return err
	}
	return e.apply(ctx)
}

// prepare does all of it that leaves the program as it is.
func (e *edit) prepare(ctx context.Context) error {
	if e.host.restartMode != "" {
		return restartf("")
	}
	start := time.Now()
	e.beside = make(chan []int, 1)
	go func(c chan []int) { c <- e.host.process.Instances() }(e.beside)
	e.units, e.comments, e.report.Decls, e.report.Compiled, e.notes, e.debug, e.outlines = nil, nil, nil, nil, nil, nil, false
	if err := e.read(ctx); err != nil {
		return err
	}
	if e.saved = e.units; len(e.units) == 0 {
		return nil
	}
	e.watchMissing()
	if err := e.compile(ctx); err != nil {
		return err
	}
	if err := e.named(); err != nil {
		return err
	}
	e.report.Timing.Compile = time.Since(start)
	return e.image(ctx, nil)
}

// explained reports whether a declaration says already why the edit is not live.
func (e *edit) explained() bool {
	return slices.ContainsFunc(e.report.Decls, func(d report.Decl) bool { return d.Verdict == report.VerdictRestart })
}

// read finds the packages whose sources differ from what runs.
func (e *edit) read(ctx context.Context) error {
	s := e.host.sources
	touched := map[*gobuild.Package]bool{}
	files := map[string]bool{}
	for f := range e.change.Files {
		files[f] = true
	}
	for f := range s.pending {
		files[f] = true
	}
	var mods []string
	for f := range files {
		switch {
		case s.embed(f, touched) && filepath.Ext(f) != ".go":
			continue
		case s.mods[f] != nil:
			mods = append(mods, f)
			continue
		case filepath.Base(f) == "go.mod" || filepath.Base(f) == "go.work":
			e.decl(f, "changed")
			continue
		case filepath.Ext(f) != ".go":
			if s.packageOf(f) != nil {
				e.decl(f, "C or assembly changed")
			}
			continue
		}
		if p := s.packageOf(f); p != nil {
			touched[p] = true
		}
	}
	if err := e.modules(ctx, mods); err != nil {
		return err
	}
	if len(e.report.Decls) > 0 {
		return restartf("")
	}
	e.declModules()
	for _, p := range s.build.Live {
		if !touched[p] {
			continue
		}
		u, err := e.unit(ctx, p, files)
		if err != nil {
			return err
		}
		if u != nil {
			e.units = append(e.units, u)
		}
	}
	return nil
}

// decl reports a file that needs a restart.
func (e *edit) decl(file, reason string) {
	e.report.Decls = append(e.report.Decls, report.Decl{Name: filepath.Base(file), File: file, Verdict: report.VerdictRestart, Reason: reason})
}

// unit is a package whose sources changed; nil if they are the same after all.
func (e *edit) unit(ctx context.Context, p *gobuild.Package, files map[string]bool) (*unit, error) {
	s := e.host.sources
	old, err := s.old(p)
	if err != nil {
		return nil, restartf("the sources of %s, as they were, can't be read: %v", p.ImportPath, err)
	}
	u := &unit{pkg: p, linkPath: p.LinkPath(), content: map[string][]byte{}}
	scan, err := s.build.Rescan(p, nil)
	if err != nil {
		u.delta = nil // the compiler says it better
		return u, nil
	}
	u.scan = scan
	for _, f := range slices.Concat(scan.GoFiles, scan.CgoFiles) {
		if u.content[f], err = s.read(f); err != nil {
			return u, nil
		}
	}
	now, err := source.ParseWith(old, p.ImportPath, u.content)
	if err != nil {
		return u, nil
	}
	u.delta = source.Diff(old, now)
	e.strays(now)
	if u.assets, err = s.assetsOf(p, scan.EmbedPatterns, files); err != nil {
		return nil, err
	}
	if err := noMain(u); err != nil {
		return nil, err
	}
	if u.delta.Empty() && !u.assets.differ() && !now.Redeclared() {
		same := len(u.content) == len(old.Files)
		for _, f := range old.Files {
			same = same && string(u.content[f.Path]) == string(f.Content)
		}
		if !same {
			e.comments = append(e.comments, u)
		}
		return nil, nil
	}
	if err := u.initializers(candidates(u.delta)); err != nil {
		return u, err
	}
	return u, nil
}

// watchMissing watches the folders of packages that are imported and unknown: they may
// not be there yet, and come with a later save. It is done before anybody looks whether
// they are.
func (e *edit) watchMissing() {
	var dirs []string
	for _, u := range e.units {
		if u.delta == nil {
			continue
		}
		for _, path := range u.delta.Imported {
			if dir, ok := e.host.build.LiveFolder(path); ok && e.host.build.Packages[path] == nil {
				dirs = append(dirs, dir)
			}
		}
	}
	if len(dirs) > 0 && e.watch != nil {
		e.watch(dirs)
	}
}

// adopt makes a unit's sources those that run, without any code.
func (e *edit) adopt(u *unit) {
	s := e.host.sources
	for f, b := range u.content {
		s.content[f] = b
	}
	if u.delta != nil {
		s.parsed[u.pkg.ImportPath] = u.delta.New
	}
}
