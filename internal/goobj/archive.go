// Package goobj reads the object files of the Go compiler and assembler.
//
// It is the reader half of what cmd/internal/goobj is to the Go tool chain. The
// format is the same in Go 1.24 to 1.27 (magic "go120ld"); what differs between
// releases (the number of R_INITORDER, the list of builtins) is no matter of the
// format and lives in internal/toolchain.
//
// Nothing is copied out of the file: names and data are slices of it. Open checks
// every index and range once, so that the accessors need no errors and cannot
// reach outside the file whatever its bytes are.
package goobj

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Archive is a package archive as the compiler leaves it in the build cache
// ("!<arch>", cmd/internal/archive): export data, the compiler's object and, for
// packages with assembly, one object per assembler run.
type Archive struct {
	ImportPath string
	Export     []byte    // __.PKGDEF after its text header: what importers compile against
	Objects    []*Object // the Go object first, then the assembler's
	Foreign    []string  // names of members that are not Go objects: C objects of cgo packages
}

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
)

// ReadArchive reads the archive of the package importPath. The archive keeps data.
func ReadArchive(importPath string, data []byte) (*Archive, error) {
	a := &Archive{ImportPath: importPath}
	if !bytes.HasPrefix(data, []byte(arMagic)) {
		return nil, fmt.Errorf("reading archive of %q: no archive magic", importPath)
	}
	for off := len(arMagic); off < len(data); {
		if off+arHeaderSize > len(data) {
			return nil, fmt.Errorf("reading archive of %q: truncated member header at %d", importPath, off)
		}
		// name[16] date[12] uid[6] gid[6] mode[8] size[10] "`\n"
		head := data[off : off+arHeaderSize]
		name := strings.TrimRight(string(head[:16]), " /")
		size, err := strconv.Atoi(strings.TrimSpace(string(head[48:58])))
		body := off + arHeaderSize
		if err != nil || size < 0 || size > len(data)-body {
			return nil, fmt.Errorf("reading archive of %q: bad size of member %q", importPath, name)
		}
		member := data[body : body+size]
		if err := a.add(name, member); err != nil {
			return nil, fmt.Errorf("reading archive of %q: member %q: %w", importPath, name, err)
		}
		off = body + size + size&1
	}
	if len(a.Objects) == 0 {
		return nil, fmt.Errorf("reading archive of %q: no Go object in it", importPath)
	}
	return a, nil
}

// Mixed are the packages of which a was compiled against more than one version: it refers
// to two of their symbols by one number, since of what it imports some was compiled against
// the one version and some against the other. Nobody can tell which is meant where.
func (a *Archive) Mixed() (paths []string) {
	for _, o := range a.Objects {
		for _, ref := range o.mixed {
			if path, ok := o.Package(ref); ok && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

var errNoHeaderEnd = errors.New("the text header has no end")

func (a *Archive) add(name string, member []byte) error {
	if name == "preferlinkext" || name == "dynimportfail" {
		return nil // empty markers for the linker
	}
	if !bytes.HasPrefix(member, []byte("go object ")) {
		a.Foreign = append(a.Foreign, name)
		return nil
	}
	// The text header ends with a line "!". Export data begins behind "\n$$B\n".
	if name == "__.PKGDEF" {
		const begin = "\n$$B\n"
		i := bytes.Index(member, []byte(begin))
		if i < 0 {
			return errNoHeaderEnd
		}
		a.Export = bytes.TrimSuffix(member[i+len(begin):], []byte("\n$$\n"))
		return nil
	}
	i := bytes.Index(member, []byte("\n!\n"))
	if i < 0 {
		return errNoHeaderEnd
	}
	o, err := Open(a.ImportPath, member[i+3:])
	if err != nil {
		return err
	}
	a.Objects = append(a.Objects, o)
	return nil
}
