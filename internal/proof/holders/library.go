package main

// setup is a holder with code of its own for what it keeps.
func setup(name, imports, kept, set, old string) holder {
	return holder{name: name, imports: imports, code: "\n" + kept + "\n\nfunc Setup() {\n\tkit.Beside()\n\tv := mk(1)\n\t_ = v\n" + set + "\n\tkit.Beside()\n}\n\nfunc Old() string {\n" + old + "\n}\n"}
}

func (h holder) needs(set func(*holder)) holder {
	set(&h)
	return h
}

// library are holders that something of the standard library, or of another package, is.
var library = []holder{
	setup("sync-map-value", "sync", asserted+"var held sync.Map", `held.Store("a", v)`, `a, _ := held.Load("a"); return showAny(a)`),
	setup("sync-map-key", "sync", "var held sync.Map", `held.Store(v, 5)`, `a, ok := held.Load(mk(1)); return kit.Show(a, ok)`).needs(comparable),
	setup("atomic-value", "sync/atomic", "var held atomic.Value", `held.Store(v)`, `return show(held.Load().(T))`),
	setup("atomic-value-stored", "sync/atomic", asserted+"var held atomic.Value", `held.Store(v)`, `held.Store(mk(2)); return showAny(held.Load())`),
	setup("atomic-value-swapped", "sync/atomic", "var held atomic.Value", `held.Store(v)`, `old := held.Swap(mk(1)); return show(old.(T))`),
	setup("atomic-pointer", "sync/atomic", "var held atomic.Pointer[T]", `held.Store(&v)`, `return show(*held.Load())`),
	setup("context-value", "context", "type key struct{}\n\nvar held context.Context", `held = context.WithValue(context.Background(), key{}, v)`, `v, ok := held.Value(key{}).(T)
	if !ok {
		return "another type"
	}
	return show(v)`),
	setup("context-key", "context", "var held context.Context", `held = context.WithValue(context.Background(), v, 5)`, `return kit.Show(held.Value(mk(1)))`).needs(comparable),
	setup("pool", "sync", "var held = sync.Pool{New: func() any { v := mk(1); return &v }}", `held.Put(&v)`, `v := held.Get().(*T)
	defer held.Put(v)
	return show(*v)`),
	setup("pool-without-new", "sync", "var held sync.Pool", `held.Put(&v)`, `v, _ := held.Get().(*T)
	if v == nil {
		n := mk(1)
		v = &n
	}
	defer held.Put(v)
	return show(*v)`),
	setup("once-value", "sync", "var held = sync.OnceValue(func() T { return mk(1) })", `held()`, `return show(held())`),
	setup("error", "errors", withError+"\nvar held error", `held = v`, `var v T
	if !errors.As(held, &v) {
		return "another type"
	}
	return show(v)`).needs(methods),
	setup("error-wrapped", "errors fmt", withError+"\nvar held error", `held = fmt.Errorf("failed: %w", v)`, `var v T
	if !errors.As(held, &v) {
		return "another type"
	}
	return show(v)`).needs(methods),
	setup("error-sentinel", "errors fmt", withError+"\nvar held error\n\nfunc fail() error { return fmt.Errorf(\"failed: %w\", mk(1)) }", `held = v`, `return kit.Show(errors.Is(fail(), held))`).needs(methods).needs(comparable),
	setup("error-printed", "", withError+"\nvar held error", `held = v`, `return held.Error()`).needs(methods),
	setup("interface-with-method", "", withShow+"\ntype shower interface{ Show() string }\n\nvar held []shower", `held = append(held, v, &v)`, `return held[0].Show() + held[1].Show()`).needs(methods),
	setup("stringer-printed", "fmt", "func (v T) String() string { return show(v) }\n\nvar held fmt.Stringer", `held = v`, `return fmt.Sprint(held)`).needs(methods),
	setup("reflect-type-key", "reflect", "var held = map[reflect.Type]string{}", `held[reflect.TypeFor[T]()] = "text"`, `return held[reflect.TypeOf(mk(1))]`),
	setup("reflect-type-of-slice-key", "reflect", "var held = map[reflect.Type]string{}", `held[reflect.TypeOf([]T{})] = "text"`, `return held[reflect.TypeFor[[]T]()]`),
	setup("reflect-type", "reflect", "var held reflect.Type", `held = reflect.TypeFor[T]()`, `return kit.Show(held == reflect.TypeFor[T]())`),
	setup("reflect-type-new", "reflect", "var held reflect.Type", `held = reflect.TypeFor[T]()`, `p, ok := reflect.New(held).Interface().(*T)
	return kit.Show(ok, p != nil)`),
	setup("reflect-value", "reflect", "var held reflect.Value", `held = reflect.ValueOf(v)`, `v, ok := held.Interface().(T)
	if !ok {
		return "another type"
	}
	return show(v)`).needs(func(h *holder) { h.methods = true }), // the dynamic type of an interface type is another
	setup("reflect-value-set", "reflect", "var held reflect.Value", `held = reflect.ValueOf(&v).Elem()`, `var v T
	reflect.ValueOf(&v).Elem().Set(held)
	return show(v)`),
	setup("reflect-value-assigned", "reflect", "var held reflect.Value", `held = reflect.New(reflect.TypeFor[T]()).Elem()`, `v := mk(1)
	held.Set(reflect.ValueOf(&v).Elem())
	return show(held.Interface().(T))`),
	setup("reflect-func", "reflect", "var held reflect.Value", `held = reflect.ValueOf(show)`, `v := mk(1)
	return held.Call([]reflect.Value{reflect.ValueOf(&v).Elem()})[0].String()`),
	setup("gob-registered", "encoding/gob bytes", "type envelope struct{ V any }", `gob.RegisterName(NAME, v)`, `var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(envelope{mk(1)}); err != nil {
		return err.Error()
	}
	var e envelope
	if err := gob.NewDecoder(&b).Decode(&e); err != nil {
		return err.Error()
	}
	return show(e.V.(T))`).needs(methods),
	setup("gob-encoder", "encoding/gob bytes", "var held bytes.Buffer\n\nvar encoder = gob.NewEncoder(&held)\n\nvar decoder = gob.NewDecoder(&held)\n\nvar bad string", `if err := encoder.Encode(v); err != nil {
		bad = err.Error()
	}`, `v := mk(1)
	if err := encoder.Encode(v); err != nil {
		return err.Error()
	}
	var w T
	for range 1 + len(bad) {
		if err := decoder.Decode(&w); err != nil {
			return err.Error()
		}
	}
	return show(w)`).needs(methods),
	setup("unique-handle", "unique", "var held unique.Handle[T]", `held = unique.Make(v)`, `return kit.Show(held == unique.Make(mk(1)), show(held.Value()))`).needs(comparable),
	setup("unique-handle-in-any", "unique", "var held any", `held = unique.Make(v)`, `return kit.Show(held == any(unique.Make(mk(1))))`).needs(comparable),
	setup("weak-pointer", "weak", "var held weak.Pointer[T]\n\nvar alive any", `alive, held = &v, weak.Make(&v)`, `return show(*held.Value())`),
	setup("generic-cache", "", "", `kit.Put(NAME, v)`, `return show(kit.Get[T](NAME))`),
	setup("generic-cache-of-pointers", "", "", `kit.Put(NAME, &v)`, `return show(*kit.Get[*T](NAME))`),
	setup("any-cache", "", "", `kit.PutAny(NAME, v)`, `return show(kit.Get[T](NAME))`),
	setup("any-cache-by-reflection", "", "", `kit.PutAny(NAME, v)`, `var v T
	kit.Load(NAME, &v)
	return show(v)`),
	setup("event-bus", "", asserted, `kit.On(v, showAny)`, `return kit.Emit(mk(1))`).needs(methods),
	setup("generic-cache-of-its-own", "", "type cache[V any] struct{ m map[string]V }\n\nfunc (c *cache[V]) put(v V) { c.m = map[string]V{\"a\": v} }\n\nvar held cache[T]", `held.put(v)`, `return show(held.m["a"])`),
	setup("closure", "", "var held func() string", `held = func() string { return show(v) }`, `return held()`),
	setup("closure-by-reference", "", "var held func() string", `held = func() string { old := v; v = mk(1); return show(old) }`, `return held()`),
	setup("closure-of-any", "", asserted+"\nvar held func() string\n\nfunc keep(v any) func() string { return func() string { return showAny(v) } }", `held = keep(v)`, `return held()`),
	setup("closure-with-parameter", "", "var held func(T) string", `held = func(v T) string { return show(v) }`, `return held(mk(1))`),
	setup("closure-with-result", "", "var held func() T", `held = func() T { return mk(1) }`, `return show(held())`),
	setup("function-value", "", "var held = map[string]func(T) string{}", `held["a"] = show`, `return held["a"](mk(1))`),
	setup("function-value-in-any", "", "var held any", `held = mk`, `return show(held.(func(int) T)(1))`),
	setup("bound-method", "", withShow+"\nvar held func() string", `held = v.Show`, `return held()`).needs(methods),
	setup("bound-pointer-method", "", "func (v *T) Show() string { return show(*v) }\n\nvar held func() string", `held = v.Show`, `return held()`).needs(methods),
	setup("bound-method-by-embedding", "", withShow+"\ntype outer struct {\n\tn int\n\t*T\n}\n\nvar held func() string", `held = (&outer{1, &v}).Show`, `return held()`).needs(methods),
	setup("method-expression", "", withShow+"\nvar held func(T) string", `held = T.Show`, `return held(mk(1))`).needs(methods),
	setup("sequence", "iter", "var held iter.Seq[T]", `held = func(yield func(T) bool) { yield(v) }`, `s := ""
	for v := range held {
		s += show(v)
	}
	return s`),
	setup("sequence-pulled", "iter", "var held func() (T, bool)", `held, _ = iter.Pull(func(yield func(T) bool) {
		for yield(v) {
		}
	})`, `v, _ := held()
	return show(v)`),
	setup("timer", "time", "var held *time.Timer\n\nvar told = make(chan string)", `held = time.AfterFunc(time.Hour, func() { told <- show(v) })`, `held.Reset(0)
	return <-told`),
	setup("finalizer", "runtime", "type node struct {\n\tn int\n\tv T\n}\n\nvar held []*node\n\nvar told = make(chan string, 1)", `for range 5 {
		n := &node{1, v}
		runtime.SetFinalizer(n, func(n *node) { told <- show(n.v) })
		held = append(held, n)
	}`, `held[0], held = nil, held[1:]
	runtime.GC()
	return <-told`),
	setup("cleanup", "runtime", "type node struct{ n, m *int }\n\nvar held []*node\n\nvar told = make(chan string, 1)", `for range 5 {
		n := &node{}
		runtime.AddCleanup(n, func(v T) { told <- show(v) }, v)
		held = append(held, n)
	}`, `held[0], held = nil, held[1:]
	runtime.GC()
	return <-told`),
}

var stacks = []holder{
	running("goroutine", `
func run(i int, line *kit.Line) {
	v := mk(i)
	for range line.Ask {
		line.Tell <- kit.Num(show(v))
	}
}
`),
	running("goroutine-pointer", `
func run(i int, line *kit.Line) {
	n := mk(i)
	v := &n
	for range line.Ask {
		line.Tell <- kit.Num(show(*v))
	}
}
`),
	running("goroutine-any", asserted+`
func run(i int, line *kit.Line) {
	var v any = mk(i)
	for range line.Ask {
		line.Tell <- kit.Num(showAny(v))
	}
}
`),
	running("goroutine-any-of-helper", asserted+`
func make2(i int) any { return mk(i) }

func run(i int, line *kit.Line) {
	v := make2(i)
	for range line.Ask {
		line.Tell <- kit.Num(showAny(v))
	}
}
`),
	running("goroutine-local-map", asserted+`
func run(i int, line *kit.Line) {
	m := map[string]any{}
	for range line.Ask {
		if m["a"] == nil {
			fill(m, i)
		}
		line.Tell <- kit.Num(showAny(m["a"]))
	}
}

func fill(m map[string]any, i int) { m["a"] = mk(i) }
`),
	running("goroutine-key", `
func count(m map[any]int, i int) int {
	m[mk(i)] = 1
	return len(m)
}

func run(i int, line *kit.Line) {
	m := map[any]int{}
	for range line.Ask {
		line.Tell <- count(m, i)
	}
}
`).needs(comparable),
	running("closure-on-the-stack", `
func run(i int, line *kit.Line) {
	guard := kit.Guard()
	v := mk(i)
	line.Each(&guard, func(x int) int { return kit.Num(show(v)) + x })
}
`),
	running("parameter-of-a-call", `
func serve(v T, line *kit.Line) {
	for range line.Ask {
		line.Tell <- kit.Num(show(v))
	}
}

func run(i int, line *kit.Line) { serve(mk(i), line) }
`),
	ending("deferred-argument", `
func tell(line *kit.Line, v T) { line.Tell <- kit.Num(show(v)) }

func run(i int, line *kit.Line) {
	defer tell(line, mk(i))
	<-line.Ask
}
`),
	ending("deferred-argument-any", asserted+`
func tell(line *kit.Line, v any) { line.Tell <- kit.Num(showAny(v)) }

func run(i int, line *kit.Line) {
	defer tell(line, mk(i))
	<-line.Ask
}
`),
	ending("result-of-a-blocked-call", `
func late(line *kit.Line, i int) T {
	<-line.Ask
	return mk(i)
}

func run(i int, line *kit.Line) { line.Tell <- kit.Num(show(late(line, i))) }
`),
	ending("result-any-of-a-blocked-call", asserted+`
func late(line *kit.Line, i int) any {
	v := mk(i)
	<-line.Ask
	return v
}

func run(i int, line *kit.Line) { line.Tell <- kit.Num(showAny(late(line, i))) }
`),
}
