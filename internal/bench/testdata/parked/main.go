// Command parked has many goroutines, for the time that an edit stops them all.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

func main() {
	parked := flag.Int("parked", 0, "this many goroutines wait for a channel")
	runnable := flag.Int("runnable", 0, "this many could run, if there were processors")
	blocked := flag.Int("blocked", 0, "this many are in a system call, each on a thread of its own")
	flag.Parse()
	wait := make(chan int)
	for range *parked {
		go func() { <-wait }()
	}
	for range *runnable {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
	}
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		fmt.Fprintln(os.Stderr, "making a pipe:", err)
		os.Exit(1)
	}
	for range *blocked {
		go func() {
			var b [1]byte
			syscall.Read(pipe[0], b[:]) // nobody writes
		}()
	}
	fmt.Println("ready")
	<-wait
	fmt.Println(edited())
}

func edited() int { return 0 }
