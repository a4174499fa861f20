// Command conformance delivers Go's own test programs as patches:
//
//	go run ./internal/proof/conformance              all programs
//	go run ./internal/proof/conformance -n 60        a sample
//	go run ./internal/proof/conformance -run chan/   those whose path matches
//	go run ./internal/proof/conformance -single -n 100   each function by itself, in random order
//
// The programs are those below $GOROOT/test that begin with // run and ask for no flags.
// Each is built twice, as go run builds it and as a host. The host is stopped before
// main.main, all its functions are replaced by relinked copies in one patch, and the old
// bodies are overwritten, so that none of them can run. Then it goes on: what it prints
// and its exit status must be what the first one's are.
//
// The last line is "N passed, N failed, N skipped". A program is skipped only for a
// reason that is printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are the flags.
type options struct {
	tests  string // folder test of a Go distribution
	filter *regexp.Regexp
	n      int
	seed   uint64
	single bool
	keep   bool
	v      bool

	version string   // of Go
	dir     string   // of the module
	env     []string // of the programs
}

func main() {
	var o options
	flag.StringVar(&o.tests, "tests", "", "the folder test of a Go distribution; default: that of the installed one")
	filter := flag.String("run", "", "only programs whose path below test matches this regular expression")
	flag.IntVar(&o.n, "n", 0, "only so many programs, chosen at random; 0: all")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of all that is random")
	flag.BoolVar(&o.single, "single", false, "deliver the functions one by one, in random order")
	flag.BoolVar(&o.keep, "keep", false, "keep the folders of programs that fail")
	flag.BoolVar(&o.v, "v", false, "name the programs that pass, too")
	workers := flag.Int("j", runtime.GOMAXPROCS(0), "programs at a time")
	flag.Parse()
	var err error
	if o.filter, err = regexp.Compile(*filter); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: -run:", err)
		os.Exit(2)
	}
	failed, err := run(o, *workers)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

// installedTests is the folder test of the first Go distribution in PATH that has one: a
// tool chain that GOTOOLCHAIN has downloaded, which comes before it there, has none.
func installedTests() (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		cmd := exec.Command(filepath.Join(dir, "go"), "env", "GOROOT")
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOROOT=") // go run sets both
		root, err := cmd.Output()
		if err != nil {
			continue
		}
		tests := filepath.Join(strings.TrimSpace(string(root)), "test")
		if _, err := os.Stat(tests); err == nil {
			return tests, nil
		}
	}
	return "", errors.New("no Go distribution in PATH has its tests: -tests says where they are")
}

// run tries the programs and prints what became of each, and the summary.
func run(o options, workers int) (failed bool, err error) {
	if o.tests == "" {
		if o.tests, err = installedTests(); err != nil {
			return false, err
		}
	}
	list, err := find(o.tests)
	if err != nil {
		return false, err
	}
	list = slices.DeleteFunc(list, func(t *test) bool { return !o.filter.MatchString(t.path) })
	if o.n > 0 && o.n < len(list) {
		random := rand.New(rand.NewPCG(o.seed, 0))
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:o.n]
		slices.SortFunc(list, func(a, b *test) int { return strings.Compare(a.path, b.path) })
	}
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return false, fmt.Errorf("asking for the release: %w", err)
	}
	o.version = strings.TrimSpace(string(out))
	fmt.Printf("conformance: %s, %d programs of %s, -seed %d -single=%t\n", o.version, len(list), o.tests, o.seed, o.single)

	if o.dir, err = os.MkdirTemp("", "conformance-"); err != nil {
		return false, err
	}
	defer func() {
		if failed && o.keep {
			fmt.Println("kept:", o.dir)
			return
		}
		os.RemoveAll(o.dir)
	}()
	if err := writeModule(o.dir, o.version); err != nil {
		return false, err
	}
	if o.env, err = environment(o.dir); err != nil {
		return false, err
	}
	begin := time.Now()
	results := make([]result, len(list))
	var wg sync.WaitGroup
	var printing sync.Mutex
	slots := make(chan bool, workers)
	for i, t := range list {
		slots <- true
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = t.try(context.Background(), &o)
			printing.Lock()
			defer printing.Unlock()
			results[i].print(t, o.v)
		})
	}
	wg.Wait()
	var passed, wrong, skipped, functions, spared int
	for _, r := range results {
		functions += r.functions
		spared += r.spared
		switch r.verdict {
		case pass:
			passed++
		case fail:
			wrong++
		case skip:
			skipped++
		}
	}
	fmt.Printf("%d functions patched, %d old bodies on a stack before main and so not overwritten; %.0f s\n", functions, spared, time.Since(begin).Seconds())
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, wrong, skipped)
	return wrong > 0, nil
}

// verdict is what became of a program.
type verdict int

const (
	pass verdict = iota
	fail
	skip
)

type result struct {
	verdict   verdict
	reason    string
	functions int // patched
	spared    int // old bodies that were not overwritten
}

func failf(format string, args ...any) result {
	return result{verdict: fail, reason: fmt.Sprintf(format, args...)}
}

func skipf(format string, args ...any) result {
	return result{verdict: skip, reason: fmt.Sprintf(format, args...)}
}

func (r *result) print(t *test, all bool) {
	reason := strings.TrimSpace(r.reason)
	if n := 2000; len(reason) > n {
		reason = reason[:n] + " …"
	}
	switch {
	case r.verdict == fail:
		fmt.Printf("%s: FAIL: %s\n", t.path, strings.ReplaceAll(reason, "\n", "\n\t"))
	case r.verdict == skip:
		fmt.Printf("%s: skipped: %s\n", t.path, strings.ReplaceAll(reason, "\n", "\n\t"))
	case all:
		fmt.Printf("%s: passed, %d functions\n", t.path, r.functions)
	}
}
