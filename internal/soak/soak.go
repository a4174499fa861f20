package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// A soak edits one copy of the shop.
type soak struct {
	shop   *shop.Shop
	random *rand.Rand
	gc     bool
	step   int

	original map[string]string // the files that are edited, as they were before the first edit
	disk     map[string]string // as they are on disk
	before   map[string]string // as they were before this step
	versions []int             // by kind: what the program must do
	doing    string            // this step in words

	session *shop.Session // nil: to be started
	load    *load
	marks   struct{ requests, broken int } // length of the load's lists when the step began

	// The outcome, of all processes.
	requests, events int
	longestGap       time.Duration
	elapsed          []time.Duration
	requestsFailed   []string
	streamBroken     []string
	processChanged   []string
}

// checkmark makes the program collect garbage all the time, and compare what was marked
// with what a second marking under stop-the-world finds. It does not go by the
// environment, for that is the compiler's too.
var checkmark = map[string]string{
	"checkmark.go": "package main\n\nimport _ \"example.com/shop/internal/checkmark\"\n",
	"internal/checkmark/checkmark.go": `package checkmark

import (
	"runtime/debug"
	_ "unsafe"
)

//go:linkname parsegodebug runtime.parsegodebug
func parsegodebug(settings string, seen map[string]bool)

func init() {
	parsegodebug("gccheckmark=1,asyncpreemptoff=1", nil) // as parsedebugvars does, runtime1.go of Go 1.26
	debug.SetGCPercent(5)
}
`,
}

// prepare reads the files that are edited and makes the changes that all of the soak is
// done with.
func (k *soak) prepare() error {
	k.original, k.disk, k.versions = map[string]string{}, map[string]string{}, make([]int, len(kinds))
	places := slices.Clone(instrument)
	for _, kind := range kinds {
		places = append(places, kind.places...)
	}
	for _, p := range places {
		if _, ok := k.original[p.file]; !ok {
			text, err := os.ReadFile(k.shop.Path(p.file))
			if err != nil {
				return err
			}
			k.original[p.file] = string(text)
		}
	}
	for _, p := range instrument {
		if err := p.write(k.original, 0); err != nil {
			return err
		}
	}
	if k.gc {
		for file, text := range checkmark {
			if err := os.MkdirAll(filepath.Dir(k.shop.Path(file)), 0o777); err != nil {
				return err
			}
			if err := os.WriteFile(k.shop.Path(file), []byte(text), 0o666); err != nil {
				return err
			}
		}
	}
	for file, text := range k.original {
		k.disk[file] = text
		if err := os.WriteFile(k.shop.Path(file), []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// write puts version n of a place into its file.
func (p place) write(files map[string]string, n int) error {
	if c := strings.Count(files[p.file], p.original); c != 1 {
		return fmt.Errorf("%s has %d times %q, want it once", p.file, c, p.original)
	}
	files[p.file] = strings.Replace(files[p.file], p.original, p.text(n), 1)
	return nil
}

// sources are the files with each kind in its version.
func sources(original map[string]string, versions []int) (map[string]string, error) {
	files := map[string]string{}
	for file, text := range original {
		files[file] = text
	}
	for i, n := range versions {
		if n == 0 {
			continue
		}
		for _, p := range kinds[i].places {
			if err := p.write(files, n); err != nil {
				return nil, fmt.Errorf("%s: %w", kinds[i].name, err)
			}
		}
	}
	return files, nil
}

// begin starts the program and loads it. It runs what is on disk.
func (k *soak) begin() (err error) {
	if k.doing != "" {
		// What was to be broken, or was not told, must not be started with.
		files, err := sources(k.original, k.versions)
		if err != nil {
			return err
		}
		if err := k.save(files, inPlace); err != nil {
			return err
		}
	}
	var flags []string
	if k.gc {
		flags = append(flags, "-ldflags=-checklinkname=0")
	}
	if k.session, err = k.shop.Run("127.0.0.1:0", flags...); err != nil {
		return err
	}
	if err := k.session.Fill(); err != nil {
		return err
	}
	k.load, err = newLoad(k.session.URL)
	return err
}

// end ends the program and adds up what its clients saw.
func (k *soak) end() {
	if l := k.load; l != nil {
		l.end()
		k.load = nil
		k.requests += l.requests
		k.events += l.events
		k.longestGap = max(k.longestGap, l.gap)
		k.requestsFailed = append(k.requestsFailed, l.failed...)
		k.streamBroken = append(k.streamBroken, l.broken...)
	}
	if k.session != nil {
		k.session.Stop()
		k.session = nil
	}
}

// edit makes one edit and tries the program.
func (k *soak) edit() error {
	k.mark()
	k.before = map[string]string{}
	for file, text := range k.disk {
		k.before[file] = text
	}
	versions, names := k.choose()
	breaks := k.random.IntN(10) == 0
	how := manner(k.random.IntN(int(manners)))
	twice := !breaks && k.random.IntN(12) == 0
	k.doing = fmt.Sprintf("%s, %v", strings.Join(names, " + "), how)

	files, err := sources(k.original, versions)
	if err != nil {
		return err
	}
	if breaks {
		k.doing += ", does not compile"
		file := k.file(versions)
		files[file] += drive.Broken[k.random.IntN(len(drive.Broken))]
		if err := k.save(files, how); err != nil {
			return err
		}
		return k.rejected()
	}
	if err := k.save(files, how); err != nil {
		return err
	}
	if twice {
		wait := time.Duration(k.random.IntN(250)) * time.Millisecond
		k.doing += fmt.Sprintf(", and again after %v", wait)
		time.Sleep(wait)
		for i := range versions {
			if versions[i] == k.step {
				versions[i] += 10_000
			}
		}
		if files, err = sources(k.original, versions); err != nil {
			return err
		}
		if err := k.save(files, how); err != nil {
			return err
		}
	}
	k.versions = versions
	return k.live()
}

// choose returns the versions after the next edit, which differ from those on disk.
func (k *soak) choose() (versions []int, names []string) {
	for len(names) == 0 {
		versions = slices.Clone(k.versions)
		count := 1
		switch k.random.IntN(10) {
		case 0: // back to the first version
			clear(versions)
			for i, n := range k.versions {
				if n != 0 {
					names = append(names, "back: "+kinds[i].name)
				}
			}
			continue
		case 1, 2: // several at once
			count = 2 + k.random.IntN(4)
		}
		for _, i := range k.random.Perm(len(kinds))[:count] {
			versions[i] = k.step
			name := kinds[i].name
			if k.versions[i] != 0 && k.random.IntN(3) == 0 {
				versions[i], name = 0, "without "+name
			}
			names = append(names, name)
		}
	}
	return versions, names
}

// file is one that differs between the versions.
func (k *soak) file(versions []int) string {
	for i := range versions {
		if versions[i] != k.versions[i] {
			return kinds[i].places[0].file
		}
	}
	return server
}

// A manner is how an editor saves.
type manner int

const (
	inPlace manner = iota
	byRename
	inHalves
	manners
)

func (m manner) String() string {
	return [...]string{"saved in place", "saved by rename", "saved in halves"}[m]
}

// save writes the files that are not so on disk yet, in the order of their names.
func (k *soak) save(files map[string]string, how manner) error {
	var names []string
	for file, text := range files {
		if k.disk[file] != text {
			names = append(names, file)
		}
	}
	slices.Sort(names)
	for _, file := range names {
		if err := write(k.shop.Path(file), files[file], how); err != nil {
			return err
		}
		k.disk[file] = files[file]
	}
	return nil
}

func write(path, text string, how manner) error {
	switch how {
	case byRename:
		f, err := os.CreateTemp(filepath.Dir(path), ".save-*")
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		return os.Rename(f.Name(), path)
	case inHalves:
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text[:len(text)/2])
		time.Sleep(5 * time.Millisecond) // shorter than the watcher waits for quiet
		_, err2 := f.WriteString(text[len(text)/2:])
		return errors.Join(err, err2, f.Close())
	}
	return os.WriteFile(path, []byte(text), 0o666)
}

// live waits until the program does what the versions say. Files that are saved one after
// the other may become more than one edit.
func (k *soak) live() error {
	var wrong error
	for patience := shop.Patience; ; patience = shop.Patience / 6 {
		e, err := k.session.Closing(patience)
		switch {
		case err != nil && wrong != nil:
			return wrong
		case err != nil:
			return err
		case e.Action != "live":
			return k.unexpected(e)
		}
		if wrong = k.probe(); wrong == nil {
			k.elapsed = append(k.elapsed, time.Duration(e.Elapsed*float64(time.Second)))
			return nil
		}
		wrong = fmt.Errorf("after %v: %w", e, wrong)
	}
}

// rejected waits until the edit is refused, and sees that nothing has changed.
func (k *soak) rejected() error {
	e, err := k.session.Closing(shop.Patience)
	switch {
	case err != nil:
		return err
	case e.Action != "rejected":
		return k.unexpected(e)
	}
	if err := k.probe(); err != nil {
		return fmt.Errorf("after %v: %w", e, err)
	}
	return nil
}

// unexpected is an event that should not have come.
type unexpected struct{ event shop.Event }

// unexpected is the error for an event. Why a process was ended is told by the event that
// closes the edit.
func (k *soak) unexpected(e shop.Event) error {
	if e.Action == "exit" && e.Reason == "restart" {
		if next, err := k.session.Closing(shop.Patience); err == nil {
			e = next
		}
	}
	return &unexpected{e}
}

func (u *unexpected) Error() string { return u.event.String() }

// mark remembers what went wrong before this step.
func (k *soak) mark() {
	l := k.load
	l.mu.Lock()
	defer l.mu.Unlock()
	k.marks.requests, k.marks.broken = len(l.failed), len(l.broken)
}

// probe asks for the answers that show the versions.
func (k *soak) probe() error {
	for i, kind := range kinds {
		n := k.versions[i]
		if kind.stream {
			if n >= k.step || n == 0 && k.random.IntN(10) == 0 {
				if err := k.load.stockReason(kind.want(n)); err != nil {
					return err
				}
			}
			continue
		}
		if kind.path == "" {
			continue
		}
		header, body, err := k.ask(kind)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", kind.name, err)
		case kind.header != "" && header.Get(kind.header) != kind.value(n):
			return fmt.Errorf("%s: %s has %s %q, want %q", kind.name, kind.path, kind.header, header.Get(kind.header), kind.value(n))
		case kind.want != nil && !strings.Contains(body, kind.want(n)):
			return fmt.Errorf("%s: %s answers %.300s, want %s in it", kind.name, kind.path, body, kind.want(n))
		}
	}
	files, err := sources(k.original, k.versions)
	if err != nil {
		return err
	}
	above, _, _ := strings.Cut(files[server], lineCall)
	want := fmt.Sprintf(`"line":%d,`, 1+strings.Count(above, "\n"))
	_, body, err := k.ask(kind{path: "/healthz"})
	if err == nil && !strings.Contains(body, want) {
		err = fmt.Errorf("lines: /healthz answers %s, want %s in it", body, want)
	}
	return err
}

// ask makes the request that shows a kind.
func (k *soak) ask(kind kind) (http.Header, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), shop.Patience)
	defer cancel()
	method, cookie, item := kind.method, shop.Cart, ""
	if method == "POST" {
		cookie, item = fmt.Sprintf("cart=probe-%d", k.random.Uint64()), `{"product":"scale"}`
	}
	response, err := k.load.send(ctx, method, kind.path, cookie, item)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return nil, "", fmt.Errorf("%s: %s", kind.path, response.Status)
	}
	if kind.path == "/events" {
		return response.Header, "", nil // it has no end
	}
	body, err := io.ReadAll(response.Body)
	return response.Header, string(body), err
}

// failed tells of a failed step and keeps what is needed to see it again.
func (k *soak) failed(err error) {
	fmt.Printf("edit %d: FAIL: %s\n\t%v\n", k.step, k.doing, err)
	if u := (*unexpected)(nil); errors.As(err, &u) && (u.event.Action == "restart" || u.event.Action == "exit") {
		// The clients' errors have this reason; they are not counted again.
		k.processChanged = append(k.processChanged, fmt.Sprintf("edit %d: %v", k.step, err))
		l := k.load
		l.end()
		l.failed, l.broken = l.failed[:k.marks.requests], l.broken[:k.marks.broken]
	}
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		fmt.Printf("\tkeeping the sources: %v\n", err)
		return
	}
	for name, files := range map[string]map[string]string{"before": k.before, "after": k.disk} {
		for file, text := range files {
			path := filepath.Join(dir, name, filepath.FromSlash(file))
			err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666))
		}
	}
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "log"), []byte(k.session.Said()), 0o666))
	if err != nil {
		fmt.Printf("\tkeeping the sources: %v\n", err)
	}
	fmt.Printf("\tbefore, after, log: %s\n", dir)
}

// median and longest are of the times from the save to the event that closes the edit.
func (k *soak) median() time.Duration {
	if len(k.elapsed) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(k.elapsed))[len(k.elapsed)/2].Round(time.Millisecond)
}

func (k *soak) longest() time.Duration {
	return slices.Max(append(k.elapsed, 0)).Round(time.Millisecond)
}
