package main

// A place is where the closure lives. Its code has VARS, ABOVE and AFTER for what is
// around the literal, LIT for the literal, or BODY and RESULT for what is in it; i is the
// number of the closure, x the argument.
type place struct {
	name    string
	code    string
	imports string
	own     string // a variable that the place declares itself
	generic bool   // there is a type T and a value of it
	running bool   // the literal has BODY in a loop, or is no function of an int

	release, releaseAfter int // the file's language version 1.N; 0: that of the module
}

// keeping is the code of a place that keeps closures, made by maker(i), in a slice.
const keeping = `
func Setup() {
	for i := range 6 {
		kit.Beside()
		kept = append(kept, maker(i))
		kit.Beside()
	}
}

func New() string { return kit.Call(maker(2), maker(5)) }

func Old() string { return kit.Call(kept...) }

var kept []func(int) int
`

// keptByCalls is the same without range over an int.
const keptByCalls = `
var kept []func(int) int

func Setup() {
	for i := 0; i < 5; i++ {
		kit.Beside()
		kept = append(kept, maker(i))
	}
}

func New() string { return kit.Call(maker(2), maker(5)) }

func Old() string { return kit.Call(kept...) }
`

// running is the code of a place with goroutines that run(i, line).
const running = `
var lines []*kit.Line

func Setup() { lines = kit.Lines(4, run) }

func New() string { return kit.Once(2, run) }

func Old() string { return kit.Answers(lines) }
`

// ending is that of goroutines that answer once: Old asks one after the other.
const ending = `
var lines []*kit.Line

func Setup() { lines = kit.Lines(6, run) }

func New() string { return kit.Once(2, run) }

func Old() string {
	first := lines[:1]
	lines = lines[1:]
	return kit.Answers(first)
}
`

// looping is the code of a place whose closures come from a function with a loop.
const looping = `
var kept []func(int) int

func Setup() {
	kit.Beside()
	kept = collect(5)
	kit.Beside()
}

func New() string { return kit.Call(collect(3)...) }

func Old() string { return kit.Call(kept...) }
`

const counting = `
func collect(n int) (list []func(int) int) {
	for a := 1000; a < 1000+n; a++ {
		i := a - 1000
		_ = i
		VARS
		ABOVE
		list = append(list, LIT)
		AFTER
	}
	return list
}
` + looping

// A loop variable is of the loop up to language version 1.21, and of the iteration since.
const (
	perLoop      = 21
	perIteration = 22
)

var places = []place{
	{name: "heap", code: `
func maker(i int) func(int) int {
	VARS
	ABOVE
	h := LIT
	AFTER
	return h
}
` + keeping},
	{name: "init", code: `
func init() {
	for i := range 5 {
		kit.Beside()
		_ = i
		VARS
		ABOVE
		kept = append(kept, LIT)
		AFTER
	}
}

func Setup() {}

func New() string { return "" }

func Old() string { return kit.Call(kept...) }

var kept []func(int) int
`},
	{name: "field", code: `
type route struct {
	path    string
	handler func(int) int
}

var routes []*route

func register(i int) {
	VARS
	ABOVE
	routes = append(routes, &route{path: kit.Text(i), handler: LIT})
	AFTER
}

func Setup() {
	for i := range 5 {
		kit.Beside()
		register(i)
	}
}

func New() string {
	register(2)
	last := routes[len(routes)-1]
	routes = routes[:len(routes)-1]
	return kit.Call(last.handler)
}

func Old() (s string) {
	for _, r := range routes {
		s += r.path + kit.Call(r.handler)
	}
	return s
}
`},
	{name: "map", code: `
var handlers = map[string]func(int) int{}

func register(i int, name string) {
	VARS
	ABOVE
	handlers[name] = LIT
	AFTER
}

func Setup() {
	for i := range 5 {
		kit.Beside()
		register(i, kit.Text(i))
	}
}

func New() string {
	register(3, "new")
	return kit.Call(handlers["new"])
}

func Old() (s string) {
	for i := range 5 {
		s += kit.Call(handlers[kit.Text(i)])
	}
	return s
}
`},
	{name: "channel", code: `
var queue = make(chan func(int) int, 10)

func maker(i int) func(int) int {
	VARS
	ABOVE
	h := LIT
	AFTER
	return h
}

func Setup() {
	for i := range 5 {
		kit.Beside()
		queue <- maker(i)
	}
}

func New() string { return kit.Call(maker(4)) }

func Old() (s string) {
	for range len(queue) {
		h := <-queue
		s += kit.Call(h)
		queue <- h
	}
	return s
}
`},
	{name: "method", code: `
type server struct{ base int }

func (t *server) handler(i int) func(int) int {
	VARS
	ABOVE
	h := LIT
	AFTER
	return h
}

var one = &server{base: 7}

func maker(i int) func(int) int { return one.handler(i) }
` + keeping},
	{name: "method-with-receiver", code: `
type server struct{ base int }

func (t *server) handler(i int) func(int) int {
	VARS
	ABOVE
	h := func(x int) int {
		BODY
		r += t.base
		return RESULT
	}
	AFTER
	return h
}

func maker(i int) func(int) int { return (&server{base: i}).handler(i) }
` + keeping},
	{name: "nested", code: `
func outer(i int) func() func(int) int {
	VARS
	return func() func(int) int {
		ABOVE
		h := LIT
		AFTER
		return h
	}
}

var outers []func() func(int) int

func Setup() {
	for i := range 4 {
		kit.Beside()
		outers = append(outers, outer(i))
		kept = append(kept, outers[i]())
	}
}

func New() string { return kit.Call(outer(2)(), outer(3)()) }

func Old() string {
	s := kit.Call(kept...)
	for _, f := range outers {
		s += kit.Call(f())
	}
	return s
}

var kept []func(int) int
`},
	{name: "generic", generic: true, code: `
func make0[T any](i int, value T) func(int) int {
	VARS
	_ = value
	ABOVE
	h := LIT
	AFTER
	return h
}

func maker(i int) func(int) int {
	switch i % 3 {
	case 0:
		return make0(i, kit.Text(i))
	case 1:
		return make0(i, &kit.Point{X: i})
	}
	return make0(i, i)
}
` + keeping},
	{name: "generic-method", generic: true, code: `
type box[T any] struct{ value T }

func (owner *box[T]) handler(i int) func(int) int {
	value := owner.value
	_ = value
	VARS
	ABOVE
	h := LIT
	AFTER
	return h
}

func maker(i int) func(int) int {
	if i%2 == 0 {
		return (&box[string]{kit.Text(i)}).handler(i)
	}
	return (&box[int8]{int8(i)}).handler(i)
}
` + keeping},
	{name: "loop-variable-of-loop", own: "a", release: perLoop, code: counting},
	{name: "loop-variable-of-iteration", own: "a", release: perIteration, code: counting},
	{name: "loop-variable-changed", own: "a", release: perLoop, releaseAfter: perIteration, running: true, code: `
func maker(i int) func(int) int {
	for a := 1000 + i; ; a++ { // which never comes to a++: the value is the same in both
		VARS
		ABOVE
		h := LIT
		AFTER
		return h
	}
}
` + keptByCalls},
	{name: "range-over-func", code: `
func collect(n int) (list []func(int) int) {
	for i := range kit.Count(n) {
		_ = i
		VARS
		ABOVE
		list = append(list, LIT)
		AFTER
	}
	return list
}
` + looping},
	{name: "range-over-func-body", running: true, code: `
func run(i int, line *kit.Line) {
	VARS
	for x := range line.All() {
		BODY
		line.Tell <- RESULT
	}
	AFTER
}
` + running},
	{name: "stack", code: `
func run(i int, line *kit.Line) {
	guard := kit.Guard()
	VARS
	ABOVE
	line.Each(&guard, LIT)
	AFTER
}
` + running},
	{name: "stack-of-own-loop", code: `
func run(i int, line *kit.Line) {
	VARS
	ABOVE
	h := LIT
	AFTER
	for x := range line.Ask {
		kit.Deep(40)
		line.Tell <- h(x)
	}
}
` + running},
	{name: "goroutine", running: true, code: `
func run(i int, line *kit.Line) {
	VARS
	ABOVE
	go func() {
		for x := range line.Ask {
			kit.Deep(40)
			BODY
			line.Tell <- RESULT
		}
	}()
	AFTER
}
` + running},
	{name: "pull", running: true, imports: "\t\"iter\"\n", code: `
func run(i int, line *kit.Line) {
	VARS
	ABOVE
	next, stop := iter.Pull(func(yield func(int) bool) {
		for x := 3; ; {
			BODY
			if !yield(RESULT) {
				return
			}
		}
	})
	AFTER
	defer stop()
	for range line.Ask {
		r, _ := next()
		line.Tell <- r
	}
}
` + running},
	{name: "pool", imports: "\t\"sync\"\n", code: `
var pools []*sync.Pool

func pool(i int) *sync.Pool {
	VARS
	ABOVE
	h := LIT
	AFTER
	return &sync.Pool{New: func() any { return h(3) }}
}

func Setup() {
	for i := range 4 {
		kit.Beside()
		pools = append(pools, pool(i))
	}
}

func New() string { return kit.Text(pool(1).Get().(int) % 9) }

func Old() (s string) {
	for _, p := range pools {
		s += kit.Call(func(int) int { return p.Get().(int) })
	}
	return s
}
`},
	{name: "deferred", running: true, code: `
func run(i int, line *kit.Line) {
	VARS
	ABOVE
	defer func() {
		x := 3
		BODY
		line.Tell <- RESULT
	}()
	AFTER
	<-line.Ask
}
` + ending},
	{name: "deferred-in-loop", running: true, code: `
func run(i int, line *kit.Line) {
	for range kit.Same(1) {
		VARS
		ABOVE
		defer func() {
			x := 3
			BODY
			line.Tell <- RESULT
		}()
		AFTER
	}
	<-line.Ask
}
` + ending},
}
