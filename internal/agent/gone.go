package agent

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Gone returns a channel that is closed when the host's end of the control channel is: the host has ended, or has replaced itself
// (execve(2) closes the descriptor), or has closed the descriptor. It costs nothing to wait for it. stop ends that.
func Gone(tool *os.File) (gone <-chan struct{}, stop func(), err error) {
	// A descriptor of its own: who waits for a file to be readable keeps others from reading it (internal/poll.FD).
	var fd int
	raw, err := tool.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	var dup error
	err = raw.Control(func(f uintptr) { fd, dup = unix.FcntlInt(f, syscall.F_DUPFD_CLOEXEC, 0) })
	if err == nil {
		err = dup
	}
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "end of the control channel")
	if raw, err = f.SyscallConn(); err != nil {
		f.Close()
		return nil, nil, err
	}
	c := make(chan struct{})
	go func() {
		defer f.Close()
		closed := false
		raw.Read(func(fd uintptr) bool {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
			n, err := unix.Poll(p, 0)
			closed = err == nil && n > 0 && p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP) != 0
			return closed
		})
		if closed {
			close(c)
		}
	}()
	return c, func() { f.Close() }, nil
}
