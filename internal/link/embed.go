package link

import (
	"fmt"

	"github.com/realtimefunc/realtimefunc/internal/program"
)

// Files are the files of an embed.FS variable that the edit has changed.
//
// The compiler makes of the variable a pointer to a slice header with the files behind
// it, both read-only (cmd/compile/internal/staticdata/embed.go:WriteEmbed, 1.25 to
// 1.27). Every copy of the variable, in an http.FileServer say, has that pointer. So
// the header is what changes: it is given the slice in the image.
type Files struct {
	Header uint64 // address of the slice header in the program
	program.Definition
}

// headerSize is the size of a slice header: pointer, length, capacity.
const headerSize = 24

// files puts the new files into the image.
func (l *linker) files() {
	for _, f := range l.Files {
		s := l.symbol(f.Object, f.Sym)
		l.named[symName{s.name, s.abi}] = s // it points to itself
	}
}

// headers lists the writes that give the program's slice headers the new files.
func (l *linker) headers() error {
	for _, f := range l.Files {
		s := l.named[symName{f.Object.Name(f.Sym), f.Object.ABI(f.Sym)}]
		if len(s.data) < headerSize {
			return fmt.Errorf("%s is no list of files", s.name)
		}
		l.image.Writes = append(l.image.Writes, Write{f.Header, s.data[:headerSize:headerSize]})
	}
	return nil
}
