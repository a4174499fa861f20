package gobuild

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// server is a small program with a real list of dependencies.
var server = fixture{files: files{
	"go.mod": "module example.com/m\n\ngo 1.25.0\n",
	"main.go": `package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
)

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello", r.URL.Path) }

func main() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	r, err := http.Get(s.URL + "/world")
	if err != nil {
		panic(err)
	}
	r.Write(os.Stdout)
}
`,
}}

// What stands between `realtime run` and the first request: Build and the
// start, against go run. Load runs beside the program.
func BenchmarkStart(b *testing.B) {
	ctx := context.Background()
	config := server.config(b)
	h, err := Build(ctx, config)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			if _, err := Build(ctx, config); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("build and request", func(b *testing.B) {
		for b.Loop() {
			h, err := Build(ctx, config)
			if err != nil {
				b.Fatal(err)
			}
			if err := exec.Command(h.Exe).Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("go run and request", func(b *testing.B) {
		for b.Loop() {
			if err := h.gocmd(ctx, "run", ".").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if err := h.Load(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load and request", func(b *testing.B) {
		for b.Loop() {
			done := make(chan error)
			go func() { done <- h.Load(ctx) }()
			if err := exec.Command(h.Exe).Run(); err != nil {
				b.Fatal(err)
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	h, c := server.compiler(b)
	src, err := os.ReadFile(h.Main.GoFiles[0])
	if err != nil {
		b.Fatal(err)
	}
	req := Request{ImportPath: "example.com/m", Overlay: map[string][]byte{h.Main.GoFiles[0]: append(src, "func x() {}\n"...)}}
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Compile(context.Background(), req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rescan", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Rescan(h.Main, req.Overlay); err != nil {
				b.Fatal(err)
			}
		}
	})
}
