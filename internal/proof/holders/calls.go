package main

// calls are holders of values that are gone when a call is over: all of them could be live.
var calls = []holder{
	{name: "local", live: true, code: `
func Setup() {}

func Old() string {
	v := mk(1)
	p := &v
	return show(*p)
}
`},
	{name: "handler-with-a-local", live: true, code: `
var handler func() string

func Setup() {
	handler = func() string {
		v := mk(1)
		return show(v)
	}
}

func Old() string { return handler() }
`},
	{name: "response-by-json", live: true, imports: "encoding/json", code: `
func Setup() { Old() }

func Old() string {
	v := mk(1)
	b, err := json.Marshal(v)
	return kit.Show(string(b), err)
}
`},
	{name: "response-by-pointer-by-json", live: true, imports: "encoding/json bytes", code: `
func Setup() { Old() }

func Old() string {
	v := mk(1)
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(map[string]any{"v": &v, "list": []T{v}})
	return kit.Show(b.String(), err)
}
`},
	{name: "request-by-json", live: true, methods: true, imports: "encoding/json", code: `
func Setup() { Old() }

func Old() string {
	b, _ := json.Marshal(mk(1))
	var v T
	err := json.Unmarshal(b, &v)
	return kit.Show(show(v), err)
}
`},
	{name: "response-by-fmt", live: true, printed: true, imports: "fmt", code: `
func Setup() { Old() }

func Old() string { return fmt.Sprintf("%+v", mk(1)) }
`},
	{name: "options", live: true, code: `
func with(v T, p *T) string { return show(v) + show(*p) }

func Setup() {}

func Old() string {
	v := mk(1)
	return with(v, &v)
}
`},
	{name: "result", live: true, code: `
func several() ([]T, *T) {
	v := mk(1)
	return []T{v, v}, &v
}

func Setup() {}

func Old() string {
	list, p := several()
	return show(list[1]) + show(*p)
}
`},
	{name: "type-around", live: true, code: `
type around struct {
	n  int
	in T
	p  *T
}

func Setup() {}

func Old() string {
	v := mk(1)
	a := &around{1, v, &v}
	return show(a.in) + show(*a.p)
}
`},
	{name: "local-map", live: true, code: `
func Setup() {}

func Old() string {
	m := map[string]T{"a": mk(1)}
	m["b"] = mk(2)
	return show(m["a"]) + show(m["b"])
}
`},
	{name: "type-switch-in-helper", live: true, code: `
func describe(v any) string {
	switch v := v.(type) {
	case T:
		return show(v)
	case *T:
		return "by pointer " + show(*v)
	}
	return "another type"
}

func Setup() {}

func Old() string {
	v := mk(1)
	return describe(v) + describe(&v) + describe(3)
}
`},
	{name: "template", live: true, printed: true, imports: "text/template strings", code: "" + `
var page = template.Must(template.New("").Parse("{{.Name}} {{.V}}"))

func Setup() { Old() }

func Old() string {
	var b strings.Builder
	err := page.Execute(&b, map[string]any{"Name": "name", "V": mk(1)})
	return kit.Show(b.String(), err)
}
`},
	{name: "error-of-a-call", live: true, methods: true, imports: "errors fmt", code: `
func (v T) Error() string { return show(v) }

func fail() error { return fmt.Errorf("failed: %w", mk(1)) }

func Setup() {}

func Old() string {
	var v T
	ok := errors.As(fail(), &v)
	if !ok {
		return "not found"
	}
	return show(v)
}
`},
	{name: "generic-function", live: true, code: `
func last[V any](list []V) V { return list[len(list)-1] }

func Setup() {}

func Old() string { return show(last([]T{mk(2), mk(1)})) }
`},
	{name: "sorted", live: true, imports: "slices sort strings", code: `
func Setup() {}

func Old() string {
	list := []T{mk(3), mk(1), mk(2)}
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(show(a), show(b)) })
	s := show(list[0])
	sort.Slice(list, func(i, j int) bool { return show(list[i]) > show(list[j]) })
	return s + show(list[0])
}
`},
	{name: "goroutines-that-end", live: true, code: `
func Setup() {}

func Old() string {
	c := make(chan T)
	go func() {
		defer close(c)
		c <- mk(1)
		c <- mk(2)
	}()
	s := ""
	for v := range c {
		s += show(v)
	}
	return s
}
`},
	{name: "context-of-a-call", live: true, imports: "context", code: `
type key struct{}

func serve(ctx context.Context) string { return show(ctx.Value(key{}).(T)) }

func Setup() {}

func Old() string { return serve(context.WithValue(context.Background(), key{}, mk(1))) }
`},
	{name: "compared-in-a-call", live: true, imports: "reflect", code: `
func Setup() {}

func Old() string {
	var a, b any = mk(1), mk(1)
	return kit.Show(reflect.DeepEqual(a, b), reflect.TypeOf(a) == reflect.TypeOf(b))
}
`},
	{name: "method-of-a-local", live: true, methods: true, code: `
func (v *T) Show() string { return show(*v) }

func Setup() {}

func Old() string {
	v := mk(1)
	return v.Show()
}
`},
}
