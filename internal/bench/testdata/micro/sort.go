package main

import (
	"cmp"
	"maps"
	"slices"
)

type item struct {
	name  string
	price int
}

var (
	items  = make([]item, 200)
	prices = make([]int, 200)
	found  int
)

// sort has generic functions of the standard library: their instances belong to the
// package that uses them, and are compiled as it is.
func sort(n int) {
	for i := range n {
		for j := range items {
			price := (j*7919 + i) % 1009
			items[j], prices[j] = item{keys[price%len(keys)], price}, price
		}
		slices.SortFunc(items, func(a, b item) int {
			if c := cmp.Compare(a.name, b.name); c != 0 {
				return c
			}
			return cmp.Compare(a.price, b.price)
		})
		slices.Sort(prices)
		if _, ok := slices.BinarySearch(prices, 500); ok {
			found++
		}
		if slices.Contains(prices, 501) || slices.IndexFunc(items, func(i item) bool { return i.price == 502 }) >= 0 {
			found++
		}
		byName := map[string]int{}
		for _, i := range items[:20] {
			byName[i.name] += i.price
		}
		found += len(slices.Sorted(maps.Keys(byName)))
	}
}
