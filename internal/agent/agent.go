// Package agent is the tool's side of the agent: the source that is built into
// the host, and the client that talks to it there. What runs inside the host is
// in the folder host; only its text is used here.
package agent

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

const wirePath = "github.com/realtimefunc/realtimefunc/internal/wire"

// Variable is the environment variable that tells the agent the number of the
// inherited control socket; see [Environ].
const Variable = "REALTIME_FD"

// Environ is the entry of the host's environment for the agent. It names the
// descriptor of the control socket, see [Socketpair], and tells whether the host's
// standard output and standard error are pipes that only the tool reads: when the
// tool is killed, the agent reads them, lest the host dies of SIGPIPE.
func Environ(socket int, stdout, stderr bool) string {
	s := Variable + "=" + strconv.Itoa(socket)
	if stdout {
		s += ",1"
	}
	if stderr {
		s += ",2"
	}
	return s
}

//go:embed host/*.go
var hostSource embed.FS

// Files returns the source of the agent as a package with the given import
// path: file names, relative to the folder of the package and with slashes, and
// their text. The package wire is in its subfolder wire.
//
// The program must import the package for its side effect. The text does not
// depend on anything but importPath, so the build cache is of use.
func Files(importPath string) map[string][]byte {
	files := make(map[string][]byte)
	add := func(source fs.FS, dir, to string) {
		names, err := fs.Glob(source, path.Join(dir, "*.go"))
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			var text []byte
			if text, err = fs.ReadFile(source, name); err != nil {
				break
			}
			from, imp := fmt.Appendf(nil, "%q", wirePath), fmt.Appendf(nil, "%q", importPath+"/wire")
			files[path.Join(to, path.Base(name))] = bytes.ReplaceAll(text, from, imp)
		}
		if err != nil {
			panic(err) // embedded files can be read
		}
	}
	add(hostSource, "host", "")
	add(wire.Source, ".", "wire")
	return files
}
