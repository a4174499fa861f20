package command

import (
	"errors"
	"flag"
	"strconv"
)

// A valueKind is what the go command takes after a build flag.
type valueKind uint8

const (
	text     valueKind = iota // anything
	boolean                   // nothing, or a strconv.ParseBool value
	boolAuto                  // so, or "auto"
	number
)

// buildFlags are the flags that go run knows besides -C, -json and -v
// (cmd/go/internal/work/build.go, AddBuildFlags and AddCoverFlags; Go 1.25 to
// 1.27 have the same ones). The go command is the judge of their values; their
// kind is needed to see where a flag ends.
var buildFlags = map[string]valueKind{
	"a": boolean, "asan": boolean, "asmflags": text, "buildmode": text,
	"buildvcs": boolAuto, "compiler": text, "cover": boolean, "covermode": text,
	"coverpkg": text, "exec": text, "gccgoflags": text, "gcflags": text,
	"installsuffix": text, "ldflags": text, "linkshared": boolean, "mod": text,
	"modcacherw": boolean, "modfile": text, "msan": boolean, "n": boolean,
	"overlay": text, "p": number, "pgo": text, "pkgdir": text, "race": boolean,
	"tags": text, "toolexec": text, "trimpath": boolean, "work": boolean,
	"x": boolean,
}

// refuse returns why a build flag can't be had, or "".
func refuse(name, value string) string {
	switch name {
	case "n":
		return "realtime runs the program, there is nothing to do without building it"
	case "exec":
		return "realtime must start the program itself to reach its functions"
	case "linkshared":
		return "a program that shares the runtime with others can't be changed alone"
	case "compiler":
		if value != "gc" {
			return "only what the gc compiler builds can be changed while it runs"
		}
	case "buildmode":
		switch value {
		case "default", "exe", "pie":
		default:
			return "only exe and pie make a program that can be run"
		}
	}
	return ""
}

// A buildLine is the build flags of a command line.
type buildLine struct {
	args    []string // for the go command, each as one argument
	refused error    // why one of them can't be had
}

// A buildFlag is a flag.Value that appends itself to a buildLine.
type buildFlag struct {
	name string
	kind valueKind
	to   *buildLine
}

func (f *buildFlag) String() string { return "" }

// IsBoolFlag tells the flag package that no value need follow.
func (f *buildFlag) IsBoolFlag() bool { return f.kind == boolean || f.kind == boolAuto }

func (f *buildFlag) Set(value string) error {
	on := true
	switch f.kind {
	case number:
		if _, err := strconv.ParseInt(value, 0, strconv.IntSize); err != nil {
			return errors.New("not a number")
		}
	case boolean, boolAuto:
		var err error
		if on, err = strconv.ParseBool(value); err != nil && (f.kind == boolean || value != "auto") {
			return errors.New("neither true nor false")
		}
	}
	if f.kind != boolean || on {
		if why := refuse(f.name, value); why != "" {
			f.to.refused = usagef("realtime help run", "flag -%s can't be had: %s", f.name, why)
			return f.to.refused
		}
	}
	arg := "-" + f.name
	if !f.IsBoolFlag() || value != "true" {
		arg += "=" + value
	}
	f.to.args = append(f.to.args, arg)
	return nil
}

// addTo makes fs take the go command's build flags.
func (l *buildLine) addTo(fs *flag.FlagSet) {
	for name, kind := range buildFlags {
		fs.Var(&buildFlag{name, kind, l}, name, "")
	}
	fs.Func("C", "", func(string) error { return errors.New("must be the first flag") })
}
