package command

import "strings"

// nearest returns the one of known that is a few typing mistakes away from name,
// or "".
func nearest(name string, known []string) string {
	name = strings.TrimLeft(name, "-")
	best, least := "", min(len(name), 2+len(name)/4)
	for _, k := range known {
		if d := distance(name, strings.TrimLeft(k, "-")); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance returns how many letters must be put in, taken out, changed or
// swapped with their neighbour to make b of a.
func distance(a, b string) int {
	// rows[2][j] is the distance of a[:i] and b[:j]; rows[1] and rows[0] are
	// those of the two i before.
	var rows [3][]int
	for r := range rows {
		rows[r] = make([]int, len(b)+1)
	}
	for j := range rows[2] {
		rows[2][j] = j
	}
	for i := 1; i <= len(a); i++ {
		rows[0], rows[1], rows[2] = rows[1], rows[2], rows[0]
		rows[2][0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[1][j]+1, rows[2][j-1]+1, rows[1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[0][j-2]+1)
			}
			rows[2][j] = d
		}
	}
	return rows[2][len(b)]
}
