package gobuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Build builds the program. A program that does not compile comes back as
// *CompileError.
func Build(ctx context.Context, config Config) (*Host, error) {
	start := time.Now()
	h := &Host{Config: config}
	if !filepath.IsAbs(config.Dir) || !filepath.IsAbs(config.Work) {
		return nil, fmt.Errorf("building: folders must be absolute: %q, %q", config.Dir, config.Work)
	}
	flags, rest, err := ParseFlags(config.Flags)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("reading build flags: unexpected %q", rest)
	}
	if len(config.Target) == 0 {
		return nil, errors.New("building: no package")
	}
	if err := h.loadEnv(ctx); err != nil {
		return nil, err
	}
	all := append(goflags(h.Env.GOFLAGS), flags...)
	if _, ok := last(all, "buildvcs"); !ok {
		// As go run has it: no call of git, and no link because of a commit.
		flags = append(flags, Flag{"buildvcs", "false", true})
	}
	if h.modules, err = liveModules(h.Dir, h.Env, all); err != nil {
		return nil, fmt.Errorf("reading modules: %w", err)
	}
	if h.overlay, err = readOverlay(h.Dir, all); err != nil {
		return nil, fmt.Errorf("reading overlay: %w", err)
	}
	h.Stripped = strips(all)

	main, err := h.findMain(ctx, flags, all)
	if err != nil {
		return nil, err
	}
	target := h.Target
	if h.NoAgent = h.agentless(main, all); h.NoAgent == "" {
		file, err := h.addAgent(main)
		if err != nil {
			return nil, fmt.Errorf("writing overlay: %w", err)
		}
		if main.files {
			target = append(target[:len(target):len(target)], file)
		}
		flags = append(flags, Flag{Name: "overlay", Value: h.overlays})
	}
	h.gcflags = perPackages(all, "gcflags")
	if !config.KeepInlining {
		for _, p := range withoutInlining(h.gcflags, h.modules) {
			flags = append(flags, p.flag("gcflags"))
			h.gcflags = append(h.gcflags, p)
		}
	}
	h.flags, h.all = flags, all
	h.targets = target
	h.Exe = filepath.Join(config.Work, "exe", main.exe)
	if err := os.MkdirAll(filepath.Dir(h.Exe), 0o777); err != nil {
		return nil, err
	}
	h.setToolExec()
	args := append(append([]string{"build", "-o", h.Exe}, h.flagArgs("build")...), h.toolexec...)
	if _, err := h.output(ctx, h.gocmd(ctx, append(append(args, "--"), target...)...)); err != nil {
		return nil, err
	}
	h.Duration = time.Since(start)
	return h, nil
}

func (h *Host) setToolExec() {
	if _, ok := last(h.all, "toolexec"); ok || h.ToolExec == nil || h.NoAgent != "" {
		return
	}
	var paths []string
	for _, m := range h.modules {
		paths = append(paths, m.path)
	}
	if v, ok := h.ToolExec(paths); ok {
		h.toolexec = []string{"-toolexec=" + v}
	}
}

// Verify reports whether the sources still are those that the executable was
// made of, by what go build would do now. What was read of the sources between
// Build and a Verify that says true, by Load or by others, is of this host.
func (h *Host) Verify(ctx context.Context) (bool, error) {
	// A second name for the executable: go build leaves it alone if it is up to
	// date, and the executable itself is not touched if it is not.
	name := h.Exe + ".verify"
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	if err := os.Link(h.Exe, name); err != nil {
		return false, err
	}
	defer os.Remove(name)
	args := append(append([]string{"build", "-o", name}, h.flagArgs("list")...), h.toolexec...)
	_, err := h.output(ctx, h.gocmd(ctx, append(append(args, "--"), h.targets...)...))
	var ce *CompileError
	if errors.As(err, &ce) {
		return false, nil
	}
	return err == nil && sameFile(h.Exe, name), err
}

// flagArgs returns the flags of the host build as arguments for "build" or
// "list". Those that only say what to print are left out, and for list -a too:
// its packages have been built.
func (h *Host) flagArgs(command string) []string {
	var args []string
	for _, f := range h.flags {
		switch f.Name {
		case "C", "o", "exec", "json", "n":
		case "a", "v", "x", "work":
			if command == "build" {
				args = append(args, f.String())
			}
		default:
			args = append(args, f.String())
		}
	}
	return args
}

// mainPackage is what must be known of the main package before the build.
type mainPackage struct {
	dir   string // absolute; empty if it is in no live module
	files bool   // given as .go files
	exe   string // base name of the executable
	mod   module
	err   error // why its files cannot be read
}

// findMain finds the folder of the main package.
func (h *Host) findMain(ctx context.Context, flags, all []Flag) (*mainPackage, error) {
	target := h.Target[0]
	m := &mainPackage{}
	switch {
	case strings.HasSuffix(target, ".go") && !isDir(absolute(h.Dir, target)):
		m.files = true
		m.dir = filepath.Dir(absolute(h.Dir, target))
		m.exe = strings.TrimSuffix(filepath.Base(target), ".go")
	case len(h.Target) > 1:
		return nil, fmt.Errorf("reading target: more than one package: %q", h.Target)
	case strings.Contains(target, "..."):
		return m, h.listMain(ctx, m, flags)
	case strings.Contains(target, "@"):
		m.exe = execName(strings.SplitN(target, "@", 2)[0])
	case isRelative(target) || filepath.IsAbs(target):
		m.dir = absolute(h.Dir, target)
	default:
		for _, mod := range h.modules {
			dir := filepath.Join(mod.dir, filepath.FromSlash(strings.TrimPrefix(target, mod.path)))
			if hasPathPrefix(target, mod.path) && isDir(dir) {
				m.dir = dir
			}
		}
		m.exe = execName(target)
	}
	if m.dir == "" {
		return m, nil
	}
	var ok bool
	if m.mod, ok = moduleOf(h.modules, m.dir); !ok {
		m.dir = ""
		if m.exe == "" {
			m.exe = execName(filepath.ToSlash(absolute(h.Dir, target)))
		}
		return m, nil
	}
	if m.files {
		return m, nil
	}
	rel := filepath.ToSlash(strings.TrimPrefix(m.dir, m.mod.dir))
	importPath := m.mod.path + rel
	m.exe = execName(importPath)
	if len(h.overlay) > 0 {
		return m, nil // the folder as it is on disk says nothing
	}
	ctxt := h.buildContext(all)
	switch pkg, err := ctxt.ImportDir(m.dir, 0); {
	case err != nil:
		m.err = err // the go command says it better
	case pkg.Name != "main":
		return nil, &CompileError{Output: fmt.Sprintf("package %s is not a main package\n", importPath)}
	}
	return m, nil
}

// listMain asks the go command for the one main package that a pattern matches.
func (h *Host) listMain(ctx context.Context, m *mainPackage, flags []Flag) error {
	args := []string{"list", "-f", "{{if eq .Name \"main\"}}{{.ImportPath}}\t{{.Dir}}{{end}}"}
	h.flags = flags
	args = append(args, h.flagArgs("list")...)
	out, err := h.output(ctx, h.gocmd(ctx, append(append(args, "--"), h.Target...)...))
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 1 || lines[0] == "" {
		return &CompileError{Output: fmt.Sprintf("pattern %s matches %d main packages, want one\n", h.Target[0], len(strings.Fields(string(out)))/2)}
	}
	importPath, dir, _ := strings.Cut(lines[0], "\t")
	h.Target = []string{importPath}
	m.exe = execName(importPath)
	if mod, ok := moduleOf(h.modules, dir); ok {
		m.dir, m.mod = dir, mod
	}
	return nil
}

// agentless says why the program can have no agent; empty if it can.
func (h *Host) agentless(main *mainPackage, flags []Flag) string {
	if h.Config.Agent == nil {
		return "no agent wanted"
	}
	if len(h.modules) == 0 {
		return "the program is in no module"
	}
	if main.dir == "" {
		return "the main package is in no module that is edited here"
	}
	if main.err != nil {
		return "reading the main package: " + main.err.Error()
	}
	if mode, ok := last(flags, "buildmode"); ok && mode != "default" && mode != "exe" && mode != "pie" {
		return "-buildmode=" + mode
	}
	if c, ok := last(flags, "compiler"); ok && c != "gc" {
		return "-compiler=" + c
	}
	if isSet(flags, "linkshared") {
		return "-linkshared"
	}
	// Counters are numbered by function and block (cmd/cover): those of an edited source
	// would count for other lines of the one in the report.
	_, mode := last(flags, "covermode")
	_, pkg := last(flags, "coverpkg")
	if isSet(flags, "cover") || mode || pkg {
		return "-cover counts the lines of one source"
	}
	return ""
}

// addAgent writes the overlay and returns the path of the virtual file in the
// main package, in the folder as the user spelled it.
func (h *Host) addAgent(main *mainPackage) (string, error) {
	// An internal package below the module's root is open to every package of
	// the module, to main packages given as files too, and to nobody else.
	name := "internal/realtimeagent"
	for exists(filepath.Join(main.mod.dir, filepath.FromSlash(name))) {
		name += "_"
	}
	h.AgentPath = main.mod.path + "/" + name
	h.ours = make(map[string]string)
	add := func(path, kept string, data []byte) error {
		h.ours[path] = filepath.Join(h.Work, "overlay", filepath.FromSlash(kept))
		return writeChanged(h.ours[path], data)
	}
	for file, data := range h.Config.Agent(h.AgentPath) {
		dst := filepath.Join(main.mod.dir, filepath.FromSlash(path.Join(name, file)))
		if err := add(dst, path.Join("agent", file), data); err != nil {
			return "", err
		}
	}
	// No word of this name is a GOOS, a GOARCH or "test", so no build
	// constraint hides in it.
	base := "realtime_agent_import.go"
	for exists(filepath.Join(main.dir, base)) {
		base = "x" + base
	}
	src := fmt.Sprintf("package main\n\nimport _ %q\n", h.AgentPath)
	if err := add(filepath.Join(main.dir, base), "import.go", []byte(src)); err != nil {
		return "", err
	}

	replace := make(map[string]string)
	for from, to := range h.overlay {
		replace[from] = to
	}
	for from, to := range h.ours {
		replace[from] = to
	}
	data, err := json.MarshalIndent(overlayFile{replace}, "", "\t")
	if err != nil {
		return "", err
	}
	h.overlays = filepath.Join(h.Work, "overlay.json")
	// The go command wants files of one package in one folder, spelled alike.
	return filepath.Join(filepath.Dir(h.Target[0]), base), writeChanged(h.overlays, data)
}

// overlayFile is the file format of -overlay (cmd/go/internal/fsys).
type overlayFile struct {
	Replace map[string]string
}

// readOverlay reads the user's own -overlay, and makes its paths absolute.
func readOverlay(dir string, flags []Flag) (map[string]string, error) {
	name, ok := last(flags, "overlay")
	if !ok || name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(absolute(dir, name))
	if err != nil {
		return nil, err
	}
	var file overlayFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	overlay := make(map[string]string, len(file.Replace))
	for from, to := range file.Replace {
		if to != "" {
			to = absolute(dir, to)
		}
		overlay[absolute(dir, from)] = to
	}
	return overlay, nil
}

// execName is the name that go build gives an executable: the last element of
// the import path, or the one before it if that is a version.
func execName(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" && path.Dir(importPath) != "." {
		base = path.Base(path.Dir(importPath))
	}
	if base == "." || base == "/" {
		base = "main"
	}
	return base
}

func isDir(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && fi.IsDir()
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, os.ErrNotExist)
}
