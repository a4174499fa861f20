package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Compiler compiles single packages of a host again. Its methods may be called
// at the same time for different packages.
type Compiler struct {
	h       *Host
	scratch string                       // folder for sources and archives
	foreign map[string][sha256.Size]byte // content of files that the compiler is not given, as the host has them
	env     []string

	mu      sync.Mutex
	runs    int
	current map[string]string // import path → archive of an accepted edit
	byList  map[string]error  // packages to be compiled by the go command, and why
	symabis map[string]string // import path → file

	profile func() (string, error) // preprocessed profile, "" without one
}

// memory is what a compilation may take before its garbage is collected at all: most end
// before. Collecting costs a third of the processor time of a small one (measured).
const memory = "512MiB"

// NewCompiler makes the compiler of a loaded host. It empties the folder for
// archives below the host's Work.
func NewCompiler(h *Host) (*Compiler, error) {
	c := &Compiler{
		h:       h,
		scratch: filepath.Join(h.Work, "compile"),
		foreign: make(map[string][sha256.Size]byte),
		current: make(map[string]string),
		byList:  make(map[string]error),
		symabis: make(map[string]string),
	}
	if err := os.RemoveAll(c.scratch); err != nil {
		return nil, err
	}
	// The go command sets these for the tools it runs (cmd/go/main.go), as they
	// may come from `go env -w`.
	c.env = append(h.environ(), "GOGC=off", "GOMEMLIMIT="+memory, "GOROOT="+h.Env.GOROOT, "GOOS="+h.Env.GOOS, "GOARCH="+h.Env.GOARCH,
		"GOAMD64="+h.Env.GOAMD64, "GOEXPERIMENT="+h.Env.GOEXPERIMENT)
	for _, p := range h.Live {
		for _, list := range [][]string{p.CgoFiles, p.OtherFiles} {
			for _, f := range list {
				data, err := fileView{h: h}.read(f)
				if err != nil {
					return nil, err
				}
				c.foreign[f] = sha256.Sum256(data)
			}
		}
	}
	c.profile = sync.OnceValues(c.preprofile)
	return c, nil
}

// Request is one package to compile.
type Request struct {
	ImportPath string

	// Overlay replaces or adds files: absolute path → content; nil content
	// means that the file is gone. All other files are read from disk.
	Overlay map[string][]byte

	// Archives are those of packages that are recompiled in the same edit, by
	// import path. They stand before accepted ones and those of the host.
	Archives map[string]string

	// Excerpt is what is compiled in place of the package's files, if it is not nil:
	// Go files by path. They may lack bodies of functions. The archive is of use for
	// what is whole in them alone; later edits don't import it. If it is Imported, others
	// of the same edit do. An Outline lacks nothing but bodies.
	Excerpt           map[string][]byte
	Imported, Outline bool

	// Scan says which files belong to the package, if the caller knows.
	Scan *Scan

	// Background compilations leave the processors to others.
	Background bool
}

// Object is a compiled package.
type Object struct {
	ImportPath  string
	Archive     []byte
	ArchivePath string
	Export      []byte // __.PKGDEF after its header, begins behind "$$B\n"
	Duration    time.Duration

	// Files are the Go files that the compiler was given, in their order, by
	// the user's names.
	Files []string

	// EmbedFiles are the files that the sources embed now, relative to the
	// package's folder.
	EmbedFiles []string

	// AsmHeader is go_asm.h, of a package with assembly; nil if the go command has
	// compiled it.
	AsmHeader []byte

	// Added are packages that neither the executable nor an accepted edit has
	// and that this one imports, directly or not, dependencies first.
	Added []*Package

	// Notes are what -m says of each position: of a parameter "leaking param: p to
	// result ~r0 level=0", "mutates param: p derefs=1"; of a variable "moved to heap: x";
	// of a conversion "zero-copy …"; of a literal "func literal does not escape", "stack
	// closure, captured vars = [x y]"; of a captured variable "f capturing by value: x
	// (addr=false assign=false width=8)". The compiler is silent about the parameters of
	// functions that may have copies in other packages (generic instances, wrappers).
	Notes map[token.Position][]string

	scan    *Scan
	pkg     *Package
	excerpt bool
}

// RebuildError is an edit that a compiler alone cannot serve.
type RebuildError struct {
	ImportPath string
	File       string // absolute; may be empty
	Reason     string
}

func (e *RebuildError) Error() string { return fmt.Sprintf("%s: %s", e.ImportPath, e.Reason) }

// Compile compiles a package with the files as they are in the request and the
// flags of the host build. Errors of the user's code come back as
// *CompileError, what needs a new host build as *RebuildError.
func (c *Compiler) Compile(ctx context.Context, req Request) (*Object, error) {
	start := time.Now()
	p := c.h.pkg(req.ImportPath)
	if p == nil {
		return nil, fmt.Errorf("compiling %q: the host has no such package", req.ImportPath)
	}
	if req.Excerpt != nil {
		if err := c.NoExcerpt(p); err != nil {
			return nil, fmt.Errorf("compiling an excerpt of %q: %w", p.ImportPath, err)
		}
	}
	scan, err := req.Scan, error(nil)
	if scan == nil {
		if scan, err = c.h.Rescan(p, req.Overlay); err != nil {
			return nil, c.goError(ctx, p, req, err)
		}
	}
	o := &Object{ImportPath: p.ImportPath, scan: scan, pkg: p, excerpt: req.Excerpt != nil}
	if o.EmbedFiles = p.EmbedFiles; req.Excerpt == nil || req.Outline {
		o.EmbedFiles, _ = p.Embedded(scan.EmbedPatterns) // an error is the compilation's
	}
	if err := c.checkForeign(p, scan, req); err != nil {
		return nil, err
	}
	if err := c.checkImports(ctx, p, scan, req); err != nil {
		return nil, err
	}
	o.Added = c.h.pendingBehind(p.importsOf(scan))
	o.Files = append(slices.Clone(scan.GoFiles), cgoMade(p)...)

	var out string
	if reason := c.mustList(p); reason != nil {
		out, err = c.compileByGoList(ctx, p, req, o)
	} else {
		out, err = c.compile(ctx, p, req, o)
	}
	if err != nil {
		return nil, err
	}
	notes := notesOf(out)
	for i := range notes {
		// Behind the type checker files have the names of the object.
		if file := &notes[i].pos.Filename; isSet(c.h.all, "trimpath") && filepath.Dir(*file) == trimmedDir(p) {
			*file = filepath.Join(p.Dir, filepath.Base(*file))
		} else {
			*file = absolute(c.h.Dir, *file)
		}
	}
	o.addNotes(notes)
	if o.Archive, err = os.ReadFile(o.ArchivePath); err != nil {
		return nil, err
	}
	if header := filepath.Join(filepath.Dir(o.ArchivePath), "go_asm.h"); len(p.SFiles) > 0 && c.mustList(p) == nil {
		if o.AsmHeader, err = os.ReadFile(header); err != nil {
			return nil, err
		}
	}
	if o.excerpt && !req.Imported {
		c.Discard(o) // nobody imports it
	}
	if o.Export, _, err = splitArchive(o.Archive); err != nil {
		return nil, fmt.Errorf("reading archive of %q: %w", p.ImportPath, err)
	}
	o.Duration = time.Since(start)
	return o, nil
}

// Accept makes the objects of an edit, and the packages that it added, the ones
// that later compilations import.
func (c *Compiler) Accept(objects ...*Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	for _, o := range objects {
		if o.excerpt {
			c.Discard(o)
		} else {
			if old := c.current[o.ImportPath]; old != o.ArchivePath {
				c.discard(old)
			}
			c.current[o.ImportPath] = o.ArchivePath
		}
		p := o.pkg
		p.GoFiles, p.Files = o.scan.GoFiles, o.Files
		p.EmbedPatterns, p.EmbedFiles = o.scan.EmbedPatterns, o.EmbedFiles
		p.Imports = p.importsOf(o.scan)
		for _, q := range o.Added {
			q.accepted = true
		}
	}
	c.h.sort()
}

// Discard removes the archive of an object that nothing will import.
func (c *Compiler) Discard(o *Object) { c.discard(o.ArchivePath) }

// discard removes an archive with its folder, if they are ours: those that the go command
// has made are in its cache.
func (c *Compiler) discard(archive string) {
	if dir := filepath.Dir(archive); filepath.Dir(dir) == c.scratch {
		os.RemoveAll(dir)
	}
}

// cgoMade returns the Go files that cgo made for the package.
func cgoMade(p *Package) []string {
	if !p.Cgo {
		return nil
	}
	return p.Files[len(p.GoFiles):]
}

// checkForeign refuses edits of files that need more than the Go compiler.
func (c *Compiler) checkForeign(p *Package, scan *Scan, req Request) error {
	if (p.Name == "main") != (scan.Name == "main") {
		return &RebuildError{p.ImportPath, "", fmt.Sprintf("package %s is package %s now", p.Name, scan.Name)}
	}
	had := append(slices.Clone(p.CgoFiles), p.OtherFiles...)
	have := append(slices.Clone(scan.CgoFiles), scan.OtherFiles...)
	for _, f := range had {
		if !slices.Contains(have, f) {
			return &RebuildError{p.ImportPath, f, filepath.Base(f) + " is no cgo, C or assembly file of the package any more"}
		}
	}
	for _, f := range have {
		data, err := fileView{c.h, req.Overlay}.read(f)
		if err != nil {
			return err
		}
		old, ok := c.foreign[f]
		if ok && old == sha256.Sum256(data) {
			continue
		}
		reason := filepath.Base(f) + " changed, which the Go compiler alone cannot compile"
		if slices.Contains(scan.CgoFiles, f) {
			reason = filepath.Base(f) + ` changed and imports "C"`
		}
		return &RebuildError{p.ImportPath, f, reason}
	}
	return nil
}

// checkImports finds the packages that the sources import. Those that the host
// does not have are added to it.
func (c *Compiler) checkImports(ctx context.Context, p *Package, scan *Scan, req Request) error {
	var missing []string
	suspect := false
	for _, path := range scan.Imports {
		if path == "C" || path == "unsafe" {
			continue
		}
		path = p.resolve(path)
		switch q := c.h.pkg(path); {
		case q == nil || q.pending() && q.Live:
			missing = append(missing, path)
		case !slices.Contains(p.Imports, path) && !c.h.checkImport(p, q):
			suspect = true
		}
	}
	if suspect {
		// What an edit of several packages takes away at the same time is not
		// known here, so the go command has the last word.
		if err := c.askGo(ctx, req); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := c.h.AddImports(ctx, missing); err != nil {
		return c.goError(ctx, p, req, err)
	}
	if slices.ContainsFunc(c.h.pendingBehind(missing), c.h.foldsWith) {
		if err := c.askGo(ctx, req); err != nil {
			return err
		}
	}
	for _, path := range missing {
		q := c.h.pkg(path)
		if q == nil {
			// The standard library has its copies of some modules as vendor/….
			return &RebuildError{p.ImportPath, "", fmt.Sprintf("import of %q has no package of that path", path)}
		}
		if !c.h.checkImport(p, q) {
			if err := c.askGo(ctx, req); err != nil {
				return err
			}
		}
	}
	return nil
}

// mustList says why a package is to be compiled by the go command.
func (c *Compiler) mustList(p *Package) error {
	if v, ok := last(c.h.all, "toolexec"); ok && v != "" {
		return errors.New("-toolexec")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byList[p.ImportPath]
}

// NoExcerpt says why a package can't be compiled in excerpts; nil if it can.
func (c *Compiler) NoExcerpt(p *Package) error {
	profile, err := c.profile()
	switch {
	case err != nil:
		return err
	case c.h.KeepInlining:
		return errors.New("inlining is on")
	case profile != "":
		return errors.New("it is compiled with a profile")
	case len(p.SFiles) > 0 || p.Cgo:
		return errors.New("it has assembly or C")
	case isSet(c.h.all, "asan"):
		return errors.New("-asan")
	}
	return c.mustList(p)
}

// compile runs the compile tool and returns what it printed, with the user's
// file names.
func (c *Compiler) compile(ctx context.Context, p *Package, req Request, o *Object) (out string, err error) {
	c.mu.Lock()
	c.runs++
	dir := filepath.Join(c.scratch, strconv.Itoa(c.runs))
	c.mu.Unlock()
	src := filepath.Join(dir, "src")
	if err := os.MkdirAll(src, 0o777); err != nil {
		return "", err
	}
	defer func() {
		if os.RemoveAll(src); err != nil {
			os.RemoveAll(dir)
		}
	}()
	s, files, embeds := sources{p: p, view: fileView{c.h, req.Overlay}, dir: src}, o.Files, o.scan.EmbedPatterns
	if req.Excerpt != nil {
		s.view.overlay, files = req.Excerpt, slices.Sorted(maps.Keys(req.Excerpt))
		if !req.Outline {
			embeds = nil
		}
	}
	if isSet(c.h.all, "trimpath") {
		s.trimmed = trimmedDir(p)
	}
	if err := s.add(files); err != nil {
		return "", err
	}
	args, err := c.args(ctx, p, req, o.scan, dir)
	if err != nil {
		return "", err
	}
	if len(embeds) > 0 {
		file := filepath.Join(dir, "embedcfg")
		if o.EmbedFiles, err = (fileView{c.h, req.Overlay}).embedcfg(p.Dir, o.scan.EmbedPatterns, file, src); err != nil {
			return "", c.goError(ctx, p, req, err)
		}
		args = append(args, "-embedcfg", file)
	}
	o.ArchivePath = filepath.Join(dir, "_pkg_.a")
	args = append([]string{"-o", o.ArchivePath, "-pack", "-trimpath", s.trimpath()}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(c.h.Env.GOTOOLDIR, "compile"), append(args, s.actual...)...)
	own(cmd)
	cmd.Dir = c.h.Dir
	cmd.Env = c.env
	raw, err := combinedOutput(ctx, cmd, req.Background)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	out = s.userNames(string(raw))
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(out) > 0 {
		rest := withoutNotes(out)
		if err := machineError(rest); err != nil {
			return "", err
		}
		if file := c.damaged(p, req, o.scan); file != "" {
			return "", &RebuildError{p.ImportPath, "", fmt.Sprintf("%s, which the program was built from, is gone or was changed (a cleaned build cache?)", file)}
		}
		return "", &CompileError{Output: goOutput(c.h.Dir, p.ImportPath, p.Dir, rest)}
	}
	if err != nil {
		return "", fmt.Errorf("compiling %q: %w", p.ImportPath, err)
	}
	return out, nil
}

// combinedOutput runs a command; in the background at the lowest priority, and without
// waiting for the end of one that was killed: an edit waits for that.
func combinedOutput(ctx context.Context, cmd *exec.Cmd, background bool) ([]byte, error) {
	if !background {
		return cmd.CombinedOutput()
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// Its threads to come inherit it. Failing is no harm.
	unix.Setpriority(unix.PRIO_PGRP, cmd.Process.Pid, 19)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return out.Bytes(), err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// damaged is an archive, of those that a package imports, that is not what it was
// when it was made: then what the compiler says of it means nothing.
func (c *Compiler) damaged(p *Package, req Request, scan *Scan) string {
	for _, list := range [][]string{scan.Imports, p.Imports} {
		for _, path := range list {
			file := c.archive(p.resolve(path), req)
			if file == "" {
				continue
			}
			if q := c.h.pkg(p.resolve(path)); stampOf(file) == (stamp{}) || q != nil && file == q.Export && !q.intact() {
				return file
			}
		}
	}
	return ""
}

// stamp is a file's size and time: {} if there is none.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(name string) stamp {
	fi, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{fi.Size(), fi.ModTime()}
}

// intact reports whether the archive of a package is what the program was built from. A newer
// time says nothing: the go command sets it when it uses an entry of the build cache, and
// names the entry by the SHA-256 of its content (cmd/go/internal/cache/cache.go, Go 1.25 to
// 1.27).
func (p *Package) intact() bool {
	if stampOf(p.Export) == p.stamp {
		return true
	}
	b, err := os.ReadFile(p.Export)
	sum := sha256.Sum256(b)
	return err == nil && filepath.Base(p.Export) == hex.EncodeToString(sum[:])+"-d"
}

func (o *Object) addNotes(notes []note) {
	o.Notes = make(map[token.Position][]string)
	for _, n := range notes {
		o.Notes[n.pos] = append(o.Notes[n.pos], n.text)
	}
}

// SelfCheck compiles a package as it was for the host, from the files in the request, and
// compares export data and machine code with the host's, byte by byte. A package that fails
// is compiled by the go command from then on; the error says so. For one that is compiled so
// already there is nothing to check, and no object.
func (c *Compiler) SelfCheck(ctx context.Context, req Request) (*Object, error) {
	p := c.h.pkg(req.ImportPath)
	if c.mustList(p) != nil {
		return nil, nil
	}
	o, err := c.Compile(ctx, req)
	if err == nil {
		defer c.Discard(o)
		err = sameObject(o, p.Export)
	}
	if err == nil || ctx.Err() != nil {
		return o, err
	}
	err = fmt.Errorf("self-check of %q: %w", p.ImportPath, err)
	// A disk that is full, or a folder that somebody has cleaned meanwhile, proves nothing.
	var compile *CompileError
	if errors.Is(err, errDiffers) || errors.As(err, &compile) && !strings.Contains(compile.Output, syscall.ENOENT.Error()) {
		c.mu.Lock()
		c.byList[p.ImportPath] = err
		c.mu.Unlock()
	}
	return nil, err
}

var errDiffers = errors.New("differs from the host's")

func sameObject(o *Object, host string) error {
	data, err := os.ReadFile(host)
	if err != nil {
		return err
	}
	export, object, err := splitArchive(data)
	if err != nil {
		return err
	}
	_, own, err := splitArchive(o.Archive)
	if err != nil {
		return err
	}
	if !bytes.Equal(export, o.Export) {
		return fmt.Errorf("the export data %w", errDiffers)
	}
	if !bytes.Equal(object, own) {
		return fmt.Errorf("the object %w", errDiffers)
	}
	return nil
}

// splitArchive returns the export data and the compiler's object in a package
// archive, without their text headers, which hold the build id: each begins
// with lines of text, the last of which is "!" for the object and "$$B" for the
// export data. The members are laid out as in internal/goobj's archive.go.
func splitArchive(data []byte) (export, object []byte, err error) {
	const header = 60
	bad := errors.New("malformed package archive")
	rest, ok := bytes.CutPrefix(data, []byte("!<arch>\n"))
	if !ok {
		return nil, nil, bad
	}
	for len(rest) >= header && object == nil {
		name := string(bytes.TrimRight(rest[:16], " /"))
		size, err := strconv.Atoi(string(bytes.TrimSpace(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-header {
			return nil, nil, bad
		}
		member := rest[header : header+size]
		rest = rest[min(header+size+size&1, len(rest)):]
		switch name {
		case "__.PKGDEF":
			_, export, _ = bytes.Cut(member, []byte("\n$$B\n"))
		case "_go_.o":
			_, object, _ = bytes.Cut(member, []byte("\n!\n"))
		}
	}
	if export == nil || object == nil {
		return nil, nil, bad
	}
	return export, object, nil
}
