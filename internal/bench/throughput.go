package main

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

const (
	// Many short rounds: what others do on the machine lasts longer than one, and is in
	// all its hosts' times.
	serviceRounds = 101
	microRounds   = 25
	throughEdits  = 20
)

//go:embed testdata
var testdata embed.FS

// hot are files whose functions the load calls in most requests, in the order in which
// their lines are moved.
var hot = []string{
	"internal/web/server.go", "internal/web/answer.go", "internal/web/home.go", "internal/web/cart.go",
	"internal/web/products.go", "internal/catalog/catalog.go", "internal/list/list.go", "internal/price/price.go",
	"internal/cart/cart.go", "internal/money/money.go",
}

// micros are the benchmarks of testdata/micro, and microFiles its files. The small
// methods come last, so that those who call them do so by their old addresses.
var (
	micros     = []string{"methods", "text", "lock", "sort", "json"}
	microFiles = []string{"methods.go", "text.go", "lock.go", "sort.go", "encode.go", "main.go", "shape/shape.go"}
)

// throughput measures what programs do under realtime run against what they do as go
// build makes them.
func throughput(s *shop.Shop, w io.Writer) error {
	hosts, stop, err := threeHosts(s.Copy)
	if err != nil {
		return err
	}
	defer stop()
	serviceHeader(w)
	if err := service(hosts, w, ", before any edit"); err != nil {
		return err
	}
	if err := moveAll(hosts[1:], hot); err != nil {
		return err
	}
	if err := service(hosts, w, fmt.Sprintf(", after %d edits", throughEdits)); err != nil {
		return err
	}
	stop()

	hosts, stop, err = threeHosts(func() (*shop.Shop, error) { return beside(s, "micro") })
	if err != nil {
		return err
	}
	defer stop()
	before, err := micro(hosts)
	if err != nil {
		return err
	}
	if err := moveAll(hosts[1:], microFiles); err != nil {
		return err
	}
	after, err := micro(hosts)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\t\t\t\t\t\nmicro-benchmarks (medians of %d rounds, middle half)\tgo build, ns/op\trealtime run\tafter %d edits\t-inline\tafter %[2]d edits\n", microRounds, throughEdits)
	for i, name := range micros {
		fmt.Fprintf(w, "%s\t%.1f\t%s\t%s\t%s\t%s\n", name, float64(median(before[i][0]))/1000,
			brief(before[i][1], before[i][0]), brief(after[i][1], after[i][0]), brief(before[i][2], before[i][0]), brief(after[i][2], after[i][0]))
	}
	return nil
}

func serviceHeader(w io.Writer) {
	fmt.Fprintf(w, "examples/shop (medians of %d rounds of %d requests)\texecutable, MB\trequests/s\tCPU µs/request\tratio\tmiddle half\n", serviceRounds, requests)
}

// beside is a program of testdata.
func beside(s *shop.Shop, name string) (*shop.Shop, error) {
	files, err := fs.Sub(testdata, "testdata/"+name)
	if err != nil {
		return nil, err
	}
	return s.Beside(name, files)
}

// threeHosts starts a program plain, under realtime run, and with inlining.
func threeHosts(copied func() (*shop.Shop, error)) (hosts []*host, stop func(), err error) {
	return startHosts([]func() (*host, error){
		func() (*host, error) { return startHost(copied, built, "go build") },
		func() (*host, error) { return startHost(copied, hosted, "realtime run") },
		func() (*host, error) { return startHost(copied, hosted, "realtime run -inline", "-inline") },
	})
}

// startHost starts a program in a copy of its own.
func startHost(copied func() (*shop.Shop, error), start func(string, *shop.Shop, ...string) (*host, error), name string, flags ...string) (*host, error) {
	s, err := copied()
	if err != nil {
		return nil, err
	}
	return start(name, s, flags...)
}

// startHosts starts hosts that can be stopped together.
func startHosts(starts []func() (*host, error)) (hosts []*host, stop func(), err error) {
	stop = func() {
		for _, h := range hosts {
			h.stop()
		}
		hosts = nil
	}
	for _, start := range starts {
		h, err := start()
		if err != nil {
			stop()
			return nil, nil, err
		}
		hosts = append(hosts, h)
	}
	return hosts, stop, nil
}

// moveAll makes the edits, in the files in turn.
func moveAll(hosts []*host, files []string) error {
	for _, h := range hosts {
		for n := throughEdits - 1; n >= 0; n-- {
			file := files[len(files)-1-n%len(files)] // the last edit is of the last file
			if err := h.moveLines(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// inTurns measures each host in each round, so that whatever else the machine does hits
// all, and returns the rounds by host. A first round, for warmth, counts for nothing.
func inTurns[T any](hosts []*host, rounds int, measure func(*host) (T, error)) ([][]T, error) {
	results := make([][]T, len(hosts))
	for round := range 1 + rounds {
		for i := range hosts {
			i = (i + round) % len(hosts)
			result, err := measure(hosts[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", hosts[i].name, err)
			}
			if round > 0 {
				results[i] = append(results[i], result)
			}
		}
	}
	return results, nil
}

// A round is the time and the processor time of a round's requests.
type round struct{ took, used time.Duration }

// service loads hosts that are shops and writes their lines of the table.
func service(hosts []*host, w io.Writer, when string) error {
	results, err := inTurns(hosts, serviceRounds, func(h *host) (r round, err error) {
		before, err := running(h.pid)
		if err != nil {
			return r, err
		}
		begin := time.Now()
		if err := load(h.addr); err != nil {
			return r, err
		}
		r.took = time.Since(begin)
		after, err := running(h.pid)
		r.used = after - before
		return r, err
	})
	if err != nil {
		return err
	}
	var plain []time.Duration
	for i, h := range hosts {
		var took, used []time.Duration
		for _, r := range results[i] {
			took, used = append(took, r.took), append(used, r.used)
		}
		if i == 0 {
			plain = used
		}
		size := ""
		if h.size > 0 {
			size = fmt.Sprintf("%.2f", float64(h.size)/1e6)
		}
		of, half := ratio(used, plain)
		fmt.Fprintf(w, "%s%s\t%s\t%.0f\t%.1f\t%.3f\t%s\n", h.name, when, size,
			requests/median(took).Seconds(), float64(median(used))/requests/1e3, of, half)
	}
	return nil
}

// running is the time that the threads of a process have had a processor, in
// nanoseconds where [cpu] counts ticks. Those of Go stay until the end.
func running(pid int) (sum time.Duration, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", file, err)
		}
		sum += time.Duration(ns)
	}
	if sum == 0 {
		return 0, fmt.Errorf("reading /proc/%d/task/*/schedstat: nothing is counted", pid)
	}
	return sum, nil
}

// micro asks hosts that are testdata/micro for the times of a thousand operations, by
// benchmark and host.
func micro(hosts []*host) (times [][][]time.Duration, err error) {
	for _, name := range micros {
		of, err := inTurns(hosts, microRounds, func(h *host) (time.Duration, error) {
			text, err := read(http.Get("http://" + h.addr + "/" + name))
			if err != nil {
				return 0, err
			}
			ns, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return time.Duration(1000 * ns), err
		})
		if err != nil {
			return nil, err
		}
		times = append(times, of)
	}
	return times, nil
}

// ratio is the median of the rounds' ratios, and where the middle half of them lies.
func ratio(a, b []time.Duration) (of float64, half string) {
	var each []float64
	for i := range a {
		each = append(each, float64(a[i])/float64(b[i]))
	}
	slices.Sort(each)
	return each[len(each)/2], fmt.Sprintf("%.2f..%.2f", each[len(each)/4], each[len(each)*3/4])
}

// brief is ratio in one column.
func brief(a, b []time.Duration) string {
	of, half := ratio(a, b)
	return fmt.Sprintf("%.2f (%s)", of, half)
}
