// Package shop runs a copy of examples/shop under realtime, for the commands that
// measure it (internal/bench) and strain it (internal/soak). The files of the
// repository are never touched.
package shop

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Shop is a copy of examples/shop in a folder of its own, and a realtime command
// built for it.
type Shop struct {
	Dir  string   // the module root of the copy
	Env  []string // for the commands that run it
	Args []string // of the shop, besides its address

	temp     string
	origin   string // the shop of the repository
	realtime string
}

// New builds realtime and copies the shop.
func New() (s *Shop, err error) {
	temp, err := os.MkdirTemp("", "realtime-shop-")
	if err != nil {
		return nil, err
	}
	s = &Shop{
		Dir: filepath.Join(temp, "shop"), Args: []string{"-start-delay", "0"},
		temp: temp, realtime: filepath.Join(temp, "realtime"),
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	out, err := output("go", "list", "-m", "-f", "{{.Dir}}", "github.com/realtimefunc/realtimefunc")
	if err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	s.origin = filepath.Join(out, "examples", "shop")
	if err := os.CopyFS(s.Dir, os.DirFS(s.origin)); err != nil {
		return nil, fmt.Errorf("copying the shop: %w", err)
	}
	if _, err := output("go", "build", "-o", s.realtime, filepath.Join(out, "cmd", "realtime")); err != nil {
		return nil, fmt.Errorf("building realtime: %w", err)
	}
	// What realtime keeps from run to run is of no use after this one: it goes with the
	// copy. The build cache stays the user's.
	if out, err = output("go", "env", "GOCACHE"); err != nil {
		return nil, err
	}
	s.Env = append(os.Environ(), "GOCACHE="+out, "XDG_CACHE_HOME="+filepath.Join(temp, "cache"), "TMPDIR="+temp)
	return s, nil
}

// Copy is another copy of the shop, without the edits of this one. It goes with the
// first at the latest.
func (s *Shop) Copy() (*Shop, error) {
	temp, err := os.MkdirTemp(s.temp, "copy-")
	if err != nil {
		return nil, err
	}
	c := *s
	c.temp, c.Dir = temp, filepath.Join(temp, "shop")
	if err := os.CopyFS(c.Dir, os.DirFS(s.origin)); err != nil {
		c.Close()
		return nil, fmt.Errorf("copying the shop: %w", err)
	}
	return &c, nil
}

// Close removes the copy.
func (s *Shop) Close() error { return os.RemoveAll(s.temp) }

// Path is where a file of the shop is, named from its module root with slashes.
func (s *Shop) Path(file string) string { return filepath.Join(s.Dir, filepath.FromSlash(file)) }

// Command is a command in the folder of the shop; "realtime" is the one built for it.
func (s *Shop) Command(name string, args ...string) *exec.Cmd {
	if name == "realtime" {
		name = s.realtime
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = s.Dir, s.Env
	return cmd
}

// output runs a command and returns its output, without the last newline.
func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s %s: %w\n%s", name, args[0], err, exit.Stderr)
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

// Fill puts one espresso cup, at [Cup] cents, into the cart "probe" of the shop at url.
func Fill(url string) error {
	request, err := http.NewRequest("POST", url+"/cart/items", strings.NewReader(`{"product":"espresso-cup"}`))
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", Cart)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("filling the cart: %s", response.Status)
	}
	return nil
}

// The cart that [Fill] fills: its cookie, and what one piece and the shipping
// cost in cents.
const (
	Cart     = "cart=probe"
	Cup      = 980
	Shipping = 490
)

// Money is an amount of cents as the shop writes it.
func Money(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
