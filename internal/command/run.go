package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/build"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/session"
)

// A runLine is the command line of realtime run, parsed.
type runLine struct {
	build   buildLine
	target  []string
	args    []string
	json    bool
	verbose bool
	inline  bool
	restart string
	color   string
	poll    time.Duration
	grace   time.Duration
}

// parseRun parses args as go run does (cmd/go/internal/run/run.go, Go 1.26),
// but that no package means the one in the working directory. The error is
// flag.ErrHelp, or for the user.
func parseRun(args []string) (*runLine, error) {
	l := &runLine{restart: "auto", color: "auto"}
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	l.build.addTo(fs)
	fs.BoolVar(&l.json, "json", false, "")
	fs.BoolVar(&l.verbose, "v", false, "")
	fs.BoolVar(&l.inline, "inline", false, "")
	fs.Var(&choice{&l.restart, []string{"auto", "never"}}, "restart", "")
	fs.Var(&choice{&l.color, []string{"auto", "always", "never"}}, "color", "")
	fs.DurationVar(&l.poll, "poll", 0, "")
	fs.DurationVar(&l.grace, "grace", 5*time.Second, "")

	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case l.build.refused != nil: // err says so too, with words of the flag package around it
		return nil, l.build.refused
	case err != nil:
		return nil, flagError(fs, err)
	}
	if l.poll < 0 || l.grace < 0 {
		return nil, usagef("realtime help run", "-poll and -grace take a time that is not negative, such as 2s")
	}

	rest := fs.Args()
	files := 0
	for files < len(rest) && strings.HasSuffix(rest[files], ".go") {
		if strings.HasSuffix(rest[files], "_test.go") {
			return nil, usagef("realtime help run", "%q is a test file and no part of a program", rest[files])
		}
		files++
	}
	switch {
	case files > 0:
		l.target, l.args = rest[:files], rest[files:]
	case len(rest) == 0 || strings.HasPrefix(rest[0], "-"): // only "--" lets a dash through
		l.target, l.args = []string{"."}, rest
	default:
		l.target, l.args = rest[:1], rest[1:]
	}
	if p := l.target[0]; strings.Contains(p, "@") && files == 0 && !build.IsLocalImport(p) && !filepath.IsAbs(p) {
		return nil, usagef("realtime help run", "%q is a released version and not for editing: use go run", p)
	}
	return l, nil
}

// flagError puts an error of the flag package, which are texts only, in the
// form of usage errors.
func flagError(fs *flag.FlagSet, err error) error {
	const help = "realtime help run"
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: ")
	if !ok {
		return usagef(help, "%v", err)
	}
	var known []string
	fs.VisitAll(func(f *flag.Flag) { known = append(known, "-"+f.Name) })
	return unknown("flag", name, help, known)
}

// A choice is a flag.Value that is one of a few words.
type choice struct {
	to    *string
	words []string
}

func (c *choice) String() string { return "" }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.words, value) {
		return fmt.Errorf("not one of %s", strings.Join(c.words, ", "))
	}
	*c.to = value
	return nil
}

func run(c *command, dir string, args []string, stdio Stdio) (int, error) {
	l, err := parseRun(args)
	if errors.Is(err, flag.ErrHelp) {
		io.WriteString(stdio.Out, c.help)
		return 0, nil
	} else if err != nil {
		return 2, err
	}
	if err := precondition(); err != nil {
		return 1, err
	}
	return session.Run(context.Background(), l.options(dir, stdio))
}

// precondition says what is missing on this machine, as far as it can be told
// without the go command.
func precondition() error {
	goos, goarch := runtime.GOOS, runtime.GOARCH
	if s := os.Getenv("GOOS"); s != "" {
		goos = s
	}
	if s := os.Getenv("GOARCH"); s != "" {
		goarch = s
	}
	if goos != "linux" || goarch != "amd64" {
		return fmt.Errorf("%s/%s is not supported: this release changes programs on linux/amd64 only", goos, goarch)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("no go command in $PATH: realtime builds with yours; it is at https://go.dev/dl")
	}
	return nil
}

func (l *runLine) options(dir string, stdio Stdio) session.Options {
	config := report.Config{Dir: dir, Color: report.Color(l.color, stdio.Err), Verbose: l.verbose}
	rep := report.NewText(stdio.Err, config)
	if l.json {
		rep = report.NewJSON(stdio.Out, stdio.Err, config)
	}
	return session.Options{
		Dir:        dir,
		BuildFlags: l.build.args,
		Target:     l.target,
		Args:       l.args,
		Executable: executable(),
		NoRestart:  l.restart == "never",
		Inline:     l.inline,
		Poll:       l.poll,
		Grace:      l.grace,
		Stdin:      stdio.In,
		Stdout:     stdio.Out,
		Stderr:     stdio.Err,
		Report:     rep,
	}
}

// executable is the path by which we can be started again; empty if that is not known,
// and for tests, which are other programs. The name that we were started by counts: what
// is behind it may be a link to a program that goes by its name.
func executable() string {
	name := os.Args[0]
	if strings.HasSuffix(name, ".test") {
		return ""
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	if path, err = filepath.Abs(path); err != nil {
		return ""
	}
	self, err1 := os.Stat("/proc/self/exe")
	found, err2 := os.Stat(path)
	if err1 != nil || err2 != nil || !os.SameFile(self, found) {
		return ""
	}
	return path
}
