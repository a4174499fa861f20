package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/proof/subject"
)

// A trial is a program that is tried.
type trial struct {
	*program
	*options
	subject  *subject.Subject
	load     *load
	excluded map[string]bool
	left     map[string]bool // functions that were always in the way
}

// try replaces the functions of a program in rounds, and returns how many rounds passed.
func (p *program) try(ctx context.Context, o *options) (passed int, err error) {
	dir, err := os.MkdirTemp("", "relink-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	config, err := p.prepare(dir)
	if err != nil {
		return 0, err
	}
	godebug := p.godebug
	if o.gc {
		godebug += ",gccheckmark=1"
		config.Env = append(config.Env, "GOGC=1")
	}
	config.Env = append(config.Env, "GODEBUG="+strings.TrimPrefix(godebug, ","))
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	errors, err := os.Create(dir + "/stderr")
	if err != nil {
		return 0, err
	}
	defer errors.Close()
	config.Stdout, config.Stderr = w, errors
	s, err := subject.Start(ctx, *config)
	w.Close()
	if err != nil {
		return 0, err
	}
	t := &trial{program: p, options: o, subject: s, excluded: excluded(s), left: map[string]bool{}}
	defer func() {
		if t.load != nil {
			t.load.end()
		}
		// A program that has died has a status of its own.
		s.Kill()
		if text, _ := os.ReadFile(errors.Name()); err != nil && len(text) > 0 {
			err = fmt.Errorf("%w\nthe program wrote:\n%s", err, text[:min(len(text), 8000)])
		}
	}()
	url, err := address(r)
	if err != nil {
		return 0, err
	}
	requests, err := p.requests(ctx, url)
	if err != nil {
		return 0, err
	}
	if t.load, err = newLoad(url, requests, o.clients); err != nil {
		return 0, err
	}
	begin := time.Now()
	for n := range o.rounds {
		if err := t.round(ctx, n+1); err != nil {
			return passed, fmt.Errorf("round %d: %w", n+1, err)
		}
		passed++
	}
	t.load.mu.Lock()
	defer t.load.mu.Unlock()
	fmt.Printf("%s: %d answers in %.0f s, none of them wrong\n", p.name, t.load.asked, time.Since(begin).Seconds())
	return passed, t.load.check()
}

// address is what the program prints first.
func address(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if url := regexp.MustCompile(`http://\S+`).FindString(lines.Text()); url != "" {
			go io.Copy(io.Discard, r)
			return url, nil
		}
	}
	return "", errors.New("the program ended before it served")
}

// attempts is how often a patch is tried again before the functions that were in its way
// are left out of it.
const attempts = 3

// round replaces everything once.
func (t *trial) round(ctx context.Context, number int) error {
	all, err := t.subject.Functions(func(path string) bool { return !t.excluded[path] && !t.subject.IsAgent(path) })
	if err != nil {
		return err
	}
	var done *subject.Relinked
	var functions []link.Function
	for attempt := 1; done == nil; attempt++ {
		functions = slices.DeleteFunc(slices.Clone(all), func(f link.Function) bool { return t.left[f.Replaces] || !replaced(f.Replaces, t.excluded) })
		done, err = t.subject.Relink(ctx, functions, time.Second)
		blocked := (*subject.Blocked)(nil)
		switch {
		case errors.As(err, &blocked):
			names := slices.Compact(slices.Sorted(slices.Values(blocked.Functions)))
			fmt.Printf("%s: round %d: attempt %d: in the way: %s\n", t.name, number, attempt, strings.Join(names, ", "))
			if attempt%attempts == 0 {
				for _, name := range names {
					t.left[name] = true
				}
			}
		case err != nil:
			return err
		}
	}
	img := done.Image
	text := "no bodies poisoned"
	if t.poison {
		spared, err := t.subject.Poison(done)
		if err != nil {
			return err
		}
		text = fmt.Sprintf("%d old bodies poisoned, %d running, %d wrappers", len(img.Redirects)-spared, len(done.Running), len(done.Wrappers))
	}
	fmt.Printf("%s: round %d: %d functions by %d jumps, image of %.1f MB linked in %.2f s, loaded in %.0f ms, pause %.2f ms, %d attempts; %s\n",
		t.name, number, len(functions), len(img.Redirects), float64(img.End-img.Segments[0].Addr)/1e6, done.Linking.Seconds(),
		float64(done.LoadNS)/1e6, float64(done.PauseNS)/1e6, done.Attempts, text)
	if len(t.left) > 0 {
		fmt.Printf("%s: left out, always running: %s\n", t.name, strings.Join(slices.Sorted(maps.Keys(t.left)), ", "))
	}
	if t.verbose {
		t.running(done)
	}
	if number == 1 {
		names, err := t.uncovered(img)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return fmt.Errorf("%d functions are neither replaced nor excluded: %s", len(names), strings.Join(names, ", "))
		}
	}
	if err := t.load.all(); err != nil {
		return err
	}
	return t.newest(ctx, img)
}

// running names the functions that go on in an old version.
func (t *trial) running(done *subject.Relinked) {
	names := map[string]bool{}
	for _, r := range done.Image.Redirects {
		if done.Running[r.Old] {
			names[r.Name] = true
		}
	}
	fmt.Printf("%s: on a stack: %s\n", t.name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
}

// newest asks the program, if it can tell, by which code it came to the answer: all of it
// must lie in the newest image, but for what is not replaced.
func (t *trial) newest(ctx context.Context, img *link.Image) error {
	if t.name == "shop" {
		return nil
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	list, err := get(ctx, client, t.load.url+"/callers")
	if err != nil {
		return err
	}
	inside := 0
	for line := range strings.Lines(list) {
		pc, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		at, err := strconv.ParseUint(pc, 16, 64)
		if err != nil {
			return fmt.Errorf("callers: %w", err)
		}
		switch {
		case at >= img.Segments[0].Addr && at < img.End:
			inside++
		case replaced(name, t.excluded) && !t.left[name]:
			return fmt.Errorf("callers: %s runs at %#x, outside of the newest image", name, at)
		}
	}
	if inside == 0 {
		return errors.New("callers: nothing runs in the newest image")
	}
	return nil
}
