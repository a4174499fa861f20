package change

import (
	"strings"
	"unique"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// A Past is what a package had in older versions, as far as it may still matter: what they
// did may hold on in the program. Once that is noted, the archives can go.
type Past struct {
	recent []*goobj.Archive
	traces map[trace]bool
}

// A trace is a reference, in an older version, to the value of a function, to a type or to
// an itab; or a method value, without one.
type trace struct {
	in      string // the symbol that refers to it
	text    bool   // which is a function
	to      string
	use     bool // it tells the linker that values of the type are made interfaces
	nowhere bool // nothing is written for it
}

// With is the past with one more version.
func (p *Past) With(a *goobj.Archive) *Past {
	n := &Past{recent: []*goobj.Archive{a}}
	if p != nil {
		n.recent, n.traces = append(n.recent, p.recent...), p.traces
	}
	if len(n.recent) > maxRecent {
		return n.Noted() // there was no better time
	}
	return n
}

// maxRecent is how many archives wait for their traces to be noted.
const maxRecent = 8

// Recent reports whether there are archives whose traces were not noted yet.
func (p *Past) Recent() bool { return p != nil && len(p.recent) > 0 }

// Noted is the past without its archives.
func (p *Past) Noted() *Past {
	n := &Past{traces: make(map[trace]bool, len(p.traces))}
	for t := range p.traces {
		n.traces[t] = true
	}
	for _, a := range p.recent {
		eachTrace(a, func(t trace) {
			if !n.traces[t] {
				// The names are part of the archive.
				t.in, t.to = unique.Make(t.in).Value(), unique.Make(t.to).Value()
				n.traces[t] = true
			}
		})
	}
	return n
}

// eachOld calls f for the traces of all that the package ever had.
func (p *pkg) eachOld(f func(trace)) {
	archives := p.Old.Archives()
	if p.Past != nil {
		archives = append(archives, p.Past.recent...)
		for t := range p.Past.traces {
			f(t)
		}
	}
	for _, a := range archives {
		eachTrace(a, f)
	}
}

// eachTrace calls f for the traces of one archive.
func eachTrace(a *goobj.Archive, f func(trace)) {
	var relocs []goobj.Reloc
	for _, o := range a.Objects {
		for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
			if o.Kind(s).IsDWARF() {
				continue
			}
			t := trace{in: o.Name(s), text: o.Kind(s).IsText()}
			if strings.HasSuffix(t.in, methodValue) {
				f(t)
			}
			relocs = o.Relocs(s, relocs[:0])
			for _, r := range relocs {
				t.to, t.use, t.nowhere = refName(o, r.Sym), r.Type == goobj.RUseIface, r.Size == 0
				_, isValue := valueOf(t.to)
				if isValue || strings.HasPrefix(t.to, "type:") || strings.HasPrefix(t.to, "go:itab.") {
					f(t)
				}
			}
		}
	}
}
