//go:build go1.21 && linux && amd64

package host

import (
	"reflect"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Variable is the environment variable that holds the number of the inherited
// control socket.
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
	fd, ok := adopt(value)
	if !ok {
		return
	}
	keepMethods()
	go serve(conn(fd))
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
	high, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, highFD)
	if errno != 0 {
		syscall.CloseOnExec(fd) // RLIMIT_NOFILE is below highFD
	} else {
		syscall.Close(fd)
		fd = int(high)
	}
	return fd, syscall.SetNonblock(fd, false) == nil
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
func serve(c conn) {
	defer syscall.Close(int(c))
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
	a := new(agent)
	for {
		question, ok := c.receive()
		if !ok {
			return
		}
		var answer wire.Message
		switch m := question.(type) {
		case *wire.Setup:
			answer = a.setUp(m)
		case *wire.FindItabs:
			answer = a.findItabs(m)
		case *wire.Patch:
			answer = a.apply(m)
		default:
			return
		}
		if !c.send(answer) {
			return
		}
	}
}

// conn is the control socket. It is read with blocking calls, which park one
// thread; the network poller of a program that has no network stays asleep.
type conn int

func (c conn) send(m wire.Message) bool {
	b, err := wire.Append(nil, m)
	if err != nil {
		return false
	}
	for len(b) > 0 {
		// MSG_NOSIGNAL: a program that asks for SIGPIPE must not get ours.
		n, _, errno := syscall.Syscall6(syscall.SYS_SENDTO, uintptr(c),
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

func (c conn) receive() (wire.Message, bool) {
	var header [wire.HeaderSize]byte
	if !c.fill(header[:]) {
		return nil, false
	}
	kind, n, err := wire.Header(header)
	if err != nil {
		return nil, false
	}
	payload := make([]byte, n)
	if !c.fill(payload) {
		return nil, false
	}
	m, err := wire.Decode(kind, payload)
	return m, err == nil
}

func (c conn) fill(b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Read(int(c), b)
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
