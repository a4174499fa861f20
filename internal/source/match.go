package source

import "slices"

// A Pair is a func literal of the old source and what became of it.
type Pair struct{ Old, New *Literal }

// MatchLiterals finds the literals that two versions of one function or
// initializer have in common. The lists are the [Decl.Lits] of the two. The
// result has the literals in them and, where those match, the literals that are
// in those, in the order of the old source.
//
// The program runs new code in the place of old wherever a pair says so. A pair
// too few costs a restart or an old closure that stays old; a wrong pair is a
// program that nobody wrote. So a pair must be what its author would call the
// same literal, edited. The steps, each among the literals that those before it
// left, and always of one signature:
//
//  1. If nothing but literal bodies changed, by position; but literals that
//     only swapped places follow their text.
//  2. Same text at the same place of the code (Context), in order; then, where
//     just one is left of both, wherever it moved to.
//  3. Same place, body edited: where the place tells by itself which it is (a
//     route, a name, the key of a table row) and both sides have it once.
//  4. Same text, place edited: as many on both sides, in order. A body of less
//     than minWords words must also be in a similar place.
//  5. Same place, body edited, between the same matched neighbours. If the
//     place is one of several, or says nothing (go func(){…}()), bodies must
//     be similar, and clearly more so than those of any other choice.
//  6. Body and place edited: the only two of their signature between the same
//     matched neighbours, with the same string constants and names in their
//     places and similar bodies: a literal that was wrapped in a call.
//
// Bodies are similar if at least minSimilarity of their words, see words, are
// shared, counted as 2·shared/(old+new). Literals of one function are often near
// copies: of all pairs with one signature and different texts in twelve packages
// of the standard library and their tests, four in ten are that similar. So
// similarity never chooses alone; it confirms what place and order say.
func MatchLiterals(old, new []*Literal) []Pair {
	m := newMatcher(old, new)
	m.sameSkeleton()
	m.sameTextAndPlace()
	m.distinctPlace()
	m.sameText()
	m.samePlace()
	m.onlyOnes()

	var pairs []Pair
	for i, j := range m.to {
		if j >= 0 {
			pairs = append(pairs, Pair{old[i], new[j]})
			pairs = append(pairs, MatchLiterals(old[i].Children, new[j].Children)...)
		}
	}
	return pairs
}

const (
	minSimilarity = 0.6
	minMargin     = 0.1 // by which the best choice must be ahead
	minWords      = 8
	maxAlign      = 1 << 20 // cells of the alignment table; longer lists only by unique text
	maxChoice     = 1 << 12 // cells of a table of similarities; more are too alike to choose
)

type matcher struct {
	old, new []*Literal
	to, from []int // index in new of each old one and the reverse, or -1
	bags     map[string]bag
}

// A bag is the result of words.
type bag struct {
	count map[string]int
	total int
}

func newMatcher(old, new []*Literal) *matcher {
	m := &matcher{old: old, new: new, bags: make(map[string]bag)}
	m.to = slices.Repeat([]int{-1}, len(old))
	m.from = slices.Repeat([]int{-1}, len(new))
	return m
}

// pair records a match if both are free and have one signature.
func (m *matcher) pair(i, j int) {
	if m.to[i] < 0 && m.from[j] < 0 && m.old[i].Signature == m.new[j].Signature {
		m.to[i], m.from[j] = j, i
	}
}

func (m *matcher) bag(text string) bag {
	b, ok := m.bags[text]
	if !ok {
		b.count, b.total = words(text)
		m.bags[text] = b
	}
	return b
}

// similarity is 1 for the same words, 0 for none in common.
func (m *matcher) similarity(a, b string) float64 {
	x, y := m.bag(a), m.bag(b)
	if x.total+y.total == 0 {
		return 1
	}
	shared := 0
	for word, n := range x.count {
		shared += min(n, y.count[word])
	}
	return 2 * float64(shared) / float64(x.total+y.total)
}

// groups returns the free literals in the given index ranges by a key; those with
// the key "" are left out.
func (m *matcher) groups(g gap, key func(*Literal) string) map[string]*group {
	groups := make(map[string]*group)
	at := func(k string) *group {
		if groups[k] == nil {
			groups[k] = new(group)
		}
		return groups[k]
	}
	for i := g.oldFrom; i < g.oldTo; i++ {
		if k := key(m.old[i]); k != "" && m.to[i] < 0 {
			at(k).old = append(at(k).old, i)
		}
	}
	for j := g.newFrom; j < g.newTo; j++ {
		if k := key(m.new[j]); k != "" && m.from[j] < 0 {
			at(k).new = append(at(k).new, j)
		}
	}
	return groups
}

type group struct{ old, new []int }

func (g *group) single() bool { return len(g.old) == 1 && len(g.new) == 1 }

// A gap is what lies between two matched neighbours.
type gap struct{ oldFrom, oldTo, newFrom, newTo int }

func (m *matcher) all() gap { return gap{0, len(m.old), 0, len(m.new)} }

// gaps cuts the lists at the matched literals that kept their order.
func (m *matcher) gaps() []gap {
	var gaps []gap
	last := gap{oldFrom: 0, newFrom: 0}
	for _, i := range rising(m.to) {
		last.oldTo, last.newTo = i, m.to[i]
		gaps = append(gaps, last)
		last = gap{oldFrom: i + 1, newFrom: m.to[i] + 1}
	}
	last.oldTo, last.newTo = len(m.old), len(m.new)
	return append(gaps, last)
}

// rising returns the indices of a longest rising subsequence of the values >= 0.
func rising(values []int) []int {
	var tails []int // tails[n]: index of the smallest end of a sequence of n+1
	prev := make([]int, len(values))
	for i, v := range values {
		if v < 0 {
			continue
		}
		n, _ := slices.BinarySearchFunc(tails, v, func(t, v int) int { return values[t] - v })
		prev[i] = -1
		if n > 0 {
			prev[i] = tails[n-1]
		}
		tails = append(tails[:n], append([]int{i}, tails[min(n+1, len(tails)):]...)...)
	}
	var list []int
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = prev[i] {
			list = append(list, i)
		}
	}
	slices.Reverse(list)
	return list
}

func placed(l *Literal) string { return l.Full + "\x00" + l.spots[0].key() }

// Step 1.
func (m *matcher) sameSkeleton() {
	if len(m.old) != len(m.new) || len(m.old) == 0 || m.old[0].around != m.new[0].around {
		return
	}
	for i := range m.old {
		if m.old[i].Full == m.new[i].Full {
			m.pair(i, i)
		}
	}
	m.singles(m.all(), placed)
	for i := range m.old {
		m.pair(i, i)
	}
}

// singles pairs the literals whose key is left once on both sides.
func (m *matcher) singles(g gap, key func(*Literal) string) {
	for _, group := range m.groups(g, key) {
		if group.single() {
			m.pair(group.old[0], group.new[0])
		}
	}
}

// Step 2.
func (m *matcher) sameTextAndPlace() {
	m.align(placed)
	m.singles(m.all(), placed)
}

// align pairs the free literals with equal keys along a longest common
// subsequence. What the lists begin and end with is taken first, so that the
// hole that an edit makes in a row of equal literals is at its place.
func (m *matcher) align(key func(*Literal) string) {
	g := m.all()
	numbers := make(map[string]int) // of keys, which are long
	number := func(lits []*Literal) []int {
		list := make([]int, len(lits))
		for i, l := range lits {
			k := key(l)
			if numbers[k] == 0 {
				numbers[k] = len(numbers) + 1
			}
			list[i] = numbers[k]
		}
		return list
	}
	oldKeys, newKeys := number(m.old), number(m.new)
	same := func(i, j int) bool {
		return m.to[i] < 0 && m.from[j] < 0 && oldKeys[i] == newKeys[j]
	}
	for g.oldFrom < g.oldTo && g.newFrom < g.newTo && same(g.oldFrom, g.newFrom) {
		m.pair(g.oldFrom, g.newFrom)
		g.oldFrom++
		g.newFrom++
	}
	for g.oldFrom < g.oldTo && g.newFrom < g.newTo && same(g.oldTo-1, g.newTo-1) {
		g.oldTo--
		g.newTo--
		m.pair(g.oldTo, g.newTo)
	}
	rows, cols := g.oldTo-g.oldFrom, g.newTo-g.newFrom
	if rows*cols > maxAlign {
		return
	}
	length := make([][]int, rows+1) // length[i][j]: of what begins at i and j
	for i := range length {
		length[i] = make([]int, cols+1)
	}
	for i := rows - 1; i >= 0; i-- {
		for j := cols - 1; j >= 0; j-- {
			if same(g.oldFrom+i, g.newFrom+j) {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < rows && j < cols; {
		switch {
		case same(g.oldFrom+i, g.newFrom+j):
			m.pair(g.oldFrom+i, g.newFrom+j)
			i++
			j++
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
}

// Step 3.
func (m *matcher) distinctPlace() {
	type count struct{ old, new int }
	depth := 0
	counts := make(map[string]*count) // of spots among all literals, matched or not
	tally := func(lits []*Literal, add func(*count)) {
		for _, l := range lits {
			depth = max(depth, len(l.spots))
			for _, s := range l.spots {
				k := s.key()
				if counts[k] == nil {
					counts[k] = new(count)
				}
				add(counts[k])
			}
		}
	}
	tally(m.old, func(c *count) { c.old++ })
	tally(m.new, func(c *count) { c.new++ })
	for level := range depth {
		for _, g := range m.groups(m.all(), func(l *Literal) string {
			if level >= len(l.spots) || !l.spots[level].distinct() {
				return ""
			}
			k := l.spots[level].key()
			if *counts[k] != (count{1, 1}) {
				return ""
			}
			return k
		}) {
			if !g.single() {
				continue
			}
			old, new := m.old[g.old[0]].spots, m.new[g.new[0]].spots
			// A field's name alone says nothing if all around it is another's.
			if level > 0 && len(old[level].strings) == 0 && !old[level-1].sameIdentity(new[level-1]) {
				continue
			}
			m.pair(g.old[0], g.new[0])
		}
	}
}

// Step 4.
func (m *matcher) sameText() {
	for _, g := range m.groups(m.all(), func(l *Literal) string { return l.Full }) {
		if len(g.old) != len(g.new) {
			continue
		}
		for k, i := range g.old {
			old, new := m.old[i], m.new[g.new[k]]
			if m.bag(old.code).total >= minWords || m.similarity(old.spots[0].text, new.spots[0].text) >= minSimilarity {
				m.pair(i, g.new[k])
			}
		}
	}
}

// Step 5.
func (m *matcher) samePlace() {
	for _, gap := range m.gaps() {
		for _, g := range m.groups(gap, func(l *Literal) string { return l.spots[0].key() + l.Signature }) {
			if len(g.old) == 0 || len(g.new) == 0 {
				continue
			}
			if g.single() && m.old[g.old[0]].spots[0].distinct() {
				m.pair(g.old[0], g.new[0])
				continue
			}
			m.best(g)
		}
	}
}

// best pairs the literals of a group that are similar, unless another choice is
// nearly as good.
func (m *matcher) best(g *group) {
	if len(g.old)*len(g.new) > maxChoice {
		return
	}
	table := make([][]float64, len(g.old))
	for i := range table {
		table[i] = make([]float64, len(g.new))
		for j := range table[i] {
			table[i][j] = m.similarity(m.old[g.old[i]].code, m.new[g.new[j]].code)
		}
	}
	// ahead tells whether i and j are similar and by margin better than i or j with others.
	ahead := func(i, j int, margin float64) bool {
		s := table[i][j]
		if s < minSimilarity {
			return false
		}
		for k := range g.old {
			if k != i && table[k][j] > s-margin {
				return false
			}
		}
		for k := range g.new {
			if k != j && table[i][k] > s-margin {
				return false
			}
		}
		return true
	}
	last := -1
	for i := range g.old {
		for j := range g.new {
			margin := minMargin
			if i == j && len(g.old) == len(g.new) {
				margin = 0 // the order speaks for them too
			}
			if j > last && ahead(i, j, margin) {
				m.pair(g.old[i], g.new[j])
				last = j
				break
			}
		}
	}
}

// Step 6.
func (m *matcher) onlyOnes() {
	for _, gap := range m.gaps() {
		for _, g := range m.groups(gap, func(l *Literal) string { return l.Signature }) {
			if !g.single() {
				continue
			}
			old, new := m.old[g.old[0]], m.new[g.new[0]]
			if old.spots[0].sameIdentity(new.spots[0]) && m.similarity(old.code, new.code) >= minSimilarity {
				m.pair(g.old[0], g.new[0])
			}
		}
	}
}
