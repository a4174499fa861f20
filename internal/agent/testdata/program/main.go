// The program is a host for the tests of the agent. It does what the lines of
// its standard input say, and answers each with one line.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// mix is a leaf without a frame, with instructions that begin inside its first
// five bytes.
//
//go:noinline
func mix(x uint64) uint64 {
	x ^= x >> 7
	x ^= x << 9
	return x
}

// spin is long enough to be overwritten by the test.
//
//go:noinline
func spin(x uint64) uint64 {
	x ^= x >> 11
	x ^= x << 13
	return x
}

var release = make(chan bool)

//go:noinline
func hold() { <-release }

// deep holds at the bottom of n frames.
//
//go:noinline
func deep(n int) int {
	if n == 0 {
		hold()
		return 0
	}
	return deep(n-1) + 1
}

var initialized int

func initialize() { initialized++ }
func boom()       { panic("boom") }
func boomError()  { panic(os.ErrInvalid) }
func quit()       { runtime.Goexit() }

var entries = []func(){initialize, boom, boomError, quit}

type namer interface{ Name() string }
type thing int

func (thing) Name() string { return "thing" }

type other interface{ Nothing() }

// words returns the two words of an interface value.
func words(p unsafe.Pointer) [2]uintptr { return *(*[2]uintptr)(p) }

type hammer struct {
	stop         int32
	calls, wrong uint64
	wg           sync.WaitGroup
}

func (h *hammer) work() {
	defer h.wg.Done()
	var calls, wrong uint64
	for atomic.LoadInt32(&h.stop) == 0 {
		x := calls
		want := x ^ x>>7
		want ^= want << 9
		if got := mix(x); got != want && got != 42 {
			wrong++
		}
		calls++
	}
	atomic.AddUint64(&h.calls, calls)
	atomic.AddUint64(&h.wrong, wrong)
}

func main() {
	var h hammer
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		switch line := in.Text(); line {
		case "environment":
			fmt.Printf("%q\n", os.Getenv("REALTIME_FD"))
		case "mix":
			fmt.Println(mix(1))
		case "spin":
			go spin(1)
			fmt.Println("spinning")
		case "hold":
			go hold()
			fmt.Println("holding")
		case "deep":
			go deep(5000)
			fmt.Println("holding")
		case "release":
			release <- true
			fmt.Println("released")
		case "initialized":
			fmt.Println(initialized, len(entries))
		case "gc":
			runtime.GC()
			fmt.Println("collected")
		case "itab":
			var value interface{} = thing(1)
			n := value.(namer)
			var i interface{} = (*namer)(nil)
			var o interface{} = (*other)(nil)
			fmt.Println(words(unsafe.Pointer(&n))[0], words(unsafe.Pointer(&i))[0], words(unsafe.Pointer(&o))[0], words(unsafe.Pointer(&value))[0])
		case "hammer":
			for i := 0; i < 4; i++ {
				h.wg.Add(1)
				go h.work()
			}
			fmt.Println("hammering")
		case "stop":
			atomic.StoreInt32(&h.stop, 1)
			h.wg.Wait()
			fmt.Println(h.wrong, h.calls > 0)
		default:
			fmt.Println("unknown line", line)
		}
	}
}
