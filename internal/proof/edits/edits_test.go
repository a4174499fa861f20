package main

import (
	"go/ast"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"testing"
)

func checkedModule(t *testing.T, g group) (files, *checker, map[string]*unit) {
	t.Helper()
	tool, err := newToolchain()
	if err != nil {
		t.Fatal(err)
	}
	f, err := g.module(tool.goroot, tool.language, false)
	if err != nil {
		t.Fatal(err)
	}
	c := newChecker(g, tool)
	units, err := c.check(f)
	if err != nil {
		t.Fatal(err)
	}
	return f, c, units
}

// Every kind must come to edits that compile, and a seed always to the same ones.
func TestKinds(t *testing.T) {
	g := groups[slices.IndexFunc(groups, func(g group) bool { return g.name == "slices" })]
	f, c, units := checkedModule(t, g)
	// An edit to be deleted again.
	f["slices/hooks.go"] += "\nfunc addedFunc99() int { return func() int { return 1 }() }\n"
	units, err := c.check(f)
	if err != nil {
		t.Fatal(err)
	}
	names := g.editable(f)
	for _, k := range kinds {
		made := func(seed uint64) files {
			random := rand.New(rand.NewPCG(seed, 0))
			name := names[random.IntN(len(names))]
			m := newMaker(random, units[path.Dir(name)], name)
			if !k.make(m) {
				return nil
			}
			after, ok := m.apply(f)
			if !ok || len(after.differ(f)) == 0 {
				return nil
			}
			return after
		}
		good := 0
		for seed := uint64(0); good < 3; seed++ {
			if seed == 400 {
				t.Errorf("%s: %d of 400 edits compile, want 3", k.name, good)
				break
			}
			after := made(seed)
			if !maps.Equal(after, made(seed)) {
				t.Fatalf("%s: seed %d makes two edits", k.name, seed)
			}
			if after == nil {
				continue
			}
			if _, err := c.withoutIdleImports(after); err == nil {
				good++
			}
			if _, err := c.check(f); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What initializers call stays as it is; what they only name is edited.
func TestStill(t *testing.T) {
	_, _, units := checkedModule(t, groups[0])
	want := map[string]bool{"initMaxExecDepth": true, "HTMLEscaper": false, "length": false}
	for _, tree := range units["text/template"].trees {
		for _, decl := range tree.Decls {
			d, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if still, asked := want[d.Name.Name]; asked && units["text/template"].still[d] != still {
				t.Errorf("%s: still is %v, want %v", d.Name.Name, !still, still)
			}
			delete(want, d.Name.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not in text/template: %v", want)
	}
}

// The literals of a function with that directive are edited, not what holds them.
func TestRegions(t *testing.T) {
	_, _, units := checkedModule(t, groups[0])
	for _, decl := range units["text/template"].trees["text/template/hooks.go"].Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		regions := units["text/template"].regions(d)
		switch d.Name.Name {
		case "NewProofOld":
			if len(regions) != 4 {
				t.Errorf("%s has %d regions, want its 4 literals", d.Name.Name, len(regions))
			}
		case "loop":
			if len(regions) != 0 {
				t.Errorf("%s has %d regions, want none", d.Name.Name, len(regions))
			}
		case "proofStep":
			if len(regions) != 1 || regions[0] != d.Body {
				t.Errorf("%s has %d regions, want its body", d.Name.Name, len(regions))
			}
		}
	}
}

func TestKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	history := []files{{"a/b.go": "one", "go.mod": "module m"}, {"a/b.go": "two"}, {"c.go": "three"}}
	dir, err := kept{history: history, want: "x", got: "y", log: "z"}.keep()
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(dir)
	if err != nil || !slices.EqualFunc(history, again, func(a, b files) bool { return maps.Equal(a, b) }) {
		t.Errorf("kept %v, read %v, %v", history, again, err)
	}
}
