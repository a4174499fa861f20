// What all programs of ours have: every answer can be known before it is asked for.
// /NAME?n=NUMBER answers with what the work of that name makes of the number, and with
// status 500 if the work itself has found something wrong.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// works are the kinds of work, by name.
var works = map[string]func(n int) string{}

// serve serves at a free port, and prints where.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/", answer)
	http.HandleFunc("/paths", paths)
	http.HandleFunc("/callers", callers)
	fmt.Println("http://" + listener.Addr().String())
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
	os.Exit(1)
}

func answer(w http.ResponseWriter, r *http.Request) {
	work, ok := works[strings.TrimPrefix(r.URL.Path, "/")]
	n, err := strconv.Atoi(r.FormValue("n"))
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() {
		if e := recover(); e != nil {
			stack := make([]byte, 64<<10)
			stack = stack[:runtime.Stack(stack, false)]
			http.Error(w, fmt.Sprintf("%s(%d): %v\n%s", r.URL.Path, n, e, stack), http.StatusInternalServerError)
		}
	}()
	fmt.Fprintln(w, work(n))
}

// paths lists what to ask for.
func paths(w http.ResponseWriter, r *http.Request) {
	var list []string
	for name := range works {
		for n := range 3 {
			list = append(list, fmt.Sprintf("/%s?n=%d", name, n))
		}
	}
	sort.Strings(list)
	fmt.Fprint(w, strings.Join(list, "\n"))
}

// callers lists the calls that have led here: where each goes on, and its function.
func callers(w http.ResponseWriter, r *http.Request) {
	pcs := make([]uintptr, 100)
	for _, pc := range pcs[:runtime.Callers(0, pcs)] {
		fmt.Fprintf(w, "%x %s\n", pc, runtime.FuncForPC(pc-1).Name())
	}
}

// check panics if something is not as it must be.
func check(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}

// must returns v.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
