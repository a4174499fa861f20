package main

import (
	"runtime"
	"slices"
	"strconv"
)

// What the functions of package target must come to, by other code.

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func find(table *[64]uint8, i uint64) uint64 {
	for table[i&63] != 0 {
		i++
	}
	return i
}

func ranged(n int) (sum uint64) {
	for i := range n {
		for j := range n {
			if i == j {
				break
			}
			if i > 5 {
				return sum
			}
			sum += uint64(i) - uint64(j) // values fall: y - x is j's less i's
		}
	}
	return sum
}

func sorted(n uint64) uint64 {
	a := make([]uint64, 40)
	for i := range a {
		a[i] = (n + uint64(i)*7919) % 97
	}
	return slices.Min(a) + slices.Max(a)*100
}

// collected makes garbage until something comes.
func collected(c <-chan uint64) <-chan uint64 {
	for len(c) == 0 {
		runtime.GC()
		runtime.Gosched()
	}
	return c
}
