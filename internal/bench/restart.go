package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// airModule is the restart tool that realtime is measured against.
const airModule = "github.com/air-verse/air@v1.67.4"

// A process that restarts takes a second to answer: it is asked less often than one that
// does not, for the sake of the compiler.
const pollRestart = 5 * time.Millisecond

// A way takes a save to a new answer of its own copy of the shop.
type way struct {
	name  string
	shop  *shop.Shop
	url   string
	every time.Duration

	lost int    // edits that it never answered
	log  string // what it wrote, if it may lose edits

	saved func() error // what a person does behind the save; nil: nothing
	done  func() error // what must be behind the answer; nil: nothing
	stop  func()
}

// restart measures from the save of a file to the first answer with the new content,
// without a restart and with: by hand, and by a tool. The ways take turns.
func restart(s *shop.Shop, w io.Writer) error {
	air, missing := installAir(s)
	for _, delay := range []struct {
		name, value string
		edits       int
	}{
		{"shop -start-delay 0", "0", *editCount},
		{"shop as it is, 3 s of start", "500ms", max(3, *editCount/4)},
	} {
		fmt.Fprintf(w, "save to new answer (ms): %s, %d edits each\tmin\tmedian\tmax\tratio of medians\n", delay.name, delay.edits)
		err := func() error {
			ways, err := startWays(s, air, delay.value)
			defer func() {
				for _, way := range ways {
					way.stop()
				}
			}()
			if err != nil {
				return err
			}
			for _, b := range bodies[:2] {
				times := make([][]time.Duration, len(ways))
				for n := 1; n <= delay.edits; n++ {
					for i := range ways {
						i = (i + n) % len(ways)
						took, err := ways[i].edit(b, n)
						if errors.Is(err, errUnanswered) && ways[i].log != "" && ways[i].lost < delay.edits/2 {
							ways[i].lost++
							text, _ := os.ReadFile(ways[i].log)
							fmt.Fprintf(os.Stderr, "%s: %v\n%s\n", ways[i].name, err, text[max(0, len(text)-1000):])
							continue
						}
						if err != nil {
							return fmt.Errorf("%s: editing %s: %w", ways[i].name, b.name, err)
						}
						times[i] = append(times[i], took)
					}
				}
				for i, t := range times {
					if len(t) == 0 {
						return fmt.Errorf("%s: no edit of %s was answered", ways[i].name, b.name)
					}
					lost := ""
					if ways[i].lost > 0 {
						lost = fmt.Sprintf("; %d lost", ways[i].lost)
						ways[i].lost = 0
					}
					fmt.Fprintf(w, "%s, %s%s\t%s\t%s\t%s\t%.1f\n", b.name, ways[i].name, lost,
						ms(slices.Min(t)), ms(median(t)), ms(slices.Max(t)), float64(median(t))/float64(median(times[0])))
				}
			}
			return nil
		}()
		if err != nil {
			return err
		}
	}
	if missing != nil {
		fmt.Fprintf(w, "without air: %s\n", strings.ReplaceAll(missing.Error(), "\n", " "))
	}
	return nil
}

// installAir builds the restart tool, for this run only.
func installAir(s *shop.Shop) (string, error) {
	bin := filepath.Join(filepath.Dir(s.Dir), "bin")
	cmd := s.Command("go", "install", airModule)
	cmd.Env = append(cmd.Env, "GOBIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w\n%s", airModule, err, out)
	}
	return filepath.Join(bin, "air"), nil
}

// startWays starts the shop in all ways and waits until they answer. After an error the
// ways are those that were started.
func startWays(s *shop.Shop, air, delay string) (ways []*way, err error) {
	add := func(name string, start func(*way, string) error) {
		if err != nil {
			return
		}
		way := &way{name: name, every: pollRestart}
		var addr string
		if addr, err = shop.Addr(); err != nil {
			return
		}
		way.url = "http://" + addr
		if way.shop, err = s.Copy(); err != nil {
			return
		}
		way.shop.Args = []string{"-start-delay", delay}
		if err = start(way, addr); err != nil {
			err = fmt.Errorf("starting the shop, %s: %w", name, err)
			return
		}
		ways = append(ways, way)
	}
	add("realtime run", underRealtime)
	add("go build and restart by hand", byHand)
	if air != "" {
		// 1000 is what air init writes; 0 is 1000 too, for it counts as not set.
		for _, wait := range []string{"1", "1000"} {
			add("air, delay = "+wait, func(w *way, addr string) error { return underAir(w, air, wait, addr) })
		}
	}
	for _, way := range ways {
		if err == nil {
			err = way.served("/healthz", `"status":"ok"`)
		}
	}
	return ways, err
}

func underRealtime(w *way, addr string) error {
	r, err := w.shop.Run(addr)
	if err != nil {
		return err
	}
	w.every, w.stop = pollEvery, r.Stop
	w.done = func() error {
		e, err := r.Closing(shop.Patience)
		if err == nil && e.Action != "live" {
			err = fmt.Errorf("%v\n%s", e, r.Said())
		}
		return err
	}
	return nil
}

func byHand(w *way, addr string) error {
	exe := filepath.Join(filepath.Dir(w.shop.Dir), "exe")
	var p *shop.Process
	run := func() (err error) {
		p, err = shop.Start(w.shop.Command(exe, append([]string{"-addr", addr}, w.shop.Args...)...), nil)
		return err
	}
	w.saved = func() error {
		if err := w.shop.Build(exe); err != nil {
			return err
		}
		p.Stop(syscall.SIGTERM)
		return run()
	}
	w.stop = func() { p.Stop(syscall.SIGTERM) }
	if err := w.shop.Build(exe); err != nil {
		return err
	}
	return run()
}

// underAir has the configuration that air init writes, but for the delay.
func underAir(w *way, air, delay, addr string) error {
	if out, err := w.shop.Command(air, "init").CombinedOutput(); err != nil {
		return fmt.Errorf("air init: %w\n%s", err, out)
	}
	config, err := os.ReadFile(w.shop.Path(".air.toml"))
	if err != nil {
		return err
	}
	text := string(config)
	for _, change := range [][2]string{
		{"args_bin = []", fmt.Sprintf("args_bin = [%q, %q, %q, %q]", "-addr", addr, w.shop.Args[0], w.shop.Args[1])},
		{"delay = 1000", "delay = " + delay},
	} {
		if strings.Count(text, change[0]) != 1 {
			return fmt.Errorf("air init: not once %q in\n%s", change[0], text)
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	if err := os.WriteFile(w.shop.Path(".air.toml"), []byte(text), 0o666); err != nil {
		return err
	}
	w.log = filepath.Join(filepath.Dir(w.shop.Dir), "log")
	out, err := os.Create(w.log)
	if err != nil {
		return err
	}
	defer out.Close()
	p, err := shop.Start(w.shop.Command(air), out)
	if err != nil {
		return err
	}
	w.stop = func() { p.Stop(syscall.SIGINT) }
	return nil
}

var errUnanswered = errors.New("no answer")

// edit makes edit n of a body and waits for the answer.
func (w *way) edit(b body, n int) (time.Duration, error) {
	text, err := os.ReadFile(w.shop.Path(b.file))
	if err != nil {
		return 0, err
	}
	before := b.original
	if n > 1 {
		before = b.replaced(n - 1)
	}
	if strings.Count(string(text), before) != 1 {
		return 0, fmt.Errorf("%s has not once %q", b.file, before)
	}
	text = []byte(strings.Replace(string(text), before, b.replaced(n), 1))
	begin := time.Now()
	if err := os.WriteFile(w.shop.Path(b.file), text, 0o666); err != nil {
		return 0, err
	}
	if w.saved != nil {
		if err := w.saved(); err != nil {
			return 0, err
		}
	}
	if err := w.served(b.path, b.want(n)); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if w.done != nil {
		err = w.done()
	}
	return took, err
}

// served asks until the answer contains want. In between nobody may be there, and one who
// has just come has an empty cart.
func (w *way) served(path, want string) error {
	request, err := http.NewRequest("GET", w.url+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", shop.Cart)
	patience := shop.Patience
	if w.log != "" {
		patience /= 4
	}
	last := errors.New("nothing")
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(w.every) {
		answer, err := read(http.DefaultClient.Do(request))
		if err == nil && strings.Contains(answer, `"subtotal":"0.00"`) {
			if err = shop.Fill(w.url); err == nil {
				answer, err = read(http.DefaultClient.Do(request))
			}
		}
		if err == nil && strings.Contains(answer, want) {
			return nil
		}
		if last = err; err == nil {
			last = errors.New(answer)
		}
	}
	return fmt.Errorf("%w with %s in %v: %w", errUnanswered, want, patience, last)
}
