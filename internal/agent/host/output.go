//go:build go1.21 && linux && amd64

package host

import "syscall"

// The tool may have the program's output as pipes (realtime run -json). When the
// tool is killed, a pipe has no reader, and the first line that the program prints
// is its end, by SIGPIPE. So we hold the read ends too, from the start on, since
// nothing done afterwards would come before such a line; and once the tool is gone
// we read what nobody else does, lest the program waits for ever for room.

// readEnd opens the read end of the pipe whose write end fd is.
func readEnd(fd int) (int, bool) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFIFO || fd > 2 {
		return 0, false
	}
	// Opened, not duplicated: a duplicate could only be written to.
	end, err := syscall.Open("/proc/self/fd/"+string(rune('0'+fd)), syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	return moveHigh(end), true
}

// discard reads from the read end of a pipe until nobody can write to it.
func discard(end int) {
	defer syscall.Close(end)
	if syscall.SetNonblock(end, false) != nil {
		return
	}
	b := make([]byte, 16<<10)
	for {
		if n, err := syscall.Read(end, b); n <= 0 && err != syscall.EINTR {
			return
		}
	}
}
