package main

import (
	"cmp"
	"fmt"
	"strings"

	"example.com/edits/container/heap"
	"example.com/edits/container/list"
	"example.com/edits/container/ring"
	"example.com/edits/slices"
)

func before() []question {
	a, b, c, d := slices.NewProofOld(3, "tea", words), heap.NewProofOld(2, "leaf", words), list.NewProofOld(4, "pot", words), ring.NewProofOld(1, "cup", words)
	return []question{{"old slices", a.Ask}, {"old heap", b.Ask}, {"old list", c.Ask}, {"old ring", d.Ask}, {"lines", func() string {
		return slices.ProofLines() + heap.ProofLines() + list.ProofLines() + ring.ProofLines()
	}}}
}

var words = []string{"one", "to", "three", "four"}

type person struct {
	name string
	age  int
}

func people() []person {
	return []person{{"ann", 30}, {"bob", 25}, {"cleo", 30}, {"dan", 19}, {"eve", 25}}
}

type pile []int

func (p pile) Len() int           { return len(p) }
func (p pile) Less(i, j int) bool { return p[i] < p[j] }
func (p pile) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *pile) Push(x any)        { *p = append(*p, x.(int)) }
func (p *pile) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

func numbers(n int) []int {
	list, x := make([]int, n), 7
	for i := range list {
		x = x * 1103515245 % 65537
		list[i] = x % 100
	}
	return list
}

func floats(n int) []float64 {
	var list []float64
	for _, x := range numbers(n) {
		list = append(list, float64(x)/3)
	}
	return list
}

// of asks the same of every type.
func of[T cmp.Ordered](name string, make func() []T, one T) []question {
	return []question{
		{name + " sort", func() string { s := make(); slices.Sort(s); return fmt.Sprint(s, slices.IsSorted(s)) }},
		{name + " sort func", func() string {
			s := make()
			slices.SortFunc(s, func(a, b T) int { return -cmp.Compare(a, b) })
			return fmt.Sprint(s)
		}},
		{name + " stable", func() string {
			s := make()
			slices.SortStableFunc(s, func(a, b T) int { return cmp.Compare(a, b) })
			return fmt.Sprint(s, slices.IsSortedFunc(s, cmp.Compare[T]))
		}},
		{name + " search", func() string {
			s := make()
			slices.Sort(s)
			i, found := slices.BinarySearch(s, one)
			j, also := slices.BinarySearchFunc(s, one, cmp.Compare[T])
			return fmt.Sprint(i, found, j, also)
		}},
		{name + " find", func() string {
			s := make()
			return fmt.Sprint(slices.Index(s, one), slices.Contains(s, one), slices.IndexFunc(s, func(t T) bool { return t > one }), slices.Max(s), slices.Min(s), slices.MaxFunc(s, cmp.Compare[T]))
		}},
		{name + " edit", func() string {
			s := make()
			s = slices.Insert(s, 1, one, one)
			s = slices.Delete(s, 3, 5)
			s = slices.Replace(s, 0, 2, one)
			c := slices.Clone(s)
			slices.Reverse(c)
			return fmt.Sprint(s, c, slices.Compact(slices.Clone(s)), slices.Concat(s, c), slices.Repeat(s[:1], 3), slices.DeleteFunc(c, func(t T) bool { return t == one }))
		}},
		{name + " compare", func() string {
			s := make()
			return fmt.Sprint(slices.Equal(s, s), slices.Compare(s, s[1:]), slices.EqualFunc(s, s[1:], func(a, b T) bool { return a < b }), slices.CompareFunc(s, s, cmp.Compare[T]))
		}},
		{name + " iterate", func() string {
			s := make()
			var b strings.Builder
			for i, v := range slices.Backward(s) {
				if i > 5 {
					continue
				}
				fmt.Fprint(&b, i, v, " ")
			}
			for chunk := range slices.Chunk(s, 4) {
				fmt.Fprint(&b, chunk, " ")
			}
			return b.String() + fmt.Sprint(slices.Collect(slices.Values(s)), slices.Sorted(slices.Values(s)), slices.AppendSeq(s[:1:1], slices.Values(s[:2])))
		}},
		{name + " grow", func() string {
			s := slices.Grow(make(), 10)
			return fmt.Sprint(cap(s) >= len(s)+10, cap(slices.Clip(s)) == len(s))
		}},
		{name + " wrong", func() string { return fmt.Sprint(slices.Insert(make(), 1000, one)) }},
		{name + " wrong too", func() string { return fmt.Sprint(slices.Delete(make(), 3, 1)) }},
		{name + " empty", func() string { return fmt.Sprint(slices.Max([]T(nil))) }},
	}
}

func questions() []question {
	all := of("ints", func() []int { return numbers(60) }, 42)
	all = append(all, of("few", func() []int8 { return []int8{3, 1, 2, 3, 3, 9, 4} }, 3)...)
	all = append(all, of("floats", func() []float64 { return floats(30) }, 14)...)
	all = append(all, of("strings", func() []string {
		return strings.Fields("the quick brown fox jumps over the lazy dog and then some more")
	}, "fox")...)
	return append(all,
		question{"people", func() string {
			s := people()
			slices.SortFunc(s, func(a, b person) int { return cmp.Or(cmp.Compare(a.age, b.age), strings.Compare(b.name, a.name)) })
			i, found := slices.BinarySearchFunc(s, 25, func(p person, age int) int { return cmp.Compare(p.age, age) })
			stable := people()
			slices.SortStableFunc(stable, func(a, b person) int { return a.age - b.age })
			return fmt.Sprint(s, i, found, stable, slices.Contains(s, person{"ann", 30}), slices.CompactFunc(s, func(a, b person) bool { return a.age == b.age }))
		}},
		question{"heap", func() string {
			p := pile(numbers(20))
			heap.Init(&p)
			heap.Push(&p, -5)
			p[3] = 50
			heap.Fix(&p, 3)
			out := []any{heap.Remove(&p, 2)}
			for p.Len() > 0 {
				out = append(out, heap.Pop(&p))
			}
			return fmt.Sprint(out...)
		}},
		question{"list", func() string {
			l := list.New()
			e := l.PushBack(4)
			l.PushFront(1)
			l.InsertBefore(3, e)
			l.InsertAfter("x", e)
			l.MoveToFront(e)
			other := list.New()
			other.PushBack("o")
			l.PushBackList(other)
			l.PushFrontList(other)
			l.MoveAfter(l.Front(), l.Back())
			l.Remove(l.Front().Next())
			var b strings.Builder
			for e := l.Front(); e != nil; e = e.Next() {
				fmt.Fprint(&b, e.Value, " ")
			}
			return fmt.Sprint(b.String(), l.Len(), l.Back().Prev().Value)
		}},
		question{"ring", func() string {
			r := ring.New(5)
			for i := range r.Len() {
				r.Value = i
				r = r.Next()
			}
			r.Unlink(2)
			other := ring.New(2)
			r.Link(other)
			var b strings.Builder
			r.Move(3).Do(func(v any) { fmt.Fprint(&b, v, " ") })
			return fmt.Sprint(b.String(), r.Len(), r.Prev().Value)
		}})
}
