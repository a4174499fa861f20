// Command hooks serves pages from a router and a cache of templates that are made when
// the program begins, and made again after each edit:
//
//	realtime run ./examples/hooks
//
// Add a route in routes, or change the text of a template in pages.go, and ask again.
package main

import (
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/realtimefunc/realtimefunc"
)

var (
	router atomic.Pointer[http.ServeMux]
	parsed sync.Map // *template.Template by name
	visits atomic.Int64
)

func main() {
	router.Store(routes())
	realtimefunc.OnUpdate(updated)
	addr := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("hooks: http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		router.Load().ServeHTTP(w, r)
	})))
}

// updated makes again what holds functions and texts of before the edit.
func updated(u realtimefunc.Update) {
	router.Store(routes())
	parsed.Clear()
	for _, d := range u.Decls {
		log.Printf("updated: %s %s", d.Kind, d.Name)
	}
}

func routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", home)
	mux.HandleFunc("/about", about)
	return mux
}

// page writes a template, which it parses once.
func page(w http.ResponseWriter, name string, data any) {
	t, ok := parsed.Load(name)
	if !ok {
		t = template.Must(template.New(name).Parse(text(name)))
		parsed.Store(name, t)
	}
	if err := t.(*template.Template).Execute(w, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
