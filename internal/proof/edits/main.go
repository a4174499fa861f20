// Command edits makes random edits of real packages, one after the other, and sees that
// the patched process answers as a freshly built one does:
//
//	go run ./internal/proof/edits [-n steps] [-seed number] [-package name] [-gc]
//	go run ./internal/proof/edits -replay folder
//
// The packages are copies out of the Go distribution in use, in a module of their own:
// text/template with its parser, regexp with its parser, go/doc/comment with tabwriter
// and csv, slices with the containers. A program beside them asks some hundred questions
// that depend on nothing but the packages' code; what panics is told with the lines of
// the stack. It also holds func values, method values, interface values and a goroutine
// that were made before the first edit.
//
// A step is an edit of the kinds in kinds.go, on top of all those before; now and then
// several at once, or back to what a file was before. The edit is built and run freshly
// first: if that program does not compile, hangs, crashes or answers differently from
// time to time, another edit is made. Then it is saved under realtime run, and when the
// edit is closed the answers must be the same, byte for byte. A restart is an allowed
// outcome, and counted. From time to time something is saved that does not compile:
// nothing may change.
//
// A step depends on the seed, the package and its number only. A failed step keeps all
// that was saved since its process was started; -replay does it again.
//
// With -gc the program collects garbage all the time and checks what it marked.
//
// Interrupted, it tells what it has seen; the other steps are skipped.
//
// The last line is "N passed, N failed, N skipped": one for each step, and for each save
// that must be rejected.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
)

func main() {
	n := flag.Int("n", 200, "make this many `steps`, of all packages together")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "make the edits of this `number`")
	name := flag.String("package", "", "edit only the packages of this `name`: template, regexp, comment or slices")
	gc := flag.Bool("gc", false, "let the program collect and check garbage all the time")
	again := flag.String("replay", "", "do what a failed step has kept in this `folder`")
	flag.Parse()
	chosen := slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return *name != "" && g.name != *name })
	if flag.NArg() > 0 || len(chosen) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	// For the compiler: it spares a third of its time. The programs set their own.
	os.Setenv("GOGC", "400")
	var failed bool
	var err error
	if *again != "" {
		failed, err = replay(*again, *gc)
	} else {
		fmt.Printf("edits: -n %d -seed %d -gc=%t\n", *n, *seed, *gc)
		failed, err = run(chosen, *n, *seed, *gc)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "edits:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

// run makes n steps, the same number in each group, and prints what became of them.
func run(chosen []group, n int, seed uint64, gc bool) (failed bool, err error) {
	t, temp, err := prepare()
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temp)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	all := newTally()
	skipped := 0
	for i, g := range chosen {
		steps := n / len(chosen)
		if i < n%len(chosen) {
			steps++
		}
		s := &suite{group: g, toolchain: t, seed: seed, gc: gc, temp: temp, tally: all}
		switch err := s.run(ctx, steps); {
		case err == nil:
		case ctx.Err() != nil:
			skipped += steps - s.step + 1
		default:
			fmt.Printf("%s: FAIL: %v\n", g.name, err)
			all.failed++
			skipped += max(0, steps-s.step)
		}
	}
	all.print(t.version)
	live, restart := all.sum()
	fmt.Printf("%d passed, %d failed, %d skipped\n", live+restart+all.rejected, all.failed, skipped)
	return all.failed > 0, nil
}

// prepare learns of the tool chain, and builds realtime into a new folder.
func prepare() (t *toolchain, temp string, err error) {
	if t, err = newToolchain(); err != nil {
		return nil, "", err
	}
	if temp, err = os.MkdirTemp("", "realtime-edits-"); err != nil {
		return nil, "", err
	}
	t.realtime = filepath.Join(temp, "realtime")
	if _, err = output(t.repository, "go", "build", "-o", t.realtime, "./cmd/realtime"); err != nil {
		os.RemoveAll(temp)
		return nil, "", err
	}
	return t, temp, nil
}

// names are what differs between two reasons of one kind.
var names = regexp.MustCompile(`[\w./]*added\w+|\b[\w/-]+\.[\w.()*\[\]]+|\b\d+\b`)

// print tells what became of the steps, by kind and by reason.
func (t *tally) print(version string) {
	for _, name := range slices.Sorted(maps.Keys(t.kinds)) {
		k := t.kinds[name]
		fmt.Printf("%-28s %5d live %5d restart\n", name, k[0], k[1])
	}
	reasons := slices.SortedFunc(maps.Keys(t.reasons), func(a, b string) int { return t.reasons[b] - t.reasons[a] })
	for _, r := range reasons[:min(len(reasons), 25)] {
		fmt.Printf("restart %4d times: %s\n", t.reasons[r], r)
	}
	for _, why := range slices.Sorted(maps.Keys(t.unfit)) {
		fmt.Printf("no step %4d times: %s\n", t.unfit[why], why)
	}
	live, restart := t.sum()
	slices.Sort(t.elapsed)
	median := time.Duration(0)
	if len(t.elapsed) > 0 {
		median = t.elapsed[len(t.elapsed)/2].Round(time.Millisecond)
	}
	fmt.Printf("%s: %d of %d steps live (%d %%), %d rejected as they must; from save to answer: median %v\n",
		version, live, live+restart, 100*live/max(1, live+restart), t.rejected, median)
}
