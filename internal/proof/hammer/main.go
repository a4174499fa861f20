// Command hammer redirects functions while they are called without pause:
//
//	go run ./internal/proof/hammer               at least 20,000 redirects of functions
//	go run ./internal/proof/hammer -n 4000
//	go run ./internal/proof/hammer -race
//
// The program (testdata) has a worker for each kind of call: leaf functions whose first
// instructions have one to four bytes, in loops with nothing else in them; recursion that
// grows the stack; closures; methods by interface and bound; generic, deferred and variadic
// functions; more arguments than registers; goroutines, channels, finalizers, callbacks of
// the standard library, keys of maps. The functions are compiled in four variants, which
// the patches bring in turn, each with all functions of the program. Every result tells the
// variants of the functions that had a part in it. It must be right, and of no variant
// that was not live while the call lasted: a call that begins after a patch was reported
// live must not be answered by the code before it.
//
// Every second patch is first tried without patience, so that what stands in its way is
// told: calls that were stopped behind the first byte of a function and before the end of
// the jump that is to be written there.
//
// The last line is "N passed, N failed, N skipped", where each kind counts as one, and
// that goroutines were in fact stopped inside the bytes of a jump as another.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

type options struct {
	n     int
	most  int // patches of a process
	procs int
	gogc  int
	race  bool
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 20_000, "redirect functions this many `times`, counted once for each function of each patch")
	flag.IntVar(&o.most, "patches", 100, "start a new process after this many patches: each redirects all older versions too")
	flag.IntVar(&o.procs, "procs", 6, "GOMAXPROCS of the program")
	flag.IntVar(&o.gogc, "gogc", 20, "GOGC of the program")
	flag.BoolVar(&o.race, "race", false, "build the program with the race detector")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hammer: asking for the release:", err)
		os.Exit(1)
	}
	fmt.Printf("hammer: %s, -n %d -patches %d -procs %d -gogc %d -race=%t\n", strings.TrimSpace(string(out)), o.n, o.most, o.procs, o.gogc, o.race)
	h := &hammer{options: &o, kinds: map[string]*kind{}, offsets: map[uint64]int{}}
	if err := h.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "hammer:", err)
		fmt.Println("0 passed, 1 failed, 0 skipped")
		os.Exit(1)
	}
	if !h.summary() {
		os.Exit(1)
	}
}
