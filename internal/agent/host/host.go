//go:build go1.21 && linux && amd64

package host

import (
	"errors"
	"reflect"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Variable is the environment variable that holds the number of the inherited
// control socket and, behind commas, those of the descriptors that are pipes to
// the tool: "3" or "3,1,2".
const Variable = "REALTIME_FD"

// highFD is the least descriptor number for the control socket, so that the
// program's own files get the small numbers that they get without the agent.
const highFD = 200

func init() {
	value, ok := syscall.Getenv(Variable)
	if !ok {
		return
	}
	// The program's children must not take the number for theirs.
	syscall.Unsetenv(Variable)
	socket, value := cut(value)
	fd, ok := adopt(socket)
	if !ok {
		return
	}
	var outputs []int
	for value != "" {
		var number string
		number, value = cut(value)
		if pipe, ok := parseUint(number); ok {
			if end, ok := readEnd(int(pipe)); ok {
				outputs = append(outputs, end)
			}
		}
	}
	keepMethods()
	go func() {
		serve(&conn{fd: fd})
		for _, end := range outputs {
			go discard(end)
		}
	}()
}

// cut returns what stands before the first comma of s and what stands behind it.
func cut(s string) (before, after string) {
	for i := 0; i < len(s); i++ {
		if s[i] == ',' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// adopt takes over the socket whose number is value.
func adopt(value string) (int, bool) {
	inherited, ok := parseUint(value)
	if !ok || inherited < 3 || inherited > 1<<20 {
		return 0, false
	}
	fd := int(inherited)
	if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || kind != syscall.SOCK_STREAM {
		return 0, false
	}
	fd = moveHigh(fd)
	return fd, syscall.SetNonblock(fd, false) == nil
}

// moveHigh gives a descriptor a high number. The program's children don't get it.
func moveHigh(fd int) int {
	high, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, highFD)
	if errno != 0 {
		syscall.CloseOnExec(fd) // RLIMIT_NOFILE is below highFD
		return fd
	}
	syscall.Close(fd)
	return int(high)
}

// parseUint reads a decimal number.
func parseUint(s string) (uint64, bool) {
	var n uint64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' || n > 1<<59 {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, s != ""
}

// Anchor does nothing. Its entry pc tells the load bias of the host.
//
//go:noinline
func Anchor() {}

// method is never set, which the compiler does not know.
var method string

// keepMethods makes the linker keep the exported methods of all types that are
// converted to interfaces: a call of MethodByName with a name that is not a
// constant does (cmd/link/internal/ld/deadcode.go, 1.25 to 1.27). Otherwise new
// code meets itabs and types whose methods are gone.
func keepMethods() {
	if method != "" {
		reflect.ValueOf(Anchor).MethodByName(method)
	}
}

// serve answers the tool until it is gone. The program does not notice.
func serve(c *conn) {
	defer syscall.Close(c.fd)
	anchor := Anchor
	hello := &wire.Hello{
		Protocol:  wire.Protocol,
		PID:       uint32(syscall.Getpid()),
		GoVersion: runtime.Version(),
		Anchor:    uint64(**(**uintptr)(unsafe.Pointer(&anchor))),
	}
	if !c.send(hello) {
		return
	}
	a := &agent{anchor: hello.Anchor}
	for {
		question, err := c.receive()
		if err == errGone {
			return
		}
		if err != nil {
			// Where the next message begins is not known, nor whether one is
			// missing. So this is our last word, and what comes is not looked at.
			c.send(&wire.Failed{Phase: wire.PhaseChannel, Reason: err.Error()})
			syscall.Shutdown(c.fd, syscall.SHUT_WR)
			c.skip()
			return
		}
		if !c.send(a.answer(question)) {
			return
		}
	}
}

// answer answers a question. A panic in here is a fault of ours, which must not be
// the end of the program.
func (a *agent) answer(question wire.Message) (answer wire.Message) {
	a.phase, a.seq = wire.PhaseLoad, 0
	defer func() {
		if a.worldStopped {
			return // nothing can go on from here
		}
		if r := recover(); r != nil {
			answer = &wire.Failed{Seq: a.seq, Phase: a.phase, Reason: "fault of the agent: " + text(r)}
		}
	}()
	switch m := question.(type) {
	case *wire.Setup:
		return a.setUp(m)
	case *wire.FindItabs:
		return a.findItabs(m)
	case *wire.Patch:
		return a.apply(m)
	}
	return &wire.Failed{Phase: wire.PhaseLoad, Reason: "not a question"}
}

// conn is the control socket. It is read with blocking calls, which park one
// thread; the network poller of a program that has no network stays asleep.
type conn struct {
	fd             int
	sent, received uint32 // frames
}

func (c *conn) send(m wire.Message) bool {
	b, err := wire.Append(nil, c.sent, m)
	if err != nil {
		return false
	}
	c.sent++
	for len(b) > 0 {
		// MSG_NOSIGNAL: a program that asks for SIGPIPE must not get ours.
		n, _, errno := syscall.Syscall6(syscall.SYS_SENDTO, uintptr(c.fd),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), syscall.MSG_NOSIGNAL, 0, 0)
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return false
		default:
			b = b[n:]
		}
	}
	return true
}

// errGone says that the tool has closed its end.
var errGone = errors.New("the tool is gone")

// receive returns the next message. An error other than errGone is one of the
// stream, which is of no use any more.
func (c *conn) receive() (wire.Message, error) {
	var header [wire.HeaderSize]byte
	if !c.fill(header[:]) {
		return nil, errGone
	}
	h, err := wire.ReadHeader(header, c.received)
	if err != nil {
		return nil, err
	}
	c.received++
	payload := make([]byte, h.Length)
	if !c.fill(payload) {
		return nil, errGone
	}
	return h.Decode(payload)
}

// skip reads until the tool is gone.
func (c *conn) skip() {
	b := make([]byte, 4096)
	for c.fill(b) {
	}
}

func (c *conn) fill(b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Read(c.fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil || n == 0:
			return false
		default:
			b = b[n:]
		}
	}
	return true
}
