package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// A suite edits the packages of one group.
type suite struct {
	group     group
	toolchain *toolchain
	seed      uint64
	gc        bool
	temp      string // folder of all that is made

	original files
	now      files
	versions map[string][]string // what each file has been
	units    map[string]*unit    // of now
	checker  *checker
	fresh    fresh
	baseline string // the first answer
	answer   string // to now
	live     *live
	step     int
	tally    *tally
}

// random is that of a step: it depends on the seed, the group and the step only.
func (s *suite) random() *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", s.group.name, s.step)
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// prepare copies the packages, and starts them both ways.
func (s *suite) prepare() (err error) {
	if s.original, err = s.group.module(s.toolchain.goroot, s.toolchain.language, s.gc); err != nil {
		return err
	}
	s.now = maps.Clone(s.original)
	s.versions = map[string][]string{}
	s.checker = newChecker(s.group, s.toolchain)
	if s.units, err = s.checker.check(s.now); err != nil {
		return fmt.Errorf("checking the copy: %w", err)
	}
	s.fresh = fresh{dir: filepath.Join(s.temp, s.group.name+"-fresh")}
	if s.answer, err = s.fresh.answer(s.plain(s.now), ""); err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	s.baseline = s.answer
	return s.begin()
}

// plain are the files without what only the patched program is to do.
func (s *suite) plain(f files) files {
	f = maps.Clone(f)
	for name := range checked {
		delete(f, name)
	}
	return f
}

// begin starts realtime.
func (s *suite) begin() (err error) {
	dir := filepath.Join(s.temp, s.group.name+"-live", "edits")
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	if s.live, err = start(dir, s.toolchain, s.now, s.gc); err != nil {
		return err
	}
	got, err := s.live.ask()
	if err == nil && got != s.answer {
		err = errors.New(difference(s.answer, got))
	}
	if err != nil {
		s.live.stop()
		s.live = nil
		return fmt.Errorf("the start: %w", err)
	}
	return nil
}

// run makes n steps, or those until ctx ends.
func (s *suite) run(ctx context.Context, n int) error {
	s.step = 1
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.prepare(); err != nil {
		return err
	}
	defer func() {
		if s.live != nil {
			s.live.stop()
		}
	}()
	for ; s.step <= n; s.step++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.live == nil {
			if err := s.begin(); err != nil {
				return err
			}
		}
		if err := s.edit(); err != nil {
			return err
		}
		if s.step%10 == 0 {
			fmt.Printf("%s: step %d: %v\n", s.group.name, s.step, s.tally)
		}
	}
	return nil
}

// edit makes one step. An error is not of the program.
func (s *suite) edit() error {
	random := s.random()
	breaks := random.IntN(15) == 0
	for try := range 200 {
		names, next, units := s.next(random, try)
		if next == nil {
			continue
		}
		want, err := s.fresh.answer(s.plain(next), s.baseline)
		if u := (*unfit)(nil); errors.As(err, &u) {
			s.tally.unfit[u.why]++
			s.checker.last = maps.Clone(s.units)
			continue
		} else if err != nil {
			return err
		}
		if breaks {
			if err := s.live.reject(s.broken(random), s.answer); err != nil {
				s.checker.last = maps.Clone(s.units)
				return s.wrong("does not compile", err)
			}
			s.tally.rejected++
		}
		before := s.now
		s.now, s.units, s.answer = next, units, want
		began := time.Now()
		e, err := s.live.edit(next, want)
		if err != nil {
			return s.wrong(strings.Join(names, " + "), err)
		}
		for _, name := range next.differ(before) {
			s.versions[name] = append(s.versions[name], before[name])
		}
		s.tally.add(names, e, time.Since(began))
		return nil
	}
	return fmt.Errorf("step %d: no edit found", s.step)
}

// wrong ends a step that went wrong. It failed, unless new processes differ from each
// other too. The next step begins with a new process.
func (s *suite) wrong(doing string, err error) error {
	if d := (*different)(nil); !errors.As(err, &d) || s.fresh.settled(s.plain(s.now), s.answer) {
		s.failed(doing, err)
		return nil
	}
	s.tally.unfit["answers differently"]++
	s.live.stop()
	s.live = nil
	s.now, s.answer = maps.Clone(s.original), s.baseline
	s.units, err = s.checker.check(s.now)
	return err
}

// next are the files after one more edit, with what was done; nil if it came to nothing.
func (s *suite) next(random *rand.Rand, try int) ([]string, files, map[string]*unit) {
	choice := random.IntN(100)
	switch {
	case s.step%25 == 0 && try == 0:
		if next := maps.Clone(s.original); len(next.differ(s.now)) > 0 {
			return s.checkedNext([]string{"back to the first version"}, next)
		}
	case choice < 7:
		changed := slices.Sorted(maps.Keys(s.versions))
		if len(changed) == 0 {
			return nil, nil, nil
		}
		name := changed[random.IntN(len(changed))]
		old := s.versions[name]
		next := maps.Clone(s.now)
		next[name] = old[random.IntN(len(old))]
		return s.checkedNext([]string{"undo"}, next)
	}
	count := 1
	if choice >= 88 {
		count = 2 + random.IntN(3)
	}
	next, units := s.now, s.units
	var names []string
	for range count {
		k := kindAt(random.IntN(weights))
		file := s.file(random)
		m := newMaker(random, units[path.Dir(file)], file)
		if !k.make(m) {
			return nil, nil, nil
		}
		after, ok := m.apply(next)
		if !ok || len(after[file]) > 3*len(s.original[file])+10_000 {
			return nil, nil, nil
		}
		var err error
		if units, err = s.checker.withoutIdleImports(after); err != nil {
			s.checker.last = maps.Clone(s.units)
			s.tally.untyped++
			return nil, nil, nil
		}
		next = after
		names = append(names, k.name)
	}
	if len(next.differ(s.now)) == 0 {
		return nil, nil, nil
	}
	return names, next, units
}

func (s *suite) checkedNext(names []string, next files) ([]string, files, map[string]*unit) {
	units, err := s.checker.check(next)
	if err != nil || len(next.differ(s.now)) == 0 {
		s.checker.last = maps.Clone(s.units)
		return nil, nil, nil
	}
	return names, next, units
}

// file is one of the group's: one in five times the hooks of a package, else by length.
func (s *suite) file(random *rand.Rand) string {
	all := s.group.editable(s.now)
	if random.IntN(5) == 0 {
		all = slices.DeleteFunc(all, func(name string) bool { return path.Base(name) != "hooks.go" })
		return all[random.IntN(len(all))]
	}
	total := 0
	for _, name := range all {
		total += len(s.original[name])
	}
	at := random.IntN(total)
	for _, name := range all {
		if at -= len(s.original[name]); at < 0 {
			return name
		}
	}
	panic("no file")
}

// broken is the files with something in one that does not compile.
func (s *suite) broken(random *rand.Rand) files {
	broken := maps.Clone(s.now)
	broken[s.file(random)] += drive.Broken[random.IntN(len(drive.Broken))]
	return broken
}

// failed keeps a failed step, and ends its process.
func (s *suite) failed(doing string, err error) {
	s.tally.failed++
	fmt.Printf("%s: step %d: FAIL: %s: %v\n", s.group.name, s.step, doing, err)
	got := ""
	if d := (*different)(nil); errors.As(err, &d) {
		got = d.got
		fmt.Printf("\t%s\n", difference(s.answer, got))
	}
	log := s.live.session.Said()
	s.live.stop()
	k := kept{history: s.live.history, want: s.answer, got: got, log: fmt.Sprintf("%s: %v\n%s", doing, err, log)}
	dir, keepErr := k.keep()
	if keepErr != nil {
		fmt.Printf("\tkeeping the sources: %v\n", keepErr)
	} else {
		fmt.Printf("\tagain: go run ./internal/proof/edits -replay %s\n", dir)
	}
	fmt.Printf("\tor from the first step: go run ./internal/proof/edits -seed %d -package %s -n %d\n", s.seed, s.group.name, s.step)
	s.live = nil
}

// A tally counts what became of the steps.
type tally struct {
	kinds    map[string]*[2]int // live, restart
	reasons  map[string]int
	unfit    map[string]int // edits that are no steps
	untyped  int
	rejected int
	failed   int
	elapsed  []time.Duration
}

func newTally() *tally {
	return &tally{kinds: map[string]*[2]int{}, reasons: map[string]int{}, unfit: map[string]int{}}
}

func (t *tally) add(names []string, e drive.Event, elapsed time.Duration) {
	name := names[0]
	if len(names) > 1 {
		name = "several at once"
	}
	if t.kinds[name] == nil {
		t.kinds[name] = &[2]int{}
	}
	if e.Action == "live" {
		t.kinds[name][0]++
		t.elapsed = append(t.elapsed, elapsed)
		return
	}
	t.kinds[name][1]++
	for _, r := range reasons(e) {
		t.reasons[r]++
	}
}

func (t *tally) sum() (live, restart int) {
	for _, k := range t.kinds {
		live, restart = live+k[0], restart+k[1]
	}
	return live, restart
}

func (t *tally) String() string {
	live, restart := t.sum()
	return fmt.Sprintf("%d live, %d restart, %d rejected, %d failed; unfit %v", live, restart, t.rejected, t.failed, t.unfit)
}
