package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

const (
	idleTime = 10 * time.Second

	// USER_HZ, the unit of the times in /proc/pid/stat; 100 on all Linux ports that Go has
	// (proc_pid_stat(5), times(2)).
	tick = time.Second / 100
)

// idle measures the processor time of realtime while nothing is edited.
func idle(s *shop.Shop, w io.Writer) error {
	r, err := s.Run("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer r.Stop()
	time.Sleep(2 * time.Second) // what comes after the start is not idle yet
	before, err := cpu(r.Tool)
	if err != nil {
		return err
	}
	time.Sleep(idleTime)
	after, err := cpu(r.Tool)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "processor time of an idle realtime (ms in %v)\t%s\n", idleTime, ms(after-before))
	return nil
}

// cpu is the processor time that a process has used, utime + stime of /proc/pid/stat.
func cpu(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name, field 2, is in brackets and may have anything in it. utime and stime are
	// fields 14 and 15.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading /proc/%d/stat: %d fields after the name", pid, len(fields))
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
