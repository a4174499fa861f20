// Command relink replaces all functions of running programs by copies of themselves:
//
//	go run ./internal/proof/relink                       all programs, four rounds each
//	go run ./internal/proof/relink -run server -rounds 2
//
// The programs are an HTTP server that uses much of the standard library (testdata), the
// shop of examples/shop, a program on modernc.org/sqlite, which is a very large package
// of generated code, and one that calls C and is called by it. Each is kept busy by
// clients that know every answer: what the same process answered before the first patch.
// In every round all functions of all packages, those of the standard library and of
// assembly too, are replaced by relinked copies in one patch; what is left out has a reason
// in exclude.go. Then the bodies that no call is in are overwritten in all versions but
// the newest: who executes one dies.
//
// The programs run with GOGC=1 and GODEBUG=gccheckmark=1, so that each wrong pointer map is
// found. The runtime switches asynchronous preemption off then (parsedebugvars in
// runtime1.go); with -gc=false it is on.
//
// The last line is "N passed, N failed, N skipped", where each round of each program counts
// as one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

type options struct {
	rounds  int
	clients int
	gc      bool
	poison  bool
	verbose bool
}

func main() {
	var o options
	filter := flag.String("run", "", "only programs whose name matches this `regexp`")
	flag.IntVar(&o.rounds, "rounds", 4, "replace the functions of each this many times")
	flag.IntVar(&o.clients, "clients", 3, "this many clients ask")
	flag.BoolVar(&o.gc, "gc", true, "collect and check garbage all the time")
	flag.BoolVar(&o.poison, "poison", true, "overwrite old bodies")
	flag.BoolVar(&o.verbose, "v", false, "name the functions whose old bodies were not overwritten")
	flag.Parse()
	only, err := regexp.Compile(*filter)
	if err == nil && flag.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "relink:", err)
		os.Exit(2)
	}
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "relink: asking for the release:", err)
		os.Exit(1)
	}
	fmt.Printf("relink: %s, -rounds %d -clients %d -gc=%t -poison=%t\n", strings.TrimSpace(string(out)), o.rounds, o.clients, o.gc, o.poison)
	passed, failed, skipped := 0, 0, 0
	for _, p := range programs {
		if !only.MatchString(p.name) {
			continue
		}
		n, err := p.try(context.Background(), &o)
		passed += n
		switch why := (*unavailable)(nil); {
		case errors.As(err, &why):
			fmt.Printf("%s: skipped: %v\n", p.name, err)
			skipped += o.rounds
		case err != nil:
			fmt.Printf("%s: FAIL: %v\n", p.name, err)
			failed++
			skipped += o.rounds - n - 1 // there is no process left for them
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 {
		os.Exit(1)
	}
}
