package target

import "cmp"

// Methods by interface: with value and pointer receivers, promoted, bound.

type Shape interface {
	Area(x uint64) uint64
	Name() string
}

type Quad struct{ Side uint64 }

func (s Quad) Area(x uint64) uint64 { return s.Side*s.Side + x | Tag }
func (s Quad) Name() string         { return "square" + mark }

type Circle struct {
	Radius uint64
	calls  uint64
}

func (c *Circle) Area(x uint64) uint64 { return 3*c.Radius*c.Radius + x | Tag }
func (c *Circle) Name() string         { c.calls++; return "circle" + mark }

// Word has one word, and lies in the interface itself.
type Word uint64

func (w Word) Area(x uint64) uint64 { return uint64(w) + x | Tag }
func (w Word) Name() string         { return "word" + mark }

type Promoted struct {
	before uint64
	Quad
}

type PromotedPointer struct {
	before [3]uint64
	*Circle
}

type PromotedInterface struct {
	Shape
	after string
}

func Shapes() []Shape {
	return []Shape{
		Quad{3}, &Quad{3}, &Circle{Radius: 2}, Word(5), Promoted{1, Quad{4}}, &Promoted{1, Quad{4}},
		PromotedPointer{Circle: &Circle{Radius: 5}}, PromotedInterface{&Circle{Radius: 6}, "x"}, struct{ Shape }{Word(9)},
	}
}

// Areas are those of Shapes without x.
var Areas = []uint64{9, 9, 12, 5, 16, 16, 75, 108, 9}

// Kind is a type switch.
func Kind(v any) uint64 {
	switch v := v.(type) {
	case Word:
		return 1<<3 | Version
	case interface{ Area(uint64) uint64 }:
		return (v.Area(0)&(1<<48-1))<<3 | Version
	case nil:
		return 2<<3 | Version
	case string:
		return uint64(len(v))<<3 | Version
	}
	return 3<<3 | Version
}

// Generic functions and types.

type Number interface{ ~uint64 | ~uint32 | ~float64 }

func Sum[T Number](list []T) (s T) {
	for _, x := range list {
		s += x
	}
	return s*8 + Version
}

func Map[A, B any](list []A, f func(A) B) (out []B) {
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

func Max[T cmp.Ordered](first T, more ...T) (T, uint64) {
	for _, x := range more {
		first = max(first, x)
	}
	return first, Tag
}

type List[T any] struct {
	head *item[T]
	n    int
}

type item[T any] struct {
	value T
	next  *item[T]
}

func (l *List[T]) Push(v T) { l.head = &item[T]{v, l.head}; l.n++ }

func (l *List[T]) All() func(yield func(int, T) bool) {
	return func(yield func(int, T) bool) {
		i := 0
		for e := l.head; e != nil && yield(i, e.value); e = e.next {
			i++
		}
	}
}

func (l List[T]) Len() uint64 { return uint64(l.n)<<3 | Version }

type Lener interface{ Len() uint64 }

// Ranged is loops over functions, with all ways out of them.
func Ranged(n uint64) (sum uint64) {
	var l List[uint64]
	for i := range n {
		l.Push(i)
	}
	defer func() { sum |= Tag }()
outer:
	for i, x := range l.All() {
		for _, y := range l.All() {
			if y == x {
				continue outer
			}
			if i > 5 {
				return sum
			}
			sum += y - x
		}
	}
	return sum
}

// Keys of maps, which the compiler makes functions for: type:.eq, type:.hash.
type Key struct {
	Name string
	N    uint32
	Any  any
	F    float64
}

func Keyed(m map[Key]uint64, n uint64) uint64 {
	k := Key{Name: string(rune('a' + n%26)), N: uint32(n % 7), Any: Word(n % 5), F: float64(n%3) / 2}
	before := m[k]
	m[k] = n
	found := m[Key{k.Name, k.N, k.Any, k.F}]
	delete(m, k)
	_, there := m[k]
	if there || before != 0 || (k != Key{k.Name, k.N, Word(n % 5), k.F}) {
		return 1<<47 | Tag
	}
	return found | Tag
}

func Equal(a, b [3]Key) bool { return a == b }
