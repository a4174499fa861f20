// Package list has the few slice operations the shop uses for its products,
// cart lines and orders alike.
package list

import (
	"cmp"
	"slices"
)

// SortedBy returns the items in the order of their keys. Items with the same
// key keep their order; the argument is left as it is.
func SortedBy[T any, K cmp.Ordered](items []T, key func(T) K) []T {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b T) int {
		return cmp.Compare(key(a), key(b))
	})
	return sorted
}

// Map returns f of each item.
func Map[T, U any](items []T, f func(T) U) []U {
	mapped := make([]U, 0, len(items))
	for _, item := range items {
		mapped = append(mapped, f(item))
	}
	return mapped
}

// Filter returns the items that keep holds for.
func Filter[T any](items []T, keep func(T) bool) []T {
	kept := make([]T, 0, len(items))
	for _, item := range items {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// Sum adds up one number of each item.
func Sum[T any, N ~int | ~int64](items []T, number func(T) N) N {
	var sum N
	for _, item := range items {
		sum += number(item)
	}
	return sum
}

// Page returns page number n, counted from 1, of size items each. A page past
// the end is empty.
func Page[T any](items []T, n, size int) []T {
	if n < 1 || size < 1 || n-1 > len(items)/size {
		return nil
	}
	start := min((n-1)*size, len(items))
	return items[start:min(start+size, len(items))]
}
