package link

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// A StackError tells of functions that do not check the stack, and may use more of it with
// the image than there surely is.
type StackError struct {
	Limit int
	Roots []string // where such chains of calls begin
	Text  string   // as the Go linker writes it
	// Former: only code that was replaced comes to that: the source is right.
	Former bool
}

func (e *StackError) Error() string {
	who := ""
	if e.Former {
		who = "the former "
	}
	return fmt.Sprintf("%s%s: nosplit stack over %d byte limit", who, e.Roots[0], e.Limit)
}

// infinite is the height of a cycle, and of all that is higher.
const infinite = 1<<15 - 1

// stackNode is a place in memory at which functions that do not check the stack begin.
type stackNode struct {
	bodies []*program.Nosplit // several if it can't be told which it is
	height int                // with all that it calls; valid if done
	busy   bool
	done   bool
}

// stackCheck is what the linker checks of the whole program
// (cmd/link/internal/ld/stackcheck.go), done for what an image changes of it: for the
// functions of the image, for what they call in the program, and for what of the program
// calls them, which has not changed but may call more now. Former versions count, too: a call
// of one in progress calls the new functions.
type stackCheck struct {
	nodes     map[uint64]*stackNode
	image     map[uint64]*symbol // the functions in the image, by their entries
	redirects map[uint64]uint64  // from all versions of a function to that in the image
	morestack uint64
	program   *program.Program
}

// checkStack runs when the image has its addresses.
func (l *linker) checkStack() error {
	c := &stackCheck{nodes: map[uint64]*stackNode{}, image: map[uint64]*symbol{}, redirects: map[uint64]uint64{}, program: l.Program}
	for _, s := range l.sections[secText] {
		c.image[s.addr] = s
		if s.object.Flag(s.sym)&goobj.FlagNoSplit != 0 {
			l.image.Nosplit = append(l.image.Nosplit, s.nosplit())
		}
		if s.replaces == "" {
			continue
		}
		if old, ok, err := l.Program.Function(s.replaces, s.abi); ok && err == nil {
			for _, v := range l.Program.Versions(old) {
				c.redirects[v.Addr] = s.addr
			}
		}
	}
	if m, ok, err := l.Program.HostFunction("runtime.morestack", goobj.ABI0); ok && err == nil {
		c.morestack = m.Addr
	}
	for _, list := range [][]program.Nosplit{l.Program.Nosplit(), l.image.Nosplit} {
		for i := range list {
			n := c.nodes[list[i].At]
			if n == nil {
				n = &stackNode{}
				c.nodes[list[i].At] = n
			}
			n.bodies = append(n.bodies, &list[i])
		}
	}
	return c.check(l)
}

// nosplit is what a function of the image does to the stack. Its targets have addresses.
func (s *symbol) nosplit() program.Nosplit {
	use := s.object.StackUse(s.sym)
	n := program.Nosplit{Name: s.name, ABI: s.abi, At: s.addr, Most: use.Most}
	for _, call := range use.Calls {
		to := uint64(0)
		if !call.Callee.IsZero() {
			i := slices.IndexFunc(s.relocs, func(r goobj.Reloc) bool { return r.Type&^goobj.RWeak == goobj.RCall && r.Sym == call.Callee })
			to = s.targets[i].address()
		}
		n.Calls = append(n.Calls, program.NosplitCall{Growth: call.Growth, To: to})
	}
	return n
}

// enters is the body that a call of an address enters: every version is redirected to the
// newest, and all are to that in the image.
func (c *stackCheck) enters(to uint64) uint64 {
	if at, ok := c.redirects[to]; ok {
		return at
	}
	versions := c.program.Versions(to)
	return versions[len(versions)-1].Addr
}

// height is how far the stack may grow by a call of what is at an address.
func (c *stackCheck) height(at uint64) int {
	n := c.nodes[at]
	switch {
	case at == c.morestack && at != 0:
		return 0 // it goes on on another stack
	case n == nil:
		// It checks the stack, for which it calls runtime.morestack. The linker takes it
		// that what is called indirectly does so, too.
		return goobj.CallSize
	case n.done:
		return n.height
	case n.busy:
		return infinite
	}
	n.busy = true
	for _, b := range n.bodies {
		n.height = max(n.height, min(b.Most, infinite))
		for _, call := range b.Calls {
			n.height = max(n.height, min(call.Growth+c.height(c.target(call)), infinite))
		}
	}
	n.busy, n.done = false, true
	return n.height
}

// target is the body that a call enters; 0 if it is indirect.
func (c *stackCheck) target(call program.NosplitCall) uint64 {
	if call.To == 0 {
		return 0
	}
	return c.enters(call.To)
}

// concerned are the places from which the code of the image is reached: all else is as it was.
func (c *stackCheck) concerned() map[uint64]bool {
	callers := map[uint64][]uint64{}
	for at, n := range c.nodes {
		for _, b := range n.bodies {
			for _, call := range b.Calls {
				to := c.target(call)
				callers[to] = append(callers[to], at)
			}
		}
	}
	set := map[uint64]bool{}
	work := make([]uint64, 0, len(c.image))
	for at := range c.image {
		work = append(work, at)
	}
	for len(work) > 0 {
		at := work[len(work)-1]
		work = work[:len(work)-1]
		if set[at] {
			continue
		}
		set[at] = true
		work = append(work, callers[at]...)
	}
	return set
}

func (c *stackCheck) check(l *linker) error {
	limit := c.program.StackLimit()
	var over []uint64
	for at := range c.concerned() {
		if c.nodes[at] != nil && c.height(at) > limit {
			over = append(over, at)
		}
	}
	if len(over) == 0 {
		return nil
	}
	// The linker names where chains begin, the longest first.
	called := map[uint64]bool{}
	for _, at := range over {
		for _, b := range c.nodes[at].bodies {
			for _, call := range b.Calls {
				if to := c.target(call); to != at {
					called[to] = true
				}
			}
		}
	}
	slices.SortFunc(over, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(c.height(b), c.height(a)), cmp.Compare(a, b))
	})
	roots := slices.DeleteFunc(slices.Clone(over), func(at uint64) bool { return called[at] })
	if len(roots) == 0 {
		roots = over[:1] // they call each other
	}
	// A call of what is replaced, or has no name any more, is not what the source says.
	current := slices.DeleteFunc(slices.Clone(over), func(at uint64) bool { return !c.current(l, at) })
	if len(current) > 0 {
		roots = slices.DeleteFunc(roots, func(at uint64) bool { return !c.current(l, at) })
		if len(roots) == 0 {
			roots = current[:1]
		}
	}
	e := &StackError{Limit: limit, Former: len(current) == 0}
	var text strings.Builder
	for _, at := range roots {
		e.Roots = append(e.Roots, c.name(at))
		fmt.Fprintf(&text, "%s: nosplit stack over %d byte limit\n", c.name(at), limit)
		r := stackReport{stackCheck: c, out: &text, busy: map[uint64]bool{}, lines: []string{c.versioned(at)}}
		r.walk(at, limit)
	}
	e.Text = text.String()
	return e
}

// current reports whether a body is that of a function of the source as it is now.
func (c *stackCheck) current(l *linker, at uint64) bool {
	if c.image[at] != nil {
		return true
	}
	if c.enters(at) != at {
		return false
	}
	b := c.nodes[at].bodies[0]
	_, replaced := l.named[symName{b.Name, b.ABI}]
	_, removed := c.program.Removed(b.Name, b.ABI)
	if replaced || removed {
		return false
	}
	newest, ok, err := c.program.Function(b.Name, b.ABI)
	return !ok || err != nil || newest == at
}

func (c *stackCheck) name(at uint64) string {
	if n := c.nodes[at]; n != nil {
		return n.bodies[0].Name
	}
	return ""
}

// versioned is the name of what is called, with its ABI, as the linker writes it.
func (c *stackCheck) versioned(at uint64) string {
	switch n := c.nodes[at]; {
	case at == 0:
		return "indirect"
	case n != nil:
		return fmt.Sprintf("%s<%d>", n.bodies[0].Name, n.bodies[0].ABI)
	case c.image[at] != nil:
		return fmt.Sprintf("%s<%d>", c.image[at].name, c.image[at].abi)
	}
	name, abi := c.program.NameAt(at)
	return fmt.Sprintf("%s<%d>", name, abi)
}

// stackReport writes the chains of calls that are too long.
type stackReport struct {
	*stackCheck
	out     *strings.Builder
	busy    map[uint64]bool
	lines   []string // of the chain so far
	printed int      // of these
}

// walk follows the calls of a body, below which there are so many bytes.
func (r *stackReport) walk(at uint64, left int) {
	r.busy[at] = true
	defer delete(r.busy, at)
	step := func(growth int, calls string, next func(left int)) {
		indent := strings.Repeat("    ", len(r.lines))
		r.lines = append(r.lines, fmt.Sprintf("%sgrows %d bytes%s", indent, growth, calls))
		next(left - growth)
		r.lines = r.lines[:len(r.lines)-1]
		r.printed = min(r.printed, len(r.lines))
	}
	for _, b := range r.nodes[at].bodies {
		deepest := 0
		for _, call := range b.Calls {
			to := r.target(call)
			deepest = max(deepest, call.Growth+r.height(to))
			step(call.Growth, ", calls "+r.versioned(to), func(left int) {
				switch {
				case r.busy[to]:
					r.end("infinite cycle")
				case r.nodes[to] != nil:
					r.walk(to, left)
				case to == r.morestack && left < 0:
					r.end(overLimit(-left))
				case to != r.morestack && left < goobj.CallSize:
					step(goobj.CallSize, ", calls runtime.morestack<0>", func(int) { r.end(overLimit(goobj.CallSize - left)) })
				}
			})
		}
		switch {
		case b.Most > deepest:
			step(b.Most, "", func(left int) {
				if left < 0 {
					r.end(overLimit(-left))
				}
			})
		case len(b.Calls) == 0 && left < 0:
			r.end(overLimit(-left))
		}
	}
}

func overLimit(n int) string { return fmt.Sprintf("%d bytes over limit", n) }

// end writes what of the chain was not yet written, and how it ends.
func (r *stackReport) end(how string) {
	for ; r.printed < len(r.lines); r.printed++ {
		fmt.Fprintln(r.out, r.lines[r.printed])
	}
	fmt.Fprintf(r.out, "%s%s\n", strings.Repeat("    ", len(r.lines)-1), how)
}
