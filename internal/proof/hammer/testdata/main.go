// A program whose workers call the functions of package target without pause, and check
// each result. It is told by its standard input which variant of the package is live:
//
//	state N    variant N/2 is live if N is even; else a change to the next one has begun
//	end        print what the workers have seen, a line for each kind, and end
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// variants is how many variants of the package there are, in turn.
const variants = 4

var (
	state atomic.Uint64
	ended atomic.Bool
)

// A kind is one way to call functions.
type kind struct {
	name    string
	workers int                   // 0 is 1
	begin   func() func(c *check) // makes what is kept, and returns what a worker repeats
}

// check counts, and compares results with what they must be.
type check struct {
	kind  *kind
	from  uint64 // state when the calls began
	seen  uint64 // bits of the versions of the results since
	calls uint64
	wrong uint64
}

var (
	mu     sync.Mutex
	totals = map[string]*check{}
	said   int
)

func (c *check) fail(format string, args ...any) {
	c.wrong++
	mu.Lock()
	defer mu.Unlock()
	if said++; said <= 20 {
		fmt.Fprintf(os.Stderr, "%s: %s\n", c.kind.name, fmt.Sprintf(format, args...))
	}
}

// low takes a result with its version in the lowest bits.
func (c *check) low(got, want uint64) {
	c.calls++
	c.seen |= 1 << (got & 7)
	if got>>3 != want {
		c.fail("got %d, want %d", got>>3, want)
	}
}

// tag takes a result with its versions in the highest bits.
func (c *check) tag(got, want uint64) {
	c.calls++
	c.seen |= got >> 56
	if got&(1<<48-1) != want || got>>56 == 0 {
		c.fail("got %#x, want %#x with a version", got, want)
	}
}

// text takes a result with its version as the last byte.
func (c *check) text(got, want string) {
	c.calls++
	if n := len(got) - 1; n < 0 || got[:n] != want {
		c.fail("got %q, want %q with a version", got, want)
		return
	}
	c.seen |= 1 << (got[len(got)-1] - '0')
}

func (c *check) that(ok bool, format string, args ...any) {
	c.calls++
	if !ok {
		c.fail(format, args...)
	}
}

// versions compares the versions of all results since the last call with those that were
// live since then.
func (c *check) versions() {
	now := state.Load()
	var live uint64
	for v := c.from / 2; v <= (now+1)/2; v++ {
		live |= 1 << (v % variants)
	}
	if c.seen&^live != 0 {
		c.fail("versions %b, but only %b were live, state %d to %d", c.seen, live, c.from, now)
	}
	c.from, c.seen = now, 0
}

func main() {
	var wg sync.WaitGroup
	for i := range kinds {
		k := &kinds[i]
		totals[k.name] = &check{}
		for range max(k.workers, 1) {
			step := k.begin()
			wg.Go(func() {
				c := &check{kind: k, from: state.Load()}
				for !ended.Load() {
					step(c)
					c.versions()
				}
				mu.Lock()
				defer mu.Unlock()
				totals[k.name].calls += c.calls
				totals[k.name].wrong += c.wrong
			})
		}
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var n uint64
		if _, err := fmt.Sscanf(lines.Text(), "state %d", &n); err != nil {
			break
		}
		state.Store(n)
		fmt.Println("ok")
	}
	ended.Store(true)
	wg.Wait()
	for i := range kinds {
		c := totals[kinds[i].name]
		fmt.Printf("%q %d %d\n", kinds[i].name, c.calls, c.wrong)
	}
	fmt.Println("done")
}
