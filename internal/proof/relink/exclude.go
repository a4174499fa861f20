package main

import (
	"strings"

	facts "github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/proof/subject"
)

// An exclusion is what is not replaced, and why.
type exclusion struct {
	packages []string
	function string // alone; empty: all of the packages
	why      string
}

// A redirect is written while the world is stopped. A stopped world stops goroutines, that
// is to say threads with a P: what may run on a thread without one may stand anywhere, and
// so inside the bytes that are overwritten.
var exclusions = []exclusion{
	{
		packages: []string{"runtime"}, // and all that it imports, but for what harmless lists
		why:      "runs on threads without a P: sysmon, signal handlers, the scheduler (runtime/proc.go), and is what the agent stops the world with. Tried: goroutines return to the second byte of runtime.goexit",
	},
	{
		packages: []string{"runtime/cgo"},
		why:      "entered by C on threads that have no P yet (runtime/cgo/asm_amd64.s: crosscall2), and C has its addresses in variables (runtime/cgo/callbacks.go)",
	},
	{
		packages: []string{"syscall"}, function: "syscall.RawSyscall6",
		why: "called between runtime.entersyscall and runtime.exitsyscall (syscall/syscall_linux.go: Syscall), where another thread may take the P away and stop the world",
	},
}

// harmless are packages that the runtime imports and that are replaced all the same: the
// runtime calls them only on threads with a P.
var harmless = map[string]string{
	"internal/runtime/maps": "maps of the program; the runtime has none that it uses without a P",
	"internal/strconv":      "numbers in text; the runtime uses it to print, and without a P only when it dies",
	"math/bits":             "mostly intrinsics",
}

// excluded tells which packages are left out of a program, by link path.
func excluded(s *subject.Subject) map[string]bool {
	out := map[string]bool{}
	var leave func(path string)
	leave = func(path string) {
		p := s.Build.Packages[path]
		if p == nil || out[path] || harmless[path] != "" {
			return
		}
		out[path] = true
		for _, imp := range p.Imports {
			leave(imp)
		}
	}
	for _, e := range exclusions {
		for _, path := range e.packages {
			switch {
			case e.function != "":
			case path == "runtime":
				leave(path)
			default:
				out[path] = true
			}
		}
	}
	return out
}

// replaced reports whether a function is one to be replaced. Its name may be that of a package
// which is left out though another's object defines it: wrappers and instances.
func replaced(name string, packages map[string]bool) bool {
	for _, e := range exclusions {
		if e.function == name {
			return false
		}
	}
	return !packages[packageOf(name)]
}

// packageOf is the import path in front of a function's linker name, or "". A function
// that compares or hashes values of a type is of the package of that type.
func packageOf(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "type:.eq."), "type:.hash.")
	return facts.PackageOf(name)
}
