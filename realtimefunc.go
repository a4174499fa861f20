// Package realtimefunc tells a program of its own edits. Programs don't need it to run
// under realtime; it is for what an edit can't reach by itself: a router that was built
// from functions when the program began, a cache of parsed templates.
//
//	func main() {
//		var mux atomic.Pointer[http.ServeMux]
//		mux.Store(routes())
//		realtimefunc.OnUpdate(func(realtimefunc.Update) { mux.Store(routes()) })
//		…
//	}
//
// In a program that does not run under realtime it does nothing.
package realtimefunc

import (
	"strings"
	"sync"
	"sync/atomic"
)

// An Update is one edit that has become live.
type Update struct {
	Decls []Decl // those that the edit has changed or added
}

// A Decl is a declaration.
type Decl struct {
	ImportPath string // of its package
	Kind       string // "func", "type", "var", "const"; "file" for an embedded one
	Name       string // "Total", "(*Cart).Add"; of a func literal "New.func1"
}

// OnUpdate registers f to be called after each edit that has become live: all functions
// are the new ones by then. The calls are one after the other, in a goroutine of their own.
func OnUpdate(f func(Update)) {
	mu.Lock()
	defer mu.Unlock()
	hooks = append(hooks, f)
	entry.Store(deliver)
}

var (
	mu    sync.Mutex
	hooks []func(Update)
)

var entry atomic.Value // has deliver, for the linker to keep it

var order sync.Mutex // of updates

// deliver is called by the agent of realtime, which knows it by its name. Each line of
// news is a declaration: kind, import path and name, with tabs between them.
func deliver(news string) {
	order.Lock()
	defer order.Unlock()
	var u Update
	for line := range strings.Lines(news) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 3 {
			u.Decls = append(u.Decls, Decl{Kind: f[0], ImportPath: f[1], Name: f[2]})
		}
	}
	mu.Lock()
	list := hooks[:len(hooks):len(hooks)]
	mu.Unlock()
	for _, f := range list {
		f(u)
	}
}
