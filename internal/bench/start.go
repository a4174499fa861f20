package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

const starts = 7

// start measures from the start of the command to the first answer, for realtime run and
// go run in turn, both with warm caches.
func start(s *shop.Shop, w io.Writer) error {
	fmt.Fprintf(w, "start to first answer (ms, %d starts each)\tmin\tmedian\tmax\tratio of medians\n", starts)
	for _, flags := range [][]string{nil, {"-start-delay", "0"}} {
		args := append([]string{"run", ".", "-addr", "127.0.0.1:0"}, flags...)
		tools := []string{"go", "realtime"}
		times := map[string][]time.Duration{}
		for n := range 1 + starts { // the first warms the caches
			for _, tool := range tools {
				t, err := firstAnswer(s.Command(tool, args...))
				if err != nil {
					return fmt.Errorf("%s %s: %w", tool, strings.Join(args, " "), err)
				}
				if n > 0 {
					times[tool] = append(times[tool], t)
				}
			}
		}
		for _, tool := range tools {
			t := times[tool]
			fmt.Fprintf(w, "%s run . %s\t%s\t%s\t%s\t%.2f\n", tool, strings.Join(flags, " "),
				ms(slices.Min(t)), ms(median(t)), ms(slices.Max(t)), float64(median(t))/float64(median(times["go"])))
		}
	}
	return nil
}

// firstAnswer starts a command that runs the shop, and ends it when it has answered.
func firstAnswer(cmd *exec.Cmd) (time.Duration, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var log strings.Builder
	cmd.Stderr = &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	late := time.AfterFunc(shop.Patience, func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		time.Sleep(shop.Patience / 6)
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		out.Close() // a shop that was left behind holds the other end
	})
	defer late.Stop()

	lines := bufio.NewScanner(out)
	url := ""
	for url == "" && lines.Scan() {
		_, url, _ = strings.Cut(lines.Text(), "shop: ")
	}
	var took time.Duration
	if url != "" {
		_, err = read(http.Get(url + "/healthz"))
		took = time.Since(begin)
	}
	http.DefaultClient.CloseIdleConnections()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // as Ctrl-C does
	for lines.Scan() {                             // until the end, as Wait asks
	}
	end := cmd.Wait()
	switch {
	case url != "" && !late.Stop():
		return 0, fmt.Errorf("it did not end at Ctrl-C\n%s", &log)
	case url == "":
		return 0, fmt.Errorf("it never told its address: %v\n%s", end, &log)
	case err != nil:
		return 0, err
	}
	return took, nil
}
