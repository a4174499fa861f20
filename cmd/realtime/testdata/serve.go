package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

// answer makes GET path answer with what f returns.
func answer(path string, f func() any) {
	http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, f())
	})
}

// serve answers on a free port, or on $PORT, until the process ends.
func serve() {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PORT")))
	if err != nil {
		panic(err)
	}
	answer("/pid", func() any { return os.Getpid() })
	fmt.Println("ready http://" + l.Addr().String())
	panic(http.Serve(l, nil))
}
