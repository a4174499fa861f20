package target

import (
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"
)

// Goroutines and channels.

func Start(n uint64) uint64 {
	out := make(chan uint64)
	go work(n, out)
	go func() { out <- n + 1 | Tag }()
	w := Word(n)
	go w.send(out)
	go (&Circle{Radius: n}).send(1, out, "x", 2.5)
	var sum, tags uint64
	for range 4 {
		x := <-out
		sum += x & (1<<48 - 1)
		tags |= x >> 48 << 48
	}
	return sum | tags | Tag
}

func work(n uint64, out chan<- uint64) { out <- n | Tag }

func (w Word) send(out chan<- uint64) { out <- uint64(w) + 2 | Tag }

func (c *Circle) send(a uint64, out chan<- uint64, s string, f float64) {
	out <- c.Radius + a + uint64(len(s)) + uint64(f*2) | Tag
}

// Pump passes on, with its mark, until quit.
func Pump(in <-chan uint64, out chan<- uint64, quit <-chan struct{}) {
	for step(in, out, quit) {
	}
}

func step(in <-chan uint64, out chan<- uint64, quit <-chan struct{}) bool {
	select {
	case x := <-in:
		select {
		case out <- x<<3 | Version:
		case <-quit:
			return false
		}
	case <-quit:
		return false
	}
	return true
}

// Callbacks of the standard library.

func Sorted(n uint64) uint64 {
	a := make([]uint64, 40)
	for i := range a {
		a[i] = (n + uint64(i)*7919) % 97
	}
	b, c := slices.Clone(a), byValue(slices.Clone(a))
	tags := uint64(0)
	sort.Slice(a, func(i, j int) bool { tags |= Tag; return a[i] < a[j] })
	slices.SortFunc(b, compare)
	sort.Sort(c)
	at, ok := slices.BinarySearchFunc(b, a[20], compare)
	if !ok || b[at] != a[20] || !slices.Equal(a, b) || !slices.Equal(a, c) {
		return 1 << 47
	}
	return a[0] + a[39]*100 | tags
}

func compare(x, y uint64) int { return int(x) - int(y) }

type byValue []uint64

func (b byValue) Len() int           { return len(b) }
func (b byValue) Less(i, j int) bool { return b[i] < b[j] }
func (b byValue) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func Mapped(s string) string { return strings.Map(upper, s) + mark }

func upper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

func Fired(n uint64) uint64 {
	c := make(chan uint64, 1)
	time.AfterFunc(0, func() { c <- n<<3 | Version })
	return <-c
}

// Finalizers and cleanups.

type handle struct {
	n    uint64
	done chan<- uint64
	pad  [50]uint64
}

func (h *handle) finalize() { h.done <- h.n<<3 | Version }

// Drop lets n of each fall.
func Drop(n uint64, done chan<- uint64) {
	for range n {
		runtime.SetFinalizer(&handle{n: n, done: done}, (*handle).finalize)
		runtime.AddCleanup(&handle{}, func(c chan<- uint64) { c <- n<<3 | Version }, done)
	}
}

// Text and floating point.

func Text(n uint64) string {
	var b []byte
	for i, r := range "añb→c" {
		if r > 127 {
			b = append(b, string(r)...)
		} else {
			b = append(b, byte(i)+'0'+byte(n%10))
		}
	}
	s := string(b) + "-" + strings.Repeat("x", int(n%4))
	switch s {
	case "06-", "none":
		s = "first"
	}
	return s + mark
}

func Polynomial(x float64, c complex128) (float64, complex128) {
	y := 1.0
	for _, k := range [...]float64{3, -2, 0.5, Version * 0} {
		y = y*x + k
	}
	return y*128 + Version, c*c + 1i
}

func Copy(n uint64) uint64 {
	a := [100]uint64{0: n, 99: n + 1}
	b := a
	b[50] = a[99]
	c := big{a, b}
	d := pass(c)
	return d.b[50] + d.a[0] | Tag
}

type big struct{ a, b [100]uint64 }

func pass(x big) big { x.a[1] = Version; return x }
