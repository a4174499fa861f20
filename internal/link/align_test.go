package link

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// TestAlign: a function of the image begins where its code asks for. PCALIGN aligns to
// the function's beginning.
func TestAlign(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/align\n\ngo 1.25\n",
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
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	build, err := gobuild.Build(ctx, gobuild.Config{Dir: dir, Target: []string{"."}, Work: filepath.Join(dir, "work")})
	if err != nil {
		t.Fatal(err)
	}
	if err := build.Load(ctx); err != nil {
		t.Fatal(err)
	}
	f := &fixture{build: build}
	if f.program, err = program.Open(build.Exe, build.Env.GOVERSION, build.Env.GOROOT); err != nil {
		t.Fatal(err)
	}
	f.library = program.NewLibrary(map[string]string{"main": build.Main.Export}, map[string]bool{"main": true})
	if err := f.program.Recover(f.library); err != nil {
		t.Fatal(err)
	}
	if f.archive, err = f.library.Archive("main"); err != nil {
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
