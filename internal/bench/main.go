// Command bench measures realtime on a copy of examples/shop:
//
//	go run ./internal/bench             all of it
//	go run ./internal/bench save        from the save of a file to the new answer
//	go run ./internal/bench large       the same in packages of 1,600 and 60,000 lines
//	go run ./internal/bench start       from the start to the first answer, against go run
//	go run ./internal/bench idle        the CPU that realtime uses when nothing is edited
//	go run ./internal/bench restart     from the save to the new answer, against a restart
//	                                    by hand and by air, which go install fetches
//	go run ./internal/bench throughput  requests, and their CPU, before and after edits,
//	                                    against go build; the same for small benchmarks
//	go run ./internal/bench inlining    what of that is due to -l and to kept methods, and
//	                                    what //go:noinline would be in place of -l
//	go run ./internal/bench pause       how long an edit stops the program, by goroutines
//	go run ./internal/bench memory      what 500 edits leave in the program and in realtime
//
// Several can be named. -n is the number of edits of each kind in restart and pause.
//
// It prints tables and judges nothing: it fails only if there is nothing to measure.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// A measure writes its table with tabs between the columns.
type measure struct {
	name string
	run  func(*shop.Shop, io.Writer) error
}

var measures = []measure{
	{"save", save},
	{"large", largePackages},
	{"start", start},
	{"idle", idle},
	{"restart", restart},
	{"throughput", throughput},
	{"inlining", inlining},
	{"pause", pause},
	{"memory", memory},
}

var editCount = flag.Int("n", edits, "make this `many` edits of each kind, in restart and pause")

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: bench [-n edits] [measure ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what is named; nothing named is everything.
func run(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(measures, func(m measure) bool { return m.name == name }) {
			return fmt.Errorf("no such measure: %q", name)
		}
	}
	s, err := shop.New()
	if err != nil {
		return err
	}
	defer s.Close()
	for _, m := range measures {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		if err := m.run(s, table); err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
		fmt.Fprintln(table)
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// median is the middle of the times, or of the upper half if there is no middle.
func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// ms is a time in milliseconds, as the tables have it.
func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}
