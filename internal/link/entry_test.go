package link

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

func TestBranchesToEntry(t *testing.T) {
	for _, test := range []struct {
		name string
		code string // hex
		want bool
	}{
		{"empty", "", false},
		{"return", "c3", false},
		// CMPQ SP, 16(R14); JBE 11; NOP; NOP; RET; NOP; NOP; CALL morestack; JMP 0
		{"stack growth", "493b6610 7605 90 90 c3 90 90 e800000000 ebee", false},
		// The same with arguments spilled and reloaded around the call.
		{"stack growth with arguments", "493b6610 7605 90 90 c3 90 90 4889442408 e800000000 488b442408 ebe4", false},
		// A JMP to the entry without a call before it is a loop.
		{"loop at the end", "90 90 90 90 90 90 ebf8", true},
		{"loop in the middle", "90 90 ebfc c3", true},
		{"conditional loop to 0", "4839c8 7ffb c3", true},
		{"to byte 1", "55 4889e5 e800000000 ebf6", true},
		// PUSHQ BP; MOVQ SP, BP; CALL; JMP 4: a function without a stack check.
		{"to byte 4", "55 4889e5 e800000000 ebf9", true},
		{"to byte 5", "55 4889e5 90 e800000000 ebf9", false},
		{"near jump to 2", "90 90 90 90 90 90 e9f7ffffff", true},
		{"near conditional jump to 3", "90 90 90 90 90 90 0f84f7ffffff c3", true},
		// A recursive call is a call.
		{"recursion", "90 90 90 90 90 90 e8f5ffffff c3", false},
		// After the call something else is computed, so it is no stack growth.
		{"loop behind a call", "4883c001 90 90 e800000000 4883c001 ebef", true},
		{"forward", "eb03 90 90 90 c3", false},
		{"not decodable", "90 06 90", true},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(test.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := branchesToEntry(code); got != test.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", test.name, got, err, test.want)
		}
	}
}

// TestBranchesToEntryOfHost: the careful answer keeps every frame of a function off the
// stacks while it is redirected, so it must be rare.
func TestBranchesToEntryOfHost(t *testing.T) {
	f := host(t)
	n, careful := 0, 0
	for _, path := range f.library.Packages() {
		a, err := f.library.Archive(path)
		if err != nil {
			t.Fatal(err)
		}
		o := a.Objects[0]
		for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
			if !o.Kind(s).IsText() {
				continue
			}
			h, ok, err := f.program.HostFunction(o.Name(s), o.ABI(s))
			if !ok || err != nil {
				continue
			}
			n++
			if b, err := branchesToEntry(f.program.Bytes(h.Addr, int(h.Size))); err != nil {
				t.Errorf("%s: %v", h.Name, err)
			} else if b {
				careful++
			}
		}
	}
	if n < 500 || careful*20 > n {
		t.Errorf("%d of %d functions branch to their entry", careful, n)
	}
	t.Logf("%d of %d", careful, n)
}

func FuzzBranchesToEntry(f *testing.F) {
	f.Add([]byte{0x49, 0x3b, 0x66, 0x10, 0x76, 5, 0x90, 0x90, 0xc3, 0xe8, 0, 0, 0, 0, 0xeb, 0xee})
	f.Fuzz(func(t *testing.T, code []byte) { branchesToEntry(code) })
}

// TestFindFuncTab: functions of all sizes, and the gaps between them.
func TestFindFuncTab(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, sizes := range [][]uint64{
		{1}, {4096}, {4097}, {32, 32, 32}, {255, 256, 257}, {10000, 1, 1, 20000, 1},
		random(r, 1000, 40), random(r, 1000, 300), random(r, 200, 9000),
	} {
		l := &linker{}
		at := uint64(0x1000000)
		for _, size := range sizes {
			l.sections[secText] = append(l.sections[secText], &symbol{size: size, align: 32})
		}
		l.layout(secText, at)
		l.tables.funcs = l.sections[secText]
		tab := l.findfunctab()
		start, end := l.start[secText], l.end[secText]
		if want := int((end-start+4095)/4096) * 20; len(tab) != want {
			t.Fatalf("%d bytes, want %d", len(tab), want)
		}
		want := 0
		for pc := start; pc < end; pc++ {
			for want+1 < len(sizes) && l.tables.funcs[want+1].addr <= pc {
				want++
			}
			x := pc - start
			rec := tab[x/4096*20:]
			i := int(uint32(rec[0]) | uint32(rec[1])<<8 | uint32(rec[2])<<16 | uint32(rec[3])<<24)
			i += int(rec[4+x%4096/256])
			if i > want {
				t.Fatalf("%#x: the search begins at %d, behind function %d", pc, i, want)
			}
			// A bucket of 256 bytes begins with one function and 8 more at most.
			if want-i > 8 {
				t.Fatalf("%#x: the search begins at %d, far before function %d", pc, i, want)
			}
		}
	}
}

func random(r *rand.Rand, n int, most uint64) []uint64 {
	list := make([]uint64, n)
	for i := range list {
		list[i] = 1 + r.Uint64N(most)
	}
	return list
}
