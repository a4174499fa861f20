// A server that uses much of the standard library and of the language.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		fmt.Print("child ", strings.Join(os.Args[2:], " "))
		return
	}
	startTLS()
	serve()
}
