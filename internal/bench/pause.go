package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
	"github.com/realtimefunc/realtimefunc/internal/drive"
)

// Goroutines of a program, by what they do.
type goroutines struct{ parked, runnable, blocked int }

var crowds = []goroutines{
	{parked: 10},
	{parked: 1_000},
	{parked: 10_000},
	{parked: 50_000},
	{parked: 5_000, runnable: 5_000},
	{parked: 5_000, blocked: 5_000},
}

// pause measures how long an edit stops the program, by the number of its goroutines. The
// edit is of a function that nobody calls, so no rule asks for a walk of all stacks.
func pause(s *shop.Shop, w io.Writer) error {
	fmt.Fprintf(w, "goroutines (%d edits)\tpause, µs: min\tmedian\tmax\tload, ms: median\tmax\n", *editCount)
	for _, g := range crowds {
		if err := pauses(s, g, w); err != nil {
			return fmt.Errorf("%+v: %w", g, err)
		}
	}
	return nil
}

// pauses edits one program and writes its line of the table.
func pauses(s *shop.Shop, g goroutines, w io.Writer) error {
	program, err := beside(s, "parked")
	if err != nil {
		return err
	}
	defer program.Close()
	ready := make(chan struct{})
	output := func(stream, text string) {
		if stream == "stdout" && strings.TrimSpace(text) == "ready" {
			close(ready)
		}
	}
	r, err := drive.Start(program.Command("realtime", "run", "-json", ".",
		"-parked", strconv.Itoa(g.parked), "-runnable", strconv.Itoa(g.runnable), "-blocked", strconv.Itoa(g.blocked)), output, nil)
	if err != nil {
		return err
	}
	if err := r.Started(ready); err != nil {
		return err
	}
	defer r.Stop()
	text, err := os.ReadFile(program.Path("main.go"))
	if err != nil {
		return err
	}
	var pauses, loads []time.Duration
	for n := 1; n <= *editCount; n++ {
		edited := strings.Replace(string(text), "return 0", fmt.Sprintf("return %d", n), 1)
		if err := os.WriteFile(program.Path("main.go"), []byte(edited), 0o666); err != nil {
			return err
		}
		e, err := r.Closing(shop.Patience)
		if err != nil {
			return err
		}
		if e.Action != "live" {
			return fmt.Errorf("edit %d: %v\n%s", n, e, r.Said())
		}
		pauses = append(pauses, time.Duration(e.Timing.Pause*float64(time.Second)))
		loads = append(loads, time.Duration(e.Timing.Load*float64(time.Second)))
	}
	name := fmt.Sprintf("%d parked", g.parked)
	if g.runnable > 0 {
		name += fmt.Sprintf(", %d runnable", g.runnable)
	}
	if g.blocked > 0 {
		name += fmt.Sprintf(", %d in system calls", g.blocked)
	}
	us := func(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", name, us(slices.Min(pauses)), us(median(pauses)), us(slices.Max(pauses)), ms(median(loads)), ms(slices.Max(loads)))
	return nil
}
