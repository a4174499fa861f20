package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"example.com/edits/internal/trace"
)

// A question is a few calls into the packages; its answer depends on nothing else.
type question struct {
	name string
	ask  func() string
}

// garbage is GOGC: checkmark.go sets it lower.
var garbage = 100

func main() {
	debug.SetMaxStack(64 << 20)
	debug.SetGCPercent(garbage) // the environment's is the compiler's
	go limit()
	old := before()
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		number, ok := strings.CutPrefix(in.Text(), "probe ")
		if !ok {
			continue
		}
		fmt.Printf("answer %s %s\n", number, strconv.Quote(answer(old)))
	}
}

// limit ends the process before it takes all memory.
func limit() {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for range time.Tick(20 * time.Millisecond) {
		if metrics.Read(sample); sample[0].Value.Uint64() > 400<<20 {
			os.Exit(86)
		}
	}
}

// answer is the answers to all questions, with what the packages have logged.
func answer(old []question) string {
	// After two collections every sync.Pool is empty: what an earlier version of a
	// package has left in one is no state of the program.
	runtime.GC()
	runtime.GC()
	var b strings.Builder
	for _, q := range append(questions(), old...) {
		trace.Reset()
		text := try(q.ask)
		fmt.Fprintf(&b, "== %s\n%s\n", q.name, short(text))
		if logged := trace.Text(); logged != "" {
			fmt.Fprintf(&b, "-- log\n%s\n", logged)
		}
	}
	return b.String()
}

// try makes a panic part of the answer, with the lines that it came along.
func try(f func() string) (text string) {
	defer func() {
		e := recover()
		if e == nil {
			return
		}
		text = fmt.Sprintf("panic: %v%s", e, lines())
	}()
	return f()
}

// lines are those of the frames of the edited packages, innermost first.
func lines() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	var b strings.Builder
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "example.com/edits/") && !strings.HasPrefix(frame.Function, "example.com/edits/internal/trace.") {
			fmt.Fprintf(&b, " < %s:%d", frame.File[strings.LastIndex(frame.File, "/")+1:], frame.Line)
		}
		if !more {
			return b.String()
		}
	}
}

// short is a text, or its beginning and a sum of it all.
func short(text string) string {
	const most = 3000
	if len(text) <= most {
		return text
	}
	sum := uint32(0)
	for i := range len(text) {
		sum = sum*31 + uint32(text[i])
	}
	return fmt.Sprintf("%s… %d bytes, sum %08x", text[:most], len(text), sum)
}
