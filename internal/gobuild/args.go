package gobuild

import (
	"bytes"
	"context"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// args returns the compiler's flags as in cmd/go/internal/work/gc.go, func gc,
// without -o, -trimpath, -embedcfg, -buildid and -c.
func (c *Compiler) args(ctx context.Context, p *Package, req Request, scan *Scan, dir string) (args []string, err error) {
	h := c.h
	path := p.ImportPath
	if p.Name == "main" {
		path = "main"
	}
	args = []string{"-p", path, "-lang=" + lang(p, h.Env.GOVERSION)}
	if p.Standard {
		args = append(args, "-std")
	}
	complete := !p.Cgo && req.Excerpt == nil
	for _, f := range p.OtherFiles {
		complete = complete && isHeader(f)
	}
	if complete {
		args = append(args, "-complete")
	}
	args = append(args, "-goversion", h.Env.GOVERSION)
	profile, err := c.profile()
	if err != nil {
		return nil, err
	}
	if profile != "" {
		args = append(args, "-pgoprofile="+profile)
	}
	if len(p.SFiles) > 0 && !p.Cgo {
		symabis, err := c.symabisOf(ctx, p)
		if err != nil {
			return nil, err
		}
		args = append(args, "-symabis", symabis, "-asmhdr", filepath.Join(dir, "go_asm.h"))
	}
	if mode, _ := last(h.all, "buildmode"); mode == "pie" {
		args = append(args, "-shared")
	}
	for _, mode := range []string{"race", "msan", "asan"} {
		if isSet(h.all, mode) {
			args = append(args, "-"+mode)
		}
	}
	gcflags, err := h.gcflagsOf(p)
	if err != nil {
		return nil, err
	}
	args = append(args, gcflags...)
	args = append(args, noteFlags...)
	if p.ImportPath == commandLine {
		args = append(args, "-D", "_"+filepath.ToSlash(p.Dir))
	} else {
		args = append(args, "-nolocalimports")
	}

	importcfg := filepath.Join(dir, "importcfg")
	if err := os.WriteFile(importcfg, c.importcfg(p, req, scan), 0o666); err != nil {
		return nil, err
	}
	args = append(args, "-importcfg", importcfg)
	return args, nil
}

// noteFlags ask the compiler for notes: what is kept, what is written into, and what each
// func literal captures and how (cmd/compile/internal/escape/escape.go:flowClosure,
// ir/func.go:ClosureDebugRuntimeCheck; the same in Go 1.25 to 1.27).
var noteFlags = []string{"-m=2", "-d=escapemutationscalls=1,closure=1"}

func isHeader(name string) bool {
	switch filepath.Ext(name) {
	case ".h", ".hh", ".hpp", ".hxx":
		return true
	}
	return false
}

// lang returns the value of -lang: the go line of the module, 1.16 for a module
// without one (cmd/go/internal/gover.DefaultGoModVersion), and the toolchain's
// own for the standard library and for files on the command line.
func lang(p *Package, toolchain string) string {
	v, _, _ := strings.Cut(toolchain, " ")
	if p.Module != nil {
		v = "go1.16"
		if p.Module.GoVersion != "" {
			v = "go" + p.Module.GoVersion
		}
	}
	return version.Lang(v)
}

// gcflagsOf returns the -gcflags of a package: those of the last pattern that
// matches (cmd/go/internal/load, PerPackageFlag).
func (h *Host) gcflagsOf(p *Package) ([]string, error) {
	args := ""
	for _, f := range h.gcflags {
		if h.matches(f.pattern, p) {
			args = f.args
		}
	}
	return splitQuoted(args)
}

func (h *Host) matches(pattern string, p *Package) bool {
	switch {
	case pattern == "":
		return p == h.Main
	case pattern == "all":
		return true
	case pattern == "std":
		return p.Standard
	case isRelative(pattern):
		return matchPattern(filepath.ToSlash(filepath.Join(h.Dir, pattern)), filepath.ToSlash(p.Dir))
	}
	return matchPattern(pattern, p.ImportPath)
}

// importcfg maps the imports of a package to archives. Export data is
// self-contained, so direct imports are enough.
func (c *Compiler) importcfg(p *Package, req Request, scan *Scan) []byte {
	var b bytes.Buffer
	for from, to := range p.ImportMap {
		fmt.Fprintf(&b, "importmap %s=%s\n", from, to)
	}
	seen := make(map[string]bool)
	add := func(path string) {
		path = p.resolve(path)
		if seen[path] {
			return
		}
		seen[path] = true
		if archive := c.archive(path, req); archive != "" {
			fmt.Fprintf(&b, "packagefile %s=%s\n", path, archive)
		}
	}
	for _, path := range scan.Imports {
		add(path)
	}
	for _, path := range p.Imports {
		add(path) // also what cgo's files import
	}
	return b.Bytes()
}

func (c *Compiler) archive(path string, req Request) string {
	if a, ok := req.Archives[path]; ok {
		return a
	}
	c.mu.Lock()
	a, ok := c.current[path]
	c.mu.Unlock()
	if ok {
		return a
	}
	if q := c.h.pkg(path); q != nil {
		return q.Export
	}
	return ""
}

// symabisOf makes the list of symbols in a package's assembly. It is made once:
// an edit of assembly is a restart.
func (c *Compiler) symabisOf(ctx context.Context, p *Package) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name := c.symabis[p.ImportPath]; name != "" {
		return name, nil
	}
	dir := filepath.Join(c.scratch, "symabis", fmt.Sprint(len(c.symabis)))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	// The assembler asks for go_asm.h but needs nothing of it here.
	if err := os.WriteFile(filepath.Join(dir, "go_asm.h"), nil, 0o666); err != nil {
		return "", err
	}
	name := filepath.Join(dir, "symabis")
	path := p.ImportPath
	if p.Name == "main" {
		path = "main"
	}
	env := c.h.Env
	args := []string{"-p", path, "-I", dir, "-I", filepath.Join(env.GOROOT, "pkg", "include"),
		"-D", "GOOS_" + env.GOOS, "-D", "GOARCH_" + env.GOARCH}
	if env.GOARCH == "amd64" {
		args = append(args, "-D", "GOAMD64_"+env.GOAMD64)
	}
	args = append(args, "-gensymabis", "-o", name)
	cmd := exec.CommandContext(ctx, filepath.Join(env.GOTOOLDIR, "asm"), append(args, p.SFiles...)...)
	own(cmd)
	cmd.Dir, cmd.Env = p.Dir, c.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("reading assembly of %q: %w: %s", p.ImportPath, err, out)
	}
	c.symabis[p.ImportPath] = name
	return name, nil
}

// preprofile prepares the profile of -pgo for the compiler, as the go command
// does (cmd/go/internal/load, setPGOProfilePath).
func (c *Compiler) preprofile() (string, error) {
	mode, ok := last(c.h.all, "pgo")
	switch {
	case mode == "off":
		return "", nil
	case !ok || mode == "auto":
		mode = filepath.Join(c.h.Main.Dir, "default.pgo")
		if !exists(mode) {
			return "", nil
		}
	default:
		mode = absolute(c.h.Dir, mode)
	}
	if err := os.MkdirAll(c.scratch, 0o777); err != nil {
		return "", err
	}
	name := filepath.Join(c.scratch, "pgo.preprofile")
	cmd := exec.Command("go", "tool", "preprofile", "-o", name, "-i", mode)
	own(cmd)
	cmd.Dir, cmd.Env = c.h.Dir, c.h.environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("preparing profile: %w: %s", err, out)
	}
	return name, nil
}

// sources are the files of one run of the compiler.
type sources struct {
	p       *Package
	view    fileView
	dir     string // where files that are not on disk are written
	trimmed string // what -trimpath makes of the package's folder; "" without -trimpath

	actual   []string // what the compiler is given
	rewrites []string // "from=>to" for the object
	names    []string // pairs of path given and path of the user
}

// add decides for each file what the compiler is given for it.
func (s *sources) add(files []string) error {
	shown := s.p.Dir
	if s.trimmed != "" {
		shown = s.trimmed
	}
	for i, name := range files {
		if i >= len(files)-len(cgoMade(s.p)) {
			if err := s.addCgo(name, i-(len(files)-len(cgoMade(s.p)))); err != nil {
				return err
			}
			continue
		}
		to, ok := s.view.actual(name)
		if !ok {
			to = filepath.Join(s.dir, filepath.Base(name))
			data, err := s.view.read(name)
			if err != nil {
				return err
			}
			if err := os.WriteFile(to, data, 0o666); err != nil {
				return err
			}
		}
		s.actual = append(s.actual, to)
		if to != name {
			s.rewrites = append(s.rewrites, to+"=>"+filepath.Join(shown, filepath.Base(name)))
			s.names = append(s.names, to, name)
		}
	}
	return nil
}

// addCgo copies a file that cgo made out of the build cache, where it has no
// name, to the name that it had in the go command's work folder. Objects name
// these files without a folder. They come in the order of cmd/go's
// processCgoOutputs: _cgo_gotypes.go, one per file that imports "C", and
// _cgo_import.go.
func (s *sources) addCgo(cached string, i int) error {
	base := "_cgo_import.go"
	switch {
	case i == 0:
		base = "_cgo_gotypes.go"
	case i <= len(s.p.CgoFiles):
		base = strings.TrimSuffix(filepath.Base(s.p.CgoFiles[i-1]), ".go") + ".cgo1.go"
	}
	data, err := os.ReadFile(cached)
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, base)
	s.actual = append(s.actual, name)
	return os.WriteFile(name, data, 0o666)
}

// trimpath returns the value of the compiler's -trimpath. The first rule that
// matches counts, so single files stand before folders.
func (s *sources) trimpath() string {
	rules := s.rewrites
	if s.trimmed != "" {
		rules = append(rules, s.p.Dir+"=>"+s.trimmed)
	}
	return strings.Join(append(rules, s.dir+"=>"), ";")
}

// trimmedDir is what go build -trimpath makes of a package's folder.
func trimmedDir(p *Package) string {
	if m := p.Module; m != nil && m.Version != "" {
		return m.Path + "@" + m.Version + strings.TrimPrefix(p.ImportPath, m.Path)
	}
	return p.ImportPath
}

// userNames replaces the names of files we wrote by those of the user's files.
func (s *sources) userNames(out string) string {
	if len(s.names) == 0 {
		return out
	}
	return strings.NewReplacer(s.names...).Replace(out)
}
