package session

import (
	"unique"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// bodies knows, for each version of a function that was replaced, where a call that goes
// on with it stands. It keeps no objects: there are versions as long as the program runs.
type bodies map[uint64]body

type body struct {
	name       string
	size       uint32
	lines      *goobj.Lines
	references []string // see change.References
}

// know notes the version at an address.
func (b bodies) know(addr uint64, d program.Definition, abbrevs signature.Abbrevs) {
	if _, ok := b[addr]; !ok {
		b[addr] = body{unique.Make(d.Object.Name(d.Sym)).Value(), d.Object.Size(d.Sym), d.Object.Lines(d.Sym), kept(change.References(d, abbrevs))}
	}
}

// kept are the same names, apart from the objects that they come from.
func kept(names []string) []string {
	for i, name := range names {
		names[i] = unique.Make(name).Value()
	}
	return names
}

// learn notes the object of a version that is about to be replaced for the first time.
func (b bodies) learn(r link.Redirect, res *change.Result, abbrevs signature.Abbrevs) {
	if _, ok := b[r.Old]; ok {
		return
	}
	for _, f := range res.Functions {
		if f.Replaces == r.Name && f.Old.Object != nil {
			b.know(r.Old, f.Old, abbrevs)
			return
		}
	}
}

// defined notes the objects of the versions that an image brought.
func (b bodies) defined(img *link.Image, res *change.Result, abbrevs signature.Abbrevs) {
	for _, f := range res.Functions {
		for _, d := range img.Defined {
			if d.Text && d.Name == f.Object.Name(f.Sym) && d.ABI == f.Object.ABI(f.Sym) {
				b.know(d.Addr, program.Definition{Object: f.Object, Sym: f.Sym}, abbrevs)
			}
		}
	}
}

// changed are the ranges of old versions whose code, not only whose lines, the edit
// has changed.
func (b bodies) changed(img *link.Image, res *change.Result) (list []wire.Range) {
	code := map[string]bool{}
	for _, f := range res.Functions {
		if !f.LinesOnly {
			code[f.Replaces] = true
		}
	}
	for _, r := range img.Redirects {
		if code[r.Name] {
			list = append(list, wire.Range{Start: r.Old, End: r.Old + r.Size})
		}
	}
	return list
}

// around is the entry of the known version whose code may hold pc.
func (b bodies) around(pc uint64) (entry uint64) {
	for addr := range b {
		if addr <= pc && addr > entry {
			entry = addr
		}
	}
	return entry
}

// running describes a frame of the version at an entry.
func (b bodies) running(entry uint64, f wire.Frame) (report.Running, bool) {
	d, ok := b[entry]
	if !ok || f.PC-entry > uint64(d.size) {
		return report.Running{}, false
	}
	file, line := d.lines.Position(uint32(f.PC - entry))
	return report.Running{Name: d.name, Goroutine: f.GoID, File: file, Line: line}, true
}
