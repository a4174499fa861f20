package main

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"example.com/hammer/target"
)

// steady makes a kind whose worker keeps nothing.
func steady(name string, step func(c *check)) kind {
	return kind{name: name, begin: func() func(c *check) { return step }}
}

// tight makes a kind that calls one leaf so often that a worker who is stopped is most
// likely stopped in it.
func tight(name string, round func(x uint64) (wrong, seen uint64)) kind {
	return kind{name: "leaf " + name, workers: 3, begin: func() func(c *check) {
		x := uint64(0)
		return func(c *check) {
			x = (x + 1) & 0xffff
			wrong, seen := round(x)
			c.calls += rounds
			c.seen |= seen
			if wrong != 0 {
				c.fail("%d: %#x", x, wrong)
			}
		}
	}}
}

const rounds = 20_000

var kinds = []kind{
	tight("inc", func(x uint64) (wrong, seen uint64) {
		for range rounds {
			v := target.Inc(x)
			wrong |= v>>3 ^ (x + 1)
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("xor", func(x uint64) (wrong, seen uint64) {
		for i := range uint64(rounds) {
			v := target.Xor(x, i)
			wrong |= v>>3 ^ x ^ i
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("load", func(x uint64) (wrong, seen uint64) {
		for range rounds {
			v := target.Load(&x)
			wrong |= v>>3 ^ x
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("store", func(x uint64) (wrong, seen uint64) {
		var v uint64
		for i := range uint64(rounds) {
			target.Store(&v, x+i)
			wrong |= v>>3 ^ (x + i)
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("neg", func(x uint64) (wrong, seen uint64) {
		for range rounds {
			v := target.Neg(int32(x))
			wrong |= uint64(v>>3 + int64(x))
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("double", func(x uint64) (wrong, seen uint64) {
		for range rounds {
			v := uint64(target.Double(float64(x)))
			wrong |= v>>3 ^ 2*x
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("root", func(x uint64) (wrong, seen uint64) {
		for range rounds {
			v := uint64(target.Root(float64(x * x)))
			wrong |= v>>3 ^ x
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("chase", func(x uint64) (wrong, seen uint64) {
		p := &x
		for range rounds {
			v := target.Chase(&p)
			wrong |= v>>3 ^ x
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("square", func(x uint64) (wrong, seen uint64) {
		for range rounds {
			v := target.Square(x)
			wrong |= v>>3 ^ x*x
			seen |= 1 << (v & 7)
		}
		return
	}),
	tight("loop at the entry", func(x uint64) (wrong, seen uint64) {
		list := &target.Node{Value: x}
		for range 3 {
			list = &target.Node{Next: list}
		}
		for range rounds {
			v := target.Last(list)
			wrong |= v>>3 ^ x
			seen |= 1 << (v & 7)
		}
		return
	}),
	steady("leaf others", func(c *check) {
		table := [64]uint8{}
		for i := range uint64(300) {
			c.low(target.Shift(i<<9, 5), i<<4)
			c.low(target.Bool(i%2 == 0, i%3 == 0), map[bool]uint64{true: 1}[i%2 == 0 != (i%3 == 0)])
			c.low(target.Length("text"[:i%5], make([]byte, i)[:0:i]), i%5+i)
			c.low(target.Collatz((2*i+1)<<19), 2*i+1)
			table[i%64] = 1
			c.low(target.Find(&table, uint8(i%64)), find(&table, i%64))
			table[i%64] = 0
			y := i
			for k := range uint64(8) {
				y = ((y ^ y>>3) + k) * 5
			}
			c.low(target.Mix(i), y<<3>>3)
		}
	}),
	steady("split stack", func(c *check) {
		done := make(chan uint64)
		for _, n := range []uint64{10, 400, 3000} {
			go func() { done <- target.Deep(n, nil) }()
			c.tag(<-done, n*(n+1)/2)
		}
	}),
	steady("arguments", func(c *check) {
		list, q := []uint64{1, 2, 30}, &target.Pair{A: 4, B: "b"}
		for i := range uint64(200) {
			sum, text, z, last, err, n, _, _, _, _, _, v := target.Many(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1.5, float64(i), "hello", list, [5]uint64{4: i}, target.Pair{A: 9}, i, q)
			c.tag(sum, i+2+6+12+20+30+42+56+72+90+110+132+5+30+i+9+i)
			c.that(text == "ello" && z == 1.5*float64(i)+1.5 && last == target.Pair{A: 5, B: "b"} && err != nil && n == i && v == 6, "%q %v %v %v %v %v", text, z, last, err, n, v)
			c.tag(target.Variadic(i), i)
			c.tag(target.Variadic(i, 1, 2, i), 2*i+3)
			c.tag(target.Variadic(i, list...), i+33)
			c.text(target.VariadicAny("%d %s %v", i, "x", []int{1}), strings.Replace("# x [1]", "#", itoa(i), 1))
			c.tag(target.Copy(i), i+1+i)
		}
	}),
	{name: "closure", begin: func() func(c *check) {
		add, nested := target.Adder(7), target.Nested(2)
		next, get := target.Counter()
		middle := nested()
		count, middles := uint64(0), uint64(0)
		return func(c *check) {
			for i := range uint64(200) {
				count++
				c.tag(next(), count)
				c.tag(get(), count+7)
				c.tag(add(i), i+7)
				c.tag(target.Adder(i)(3), i+3)
				c.tag(nested()()(i), 2+4+i)
				middles++
				c.tag(middle()(i), 2+3+middles+i)
			}
		}
	}},
	{name: "interface", begin: func() func(c *check) {
		kept := target.Shapes()
		return func(c *check) {
			for i := range uint64(50) {
				for _, shapes := range [][]target.Shape{kept, target.Shapes()} {
					for k, s := range shapes {
						c.tag(s.Area(i), target.Areas[k]+i)
						c.text(s.Name(), names[k])
						if _, ok := s.(target.Word); !ok {
							c.low(target.Kind(s), target.Areas[k])
						}
					}
				}
				c.low(target.Kind(target.Word(1)), 1)
				c.low(target.Kind(nil), 2)
				c.low(target.Kind("four"), 4)
				c.low(target.Kind(1.5), 3)
			}
		}
	}},
	{name: "method value", begin: func() func(c *check) {
		circle, quad := &target.Circle{Radius: 4}, target.Quad{Side: 3}
		bound := []func(uint64) uint64{circle.Area, quad.Area, target.Promoted{Quad: quad}.Area, target.Shape(circle).Area}
		express := (*target.Circle).Area
		reflected := reflect.ValueOf(circle).MethodByName("Area").Interface().(func(uint64) uint64)
		return func(c *check) {
			for i := range uint64(200) {
				for k, want := range []uint64{48, 9, 9, 48} {
					c.tag(bound[k](i), want+i)
				}
				c.tag(express(circle, i), 48+i)
				c.tag(target.Quad.Area(quad, i), 9+i)
				c.tag(reflected(i), 48+i)
			}
		}
	}},
	{name: "generic", begin: func() func(c *check) {
		var kept target.List[string]
		n := uint64(0)
		return func(c *check) {
			for i := range uint64(50) {
				c.low(target.Sum([]uint64{1, 2, i}), 3+i)
				c.low(uint64(target.Sum([]float64{1.5, float64(i), 0.5})), 2+i)
				c.low(uint64(target.Sum([]uint32{uint32(i)})), i)
				words := target.Map([]target.Word{1, target.Word(i)}, func(w target.Word) string { return itoa(uint64(w)) })
				c.that(slices.Equal(words, []string{"1", itoa(i)}), "Map: %q", words)
				pointers := target.Map(words, func(s string) *string { return &s })
				c.that(*pointers[1] == itoa(i), "Map: %q", *pointers[1])
				m, tag := target.Max("a", "c", itoa(i))
				c.that(m == "c", "Max: %q", m)
				c.tag(tag, 0)
				f, tag := target.Max(float64(i), 7.5)
				c.that(f == max(float64(i), 7.5), "Max: %g", f)
				c.tag(tag, 0)
				if n < 100 {
					kept.Push(itoa(n))
					n++
				}
				c.low(target.Lener(kept).Len(), n)
				for k, s := range kept.All() {
					c.that(s == itoa(n-1-uint64(k)), "All: %d: %q", k, s)
				}
				c.tag(target.Ranged(9), ranged(9))
			}
		}
	}},
	steady("defer", func(c *check) {
		for i := range uint64(50) {
			c.tag(target.Deferred(i%9), (i%9)*(max(i%9, 1)-1)/2+1)
			c.tag(target.Recovered(i%4), 4+1)
			c.tag(target.Runtime(int(i)+1), i+1)
			done := make(chan uint64)
			go target.Exit(done, i)
			c.tag(<-done, i)
		}
	}),
	steady("goroutine", func(c *check) {
		for i := range uint64(50) {
			c.tag(target.Start(i), i+i+1+i+2+i+1+1+5)
		}
	}),
	{name: "channel", begin: func() func(c *check) {
		in, out, quit := make(chan uint64), make(chan uint64, 2), make(chan struct{})
		for range 3 {
			go target.Pump(in, out, quit)
		}
		return func(c *check) {
			// A goroutine may have waited in an older version of step.
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := range uint64(100) {
					in <- i
				}
			})
			sum := uint64(0)
			for range 100 {
				v := <-out
				sum += v >> 3
			}
			wg.Wait()
			c.that(sum == 4950, "sum %d", sum)
			c.calls += 200
		}
	}},
	steady("callback", func(c *check) {
		for i := range uint64(20) {
			got := target.Sorted(i)
			c.tag(got, sorted(i))
			c.text(target.Mapped("añ-z"+itoa(i)), "Añ-Z"+itoa(i))
			c.low(target.Fired(i), i)
		}
	}),
	steady("finalizer", func(c *check) {
		done := make(chan uint64, 64)
		target.Drop(20, done)
		for range 40 {
			v := <-collected(done)
			c.calls++
			c.seen |= 1 << (v & 7)
			c.that(v>>3 <= 20, "finalizer of %d", v>>3)
		}
	}),
	{name: "map", begin: func() func(c *check) {
		m := map[target.Key]uint64{}
		return func(c *check) {
			for i := range uint64(300) {
				c.tag(target.Keyed(m, i), i)
				a := [3]target.Key{{Name: itoa(i), Any: "x"}, {N: uint32(i)}, {F: 1}}
				b := a
				b[0].Name = strings.Clone(b[0].Name)
				c.that(target.Equal(a, b), "Equal")
				b[1].N++
				c.that(!target.Equal(a, b), "not Equal")
			}
		}
	}},
	steady("text", func(c *check) {
		for i := range uint64(200) {
			want := string([]byte{byte(i%10) + '0', 0xc3, 0xb1, byte(i%10) + '3', 0xe2, 0x86, 0x92, byte(i%10) + '7'}) + "-" + strings.Repeat("x", int(i%4))
			c.text(target.Text(i), want)
		}
	}),
	steady("float", func(c *check) {
		for i := range uint64(300) {
			x := float64(i%50) / 2
			got, z := target.Polynomial(x, complex(x, 1))
			v := math.Mod(got, 8)
			c.low(uint64(v), 0)
			c.that(got-v == (((x+3)*x-2)*x+0.5)*x*128 && z == complex(x*x-1, 2*x+1), "polynomial of %g: %g, %v", x, got, z)
		}
	}),
	{name: "reflect", begin: func() func(c *check) {
		f, g := reflect.ValueOf(target.Inc), reflect.ValueOf(target.Variadic)
		return func(c *check) {
			for i := range uint64(100) {
				c.low(f.Call([]reflect.Value{reflect.ValueOf(i)})[0].Uint(), i+1)
				c.tag(g.CallSlice([]reflect.Value{reflect.ValueOf(i), reflect.ValueOf([]uint64{i, 1})})[0].Uint(), 2*i+1)
			}
		}
	}},
}

var names = []string{"square", "square", "circle", "word", "square", "square", "circle", "circle", "word"}
