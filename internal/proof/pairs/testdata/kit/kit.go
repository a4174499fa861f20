// Package kit is what the packages of the pairs use. No edit touches it.
package kit

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"unsafe"
)

// canaries are objects that lie beside those of the pairs: of every small size, with
// pointers and without. Each word of them is known.
var canaries struct {
	sync.Mutex
	plain   [][]uint64
	pointed [][]*uint64
}

const pattern = 0xc0ffee_0ddba11_5

var target uint64 = pattern

// Beside allocates canaries.
func Beside() {
	canaries.Lock()
	defer canaries.Unlock()
	for words := 1; words <= 6; words++ {
		plain, pointed := make([]uint64, words), make([]*uint64, words)
		for i := range plain {
			plain[i], pointed[i] = pattern, &target
		}
		canaries.plain, canaries.pointed = append(canaries.plain, plain), append(canaries.pointed, pointed)
	}
}

// Check tells of a canary that was written to.
func Check() string {
	canaries.Lock()
	defer canaries.Unlock()
	for _, plain := range canaries.plain {
		for i, word := range plain {
			if word != pattern {
				plain[i] = pattern
				return fmt.Sprintf("word %d of %d is %#x", i, len(plain), word)
			}
		}
	}
	for _, pointed := range canaries.pointed {
		for i, p := range pointed {
			if p != &target {
				pointed[i] = &target
				return fmt.Sprintf("pointer %d of %d is %#x", i, len(pointed), uintptr(unsafe.Pointer(p)))
			}
		}
	}
	if target != pattern {
		target = pattern
		return "what all canaries point to"
	}
	return ""
}

// Guard is what stands on a stack beside the variables of a pair.
func Guard() [6]uint64 {
	return [6]uint64{pattern, pattern + 1, pattern + 2, pattern + 3, pattern + 4, pattern + 5}
}

// Deep uses much of the stack, so that it is copied.
func Deep(n int) int {
	var room [64]int
	if n > 0 {
		room[n%64] = Deep(n-1) + 1
	}
	return room[n%64]
}

// Call calls functions.
func Call(list ...func(int) int) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%d ", f(3))
	}
	return b.String()
}

// A Line connects a question to a goroutine that answers it.
type Line struct{ Ask, Tell chan int }

// NewLine has a goroutine that run is called in.
func NewLine(i int, run func(int, *Line)) *Line {
	l := &Line{make(chan int), make(chan int)}
	go run(i, l)
	return l
}

// Lines are n such.
func Lines(n int, run func(int, *Line)) (list []*Line) {
	for i := range n {
		Beside()
		list = append(list, NewLine(i, run))
	}
	return list
}

// Once asks a new goroutine, and lets it end.
func Once(i int, run func(int, *Line)) string {
	l := NewLine(i, run)
	defer close(l.Ask)
	return Answers([]*Line{l})
}

// Answers asks all lines.
func Answers(list []*Line) string {
	var b strings.Builder
	for _, l := range list {
		l.Ask <- 3
		fmt.Fprintf(&b, "%d ", <-l.Tell)
	}
	return b.String()
}

// All are the questions, until the line is closed.
func (l *Line) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for x := range l.Ask {
			Deep(40)
			if !yield(x) {
				return
			}
		}
	}
}

// Each answers with what f returns, and with -1 if the guard was written to.
func (l *Line) Each(guard *[6]uint64, f func(int) int) {
	for x := range l.Ask {
		Deep(40)
		r := f(x)
		if *guard != Guard() {
			*guard, r = Guard(), -1
		}
		l.Tell <- r
	}
}

// Count is a sequence of 0 to n-1.
func Count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// Same returns what it is given, which the compiler does not see through.
//
//go:noinline
func Same[T any](v T) T { return v }

// Size is that of a type.
func Size[T any]() int { var v T; return int(unsafe.Sizeof(v)) }

// Num is a number that stands for a value.
func Num(v any) int {
	n := 0
	for _, c := range fmt.Sprint(v) {
		n = (n*31 + int(c)) % 1_000_003
	}
	return n
}

// Text is one of several texts.
func Text(i int) string { return strings.Repeat("text", i+1)[:3+i] }

// Err is an error, or none for even numbers.
func Err(i int) error {
	if i%2 == 0 {
		return nil
	}
	return errors.New(Text(i))
}

// Ints is a slice with room behind its end.
func Ints(i int) []int {
	list := make([]int, 2+i, 20+i)
	for at := range list {
		list[at] = 100*i + at
	}
	return list
}

// Add is a function with a variable of its own.
func Add(i int) func(int) int { return func(n int) int { return n + i } }

// A Counter has methods with a pointer as the receiver.
type Counter int

func (c *Counter) Plus(n int) int { *c += Counter(n); return int(*c) }

// A Point is a struct with a method by value and one by pointer.
type Point struct {
	X, Y int
	Name string
}

func (p Point) Sum() int { return p.X + p.Y + len(p.Name) }

func (p *Point) Move(n int) int { p.X += n; return p.X }

// Sum adds up.
func Sum(list []int) int {
	n := 0
	for _, v := range list {
		n += v
	}
	return n
}

// Show is a text of values.
func Show(list ...any) string { return strings.TrimSuffix(fmt.Sprintln(list...), "\n") }
