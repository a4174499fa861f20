package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/proof/subject"
)

// A program is one whose functions are replaced.
type program struct {
	name     string
	godebug  string
	prepare  func(dir string) (*subject.Config, error) // in a folder of its own
	requests func(ctx context.Context, url string) ([]request, error)
}

// unavailable says why a program can't be had on this machine.
type unavailable struct{ why string }

func (u *unavailable) Error() string { return u.why }

var programs = []*program{
	{name: "server", prepare: prepareServer, requests: askPaths},
	{name: "shop", prepare: prepareShop, requests: shopRequests},
	{name: "sqlite", prepare: prepareSQLite, requests: askPaths},
	{name: "cgo", godebug: "netdns=cgo", prepare: prepareCgo, requests: askPaths},
}

//go:embed testdata
var sources embed.FS

// write puts the sources of a program into a module, and what all of them have.
func write(name, dir, gomod string) (*subject.Config, error) {
	src := filepath.Join(dir, "src")
	for _, from := range []string{"serve", name} {
		tree, err := fs.Sub(sources, "testdata/"+from)
		if err == nil {
			err = os.CopyFS(src, tree)
		}
		if err != nil {
			return nil, fmt.Errorf("writing the program: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte(gomod), 0o666); err != nil {
		return nil, fmt.Errorf("writing the program: %w", err)
	}
	return &subject.Config{Dir: src, Work: filepath.Join(dir, "work")}, nil
}

// command runs a command and returns its output, without the newline at its end.
func command(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

func prepareServer(dir string) (*subject.Config, error) {
	return write("server", dir, "module example.com/server\n\ngo 1.25\n")
}

// prepareSQLite fetches the modules, which it alone needs.
func prepareSQLite(dir string) (*subject.Config, error) {
	c, err := write("sqlite", dir, "module example.com/sqlite\n\ngo 1.25\n\nrequire modernc.org/sqlite v1.40.1\n")
	if err != nil {
		return nil, err
	}
	if _, err := command(c.Dir, "go", "mod", "tidy"); err != nil {
		return nil, &unavailable{fmt.Sprintf("the module can't be fetched: %v", err)}
	}
	return c, nil
}

func prepareCgo(dir string) (*subject.Config, error) {
	c, err := write("cgo", dir, "module example.com/cgo\n\ngo 1.25\n")
	if err != nil {
		return nil, err
	}
	compiler, err := command(c.Dir, "go", "env", "CC")
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(strings.Fields(compiler + " none")[0]); err != nil {
		return nil, &unavailable{fmt.Sprintf("no C compiler: %v", err)}
	}
	c.Flags = []string{"-ldflags=-linkmode=external"}
	return c, nil
}

// prepareShop copies examples/shop.
func prepareShop(dir string) (*subject.Config, error) {
	root, err := command("", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/realtimefunc/realtimefunc")
	if err != nil {
		return nil, err
	}
	src := filepath.Join(dir, "src")
	if err := os.CopyFS(src, os.DirFS(filepath.Join(root, "examples", "shop"))); err != nil {
		return nil, fmt.Errorf("copying the shop: %w", err)
	}
	return &subject.Config{Dir: src, Work: filepath.Join(dir, "work"), Args: []string{"-addr", "127.0.0.1:0", "-start-delay", "0"}}, nil
}

// shopRequests are those whose answers don't depend on the time of day: the stock does.
func shopRequests(context.Context, string) ([]request, error) {
	page := func(path string) request { return request{method: "GET", path: path, cookie: "cart=" + unique} }
	list := []request{
		page("/"), page("/products?q=tea&sort=price"), page("/products?limit=3"), page("/products/espresso-cup"),
		page("/cart"), page("/cart/total"), page("/orders"), page("/healthz"),
	}
	for _, item := range []string{
		`{"product":"scale","quantity":2}`, `{"product":"espresso-cup"}`, `{"product":"none"}`, `{`, `{"product":"gooseneck-kettle","quantity":3}`,
	} {
		list = append(list, request{method: "POST", path: "/cart/items", cookie: "cart=" + unique, body: item})
	}
	return list, nil
}

// askPaths asks a program of ours for the requests that it answers.
func askPaths(ctx context.Context, url string) ([]request, error) {
	list, err := get(ctx, http.DefaultClient, url+"/paths")
	if err != nil {
		return nil, err
	}
	var requests []request
	for _, path := range strings.Fields(list) {
		requests = append(requests, request{method: "GET", path: path})
	}
	if len(requests) == 0 {
		return nil, errors.New("the program answers no requests")
	}
	return requests, nil
}
