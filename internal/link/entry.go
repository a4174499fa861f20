package link

import (
	"encoding/binary"
	"fmt"
	"sort"

	"golang.org/x/arch/x86/x86asm"
)

// EntrySize is the number of bytes at a function's entry that a redirect stores at
// once: JMP rel32, and three bytes that stay as they are.
const EntrySize = 8

// redirects lists, for each function that replaces one of the program, the jump from
// every version that one ever had.
func (l *linker) redirects() error {
	for _, s := range l.sections[secText] {
		if s.replaces == "" {
			continue
		}
		old, ok, err := l.Program.Function(s.replaces, s.abi)
		if err != nil {
			return err
		}
		if !ok {
			continue // the linker dropped it: nothing calls it
		}
		s.old = old
		for _, v := range l.Program.Versions(old) {
			r := Redirect{Name: s.replaces, Old: v.Addr, New: s.addr, Size: v.Size}
			code := l.Program.Bytes(v.Addr, int(v.Size))
			if code == nil {
				return fmt.Errorf("the code of %s at %#x can't be read", s.replaces, v.Addr)
			}
			if r.Old%EntrySize != 0 {
				return fmt.Errorf("%s at %#x is not aligned", s.replaces, r.Old)
			}
			r.Code = l.entryWord(v.Addr, code)
			if r.NoFrames, err = branchesToEntry(code); err != nil {
				return fmt.Errorf("%s: %w", s.replaces, err)
			}
			l.image.Redirects = append(l.image.Redirects, r)
		}
	}
	sort.Slice(l.image.Redirects, func(i, j int) bool { return l.image.Redirects[i].Old < l.image.Redirects[j].Old })
	return nil
}

// entryWord is what a redirect overwrites: the function's first bytes and, where it is
// shorter, what follows. That is nothing, which is zero, behind the last of an image.
func (l *linker) entryWord(addr uint64, code []byte) uint64 {
	word := l.Program.Bytes(addr, EntrySize)
	if word == nil {
		word = append(append([]byte(nil), code...), make([]byte, EntrySize)...)
	}
	return binary.LittleEndian.Uint64(word)
}

// branchesToEntry reports whether a branch inside the function leads into its own
// first bytes. The jump back from the stack growth at the end of a function does not
// count: it leads to the entry itself, with the registers as at a call, and comes
// directly behind the CALL of runtime.morestack and the reloading of arguments.
func branchesToEntry(code []byte) (bool, error) {
	afterCall := false
	for pc := 0; pc < len(code); {
		inst, err := x86asm.Decode(code[pc:], 64)
		if err != nil {
			// An instruction newer than the decoder (AVX-512 in assembly): nothing can
			// be said of what follows, so take the careful answer.
			return true, nil
		}
		next := pc + inst.Len
		if rel, ok := inst.Args[0].(x86asm.Rel); ok && inst.Op != x86asm.CALL {
			to := next + int(rel)
			if to >= 0 && to < 5 && !(to == 0 && inst.Op == x86asm.JMP && next == len(code) && afterCall) {
				return true, nil
			}
		}
		switch inst.Op {
		case x86asm.CALL:
			afterCall = true
		case x86asm.MOV, x86asm.MOVSD_XMM, x86asm.MOVSS, x86asm.MOVUPS, x86asm.NOP, x86asm.MOVZX:
			// reloads of spilled arguments
		default:
			afterCall = false
		}
		pc = next
	}
	return false, nil
}
