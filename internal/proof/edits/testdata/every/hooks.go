package hooks

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"sort"
	"strings"
	"sync"
)

// ProofOld is made when the program begins: func values, method values, interface values
// and a goroutine that are there before any edit.
type ProofOld struct {
	funcs   []func(int) string
	shapes  []proofShape
	methods []func(int) int
	keyed   proofKeyed[string, int]
	request chan int
	answer  chan string
}

// NewProofOld makes them.
//
//edits:literals
func NewProofOld(base int, name string, list []string) *ProofOld {
	square := &proofSquare{base}
	old := &ProofOld{
		funcs: []func(int) string{
			func(n int) string { return fmt.Sprint(name, ":", n*base+1) },
			func(n int) string {
				total := 0
				for i, s := range list {
					if len(s) > 2 {
						total += len(s)*i + n
					}
				}
				return fmt.Sprintf("%s %d", strings.ToUpper(name), total)
			},
			func(n int) string {
				double := func(k int) int { return k*2 + base }
				apply := func(k int, f func(int) int) int { return f(f(k)) }
				return fmt.Sprint(double(n), apply(n, double), apply(3, func(k int) int { return k - n }))
			},
			func(n int) (text string) {
				defer func() {
					if e := recover(); e != nil {
						text = fmt.Sprint("recovered ", e)
					}
				}()
				return list[n+base]
			},
			proofPlain,
		},
		shapes:  []proofShape{square, proofCircle{base + 1}, proofNamed{square, name}},
		methods: []func(int) int{square.scaled, proofCircle{2}.scaled},
		keyed:   proofKeyed[string, int]{m: map[string]int{"a": 1, "b": 2, name: base}},
		request: make(chan int),
		answer:  make(chan string),
	}
	go old.loop()
	return old
}

// loop runs as long as the program.
//
//edits:lines
func (old *ProofOld) loop() {
	for n := range old.request {
		old.answer <- proofStep(n)
	}
}

// Ask asks all that is old, and makes the same anew.
func (old *ProofOld) Ask() string {
	var b strings.Builder
	for i, f := range old.funcs {
		fmt.Fprintf(&b, "func %d: %s\n", i, f(i+2))
	}
	for _, shape := range append(old.shapes, proofCircle{1}) {
		fmt.Fprintf(&b, "%s area %d", shape.name(), shape.area())
		switch s := shape.(type) {
		case *proofSquare:
			fmt.Fprintf(&b, " square %d", s.side)
		case fmt.Stringer:
			fmt.Fprintf(&b, " stringer %v", s)
		}
		b.WriteByte('\n')
	}
	for _, method := range old.methods {
		fmt.Fprintln(&b, "method", method(5))
	}
	old.request <- 4
	fmt.Fprintln(&b, "loop", <-old.answer)
	fmt.Fprintln(&b, "generic", old.keyed.sum(), proofFold([]int{3, 1, 2}, "", func(s string, n int) string { return fmt.Sprint(s, n) }))
	fmt.Fprintln(&b, "both", proofFold([]string{"x", "yy"}, 0, func(n int, s string) int { return n*10 + len(s) }))
	fmt.Fprintln(&b, "sequence", proofCollect(7), proofErrors(3), proofWorkers(5))
	return b.String()
}

func proofPlain(n int) string { return fmt.Sprint("plain ", n%3) }

func proofStep(n int) string {
	text := ""
	for i := range n {
		text += fmt.Sprint(proofHelp(i, n), " ")
	}
	return text
}

func proofHelp(a, b int) int {
	if a > b/2 {
		return a*b - 1
	}
	return a + b
}

type proofShape interface {
	area() int
	name() string
}

type proofSquare struct{ side int }

func (s *proofSquare) area() int        { return s.side * s.side }
func (s *proofSquare) name() string     { return "square" }
func (s *proofSquare) scaled(n int) int { return n * s.side }

type proofCircle struct{ radius int }

func (c proofCircle) area() int        { return c.radius * c.radius * 3 }
func (c proofCircle) name() string     { return "circle" }
func (c proofCircle) String() string   { return fmt.Sprintf("circle of %d", c.radius) }
func (c proofCircle) scaled(n int) int { return c.radius*n + 1 }

type proofNamed struct {
	proofShape
	label string
}

func (n proofNamed) name() string { return n.label + " " + n.proofShape.name() }

type proofKeyed[K ~string, V ~int] struct{ m map[K]V }

func (k proofKeyed[K, V]) sum() (total V) {
	keys := make([]string, 0, len(k.m))
	for key := range maps.Keys(k.m) {
		keys = append(keys, string(key))
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] > keys[j] })
	for i, key := range keys {
		total += k.m[K(key)] * V(i+1)
	}
	return total
}

func proofFold[T, A any](list []T, a A, f func(A, T) A) A {
	for i, item := range list {
		if i%2 == 0 {
			a = f(a, item)
		} else {
			a = f(f(a, item), item)
		}
	}
	return a
}

func proofUpTo(n int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i := range n {
			if !yield(i, strings.Repeat("x", i)) {
				return
			}
		}
	}
}

func proofCollect(n int) []string {
	var list []string
	for i, s := range proofUpTo(n) {
		if i == 1 {
			continue
		}
		if i > 4 {
			break
		}
		list = append(list, fmt.Sprint(s, i))
	}
	return list
}

var errProof = errors.New("odd")

type proofError struct{ n int }

func (e *proofError) Error() string { return fmt.Sprintf("error %d", e.n) }
func (e *proofError) Unwrap() error { return errProof }

func proofErrors(n int) string {
	check := func(k int) error {
		if k%2 == 1 {
			return &proofError{k}
		}
		return nil
	}
	var texts []string
	for k := range n {
		err := check(k)
		var e *proofError
		texts = append(texts, fmt.Sprint(errors.Is(err, errProof), errors.As(err, &e)))
	}
	return strings.Join(texts, ",")
}

func proofWorkers(n int) int {
	var wg sync.WaitGroup
	results := make([]int, n)
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			results[i] = proofHelp(i, n)
		}()
	}
	wg.Wait()
	total := 0
	for _, r := range results {
		total = total*3 + r
	}
	return total
}
