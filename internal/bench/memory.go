package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

const (
	memoryEdits = 500
	memoryEvery = 100
)

// memory measures what edits leave behind, in the program and in realtime. The functions
// are edited in turn.
func memory(s *shop.Shop, w io.Writer) error {
	s, err := s.Copy()
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Run("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer r.Stop()
	fmt.Fprintln(w, "edits\tversions held\tbytes held\tbytes an edit\tprogram, MB resident\trealtime, MB resident\tits peak")
	texts := map[string]string{}
	for _, b := range bodies {
		text, err := os.ReadFile(s.Path(b.file))
		if err != nil {
			return err
		}
		texts[b.file] = string(text)
	}
	var last shop.Event
	for n := 0; ; n++ {
		if n%memoryEvery == 0 {
			if err := memoryLine(r, n, last, w); err != nil {
				return err
			}
		}
		if n == memoryEdits {
			return nil
		}
		b := bodies[n%len(bodies)]
		edited := strings.Replace(texts[b.file], b.original, b.replaced(n+1), 1)
		if err := os.WriteFile(s.Path(b.file), []byte(edited), 0o666); err != nil {
			return err
		}
		if last, err = r.Closing(shop.Patience); err != nil {
			return err
		}
		if last.Action != "live" {
			return fmt.Errorf("edit %d: %v\n%s", n+1, last, r.Said())
		}
	}
}

// memoryLine writes what is held after n edits.
func memoryLine(r *shop.Session, n int, last shop.Event, w io.Writer) error {
	program, err := status(r.Pid, "VmRSS")
	if err != nil {
		return err
	}
	tool, err := status(r.Tool, "VmRSS")
	if err != nil {
		return err
	}
	peak, err := status(r.Tool, "VmHWM")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\n", n, last.Held.Versions, last.Held.Bytes, last.Held.Bytes/int64(max(n, 1)), program, tool, peak)
	return nil
}

// status is a size in /proc/pid/status, in megabytes.
func status(pid int, field string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "\n"+field+":")
	line, _, _ := strings.Cut(rest, "\n")
	kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(line, " kB")))
	if err != nil {
		return 0, fmt.Errorf("reading /proc/%d/status: %s: %w", pid, field, err)
	}
	return float64(kb) / 1000, nil
}
