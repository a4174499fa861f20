package link

import (
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// inert are variables of the standard library that have types which might hold any code, and
// hold none of the program's (Go 1.25 to 1.27): errors that are made by errors.New; types of
// reflection; pools of buffers; hooks that nothing sets but tests of the package, or the
// package itself. Initializers commonly come to them. No program can assign to them: they are
// not exported, or are of internal packages. The list is the one place of these rules that
// rests on reading the sources of packages: a name that is missing costs a restart, a name
// too many would cost the truth. A new release means to read them again.
var inert = inertSet(map[string]string{
	"fmt":                      "ppFree", // (*pp).free clears the operand
	"reflect":                  "bytesType dummy funcLookupCache funcTypes layoutCache lookupCache ptrMap stringType structLookupCache uint8Type",
	"internal/godebug":         "cache empty",
	"internal/oserror":         "ErrClosed ErrExist ErrInvalid ErrNotExist ErrPermission",
	"internal/poll":            "Accept4Func CloseFunc ErrDeadlineExceeded ErrFileClosing ErrNoDeadline ErrNotPollable TestHookDidSendFile TestHookDidWritev errEAGAIN errEINVAL errENOENT",
	"internal/testlog":         "logger", // testing alone sets it
	"io":                       "errInvalidWrite errOffset errWhence",
	"math/rand":                "globalRandGenerator randautoseed randseednop", // its sources are its own
	"os":                       "checkWrapErr dirBufPool errWriteAtInAppendMode lstat pollCopyFileRange pollSplice stathook",
	"sync":                     "allPools oldPools", // to be emptied by the collector
	"log/slog/internal/buffer": "bufPool",
	"syscall":                  "copyenv errEAGAIN errEINVAL errENOENT",
	"time":                     "asynctimerchan errAtoi errBad errBadData errLeadingInt errLocation loadFromEmbeddedTZData loadTzinfoFromTzdata",
})

// inertIfKept are likewise, but exported: if no code of another package does anything with
// them but load them.
var inertIfKept = inertSet(map[string]string{
	"errors":  "ErrUnsupported",
	"io":      "Discard EOF ErrNoProgress ErrShortBuffer ErrShortWrite ErrUnexpectedEOF",
	"os":      "ErrClosed ErrDeadlineExceeded ErrExist ErrInvalid ErrNoDeadline ErrNotExist ErrPermission ErrProcessDone Stderr Stdin Stdout",
	"strconv": "ErrRange ErrSyntax",
})

func inertSet(packages map[string]string) map[string]bool {
	set := map[string]bool{}
	for path, names := range packages {
		for name := range strings.FieldsSeq(names) {
			set[path+"."+name] = true
		}
	}
	return set
}

// holdsNone reports whether a variable of the program holds no code of the program, whatever
// its type. The caches of type assertions hold itabs for the types of values that are at hand.
func (l *linker) holdsNone(d program.Definition) bool {
	name := d.Object.Name(d.Sym)
	if l.Library.Live(d.Object.ImportPath) {
		return false
	}
	return program.IsCache(name) || inert[name] || inertIfKept[name] && l.kept(d.Object.ImportPath, name)
}

// kept reports whether no other package refers to a variable but to load it.
func (l *linker) kept(path, name string) bool {
	for _, p := range l.Library.Packages() {
		a, err := l.Library.Archive(p)
		if err != nil {
			return false
		}
		if p == path {
			continue
		}
		for _, o := range a.Objects {
			for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
				if o.Kind(s).IsDWARF() {
					continue
				}
				relocs := o.Relocs(s, nil)
				for _, r := range relocs {
					if n, ok := o.RefName(r.Sym); ok && n == name && !loads(o.Data(s), r, o.Kind(s).IsText()) && !l.watches(o, s, relocs, r) {
						return false
					}
				}
			}
		}
	}
	return true
}

// loads reports whether a reference is by an instruction that reads a word: MOVQ mem, reg or
// a CMPQ, with an address relative to the next instruction.
func loads(code []byte, r goobj.Reloc, text bool) bool {
	i := int(r.Off) - 3
	if !text || r.Type != goobj.RPCRel || i < 0 || code[i]&^0x05 != 0x48 || code[i+2]&0xc7 != 0x05 {
		return false
	}
	const opCMPmem, opCMPreg = 0x39, 0x3b
	return code[i+1] == opMOV || code[i+1] == opCMPmem || code[i+1] == opCMPreg
}

// watches reports whether a reference is LEAQ mem, AX before CALL runtime.raceread: with
// -race the detector is told of each load (cmd/compile/internal/ssagen/ssa.go:instrument).
func (l *linker) watches(o *goobj.Object, s goobj.Sym, relocs []goobj.Reloc, r goobj.Reloc) bool {
	code, i := o.Data(s), int(r.Off)-3
	if !o.Kind(s).IsText() || r.Type != goobj.RPCRel || i < 0 || code[i] != 0x48 || code[i+1] != opLEA || code[i+2] != 0x05 {
		return false
	}
	for at := i + 7; at < len(code); {
		inst, err := x86asm.Decode(code[at:], 64)
		if err != nil || inst.Op != x86asm.NOP && inst.Op != x86asm.CALL {
			return false
		}
		if inst.Op == x86asm.CALL {
			n := slices.IndexFunc(relocs, func(call goobj.Reloc) bool { return int(call.Off) == at+1 })
			return n >= 0 && relocs[n].Type == goobj.RCall && l.refName(o, relocs[n].Sym) == "runtime.raceread"
		}
		at += inst.Len
	}
	return false
}
