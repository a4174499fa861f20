package pairs

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// options are the flags.
type options struct {
	command string
	n       int
	seed    uint64
	batch   int
	filter  *regexp.Regexp
	v       bool
	tool    string
	dir     string
}

// Main is the whole of a command: it takes flags, asks for pairs, runs them, prints what
// became of them, and ends the process. all returns every pair that there is, the ones
// that matter most first: -n takes from the front.
func Main(command string, n int, all func(*rand.Rand) []*Pair) {
	o := options{command: command}
	flag.IntVar(&o.n, "n", n, "try this many `pairs`; 0: all there are")
	flag.Uint64Var(&o.seed, "seed", 1, "choose the pairs by this `number`")
	flag.IntVar(&o.batch, "batch", 80, "so many `pairs` in one program")
	filter := flag.String("run", "", "only pairs whose name matches this regular `expression`, whatever -n and -seed are")
	workers := flag.Int("j", 1, "so many `programs` at a time")
	flag.BoolVar(&o.v, "v", false, "tell of each pair what became of it")
	show := flag.Bool("show", false, "print the sources of the pairs instead of trying them")
	flag.Parse()
	var err error
	if o.filter, err = regexp.Compile(*filter); err != nil || flag.NArg() > 0 || o.batch < 1 || *workers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	list := all(rand.New(rand.NewPCG(o.seed, 0)))
	if *filter != "" {
		list = slices.DeleteFunc(list, func(p *Pair) bool { return !o.filter.MatchString(p.Name) })
	} else if o.n > 0 {
		list = list[:min(o.n, len(list))]
	}
	if *show {
		for _, p := range list {
			p.Print()
		}
		return
	}
	failed, err := o.run(list, *workers)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", command, err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// run tries the pairs, batch by batch.
func (o *options) run(list []*Pair, workers int) (failed bool, err error) {
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return false, fmt.Errorf("asking for the release: %w", err)
	}
	fmt.Printf("%s: %s, %d pairs, -seed %d\n", o.command, strings.TrimSpace(string(out)), len(list), o.seed)
	if o.dir, err = os.MkdirTemp("", o.command+"-"); err != nil {
		return false, err
	}
	defer os.RemoveAll(o.dir)
	o.tool = filepath.Join(o.dir, "realtime")
	build := exec.Command("go", "build", "-o", o.tool, "github.com/realtimefunc/realtimefunc/cmd/realtime")
	if text, err := build.CombinedOutput(); err != nil {
		return false, fmt.Errorf("building realtime: %w\n%s", err, text)
	}
	began := time.Now()
	var t tally
	var mu sync.Mutex // of t, errs and what is printed
	var errs []error
	var group sync.WaitGroup
	slots := make(chan bool, workers)
	number := 0
	for pairs := range slices.Chunk(list, o.batch) {
		slots <- true
		number++
		b := &batch{options: o, pairs: pairs, dir: filepath.Join(o.dir, fmt.Sprint(number))}
		b.done = func(p *Pair, out outcome) {
			mu.Lock()
			defer mu.Unlock()
			t.count(p, out)
			o.print(p, out)
		}
		group.Go(func() {
			defer func() { <-slots }()
			if err := b.run(); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
			os.RemoveAll(b.dir)
		})
	}
	group.Wait()
	t.print()
	tried := 0
	for _, n := range t.sum {
		tried += n
	}
	fmt.Printf("%d pairs in %.0f s\n", tried, time.Since(began).Seconds())
	fmt.Printf("%d passed, %d failed, %d skipped\n", tried-t.sum[wrong]-t.sum[skipped], t.sum[wrong], len(list)-tried+t.sum[skipped])
	return t.sum[wrong] > 0, errors.Join(errs...)
}

// print tells of a pair.
func (o *options) print(p *Pair, out outcome) {
	names := [...]string{live: "live", newCalls: "live for new calls", restart: "restart", rejected: "rejected", wrong: "WRONG", skipped: "skipped"}
	switch {
	case out.verdict == wrong:
		fmt.Printf("%s: WRONG: %s\n\t%s\n\tgo run ./internal/proof/%s -v -run '^%s$'\n", p.Name, strings.ReplaceAll(out.reason, "\n", "\n\t"), out.said, o.command, regexp.QuoteMeta(p.Name))
	case o.v || out.verdict == skipped:
		fmt.Printf("%s: %s: %s\n", p.Name, names[out.verdict], out.said)
	}
}

// A batch is the pairs of one program.
type batch struct {
	*options
	pairs []*Pair
	dir   string
	done  func(*Pair, outcome)

	before, after [][rounds]answer // of fresh programs
	process       *process
	living        []string // pairs that went live in the process
}

func (b *batch) run() error {
	files, err := program(b.pairs, before)
	if err != nil {
		return err
	}
	edited, err := program(b.pairs, after)
	if err != nil {
		return err
	}
	if b.before, err = fresh(filepath.Join(b.dir, "before"), files, b.pairs); err != nil {
		return err
	}
	if b.after, err = fresh(filepath.Join(b.dir, "after"), edited, b.pairs); err != nil {
		return err
	}
	live := filepath.Join(b.dir, "live")
	defer func() {
		if b.process != nil {
			b.process.stop()
		}
	}()
	for i, p := range b.pairs {
		var first outcome
		for attempt := range 2 {
			if b.process == nil {
				b.living = nil
				if err := files.write(live); err != nil {
					return err
				}
				if b.process, err = start(b.tool, live); err != nil {
					return err
				}
			}
			alone := len(b.living) == 0
			o, usable, err := b.try(i, p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
			companions := b.living
			if !usable {
				b.process.stop()
				b.process = nil
			} else {
				b.living = append(b.living, p.Name)
			}
			if usable || alone || attempt > 0 {
				if attempt > 0 && o.verdict != wrong && first.reason != "" {
					o = first
				}
				b.done(p, o)
				break
			}
			// What went live before may be why the program is of no use now.
			first = o
			first.reason += "\nby itself it is right; live before it: " + strings.Join(companions, ", ")
		}
	}
	return nil
}

// try saves the edit of a pair; usable is false if the process can't go on.
func (b *batch) try(i int, p *Pair) (o outcome, usable bool, err error) {
	was, want := b.before[i], b.after[i]
	got, err := b.process.talk.ask(i)
	if bad := compare("before the edit", got, was[0], nil); err != nil || bad != "" {
		return b.broken("asking before the edit", err, bad), false, nil
	}
	e, err := b.process.save(in(i, p.edited()))
	o.said = e.String()
	switch {
	case err != nil || e.Action == "exit":
		o = b.broken("saving", err, fmt.Sprint(e))
		return o, false, nil
	case e.Action == "rejected":
		o.verdict = rejected
		if strings.HasPrefix(e.Reason, "-restart=never") {
			o.verdict = restart
			if p.Live {
				o.missed = why(e)
			}
		} else {
			// A fresh build took it.
			o.verdict, o.reason = wrong, "rejected, and go build builds it"
		}
		// The program must be as it was, also when the file is.
		for k := 1; k < rounds && err == nil; k++ {
			if got, err = b.process.talk.ask(i); err == nil {
				if bad := compare("after an edit that is not live", got, was[k], nil); bad != "" {
					return b.broken("", nil, bad), false, nil
				}
			}
			if err == nil && k == 1 {
				undo := Files{}
				for name := range p.edited() {
					undo[name] = p.Before[name]
				}
				if e, err = b.process.save(in(i, undo)); err == nil && e.Action != "live" {
					err = fmt.Errorf("the file was put back: %v", e)
				}
			}
		}
		if err != nil {
			return b.broken("after an edit that is not live", err, ""), false, nil
		}
		return o, true, nil
	case e.Action != "live":
		return o, false, fmt.Errorf("%v", e)
	}
	for k := 1; k < rounds; k++ {
		got, err := b.process.talk.ask(i)
		if err != nil {
			broken := b.broken("asking after the edit", err, "")
			broken.said = o.said
			return broken, false, nil
		}
		goesOn := &was[k].old
		if !saysOld(e) {
			goesOn = nil
		}
		if bad := compare(fmt.Sprintf("live, answer %d", k), got, want[k], goesOn); bad != "" {
			o.verdict, o.reason = wrong, bad
			return o, !strings.Contains(bad, "overwritten: "), nil
		}
	}
	if saysOld(e) {
		o.verdict = newCalls
	}
	return o, true, nil
}

// why is the last cause of a restart, without what only this edit has in it.
func why(e drive.Event) string {
	reason := e.Reason
	for _, d := range e.Decls {
		if d.Verdict == "restart" {
			reason = d.Reason
		}
	}
	return number.ReplaceAllString(reason[strings.LastIndex(reason, "; ")+1:], "…")
}

// saysOld reports whether the tool says that something goes on with old code.
func saysOld(e drive.Event) bool {
	for _, d := range e.Decls {
		if d.Verdict != "live" && d.Kind != "var" {
			return true
		}
	}
	return len(e.Running) > 0
}

// compare tells how an answer differs; old may be another one, too.
func compare(when string, got, want answer, old *string) string {
	if got.new != want.new {
		return fmt.Sprintf("%s: new is %q, want %q", when, short(got.new, 300), short(want.new, 300))
	}
	if got.old != want.old && (old == nil || got.old != *old) {
		said := ""
		if old != nil && *old != want.old {
			said = fmt.Sprintf(" or %q", short(*old, 300))
		}
		return fmt.Sprintf("%s: old is %q, want %q%s", when, short(got.old, 300), short(want.old, 300), said)
	}
	return ""
}

// broken is the outcome when the program does not answer, or not as it must.
func (b *batch) broken(when string, err error, bad string) outcome {
	o := outcome{verdict: wrong, reason: bad}
	if err != nil {
		o.reason = fmt.Sprintf("%s: %v", when, err)
		if !errors.Is(err, errEnded) {
			return o
		}
	}
	if e, err := b.process.session.Closing(patience / 10); err == nil {
		o.reason += fmt.Sprintf(": %v", e)
	}
	text := b.process.session.Said()
	if at := crash.FindStringIndex(text); at != nil {
		o.reason += "\n" + short(text[at[0]:], 1200)
	}
	return o
}

// crash is how the runtime begins when it ends a program.
var crash = regexp.MustCompile(`(?m)^(fatal error|panic|runtime|unexpected fault|SIG[A-Z]+): `)
