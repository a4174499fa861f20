// A server that calls C, and is called by it.
package main

/*
#cgo LDFLAGS: -lm
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int a; double b; char name[16]; } record;

extern int goCompare(void *a, void *b);
extern int goStep(uintptr_t handle, int depth);
extern void goThread(uintptr_t handle, int n);

static int fail(int n) { errno = n % 2 ? ENOENT : 0; return n * 2; }

static record change(record r, int n) { r.a += n; r.b = sqrt(r.b + n); strcpy(r.name, "changed"); return r; }

static int compare(const void *a, const void *b) { return goCompare((void *)a, (void *)b); }

static void sort(int32_t *p, int n) { qsort(p, n, sizeof *p, compare); }

static int step(uintptr_t handle, int depth) { return depth == 0 ? 0 : goStep(handle, depth - 1) + 1; }

typedef struct { uintptr_t handle; int n; } job;

static void *run(void *p) { job *j = p; goThread(j->handle, j->n); return 0; }

// thread calls Go on a thread that Go has not made.
static int thread(uintptr_t handle, int n) {
	pthread_t t;
	job j = {handle, n};
	int err = pthread_create(&t, 0, run, &j);
	return err ? err : pthread_join(t, 0);
}
*/
import "C"

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
	"unsafe"
)

func main() {
	works["calls"] = calls
	works["sort"] = sorted
	works["recursion"] = recursion
	works["threads"] = threads
	works["panic"] = unwound
	works["users"] = users
	works["resolver"] = resolver
	serve()
}

func calls(n int) string {
	doubled, err := C.fail(C.int(n))
	text := C.CString(strings.Repeat("text ", n+1))
	defer C.free(unsafe.Pointer(text))
	r := C.change(C.record{a: 1, b: 15}, C.int(n))
	data := C.GoBytes(unsafe.Pointer(text), C.int(C.strlen(text)))
	return fmt.Sprint(doubled, err, C.GoString(text), r.a, r.b, C.GoString(&r.name[0]), len(data), C.pow(2, C.double(n)))
}

//export goCompare
func goCompare(a, b unsafe.Pointer) C.int {
	x, y := *(*int32)(a), *(*int32)(b)
	if x%3 == 0 {
		grow(int(x) % 50)
	}
	return C.int(x - y)
}

// grow makes the stack grow between two of C.
func grow(n int) int {
	var a [64]int
	a[n%64] = n
	if n == 0 {
		return 0
	}
	return grow(n-1) + a[n%64] - n
}

func sorted(n int) string {
	list := make([]int32, 60+n)
	x := uint32(n + 1)
	for i := range list {
		x = x*1664525 + 1013904223
		list[i] = int32(x >> 20)
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&list[0])
	C.sort((*C.int32_t)(&list[0]), C.int(len(list)))
	for i := range list[1:] {
		check(list[i] <= list[i+1], "%v", list)
	}
	return fmt.Sprint(list)
}

//export goStep
func goStep(handle C.uintptr_t, depth C.int) C.int {
	log := cgo.Handle(handle).Value().(*[]string)
	*log = append(*log, fmt.Sprint(depth))
	if depth%4 == 0 {
		runtime.GC()
	}
	return C.step(handle, depth) + 1
}

func recursion(n int) string {
	var log []string
	h := cgo.NewHandle(&log)
	defer h.Delete()
	return fmt.Sprint(C.step(C.uintptr_t(h), C.int(n+6)), log)
}

//export goThread
func goThread(handle C.uintptr_t, n C.int) {
	cgo.Handle(handle).Value().(func(int))(int(n))
}

func threads(n int) string {
	var mu sync.Mutex
	var wg sync.WaitGroup
	total := 0
	h := cgo.NewHandle(func(k int) {
		mu.Lock()
		defer mu.Unlock()
		total += k + grow(k)
	})
	defer h.Delete()
	for i := range 4 {
		wg.Go(func() { check(C.thread(C.uintptr_t(h), C.int(i*n)) == 0, "pthread") })
	}
	wg.Wait()
	return fmt.Sprint(total)
}

// unwound panics through frames of C.
func unwound(n int) (s string) {
	h := cgo.NewHandle(n)
	defer h.Delete()
	defer func() { s = fmt.Sprint("recovered ", recover() != nil) }()
	return fmt.Sprint(C.step(C.uintptr_t(h), 3)) // the value is no *[]string
}

func users(n int) string {
	u := must(user.Current())
	same := must(user.LookupId(u.Uid))
	group := must(user.LookupGroupId(u.Gid))
	_, err := user.Lookup(fmt.Sprint("no such user ", n))
	return fmt.Sprint(u.Username == same.Username, group.Name, len(must(u.GroupIds())) > 0, err)
}

func resolver(n int) string {
	r := &net.Resolver{} // that of C, by GODEBUG=netdns=cgo
	addrs, err := r.LookupHost(context.Background(), "localhost")
	port := must(r.LookupPort(context.Background(), "tcp", "80"))
	return fmt.Sprint(n, len(addrs) > 0, err, port)
}
