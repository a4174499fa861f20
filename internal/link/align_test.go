package link

import "testing"

// TestAlign: a function of the image begins where its code asks for. PCALIGN aligns to
// the function's beginning.
func TestAlign(t *testing.T) {
	f, err := build(t.TempDir(), map[string]string{
		"main.go": `package main

func odd() int

func aligned() int

func main() { println(odd(), aligned()) }
`,
		"asm_amd64.s": `#include "textflag.h"

TEXT ·odd(SB), NOSPLIT, $0-8
	MOVQ $1, ret+0(FP)
	RET

TEXT ·aligned(SB), NOSPLIT, $0-8
	PCALIGN $128
	MOVQ $2, ret+0(FP)
	RET
`,
	})
	if err != nil {
		t.Fatal(err)
	}
	img, err := Link(f.input(f.archive))
	if err != nil {
		t.Fatal(err)
	}
	wide := 0
	for _, d := range img.Defined {
		if d.Object == nil || !d.Text {
			continue
		}
		align := max(32, uint64(d.Object.Align(d.Sym)))
		if align > 32 {
			wide++
		}
		if d.Addr%align != 0 {
			t.Errorf("%s at %#x is not aligned to %d", d.Name, d.Addr, align)
		}
	}
	if wide != 1 {
		t.Errorf("%d functions ask for more than 32, want 1", wide)
	}
}
