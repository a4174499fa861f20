// Package toolchain finds the facts of the Go release that built a program.
//
// Each release has a folder of its own; nothing outside of this tree tests a version.
package toolchain

import (
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/toolchain/go125"
	"github.com/realtimefunc/realtimefunc/internal/toolchain/go126"
	"github.com/realtimefunc/realtimefunc/internal/toolchain/go127"
	"github.com/realtimefunc/realtimefunc/internal/toolchain/release"
)

var known = []release.Release{go125.Release, go126.Release, go127.Release}

// For returns the facts of the release that goVersion ("go1.26.8") belongs to. An
// unknown release is an error: nothing may be assumed of a runtime nobody has read.
func For(goVersion string) (*release.Release, error) {
	for i := range known {
		if version.Lang(goVersion) == known[i].Name {
			return &known[i], nil
		}
	}
	return nil, fmt.Errorf("%s is not known to this release of realtime (it knows %s to %s)", goVersion, known[0].Name, known[len(known)-1].Name)
}

// Builtin is a runtime symbol that objects refer to by number.
type Builtin struct {
	Name string
	ABI  goobj.ABI
}

var builtinLine = regexp.MustCompile(`(?m)^\s*\{"([^"]+)", (\d+)\},$`)

// Builtins reads the list that the tool chain at goroot was built with
// (cmd/internal/goobj/builtinlist.go): it may change with each release, and objects
// hold its indices only.
func Builtins(goroot string) ([]Builtin, error) {
	b, err := os.ReadFile(filepath.Join(goroot, "src/cmd/internal/goobj/builtinlist.go"))
	if err != nil {
		return nil, fmt.Errorf("reading the list of builtin symbols: %w", err)
	}
	var list []Builtin
	for _, m := range builtinLine.FindAllSubmatch(b, -1) {
		abi, err := strconv.ParseUint(string(m[2]), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("reading the list of builtin symbols: %q: %w", m[0], err)
		}
		list = append(list, Builtin{string(m[1]), goobj.ABI(abi)})
	}
	if len(list) < 100 {
		return nil, fmt.Errorf("reading the list of builtin symbols: only %d found", len(list))
	}
	return list, nil
}
