package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unique"
	"weak"
)

func init() {
	works["generic"] = genericWork
	works["reflect"] = reflectWork
	works["maps"] = mapWork
	works["panic"] = panicWork
	works["range"] = rangeWork
	works["stack"] = stackWork
	works["goroutines"] = goroutineWork
	works["locks"] = lockWork
	works["timeout"] = timeoutWork
	works["memory"] = memoryWork
	works["frames"] = frameWork
}

type number interface {
	~int | ~int8 | ~uint16 | ~float64
}

type tree[K cmp.Ordered, V any] struct {
	left, right *tree[K, V]
	key         K
	value       V
}

func (t *tree[K, V]) put(k K, v V) *tree[K, V] {
	switch {
	case t == nil:
		return &tree[K, V]{key: k, value: v}
	case k < t.key:
		t.left = t.left.put(k, v)
	case k > t.key:
		t.right = t.right.put(k, v)
	default:
		t.value = v
	}
	return t
}

func (t *tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.walk(yield) }
}

func (t *tree[K, V]) walk(yield func(K, V) bool) bool {
	return t == nil || t.left.walk(yield) && yield(t.key, t.value) && t.right.walk(yield)
}

func sum[T number](list ...T) (s T) {
	for _, x := range list {
		s += x
	}
	return s
}

func apply[A, B any](list []A, f func(A) B) []B {
	out := make([]B, 0, len(list))
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

type small int8

func (s small) String() string { return fmt.Sprintf("<%d>", int8(s)) }

type pair[A, B any] struct {
	a A
	b B
}

func (p pair[A, B]) String() string { return fmt.Sprint(p.a, "/", p.b) }

func genericWork(n int) string {
	var t *tree[string, pair[int, small]]
	for i := range 40 {
		t = t.put(fmt.Sprint(i*i*(n+7)%101), pair[int, small]{i, small(i)})
	}
	var b strings.Builder
	for k, v := range t.all() {
		if k > "9" {
			break
		}
		fmt.Fprint(&b, k, "=", v, " ")
	}
	return fmt.Sprint(b.String(), sum(1, 2, n), sum(small(3), small(n)), sum(1.5, float64(n)),
		apply([]int{1, 2, n}, func(i int) fmt.Stringer { return small(i) }), apply([]string{"x"}, func(s string) pair[string, int] { return pair[string, int]{s, n} }))
}

type inner struct{ depth int }

func (i *inner) Deeper(by int) int { i.depth += by; return i.depth }

func (i inner) Depth() int { return i.depth }

type outer struct {
	*inner
	Name  string `tag:"name"`
	extra []int
	Fn    func(int, ...string) (string, error)
}

func reflectWork(n int) string {
	var b strings.Builder
	o := outer{inner: &inner{n}, Name: "o", extra: []int{n}, Fn: func(i int, s ...string) (string, error) { return fmt.Sprint(i, s), fs.ErrNotExist }}
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		fmt.Fprint(&b, v.Type().Field(i).Name, v.Type().Field(i).Type, v.Type().Field(i).Tag.Get("tag"), " ")
	}
	for i := range v.NumMethod() {
		fmt.Fprint(&b, v.Type().Method(i).Name, v.Method(i).Type(), " ")
	}
	fmt.Fprint(&b, v.MethodByName("Deeper").Call([]reflect.Value{reflect.ValueOf(3)})[0], o.Depth(), " ")
	results := v.FieldByName("Fn").CallSlice([]reflect.Value{reflect.ValueOf(n), reflect.ValueOf([]string{"a", "b"})})
	fmt.Fprint(&b, results[0], errors.Is(results[1].Interface().(error), os.ErrNotExist), " ")
	made := reflect.MakeFunc(reflect.TypeFor[func(float64, string, [3]int, *int) (int, string, float64)](), func(in []reflect.Value) []reflect.Value {
		return []reflect.Value{reflect.ValueOf(in[2].Len() + in[3].Elem().Interface().(int)), in[1], reflect.ValueOf(in[0].Float() * 2)}
	}).Interface().(func(float64, string, [3]int, *int) (int, string, float64))
	x, y, z := made(1.5, "s", [3]int{}, &n)
	check(x == 3+n && y == "s" && z == 3, "MakeFunc: %v %v %v", x, y, z)
	method := v.MethodByName("Depth").Interface().(func() int)
	check(method() == n+3, "method value: %d", method())
	swap := []any{1, "x", n}
	reflect.Swapper(swap)(0, 2)
	m := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), reflect.TypeFor[pair[int, string]]()))
	m.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf(pair[int, string]{n, "v"}))
	s := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int]()}, {Name: "B", Type: reflect.TypeFor[*outer]()}})).Elem()
	s.Field(0).SetInt(int64(n))
	channel := reflect.MakeChan(reflect.TypeFor[chan string](), 1)
	chosen, _, _ := reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: channel}, {Dir: reflect.SelectSend, Chan: channel, Send: reflect.ValueOf("x")}})
	a, c := newOrder(n), newOrder(n)
	check(reflect.DeepEqual(a, c), "DeepEqual")
	a.Any = 1
	check(!reflect.DeepEqual(a, c), "not DeepEqual")
	var wrong any
	func() {
		defer func() { wrong = recover() }()
		v.Field(0).Elem().Field(0).SetInt(1)
	}()
	return fmt.Sprint(b.String(), swap, m, s, chosen, wrong, reflect.TypeOf(made))
}

type key struct {
	name string
	n    int8
	any  any
	f    float32
}

func mapWork(n int) string {
	m := map[key]int{}
	count := map[any]int{}
	for i := range 500 {
		k := key{fmt.Sprint(i % 37), int8(i), small(i % 5), float32(i%3) / 2}
		m[k] += i
		count[k.any]++
		count[k.name]++
		count[[2]int{i % 4, n}]++
		if i%9 == 0 {
			delete(m, key{fmt.Sprint((i - 5) % 37), int8(i - 5), small((i - 5) % 5), float32((i-5)%3) / 2})
		}
	}
	total := 0
	for k, v := range m {
		check(m[k] == v, "map: %v", k)
		total += v
		if v%2 == 0 {
			delete(m, k)
		}
	}
	clone := maps.Clone(m)
	clear(m)
	ints := map[uint32]string{}
	for i := range uint32(300) {
		ints[i*i] = fmt.Sprint(i)
	}
	for i := range uint32(300) {
		check(ints[i*i] == fmt.Sprint(i), "ints[%d] = %q", i*i, ints[i*i])
	}
	var shared sync.Map
	for i := range 50 {
		shared.Store(i%20, i)
	}
	shared.CompareAndSwap(3, 43, "swapped")
	v, _ := shared.Load(3)
	_, loaded := shared.LoadOrStore(99, n)
	func() {
		defer func() { check(strings.Contains(fmt.Sprint(recover()), "unhashable"), "an unhashable key") }()
		count[[]int{1}]++
	}()
	return fmt.Sprint(total, len(clone), len(m), len(count), count[small(2)], count[[2]int{1, n}], v, loaded, slices.Sorted(maps.Keys(ints))[290:])
}

type trouble struct{ n int }

func (t *trouble) Error() string        { return fmt.Sprint("trouble ", t.n) }
func (t *trouble) Is(target error) bool { return target == errors.ErrUnsupported && t.n%2 == 0 }

func fall(n int, log *[]string) (err error) {
	for i := range 3 {
		defer func() {
			*log = append(*log, fmt.Sprint("deferred ", i))
			if i == 1 {
				if e := recover(); e != nil {
					err = fmt.Errorf("recovered %v: %w", e, &trouble{n})
				}
			}
		}()
	}
	if n%2 == 0 {
		var none *trouble
		return fmt.Errorf("%d", none.n)
	}
	return fmt.Errorf("%d", []int{1}[n%7+1])
}

func panicWork(n int) string {
	var log []string
	err := fall(n, &log)
	var t *trouble
	check(errors.As(err, &t) && t.n == n, "As")
	exited := make(chan string, 1)
	go func() {
		defer func() { exited <- fmt.Sprint("exited ", recover()) }()
		defer func() {
			defer func() { recover() }()
			panic("second")
		}()
		runtime.Goexit()
	}()
	var nested any
	func() {
		defer func() { nested = recover() }()
		defer func() {
			defer func() { check(recover() == "b", "the inner panic") }()
			panic("b")
		}()
		panic("a")
	}()
	var assertion any
	func() {
		defer func() { assertion = recover() }()
		_ = any(n).(fmt.Stringer)
	}()
	return fmt.Sprint(err, errors.Is(err, errors.ErrUnsupported), log, <-exited, nested, assertion, errors.Join(err, nil, context.Canceled))
}

func count(to int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer func() { counted.Add(1) }()
		for i := range to {
			if !yield(i) {
				return
			}
		}
	}
}

var counted atomic.Int64

func find(n int) (at int) {
	for i := range count(100) {
		for j := range count(100) {
			if i*j == n+12 {
				return i*1000 + j
			}
			if j > i {
				break
			}
		}
	}
	return -1
}

func rangeWork(n int) string {
	next, stop := iter.Pull(count(5 + n))
	defer stop()
	var pulled []int
	for range 3 {
		v, ok := next()
		check(ok, "Pull")
		pulled = append(pulled, v)
	}
	chunks := slices.Collect(slices.Chunk(slices.Collect(count(7+n)), 3))
	return fmt.Sprint(find(n), pulled, chunks, slices.SortedFunc(maps.Values(map[int]string{1: "b", 2: "a"}), strings.Compare))
}

// deep needs a stack that grows and is copied, with pointers into it.
func deep(n int, up *[8]int) int {
	var here [8]int
	if up != nil {
		here = *up
	}
	here[n%8] += n
	if n == 0 {
		return sum(here[:]...)
	}
	if n%1000 == 0 {
		runtime.GC()
	}
	below := deep(n-1, &here)
	return below + here[n%8] - n
}

func stackWork(n int) string {
	results := make(chan int)
	for i := range 3 {
		go func() { results <- deep(1500+i+n, nil) }()
	}
	return fmt.Sprint(<-results + <-results + <-results)
}

func goroutineWork(n int) string {
	ctx, cancel := context.WithCancel(context.Background())
	in, out, quit := make(chan int), make(chan pair[int, string], 3), make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case i, ok := <-in:
					if !ok {
						return
					}
					out <- pair[int, string]{i, strings.Repeat("x", i%5)}
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	go func() {
		defer close(quit)
		for i := range 100 + n {
			in <- i
		}
		close(in)
		wg.Wait()
		close(out)
	}()
	total, letters := 0, 0
	for p := range out {
		total += p.a
		letters += len(p.b)
	}
	<-quit
	cancel()
	first := make(chan int)
	for i := range 5 {
		go func(k int) {
			select {
			case first <- k * 0:
			case <-quit:
				if k < 0 {
					first <- 1
				}
			}
		}(i)
	}
	var got int
	select {
	case got = <-first:
	case <-quit:
	}
	var wait sync.WaitGroup
	wait.Go(func() { total++ })
	wait.Wait()
	return fmt.Sprint(total, letters, got, ctx.Err())
}

var buffers = sync.Pool{New: func() any { return new([512]int) }}

func lockWork(n int) string {
	var mu sync.Mutex
	var rw sync.RWMutex
	var once sync.Once
	var shared, onces, reads, pooled atomic.Int64
	cond := sync.NewCond(&mu)
	ready := 0
	value := sync.OnceValue(func() int { onces.Add(1); return n })
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for k := range 20 {
				mu.Lock()
				ready++
				cond.Signal()
				mu.Unlock()
				rw.RLock()
				reads.Add(shared.Load() * 0)
				rw.RUnlock()
				rw.Lock()
				shared.Add(int64(value() + 1))
				rw.Unlock()
				once.Do(func() { onces.Add(1) })
				b := buffers.Get().(*[512]int)
				for j := range b {
					b[j] = i + k + j
				}
				runtime.Gosched()
				for j := range b {
					if b[j] != i+k+j {
						pooled.Add(1)
					}
				}
				buffers.Put(b)
			}
		})
	}
	mu.Lock()
	for ready < 100 {
		cond.Wait()
	}
	mu.Unlock()
	wg.Wait()
	check(pooled.Load() == 0, "a buffer of a Pool had two owners")
	return fmt.Sprint(shared.Load(), onces.Load(), ready, reads.Load())
}

func timeoutWork(n int) string {
	ctx, cancel := context.WithTimeoutCause(context.WithValue(context.Background(), small(1), n), time.Duration(n+1)*time.Millisecond, errors.ErrUnsupported)
	defer cancel()
	called := make(chan string, 1)
	stop := context.AfterFunc(ctx, func() { called <- "after" })
	ticker := time.NewTicker(200 * time.Microsecond)
	defer ticker.Stop()
	<-ticker.C
	<-ctx.Done()
	never := time.AfterFunc(time.Hour, func() { panic("an hour later") })
	fired := make(chan bool)
	time.AfterFunc(0, func() { close(fired) })
	<-fired
	select {
	case <-time.After(time.Minute):
		panic("a minute later")
	case <-ctx.Done():
	}
	return fmt.Sprint(ctx.Err(), context.Cause(ctx), ctx.Value(small(1)), <-called, stop(), never.Stop())
}

func memoryWork(n int) string {
	type big struct {
		data [1000]byte
		name string
	}
	freed := make(chan string, 2)
	func() {
		b := &big{name: fmt.Sprint("finalized ", n)}
		runtime.SetFinalizer(b, func(b *big) { freed <- b.name })
		c := &big{}
		runtime.AddCleanup(c, func(s string) { freed <- s }, fmt.Sprint("a cleanup ", n))
	}()
	w := weak.Make(new(big))
	handle := unique.Make(strings.Repeat("u", n+3))
	got := []string{}
	for len(got) < 2 {
		runtime.GC()
		select {
		case s := <-freed:
			got = append(got, s)
		case <-time.After(5 * time.Millisecond):
		}
	}
	slices.Sort(got)
	debug.FreeOSMemory()
	check(w.Value() == nil, "a weak pointer holds")
	check(handle == unique.Make(strings.Repeat("u", n+3)), "unique")
	return fmt.Sprint(got, handle.Value())
}

// frameWork tells functions and lines of its callers: a copy has those of the original.
func frameWork(n int) string {
	var b strings.Builder
	func() {
		defer func() {
			recover()
			pcs := make([]uintptr, 60)
			for frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)]); ; {
				f, more := frames.Next()
				if strings.HasPrefix(f.Function, "net/http") || !more {
					break
				}
				fmt.Fprint(&b, f.Function, ":", f.Line, " ")
			}
		}()
		slices.SortFunc([]int{2, 1}, func(x, y int) int { return x / (n - n) })
	}()
	return b.String()
}
