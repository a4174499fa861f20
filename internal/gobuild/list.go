package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// listed is what we read of a package from go list -json. The fields asked for
// are these and no others: some others cost time.
type listed struct {
	ImportPath, Name, Dir, Export string
	Standard                      bool
	GoFiles, CgoFiles             []string
	CompiledGoFiles               []string
	CFiles, CXXFiles, MFiles      []string
	HFiles, FFiles, SFiles        []string
	SwigFiles, SwigCXXFiles       []string
	SysoFiles                     []string
	EmbedPatterns, EmbedFiles     []string
	Imports                       []string
	ImportMap                     map[string]string
	Module                        *Module
}

const listFields = "ImportPath,Name,Dir,Export,Standard,GoFiles,CgoFiles,CompiledGoFiles," +
	"CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles," +
	"EmbedPatterns,EmbedFiles,Imports,ImportMap,Module"

// Load asks go list for the packages of the host. It may run while the program
// starts already.
func (h *Host) Load(ctx context.Context) error {
	var packages []*Package
	var tags []string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		packages, err = h.list(gctx, h.overlays, h.targets)
		return err
	})
	g.Go(func() error {
		args := append([]string{"list", "-f", "{{join context.BuildTags \",\"}},{{join context.ToolTags \",\"}}"}, h.flagArgs("list")...)
		out, err := h.output(gctx, h.gocmd(gctx, append(args, "--", "unsafe")...))
		tags = strings.FieldsFunc(string(out), func(r rune) bool { return r == ',' || r == '\n' })
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if len(packages) == 0 {
		return errors.New("listing packages: no package")
	}
	h.tags = tags
	h.Order = packages
	h.Main = packages[len(packages)-1] // go list -deps puts the named package last
	h.Packages = make(map[string]*Package, len(packages))
	for _, p := range packages {
		h.Packages[p.ImportPath] = p
	}
	h.sort()
	return nil
}

// Archives are the packages' archives by link path, and which of the packages are live.
func (h *Host) Archives() (files map[string]string, live map[string]bool) {
	files, live = map[string]string{}, map[string]bool{}
	for _, p := range h.Packages {
		if p.Export != "" {
			files[p.LinkPath()], live[p.LinkPath()] = p.Export, p.Live
		}
	}
	return files, live
}

// list runs go list with the flags of the host build. All its packages are
// compiled; nothing is to be done for those of the host.
func (h *Host) list(ctx context.Context, overlay string, targets []string) ([]*Package, error) {
	args := append([]string{"list", "-deps", "-export", "-compiled", "-json=" + listFields}, h.flagArgs("list")...)
	if overlay != h.overlays {
		args = append(args, "-overlay="+overlay)
	}
	out, err := h.output(ctx, h.gocmd(ctx, append(append(args, "--"), targets...)...))
	if err != nil {
		return nil, err
	}
	var packages []*Package
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		packages = append(packages, h.newPackage(&l))
	}
}

func (h *Host) newPackage(l *listed) *Package {
	abs := func(lists ...[]string) (files []string) {
		for _, list := range lists {
			for _, f := range list {
				files = append(files, absolute(l.Dir, f))
			}
		}
		return files
	}
	p := &Package{
		ImportPath:    l.ImportPath,
		Name:          l.Name,
		Dir:           l.Dir,
		Standard:      l.Standard,
		Cgo:           len(l.CgoFiles) > 0 || len(l.SwigFiles)+len(l.SwigCXXFiles) > 0,
		GoFiles:       abs(l.GoFiles),
		CgoFiles:      abs(l.CgoFiles),
		Files:         abs(l.CompiledGoFiles),
		OtherFiles:    abs(l.CFiles, l.CXXFiles, l.MFiles, l.HFiles, l.FFiles, l.SFiles, l.SwigFiles, l.SwigCXXFiles, l.SysoFiles),
		SFiles:        abs(l.SFiles),
		EmbedPatterns: l.EmbedPatterns,
		EmbedFiles:    l.EmbedFiles,
		Imports:       l.Imports,
		ImportMap:     l.ImportMap,
		Export:        l.Export,
		Module:        l.Module,
	}
	if l.Module != nil {
		p.GoVersion = l.Module.GoVersion
	}
	if p.Export != "" {
		p.stamp = stampOf(p.Export)
	}
	p.Live = h.isLive(p)
	return p
}

// isLive reports whether the user may edit a package: it is no part of the
// agent, and its folder is that of a live module and not of its vendor/ copy.
func (h *Host) isLive(p *Package) bool {
	if p.Standard || h.AgentPath != "" && hasPathPrefix(p.ImportPath, h.AgentPath) {
		return false
	}
	if p.ImportPath == commandLine {
		return true
	}
	for _, m := range h.modules {
		// A nested module from the module cache has the path but not the folder.
		if hasPathPrefix(p.ImportPath, m.path) && hasFilePrefix(p.Dir, m.dir) &&
			!strings.Contains(strings.TrimPrefix(p.Dir, m.dir)+"/", "/vendor/") {
			return true
		}
	}
	return false
}

// AddImports makes packages that the host does not have known to it, with all
// that they need. It returns the new ones, dependencies first. Packages of an
// edit that was not accepted are asked for again. [Compiler.Compile] does all this
// by itself.
func (h *Host) AddImports(ctx context.Context, importPaths []string) ([]*Package, error) {
	packages, err := h.list(ctx, h.overlays, importPaths)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var added []*Package
	for _, p := range packages {
		old := h.Packages[p.ImportPath]
		if old != nil && !old.pending() {
			continue
		}
		p.Added = true
		h.Packages[p.ImportPath] = p
		h.Order = slices.DeleteFunc(h.Order, func(q *Package) bool { return q == old })
		h.Order = append(h.Order, p)
		added = append(added, p)
	}
	h.sort()
	return added, nil
}

// pending reports whether a package is known only because of an edit that was
// not accepted.
func (p *Package) pending() bool { return p.Added && !p.accepted }

// pendingBehind returns the pending packages that packages import, directly or
// not, dependencies first.
func (h *Host) pendingBehind(imports []string) (list []*Package) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	seen := make(map[string]bool)
	var visit func(imports []string)
	visit = func(imports []string) {
		for _, path := range imports {
			p := h.Packages[path]
			if p == nil || seen[path] || !p.pending() {
				continue // nothing of the host imports what the host does not have
			}
			seen[path] = true
			visit(p.Imports)
			list = append(list, p)
		}
	}
	visit(imports)
	return list
}

// pkg returns a package of the host, or nil.
func (h *Host) pkg(importPath string) *Package {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.Packages[importPath]
}

// sort puts Order and Live in the order of dependencies. Packages that do not
// depend on each other stay as they are.
func (h *Host) sort() {
	order := make([]*Package, 0, len(h.Order))
	seen := make(map[*Package]bool, len(h.Order))
	var visit func(p *Package)
	visit = func(p *Package) {
		if p == nil || seen[p] {
			return
		}
		seen[p] = true
		for _, i := range p.Imports {
			visit(h.Packages[i])
		}
		order = append(order, p)
	}
	for _, p := range h.Order {
		visit(p)
	}
	h.Order, h.Live = order, nil
	for _, p := range order {
		if p.Live {
			h.Live = append(h.Live, p)
		}
	}
}

// Dependents returns the live packages that import a package directly,
// dependencies first.
func (h *Host) Dependents(importPath string) []*Package {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var list []*Package
	for _, p := range h.Live {
		for _, i := range p.Imports {
			if i == importPath {
				list = append(list, p)
				break
			}
		}
	}
	return list
}

// ForeignDependent is a package that imports the given one and is not live: one of another
// module, which a go.work or a replace has turned to the user's. It is nil if there is none.
func (h *Host) ForeignDependent(importPath string) *Package {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, p := range h.Order {
		if !p.Live && slices.Contains(p.Imports, importPath) {
			return p
		}
	}
	return nil
}

// Unsafe reports whether a package, by its path as the linker knows it, imports unsafe or C
// and is not of the standard library. One that is not known may.
func (h *Host) Unsafe(linkPath string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, p := range h.Packages {
		if p.LinkPath() == linkPath {
			return !p.Standard && (p.Cgo || slices.Contains(p.Imports, "unsafe") || slices.Contains(p.Imports, "C"))
		}
	}
	return true
}

// buildContext returns the rules by which the go command chooses files. Before
// Load the tool tags are not known in full.
func (h *Host) buildContext(flags []Flag) *build.Context {
	ctxt := build.Default
	ctxt.GOOS, ctxt.GOARCH, ctxt.GOROOT = h.Env.GOOS, h.Env.GOARCH, h.Env.GOROOT
	ctxt.CgoEnabled = h.Env.CGO_ENABLED == "1"
	ctxt.ReleaseTags = releaseTags(h.Env.GOVERSION)
	ctxt.ToolTags = nil
	if h.tags != nil {
		ctxt.BuildTags = h.tags
		return &ctxt
	}
	if v, ok := last(flags, "tags"); ok {
		ctxt.BuildTags = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, mode := range []string{"race", "msan", "asan"} {
		if isSet(flags, mode) {
			ctxt.BuildTags = append(ctxt.BuildTags, mode)
		}
	}
	return &ctxt
}

// releaseTags returns go1.1 to the minor release of a version such as go1.26.8.
func releaseTags(version string) []string {
	minor := 0
	if rest, ok := strings.CutPrefix(version, "go1."); ok {
		digits := rest
		if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			digits = rest[:i]
		}
		minor, _ = strconv.Atoi(digits)
	}
	if minor == 0 {
		return build.Default.ReleaseTags
	}
	tags := make([]string, minor)
	for i := range tags {
		tags[i] = "go1." + strconv.Itoa(i+1)
	}
	return tags
}
