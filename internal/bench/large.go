package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/bench/large"
	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// largePackages measures what save measures in a service with packages of very different
// sizes. The first row of the large one is that of edits within a line, the second of
// edits that move all lines behind them, whose tables follow later; then come edits of
// other things than bodies.
func largePackages(s *shop.Shop, w io.Writer) error {
	c := *s
	c.Dir, c.Args = filepath.Join(filepath.Dir(s.Dir), "large"), nil
	lines, err := large.Write(c.Dir)
	if err != nil {
		return err
	}
	r, err := c.Run("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer r.Stop()
	saveHeader(w)
	number := func(from int) func(n int) string {
		return func(n int) string { return fmt.Sprintf("number %d end", from+n) }
	}
	within := func(n int) string { return fmt.Sprintf("return number + %d\n", n) }
	moving := func(n int) string {
		return strings.Repeat("// one more line\n", n) + fmt.Sprintf("number := s.remember(%d)\n", n)
	}
	constant := func(n int) string { return fmt.Sprintf("const base = %d\n", n) }
	method := func(n int) string {
		return fmt.Sprintf("return number + s.more%d()\n}\n\nfunc (s *Store) more%[1]d() int { return %d }\n", n, edits+n)
	}
	signature := func(n int) string { return fmt.Sprintf("remember(n int, _ ...[%d]int) int {\nn += %[1]d\n", n) }
	typ := func(n int) string { return fmt.Sprintf("struct{ pad [%d]byte }\n", n) }
	for _, b := range []body{
		{pkg: "small", original: large.Return, replaced: within, want: number(0)},
		{pkg: "big", original: large.Return, replaced: within, want: number(0)},
		{pkg: "big", name: ", lines move", original: large.Call, replaced: moving, want: number(edits)},
		{pkg: "big", name: ", constant", original: large.Base, replaced: constant, want: number(2 * edits)},
		{pkg: "big", name: ", other method", original: fmt.Sprintf("return number + %d\n}\n", edits), replaced: method, want: number(3 * edits)},
		{pkg: "big", name: ", signature", original: large.Remember, replaced: signature, want: number(4 * edits)},
		{pkg: "big", name: ", type", original: large.Tally, replaced: typ, want: number(5 * edits)},
	} {
		b.name = fmt.Sprintf("package of %d lines%s", lines[b.pkg], b.name)
		b.path, b.file = "/"+b.pkg, "internal/"+b.pkg+"/"+large.Edited
		b.pkg = large.Module + "/internal/" + b.pkg
		if err := saves(&c, r, b, w); err != nil {
			return fmt.Errorf("editing a %s: %w", b.name, err)
		}
	}
	return nil
}
