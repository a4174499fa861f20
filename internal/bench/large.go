package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/bench/large"
	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// largePackages measures what save measures in a service with packages of very different
// sizes. The first row of the large one is that of edits within a line, the second of
// edits that move all lines behind them, whose tables follow later.
func largePackages(s *shop.Shop, w io.Writer) error {
	c := *s
	c.Dir = filepath.Join(filepath.Dir(s.Dir), "large")
	lines, err := large.Write(c.Dir)
	if err != nil {
		return err
	}
	url, ready := "", make(chan struct{})
	r, err := drive.Start(c.Command("realtime", "run", "-json", "."), func(stream, text string) {
		if _, address, ok := strings.Cut(text, "large: http://"); ok && url == "" {
			url = "http://" + strings.TrimSpace(address)
			close(ready)
		}
	}, nil)
	if err != nil {
		return err
	}
	defer r.Stop()
	if err := r.Started(ready); err != nil {
		return err
	}
	saveHeader(w)
	number := func(from int) func(n int) string {
		return func(n int) string { return fmt.Sprintf("number %d end", from+n) }
	}
	within := func(n int) string { return fmt.Sprintf("return number + %d\n", n) }
	moving := func(n int) string {
		return strings.Repeat("// one more line\n", n) + fmt.Sprintf("number := s.remember(%d)\n", n)
	}
	for _, b := range []body{
		{pkg: "small", original: large.Return, replaced: within, want: number(0)},
		{pkg: "big", original: large.Return, replaced: within, want: number(0)},
		{pkg: "big", name: ", lines move", original: large.Call, replaced: moving, want: number(edits)},
	} {
		b.name = fmt.Sprintf("package of %d lines%s", lines[b.pkg], b.name)
		b.path, b.file = "/"+b.pkg, "internal/"+b.pkg+"/"+large.Edited
		b.pkg = large.Module + "/internal/" + b.pkg
		if err := saves(&c, r, url, b, w); err != nil {
			return fmt.Errorf("editing a %s: %w", b.name, err)
		}
	}
	return nil
}
