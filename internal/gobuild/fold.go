package gobuild

import (
	"context"
	"strings"
	"unicode"
)

// The go command refuses what a file system without upper and lower case could not hold:
// packages of one program, and files of one package, whose names differ in that alone
// (cmd/go/internal/load/pkg.go, load and CheckPackageErrors).

// foldsWith reports whether the host has another package of which the path differs in the
// case of letters alone.
func (h *Host) foldsWith(p *Package) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for path := range h.Packages {
		if path != p.ImportPath && strings.EqualFold(path, p.ImportPath) {
			return true
		}
	}
	return false
}

// foldDup are two names that differ in the case of letters alone; "" if there are none.
func foldDup(lists ...[]string) (a, b string) {
	seen := map[string]string{}
	for _, list := range lists {
		for _, name := range list {
			key := strings.Map(fold, name)
			if other, ok := seen[key]; ok {
				return other, name
			}
			seen[key] = name
		}
	}
	return "", ""
}

// fold is the least of the letters that are the same without case.
func fold(r rune) rune {
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	return least
}

// CheckCycle asks the go command about an edit of several packages, of which the scans are
// given by import path, if these import each other in a circle by what is new: each alone
// does not.
func (c *Compiler) CheckCycle(ctx context.Context, scans map[string]*Scan) error {
	const open, closed = 1, 2
	state := map[string]int{}
	var circle func(path string) bool
	circle = func(path string) bool {
		switch state[path] {
		case open:
			return true
		case closed:
			return false
		}
		state[path] = open
		if p := c.h.pkg(path); p != nil && (p.Live || scans[path] != nil) {
			imports := p.Imports
			if s := scans[path]; s != nil {
				imports = p.importsOf(s)
			}
			for _, i := range imports {
				if circle(i) {
					return true
				}
			}
		}
		state[path] = closed
		return false
	}
	for path := range scans {
		if circle(path) {
			return c.askGo(ctx, Request{})
		}
	}
	return nil
}
