package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// chdir takes a -C flag off the front of args and returns the directory that it
// leads to from dir. The process itself stays where it is.
func chdir(dir string, args []string) (string, []string, error) {
	if len(args) == 0 {
		return dir, args, nil
	}
	name, to, hasValue := strings.Cut(args[0], "=")
	if name != "-C" && name != "--C" {
		return dir, args, nil
	}
	args = args[1:]
	if !hasValue {
		if len(args) == 0 {
			return "", nil, usagef("realtime help run", "flag needs an argument: -C")
		}
		to, args = args[0], args[1:]
	}
	path := to
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	switch info, err := os.Stat(path); {
	case os.IsNotExist(err):
		return "", nil, fmt.Errorf("-C %s: no such directory", to)
	case err != nil:
		return "", nil, fmt.Errorf("-C %s: %w", to, err)
	case !info.IsDir():
		return "", nil, fmt.Errorf("-C %s: not a directory", to)
	}
	return path, args, nil
}
