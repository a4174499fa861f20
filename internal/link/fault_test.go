package link

import (
	"bytes"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// FuzzDamaged links a package whose object is damaged: 3 bytes of in are a position
// in the archive, one is what stands there. Every other position is one of the object's
// tables. The result is an error or an image, and there is no panic.
func FuzzDamaged(f *testing.F) {
	fix := host(f)
	c, err := gobuild.NewCompiler(fix.build)
	if err != nil {
		f.Fatal(err)
	}
	p := fix.build.Main
	o, err := c.Compile(f.Context(), gobuild.Request{ImportPath: p.ImportPath, Overlay: map[string][]byte{p.GoFiles[0]: []byte(newSource)}})
	if err != nil {
		f.Fatal(err)
	}
	tables := bytes.Index(o.Archive, []byte("\x00go120ld"))
	if tables < 0 {
		f.Fatal("no object in the archive")
	}
	for i := range byte(64) {
		f.Add([]byte{2 * i, 0, 0, 255, 2 * i, i, 0, 1, i, 3, i, i})
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b := bytes.Clone(o.Archive)
		for ; len(in) >= 4; in = in[4:] {
			at := int(in[0]) | int(in[1])<<8 | int(in[2])<<16
			if at%2 == 0 {
				at = tables + at/2
			}
			b[at%len(b)] = in[3]
		}
		a, err := goobj.ReadArchive("main", b)
		if err != nil {
			return
		}
		img, err := Link(fix.input(a))
		if err != nil {
			return
		}
		for _, s := range img.Segments {
			if uint64(len(s.Data)) > s.Size {
				t.Errorf("a segment of %d bytes with %d bytes of data", s.Size, len(s.Data))
			}
		}
	})
}
