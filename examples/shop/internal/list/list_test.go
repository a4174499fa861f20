package list

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestSortedBy(t *testing.T) {
	items := []string{"pear", "fig", "apple", "nut"}
	got := SortedBy(items, func(s string) int { return len(s) })
	if want := []string{"fig", "nut", "pear", "apple"}; !slices.Equal(got, want) {
		t.Errorf("sorted by length: %q, want %q", got, want)
	}
	if items[0] != "pear" {
		t.Errorf("the argument was sorted too: %q", items)
	}
}

func TestMapFilterSum(t *testing.T) {
	upper := Map([]string{"a", "bc"}, strings.ToUpper)
	if !slices.Equal(upper, []string{"A", "BC"}) {
		t.Errorf("mapped: %q", upper)
	}
	even := Filter([]int{1, 2, 3, 4}, func(n int) bool { return n%2 == 0 })
	if !slices.Equal(even, []int{2, 4}) {
		t.Errorf("filtered: %d", even)
	}
	if n := Sum(upper, func(s string) int { return len(s) }); n != 3 {
		t.Errorf("sum of lengths: %d, want 3", n)
	}
}

func TestPage(t *testing.T) {
	items := []int{1, 2, 3, 4, 5}
	for _, test := range []struct {
		n, size int
		want    []int
	}{
		{1, 2, []int{1, 2}},
		{3, 2, []int{5}},
		{4, 2, nil},
		{1, 5, items},
		{2, 5, nil},
		{0, 2, nil},
		{1, 0, nil},
		{math.MaxInt, 2, nil},
		{2, math.MaxInt, nil},
	} {
		if got := Page(items, test.n, test.size); !slices.Equal(got, test.want) {
			t.Errorf("page %d of size %d: %d, want %d", test.n, test.size, got, test.want)
		}
	}
}
