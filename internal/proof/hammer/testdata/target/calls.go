package target

import (
	"errors"
	"fmt"
	"runtime"
)

// Deep grows the stack, and has pointers into it.
func Deep(n uint64, up *[8]uint64) uint64 {
	var here [8]uint64
	here[n&7] = n
	if n == 0 {
		return Tag
	}
	below := Deep(n-1, &here)
	sum := here[n&7]
	if up != nil {
		up[0] += 0
		sum += up[(n+1)&7] - (n + 1)
	}
	return (below&(1<<48-1) + sum) | below>>48<<48 | Tag
}

// Many has more arguments and results than registers.
func Many(a, b, c, d, e, f, g, h, i, j, k, l uint64, x, y float64, s string, list []uint64, big [5]uint64, p Pair, any any, q *Pair) (sum uint64, text string, z float64, last Pair, err error, n, m, o, r, t, u, v uint64) {
	sum = a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h + 9*i + 10*j + 11*k + 12*l + uint64(len(s)) + list[len(list)-1] + big[4] + p.A + any.(uint64)
	return sum | Tag, s[1:], x*y + x, Pair{A: q.A + 1, B: q.B}, io, a, b, c, d, e, f, g
}

var io = errors.New("error")

type Pair struct {
	A uint64
	B string
	C float32
	D [2]any
}

// Variadic has three ways to be called.
func Variadic(first uint64, more ...uint64) uint64 {
	for _, x := range more {
		first += x
	}
	return first | Tag
}

func VariadicAny(format string, args ...any) string { return fmt.Sprintf(format, args...) + mark }

const mark = string(rune('0' + Version))

// Closures.

func Adder(by uint64) func(uint64) uint64 { return func(x uint64) uint64 { return x + by | Tag } }

func Counter() (next func() uint64, get func() uint64) {
	n, name := uint64(0), "counter"
	next = func() uint64 { n++; name += ""; return n | Tag }
	get = func() uint64 { return n + uint64(len(name)) | Tag }
	return next, get
}

func Nested(x uint64) func() func() func(uint64) uint64 {
	return func() func() func(uint64) uint64 {
		y := x + 1
		return func() func(uint64) uint64 {
			y++
			return func(z uint64) uint64 { return x + y + z | Tag }
		}
	}
}

// Deferred functions.

func Deferred(n uint64) (sum uint64) {
	for i := range n {
		defer func() { sum = sum + i | Tag }()
	}
	defer add(&sum, 1)
	return 0
}

func add(p *uint64, n uint64) { *p = *p + n | Tag }

func Recovered(n uint64) (sum uint64) {
	defer func() {
		if e := recover(); e != nil {
			sum = e.(uint64) + 1 | Tag
		}
	}()
	defer func() {
		defer func() { sum += recover().(uint64) }()
		panic(uint64(7))
	}()
	thrower(n)
	return 0
}

func thrower(n uint64) {
	if n > 3 {
		panic(n | Tag)
	}
	thrower(n + 1)
}

func Runtime(n int) (sum uint64) {
	defer func() {
		if _, ok := recover().(runtime.Error); ok {
			sum = uint64(n) | Tag
		}
	}()
	var p *Pair
	if n%2 == 0 {
		p.A = 1
	}
	return []uint64{1}[n]
}

// Exit ends its goroutine.
func Exit(done chan<- uint64, n uint64) {
	defer func() { done <- n | Tag }()
	runtime.Goexit()
}
