// Command realtime changes the functions of a Go program while it runs.
//
//	realtime run ./cmd/server
//
// builds and starts the program as go run would. When one of its functions is
// edited and saved, the next call runs the new code: the process, its variables
// and its connections stay. "realtime help" tells the rest.
package main

import (
	"os"

	"github.com/realtimefunc/realtimefunc/internal/command"
)

func main() {
	os.Exit(command.Run(os.Args[1:], command.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
