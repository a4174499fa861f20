// Command soak saves random edits of examples/shop, one after the other, while clients
// keep the shop busy and read its stream of events:
//
//	go run ./internal/soak [-n edits] [-seed number] [-gc]
//
// Every edit is of a kind that must become live. The next answer after it must be the
// new one, no request may fail, the stream must not break, and the process must stay.
// Some saves are code that does not compile: then nothing may change. It works on a copy
// of the shop; after a failure it tells where the sources before and after the edit are,
// and goes on with a new process.
//
// With -gc the shop collects garbage all the time and checks what it marked, as with
// GOGC=5 and GODEBUG=gccheckmark=1.
//
// The last line is "N passed, N failed, N skipped": one for each edit, and one each for
// the requests, the stream and the process.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

func main() {
	n := flag.Int("n", 200, "make this many `edits`")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "make the edits of this `number`")
	gc := flag.Bool("gc", false, "let the shop collect and check garbage all the time")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	failed, err := run(*n, *seed, *gc)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

// run makes n edits and prints the summary.
func run(n int, seed uint64, gc bool) (failed bool, err error) {
	fmt.Printf("soak: -n %d -seed %d -gc=%t\n", n, seed, gc)
	s, err := shop.New()
	if err != nil {
		return false, err
	}
	defer s.Close()
	k := &soak{shop: s, random: rand.New(rand.NewPCG(seed, 0)), gc: gc}
	if err := k.prepare(); err != nil {
		return false, err
	}
	defer k.end()
	passed, wrong := 0, 0
	for k.step = 1; k.step <= n; k.step++ {
		if k.session == nil {
			if err := k.begin(); err != nil {
				fmt.Printf("edit %d: FAIL: %v\n", k.step, err)
				wrong++
				break // there is nothing left to edit
			}
		}
		if err := k.edit(); err != nil {
			wrong++
			k.failed(err)
			k.end()
			continue
		}
		passed++
	}
	skipped := n - passed - wrong
	k.end()
	for _, check := range []struct {
		name  string
		wrong []string
	}{
		{"requests", k.requestsFailed},
		{"stream", k.streamBroken},
		{"process", k.processChanged},
	} {
		switch {
		case k.requests == 0: // it never ran
			skipped++
			continue
		case len(check.wrong) == 0:
			passed++
			continue
		}
		wrong++
		fmt.Printf("%s: FAIL: %d times\n", check.name, len(check.wrong))
		for i, what := range check.wrong {
			if i == 10 {
				fmt.Println("\t…")
				break
			}
			fmt.Printf("\t%s\n", what)
		}
	}
	fmt.Printf("%d requests, %d stream events, longest gap %v; edit to live: median %v, longest %v\n",
		k.requests, k.events, k.longestGap.Round(time.Millisecond), k.median(), k.longest())
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, wrong, skipped)
	return wrong > 0, nil
}
