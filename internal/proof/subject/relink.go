package subject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/patch"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Functions are all functions of the packages that want tells by their link paths, as
// the program's objects define them: functions, methods, func literals, instances of
// generic functions, and what the compiler adds. What the linker has left out of the
// program is left out.
func (s *Subject) Functions(want func(linkPath string) bool) ([]link.Function, error) {
	hold, err := s.holdInit()
	if err != nil {
		return nil, err
	}
	var list []link.Function
	seen := map[symbol]bool{hold: true}
	for _, p := range s.Build.Order {
		path := p.LinkPath()
		if p.Export == "" || !want(path) {
			continue
		}
		a, err := s.Library.Archive(path)
		if err != nil {
			return nil, err
		}
		for _, o := range a.Objects {
			for sym := goobj.Sym(0); int(sym) < o.NumDefs(); sym++ {
				k := symbol{o.Name(sym), o.ABI(sym)}
				if !o.Kind(sym).IsText() || o.Size(sym) == 0 || k.name == "" || k.abi == goobj.ABIStatic || seen[k] {
					continue
				}
				if _, ok, err := s.Program.HostFunction(k.name, k.abi); err != nil || !ok {
					continue // dropped by the linker, or a name that several have
				}
				if d, ok := s.Program.Confirmed(k.name, k.abi); ok && d.Object != o && want(d.Object.ImportPath) {
					continue // linked from there
				}
				seen[k] = true
				list = append(list, link.Function{Object: o, Sym: sym, Replaces: k.name})
			}
		}
	}
	return list, nil
}

type symbol struct {
	name string
	abi  goobj.ABI
}

// holdInit is the function of HoldFile that is running, the last init of package main:
// they are numbered in the order of the files.
func (s *Subject) holdInit() (last symbol, err error) {
	if !s.held {
		return symbol{}, nil
	}
	a, err := s.Library.Archive("main")
	if err != nil {
		return symbol{}, err
	}
	number := -1
	for _, o := range a.Objects {
		for sym := goobj.Sym(0); int(sym) < o.NumDefs(); sym++ {
			digits, ok := strings.CutPrefix(o.Name(sym), "main.init.")
			if n, err := strconv.Atoi(digits); ok && err == nil && n > number && o.Kind(sym).IsText() {
				last, number = symbol{o.Name(sym), o.ABI(sym)}, n
			}
		}
	}
	return last, nil
}

// Relinked tells of a patch.
type Relinked struct {
	*wire.Applied
	Image   *link.Image
	Linking time.Duration
	Running map[uint64]bool // old versions, by entry, that are on a stack yet

	// Wrappers are the old versions, by entry, of functions that the compiler has
	// generated: the runtime leaves them out when it walks a stack, so nothing tells
	// whether they run.
	Wrappers map[uint64]bool
}

// Relink replaces functions by copies of themselves. Calls in progress that stand in
// the way are waited for as long as wait.
func (s *Subject) Relink(ctx context.Context, functions []link.Function, wait time.Duration) (*Relinked, error) {
	return s.Replace(ctx, s.Library, functions, wait)
}

// Replace replaces functions by those of the library's archives.
func (s *Subject) Replace(ctx context.Context, library *program.Library, functions []link.Function, wait time.Duration) (*Relinked, error) {
	begin := time.Now()
	img, err := s.Link(ctx, link.Input{Library: library, Functions: functions})
	if err != nil {
		return nil, err
	}
	linking := time.Since(begin)
	c := &patch.Conditions{Wait: wait}
	for _, r := range img.Redirects {
		c.Running = append(c.Running, wire.Range{Start: r.Old, End: r.Old + r.Size})
	}
	applied, err := s.Load(ctx, img, library, c)
	if f := (*agent.Failure)(nil); errors.As(err, &f) && len(f.Blockers) > 0 {
		return nil, blocked(f, img)
	}
	if err != nil {
		return nil, err
	}
	done := &Relinked{Applied: applied, Image: img, Linking: linking, Running: map[uint64]bool{}, Wrappers: map[uint64]bool{}}
	for _, f := range applied.Frames {
		done.Running[c.Running[f.Range].Start] = true
	}
	generated := map[uint64]bool{}
	for _, d := range img.Defined {
		if !d.Text || d.Object == nil {
			continue
		}
		info, err := d.Object.FuncInfo(d.Sym)
		if err != nil {
			return nil, err
		}
		// Outside of package runtime, functions have the number of normal ones, 0, or that
		// of wrappers (cmd/internal/objabi/funcid.go).
		generated[d.Addr] = info != nil && info.ID != 0
	}
	for _, r := range img.Redirects {
		if generated[r.New] {
			done.Wrappers[r.Old] = true
		}
	}
	return done, nil
}

// Blocked is the error of a patch that calls in progress did not let be.
type Blocked struct {
	*agent.Failure
	Functions []string // that these calls are of; names may be there twice
	Offsets   []uint64 // where in them the calls stand
}

// blocked names the frames of a failed patch without quiet ranges.
func blocked(f *agent.Failure, img *link.Image) *Blocked {
	b := &Blocked{Failure: f}
	for _, frame := range f.Blockers {
		name, at := fmt.Sprintf("goroutine %d, whose stack can't be walked", frame.GoID), uint64(0)
		if i := int(frame.Range); frame.PC != 0 && i < len(img.Redirects) {
			name, at = img.Redirects[i].Name, frame.PC-img.Redirects[i].Old
		}
		b.Functions, b.Offsets = append(b.Functions, name), append(b.Offsets, at)
	}
	return b
}

func (b *Blocked) Error() string {
	return fmt.Sprintf("%v: %s", b.Failure, strings.Join(b.Functions, ", "))
}

func (b *Blocked) Unwrap() error { return b.Failure }

// Poison overwrites the bodies that a patch has replaced, behind the word at the entry,
// with INT3. A program that executes an old body afterwards dies of SIGTRAP: so what a
// poisoned program does, its patch does. Bodies on a stack are spared and counted, and
// so are wrappers, if the program runs already. All are, if there are so many frames that
// the agent does not tell all.
func (s *Subject) Poison(r *Relinked) (spared int, err error) {
	if len(r.Frames) >= wire.MaxFrames {
		return len(r.Image.Redirects), nil
	}
	for _, d := range r.Image.Redirects {
		if r.Running[d.Old] || r.Wrappers[d.Old] && !s.held {
			spared++
			continue
		}
		if d.Size <= link.EntrySize {
			continue
		}
		if err := s.write(d.Old+link.EntrySize, bytes.Repeat([]byte{0xcc}, int(d.Size-link.EntrySize))); err != nil {
			return spared, fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	return spared, nil
}
