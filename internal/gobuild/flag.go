package gobuild

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Flag is one flag of go build.
type Flag struct {
	Name  string // without dashes
	Value string // "true" for a boolean flag without value
	Bool  bool   // may stand without value
}

// String returns the flag as one argument.
func (f Flag) String() string {
	if f.Bool && f.Value == "true" {
		return "-" + f.Name
	}
	return "-" + f.Name + "=" + f.Value
}

// buildFlags are the flags of go build and go run (cmd/go/internal/work/build.go,
// AddBuildFlags and AddCoverFlags); true for those that may stand without value.
var buildFlags = map[string]bool{
	"a": true, "asan": true, "buildvcs": true, "cover": true, "json": true,
	"linkshared": true, "modcacherw": true, "msan": true, "n": true,
	"race": true, "trimpath": true, "v": true, "work": true, "x": true,

	"C": false, "asmflags": false, "buildmode": false, "compiler": false,
	"covermode": false, "coverpkg": false, "debug-actiongraph": false,
	"debug-runtime-trace": false, "debug-trace": false, "exec": false,
	"gccgoflags": false, "gcflags": false, "installsuffix": false,
	"ldflags": false, "mod": false, "modfile": false, "o": false,
	"overlay": false, "p": false, "pgo": false, "pkgdir": false, "tags": false,
	"toolexec": false,
}

// IsFlag reports whether name, without dashes, is a flag of go build or go run,
// and whether it may stand without a value.
func IsFlag(name string) (boolean, ok bool) {
	boolean, ok = buildFlags[name]
	return boolean, ok
}

// ParseFlags splits arguments into build flags and the rest, as package flag
// does: the first argument that is no flag ends them, and so does "--".
func ParseFlags(args []string) (flags []Flag, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		if len(arg) < 2 || arg[0] != '-' {
			break
		}
		args = args[1:]
		if arg == "--" {
			break
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		isBool, ok := buildFlags[name]
		switch {
		case !ok:
			return nil, nil, fmt.Errorf("flag provided but not defined: -%s", name)
		case isBool && !hasValue:
			value = "true"
		case !hasValue && len(args) == 0:
			return nil, nil, fmt.Errorf("flag needs an argument: -%s", name)
		case !hasValue:
			value, args = args[0], args[1:]
		}
		flags = append(flags, Flag{name, value, isBool})
	}
	return flags, args, nil
}

// goflags returns the build flags in the value of GOFLAGS. The go command sets
// them before those of the command line and ignores what it does not know.
func goflags(value string) []Flag {
	fields, err := splitQuoted(value)
	if err != nil {
		return nil
	}
	var flags []Flag
	for _, field := range fields {
		name, value, hasValue := strings.Cut(strings.TrimLeft(field, "-"), "=")
		isBool, ok := buildFlags[name]
		if !ok || !hasValue && !isBool {
			continue
		}
		if !hasValue {
			value = "true"
		}
		flags = append(flags, Flag{name, value, isBool})
	}
	return flags
}

// last returns the value of the last flag of that name.
func last(flags []Flag, name string) (string, bool) {
	for i := len(flags) - 1; i >= 0; i-- {
		if flags[i].Name == name {
			return flags[i].Value, true
		}
	}
	return "", false
}

// isSet reports whether a boolean flag is on.
func isSet(flags []Flag, name string) bool {
	v, ok := last(flags, name)
	return ok && v != "false" && v != "0"
}

// splitQuoted splits s at white space. A field may stand in single or double
// quotes, without escapes, as the go command reads -gcflags and GOFLAGS
// (cmd/internal/quoted).
func splitQuoted(s string) ([]string, error) {
	var fields []string
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return fields, nil
		}
		if q := s[0]; q == '"' || q == '\'' {
			field, after, ok := strings.Cut(s[1:], string(q))
			if !ok {
				return nil, fmt.Errorf("unterminated %c string", q)
			}
			fields, s = append(fields, field), after
			continue
		}
		i := strings.IndexFunc(s, unicode.IsSpace)
		if i < 0 {
			i = len(s)
		}
		fields, s = append(fields, s[:i]), s[i:]
	}
}

// perPackage is one value of -gcflags or -ldflags: [pattern=]args.
type perPackage struct {
	pattern string // empty: the packages named on the command line
	args    string // quoted as given
}

// parsePerPackage reads a value of -gcflags, -asmflags or -ldflags.
func parsePerPackage(value string) perPackage {
	value = strings.TrimSpace(value)
	if value == "" || value[0] == '-' {
		return perPackage{args: value}
	}
	pattern, args, _ := strings.Cut(value, "=")
	return perPackage{strings.TrimSpace(pattern), args}
}

func (p perPackage) flag(name string) Flag {
	if p.pattern == "" {
		return Flag{Name: name, Value: p.args}
	}
	return Flag{Name: name, Value: p.pattern + "=" + p.args}
}

// perPackages returns the values of one per-package flag in order.
func perPackages(flags []Flag, name string) []perPackage {
	var list []perPackage
	for _, f := range flags {
		if f.Name == name {
			list = append(list, parsePerPackage(f.Value))
		}
	}
	return list
}

// withoutInlining returns the -gcflags values that, given after the user's,
// switch inlining off in the live modules and the main package and change
// nothing else. The go command takes for each package the args of the last
// pattern that matches, so the user's args are repeated together with ours.
//
// It is -l=1 and not -l because -l counts: a second -l switches inlining on
// again, more aggressively (cmd/compile/internal/base/flag.go).
func withoutInlining(user []perPackage, modules []module) []perPackage {
	const noInline = "-l=1"
	live := func(args string) []perPackage {
		args = strings.TrimSpace(args + " " + noInline)
		list := make([]perPackage, 0, len(modules)+1)
		for _, m := range modules {
			list = append(list, perPackage{m.path + "/...", args})
		}
		return append(list, perPackage{"", args})
	}
	list := live("")
	for _, u := range user {
		switch {
		case u.pattern == "all" || u.pattern == "...":
			list = append(list, live(u.args)...)
		case u.pattern == "" || isRelative(u.pattern) || strings.Contains(u.pattern, "..."):
			list = append(list, perPackage{u.pattern, strings.TrimSpace(u.args + " " + noInline)})
		default:
			// One package, and perhaps one that is not live.
			for _, m := range modules {
				if hasPathPrefix(u.pattern, m.path) {
					list = append(list, perPackage{u.pattern, strings.TrimSpace(u.args + " " + noInline)})
					break
				}
			}
		}
	}
	return list
}

// strips reports whether -ldflags leave out symbols or DWARF.
func strips(flags []Flag) bool {
	for _, p := range perPackages(flags, "ldflags") {
		args, err := splitQuoted(p.args)
		if err != nil {
			continue
		}
		for _, arg := range args {
			switch name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "="); name {
			case "s", "w":
				if strings.HasPrefix(arg, "-") && value != "false" && value != "0" {
					return true
				}
			}
		}
	}
	return false
}

// Stamped are the variables, as "path.name", that -ldflags=-X sets, whatever package
// the flag is for (cmd/link/internal/ld/data.go:addstrdata1).
func (h *Host) Stamped() map[string]bool {
	set := map[string]bool{}
	for _, p := range perPackages(h.all, "ldflags") {
		args, err := splitQuoted(p.args)
		if err != nil {
			continue
		}
		for i, arg := range args {
			name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if name != "X" || !strings.HasPrefix(arg, "-") {
				continue
			}
			if !joined && i+1 < len(args) {
				value = args[i+1]
			}
			if variable, _, ok := strings.Cut(value, "="); ok {
				if strings.ContainsRune(variable, '.') {
					set[variable] = true
				}
			}
		}
	}
	return set
}

func isRelative(pattern string) bool {
	return pattern == "." || pattern == ".." || strings.HasPrefix(pattern, "./") || strings.HasPrefix(pattern, "../")
}

// hasPathPrefix reports whether path is prefix or lies below it.
func hasPathPrefix(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix) && path[len(prefix)] == '/'
}

// matchPattern reports whether an import path matches a pattern with "..."
// (cmd/internal/pkgpattern; its rule for vendor folders is of no use to modules).
func matchPattern(pattern, path string) bool {
	if !strings.Contains(pattern, "...") {
		return pattern == path
	}
	re := regexp.QuoteMeta(pattern)
	re = strings.ReplaceAll(re, `\.\.\.`, `.*`)
	if before, ok := strings.CutSuffix(re, `/.*`); ok {
		re = before + `(/.*)?`
	}
	ok, err := regexp.MatchString(`^`+re+`$`, path)
	return err == nil && ok
}
