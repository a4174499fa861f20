package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The places of the kinds must be in the shop as it is now, and each mix of versions
// must be Go.
func TestKinds(t *testing.T) {
	original := map[string]string{}
	places := slices.Clone(instrument)
	for _, kind := range kinds {
		places = append(places, kind.places...)
	}
	for _, p := range places {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "shop", filepath.FromSlash(p.file)))
		if err != nil {
			t.Fatal(err)
		}
		original[p.file] = string(text)
	}
	for _, p := range instrument {
		if err := p.write(original, 0); err != nil {
			t.Fatal(err)
		}
	}
	mixes := [][]int{make([]int, len(kinds)), make([]int, len(kinds))}
	for i := range kinds {
		mixes[0][i], mixes[1][i] = i+1, 10_000+i
		alone := make([]int, len(kinds))
		alone[i] = 1
		mixes = append(mixes, alone)
	}
	for _, versions := range mixes {
		files, err := sources(original, versions)
		if err != nil {
			t.Errorf("versions %v: %v", versions, err)
		}
		for file, text := range files {
			if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("versions %v: %v", versions, err)
			}
		}
	}
}
