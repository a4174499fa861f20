// Command excerpts proves that an excerpt or outline of a package stands for the whole (see
// package source).
//
//	go run ./internal/proof/excerpts [-C dir] [-every n] [-run regexp] [-edits] [package]
//
// Function by function, the live packages of a program are compiled in excerpts, and the
// machine code must be that of the package compiled as a whole. It prints, for each package,
// how many functions are the same, how many allocate more than they need to (the compiler
// does not tell how far behind a parameter its "content" lies, and stubs are careful), how
// many the tool would compile with the whole package, with the reasons, and what else
// differs, which is a failure.
//
// With -edits it makes edits of all kinds of each declaration (see mutations.go), compiles what
// the tool would compile of the package and of those that import it, and as a whole too:
// what does not compile as a whole must not compile in part, and all functions, types and
// variables of the package must be the same, those included that were not compiled.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/toolchain"
)

var (
	dir   = flag.String("C", ".", "the folder of the module")
	every = flag.Int("every", 1, "try every nth function")
	run   = flag.String("run", "", "only declarations whose name matches the regular expression")
	edits = flag.Bool("edits", false, "make edits")
)

func main() {
	flag.Parse()
	target := "."
	if flag.NArg() > 0 {
		target = flag.Arg(0)
	}
	failed, err := prove(context.Background(), target)
	if err != nil {
		fmt.Fprintln(os.Stderr, "excerpts:", err)
		os.Exit(1)
	}
	if failed {
		os.Exit(1)
	}
}

// prove builds the program and tries its packages.
func prove(ctx context.Context, target string) (failed bool, err error) {
	folder, err := filepath.Abs(*dir)
	if err != nil {
		return false, err
	}
	only, err := regexp.Compile(*run)
	if err != nil {
		return false, err
	}
	work, err := os.MkdirTemp("", "realtime-excerpts-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	host, err := gobuild.Build(ctx, gobuild.Config{Dir: folder, Target: []string{target}, Work: work})
	if err != nil {
		return false, err
	}
	if err := host.Load(ctx); err != nil {
		return false, err
	}
	compiler, err := gobuild.NewCompiler(host)
	if err != nil {
		return false, err
	}
	loaded := map[string]*subject{}
	for _, p := range host.Live {
		s := subject{host: host, compiler: compiler, pkg: p, only: only, loaded: loaded}
		prove := s.prove
		if *edits {
			prove = s.edit
		}
		if err := prove(ctx); err != nil {
			return false, fmt.Errorf("proving %q: %w", p.ImportPath, err)
		}
		failed = failed || s.differ > 0
		s.print()
	}
	return failed, nil
}

// subject is one package.
type subject struct {
	host     *gobuild.Host
	compiler *gobuild.Compiler
	pkg      *gobuild.Package
	only     *regexp.Regexp

	source *source.Package
	escape change.Escape
	code   *change.Objects

	builtins []toolchain.Builtin
	compiled *goobj.Archive

	loaded map[string]*subject // others that were compiled, by import path

	same, careful, differ int
	whole                 map[string]int // functions that need the whole package, by the reason
}

// load compiles the package as it is.
func (s *subject) load(ctx context.Context) error {
	var err error
	if s.source, err = parse(s.host, s.pkg); err != nil {
		return err
	}
	o, err := s.compiler.Compile(ctx, gobuild.Request{ImportPath: s.pkg.ImportPath})
	if err != nil {
		return err
	}
	defer s.compiler.Discard(o)
	s.escape = change.EscapeOf(o.Notes)
	if s.compiled, err = goobj.ReadArchive(s.pkg.LinkPath(), o.Archive); err != nil {
		return err
	}
	s.code = change.Index(s.compiled)
	s.builtins, err = toolchain.Builtins(s.host.Env.GOROOT)
	s.whole = map[string]int{}
	return err
}

func parse(host *gobuild.Host, p *gobuild.Package) (*source.Package, error) {
	files := map[string][]byte{}
	for _, f := range slices.Concat(p.GoFiles, p.CgoFiles) {
		text, err := host.ReadFile(f)
		if err != nil {
			return nil, err
		}
		files[f] = text
	}
	return source.Parse(p.ImportPath, files)
}

func (s *subject) prove(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	n := 0
	for _, d := range s.source.List {
		if d.Kind != source.Func && d.Kind != source.Method || !s.only.MatchString(d.Name) {
			continue
		}
		if n++; n%*every != 0 {
			continue
		}
		s.count(d.Name, s.try(ctx, d))
	}
	return nil
}

// count takes the end of one try into the figures.
func (s *subject) count(what string, err error) {
	switch {
	case err == nil:
		s.same++
	case errors.Is(err, errCareful):
		s.careful++
	case errors.As(err, new(*difference)):
		s.differ++
		fmt.Printf("%s: %s: %v\n", s.pkg.ImportPath, what, err)
	default:
		reason, _, _ := strings.Cut(err.Error(), "\n")
		s.whole[reason]++
	}
}

// difference is an excerpt that was accepted and is other code.
type difference struct{ what string }

func (d *difference) Error() string { return d.what }

// try compiles an excerpt for one function, as if its body had changed.
func (s *subject) try(ctx context.Context, d *source.Decl) error {
	delta := &source.Delta{Old: s.source, New: s.source, Changed: []source.Change{{Old: d, New: d, What: source.Body}}}
	x, err := delta.Excerpt(nil, s.around(nil))
	if err != nil {
		return err
	}
	o, err := s.compiler.Compile(ctx, gobuild.Request{ImportPath: s.pkg.ImportPath, Excerpt: x.Files})
	if err != nil {
		return err
	}
	archive, err := goobj.ReadArchive(s.pkg.LinkPath(), o.Archive)
	if err != nil {
		return err
	}
	prefix := goobj.PathToPrefix(s.pkg.LinkPath()) + "."
	_, _, err = change.GraftExcerpt(s.code, s.escape, delta, x, archive, change.EscapeOf(o.Notes), prefix)
	if err != nil {
		return err
	}
	what := change.Differs(s.code, change.Index(archive), prefix+d.Symbol)
	switch {
	case what == "":
		return nil
	case s.allocations(archive, prefix+d.Symbol) > s.allocations(s.compiled, prefix+d.Symbol):
		return errCareful
	}
	return &difference{what}
}

// around is what the tool would know.
func (s *subject) around(importers []*subject) *source.Around {
	a := &source.Around{NameOf: s.name, Tags: s.escape.Tags}
	for _, t := range importers {
		a.Importers = append(a.Importers, t.source)
	}
	a.Held = func(method string) bool {
		return s.code.Holds(method) || slices.ContainsFunc(importers, func(t *subject) bool { return t.code.Holds(method) })
	}
	return a
}

// name is the name of a package.
func (s *subject) name(path string) string {
	if p := s.host.Packages[path]; p != nil {
		return p.Name
	}
	return ""
}

var errCareful = errors.New("it allocates more than it needs to")

// allocations counts the calls of a function, and of what was made of it, that allocate.
func (s *subject) allocations(a *goobj.Archive, name string) (n int) {
	for _, o := range a.Objects {
		for sym := goobj.Sym(0); int(sym) < o.NumDefs(); sym++ {
			if !o.Kind(sym).IsText() || o.Name(sym) != name && !strings.HasPrefix(o.Name(sym), name+".") {
				continue
			}
			for _, r := range o.Relocs(sym, nil) {
				if r.Sym.Pkg != goobj.PkgBuiltin || int(r.Sym.Idx) >= len(s.builtins) {
					continue
				}
				if b := s.builtins[r.Sym.Idx].Name; b == "runtime.newobject" || strings.HasPrefix(b, "runtime.make") {
					n++
				}
			}
		}
	}
	return n
}

func (s *subject) print() {
	fmt.Printf("%s: %d the same, %d careful, %d differ\n", s.pkg.ImportPath, s.same, s.careful, s.differ)
	for _, reason := range slices.Sorted(maps.Keys(s.whole)) {
		fmt.Printf("\t%d with the whole package: %s\n", s.whole[reason], reason)
	}
}
