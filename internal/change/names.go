package change

import (
	"regexp"
	"strings"
)

// Names that the compiler makes (cmd/compile/internal/ir/func.go:closureName): func
// literals and what it makes of them are numbered below the function they are in.
var madeSuffix = regexp.MustCompile(`((\.func\d+|\.gowrap\d+|\.deferwrap\d+|-range\d+|\.\d+)+(-fm)?|-fm)$`)

// splitName parts a symbol name into the declared function it belongs to and what the
// compiler has added: "main.F", ".func1.2".
func splitName(name string) (base, made string) {
	if last := name[max(0, len(name)-1):]; (last < "0" || last > "9") && !strings.HasSuffix(name, "-fm") {
		return name, "" // as most: a regular expression takes its time
	}
	i := madeSuffix.FindStringIndex(name)
	if i == nil {
		return name, ""
	}
	base, made = name[:i[0]], name[i[0]:]
	// The number of an init function is part of its name: "main.init.0".
	if n := numbered.FindString(made); n != "" && strings.HasSuffix(base, ".init") {
		base, made = base+n, made[len(n):]
	}
	return base, made
}

var numbered = regexp.MustCompile(`^\.\d+`)

var literalName = regexp.MustCompile(`^(\.func\d+|\.\d+|-range\d+)*(\.func\d+|\.\d+)$`)

// isLiteral reports whether a made suffix is that of a func literal of the source.
func isLiteral(made string) bool { return literalName.MatchString(made) }

// generic is a name without its type arguments: "main.Map[go.shape.int]" is "main.Map".
func generic(name string) string {
	if !strings.ContainsRune(name, '[') {
		return name
	}
	var b strings.Builder
	depth := 0
	for _, r := range name {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// isInit reports whether a function, named without its package, is one that runs at
// the program's start and never again: pkg.init, pkg.init.0, pkg.map.init.0.
var initName = regexp.MustCompile(`^(init|init\.\d+|map\.init\.\d+)$`)

func isInit(name string) bool { return initName.MatchString(name) }
