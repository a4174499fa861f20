// The program that has all pairs of a batch, each in a package of its own. It answers
// questions on its standard input: "new p12 3" and `answer 3 "…"`, a line each. pairs.go
// beside it has the packages.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"pairs/kit"
)

// A pair has the functions of its package.
type pair struct {
	setup    func()
	new, old func() string
}

func main() {
	debug.SetGCPercent(1)
	for _, p := range all {
		p.setup()
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		ask, ok := all[words[1]].old, words[0] == "old"
		if !ok {
			ask = all[words[1]].new
		}
		answer := make(chan string, 1)
		go func() { answer <- guarded(ask) }()
		fmt.Printf("answer %s %q\n", words[2], <-answer)
	}
}

// guarded asks between two collections of garbage, and looks at all canaries.
func guarded(ask func() string) (answer string) {
	defer func() {
		if p := recover(); p != nil {
			answer = fmt.Sprint("panic: ", p)
		}
		if bad := kit.Check(); bad != "" {
			answer = "overwritten: " + bad + "; " + answer
		}
	}()
	runtime.GC()
	answer = ask()
	runtime.GC()
	return answer
}
