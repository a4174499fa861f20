package command

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

func version(c *command, _ string, args []string, stdio Stdio) (int, error) {
	if len(args) > 0 && isHelpFlag(args[0]) {
		io.WriteString(stdio.Out, c.help)
		return 0, nil
	}
	if len(args) > 0 {
		return 2, usagef("realtime help version", "version takes no arguments")
	}
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = cmp.Or(info.Main.Version, v)
	}
	fmt.Fprintf(stdio.Out, "realtime %s built with %s for %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return 0, nil
}
