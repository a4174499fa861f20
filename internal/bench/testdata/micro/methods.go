package main

import "example.com/micro/shape"

var path = func() *shape.Path {
	p := new(shape.Path)
	for i := range 100 {
		p.Add(shape.NewPoint(i, i*i%17))
	}
	return p
}()

var length int

// methods is the worst that can be without inlining: a loop of nothing but getters.
func methods(n int) {
	for range n {
		for i := 1; i < path.Len(); i++ {
			a, b := path.At(i-1), path.At(i)
			length += shape.Distance(a, b)
			b.Move(1, -1)
		}
		if path.Closed() {
			length++
		}
	}
}
