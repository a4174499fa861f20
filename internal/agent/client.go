package agent

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// ErrGone is returned when the host has ended, or its agent has given up.
var ErrGone = errors.New("the program has closed the control channel")

// Failure is the error of a request that the agent could not fulfil. Nothing was
// redirected, and the client can be used on.
type Failure struct {
	wire.Failed
}

func (f *Failure) Error() string {
	switch f.Phase {
	case wire.PhaseMap:
		return "the program has no room for new code: " + f.Reason
	case wire.PhaseLoad:
		return "the program refuses the new code: " + f.Reason
	case wire.PhaseInit:
		return "initializing new variables: " + f.Reason
	case wire.PhaseRedirect:
		return "switching to the new code: " + f.Reason
	case wire.PhaseChannel:
		return "the program has got a damaged message: " + f.Reason
	}
	return fmt.Sprintf("%s: %s", f.Phase, f.Reason)
}

// Socketpair returns the two ends of a control channel. child is to be inherited
// by the host (exec.Cmd.ExtraFiles), with its number there in the environment
// entry [Environ], and to be closed here after the start.
func Socketpair() (tool, child *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making the control channel: %w", err)
	}
	// Only what is not blocking has deadlines.
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		syscall.Close(fds[1])
		return nil, nil, fmt.Errorf("making the control channel: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "control channel"), os.NewFile(uintptr(fds[1]), "control channel of the program"), nil
}

// Conn is a stream with deadlines: an *os.File of [Socketpair], a net.Conn.
type Conn interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// Client talks to the agent in one host. Its methods may be called from several
// goroutines; the requests go one after the other.
//
// A request whose context ends before its answer has come leaves the state of
// the host unknown, and so does an answer that arrives damaged: all later requests
// fail with the same error.
type Client struct {
	// PID is the process whose agent must answer; 0: any. A process that the program starts before its own agent has taken the
	// channel inherits it.
	PID int

	conn           Conn
	mu             sync.Mutex // held during a request
	in             *bufio.Reader
	sent, received uint32 // frames
	broken         error
}

// New returns a client for the agent at the other end of conn.
func New(conn Conn) *Client {
	return &Client{conn: conn, in: bufio.NewReader(conn)}
}

// Close closes the connection. The host goes on without its agent.
func (c *Client) Close() error { return c.conn.Close() }

// Hello waits for the agent's first message. It must be called before the other
// methods, once.
func (c *Client) Hello(ctx context.Context) (*wire.Hello, error) {
	hello, err := request[*wire.Hello](ctx, c, nil)
	if err == nil && hello.Protocol != wire.Protocol {
		return nil, fmt.Errorf("the program speaks protocol %d, not %d: it was built by another release of realtime", hello.Protocol, wire.Protocol)
	}
	if err == nil && c.PID != 0 && int(hello.PID) != c.PID {
		return nil, fmt.Errorf("process %d, which the program has started during its initialization, has taken the control channel", hello.PID)
	}
	return hello, err
}

// Setup tells the agent where the runtime is, and reserves the arena.
func (c *Client) Setup(ctx context.Context, s *wire.Setup) (*wire.Ready, error) {
	return request[*wire.Ready](ctx, c, s)
}

// FindItabs returns the runtime's itabs for pairs, in their order; see wire.Itabs.
func (c *Client) FindItabs(ctx context.Context, pairs []wire.ItabPair) (*wire.Itabs, error) {
	if len(pairs) == 0 {
		return &wire.Itabs{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	itabs, err := request[*wire.Itabs](ctx, c, &wire.FindItabs{Pairs: pairs})
	if err != nil {
		return nil, err
	}
	if len(itabs.Addrs) != len(pairs) || len(itabs.Empty) != len(pairs) {
		return nil, fmt.Errorf("asking the program: %d itabs for %d pairs", len(itabs.Addrs), len(pairs))
	}
	return itabs, nil
}

// Apply applies an edit, or fails with a *[Failure] and leaves the program's
// functions as they were.
//
// It first sorts p.Redirects, p.Methods, p.Retired, p.Quiet and p.Running by address and drops ranges
// that are there twice. The indices in the answer count in the sorted slices.
func (c *Client) Apply(ctx context.Context, p *wire.Patch) (*wire.Applied, error) {
	slices.SortFunc(p.Redirects, func(a, b wire.Redirect) int { return cmp.Compare(a.Old, b.Old) })
	slices.Sort(p.Methods)
	slices.Sort(p.Retired)
	p.Skip = sortRanges(p.Skip)
	p.Quiet = sortRanges(p.Quiet)
	p.Running = sortRanges(p.Running)
	return request[*wire.Applied](ctx, c, p)
}

// sortRanges makes one of those that overlap.
func sortRanges(rs []wire.Range) []wire.Range {
	slices.SortFunc(rs, func(a, b wire.Range) int { return cmp.Compare(a.Start, b.Start) })
	merged := rs[:0]
	for _, r := range rs {
		if n := len(merged); n > 0 && r.Start < merged[n-1].End {
			merged[n-1].End = max(merged[n-1].End, r.End)
		} else {
			merged = append(merged, r)
		}
	}
	return merged
}

// request sends question, unless it is nil, and waits for an answer of type T.
func request[T wire.Message](ctx context.Context, c *Client, question wire.Message) (answer T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return answer, c.broken
	}
	if err := ctx.Err(); err != nil {
		return answer, fmt.Errorf("asking the program: %w", err)
	}
	var frame []byte
	if question != nil {
		if frame, err = wire.Append(nil, c.sent, question); err != nil {
			return answer, fmt.Errorf("asking the program: %w", err)
		}
		c.sent++
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.conn.SetDeadline(time.Unix(1, 0))
		close(ended)
	})
	m, err := c.exchange(frame)
	if !stop() {
		<-ended
		c.conn.SetDeadline(time.Time{})
		if err != nil {
			err = ctx.Err()
		}
	}
	if err != nil {
		c.broken = fmt.Errorf("waiting for the program's answer: %w", err)
		return answer, c.broken
	}
	switch m := m.(type) {
	case T:
		return m, nil
	case *wire.Failed:
		f := &Failure{*m}
		if f.Phase == wire.PhaseChannel {
			c.broken = f
		}
		return answer, f
	}
	c.broken = fmt.Errorf("waiting for the program's answer: %T is none to %T", m, question)
	return answer, c.broken
}

// exchange writes a frame and reads one.
func (c *Client) exchange(frame []byte) (wire.Message, error) {
	if len(frame) > 0 {
		// An agent that has closed the channel may have said why before.
		if _, err := c.conn.Write(frame); err != nil && gone(err) != ErrGone {
			return nil, err
		}
	}
	var header [wire.HeaderSize]byte
	if _, err := io.ReadFull(c.in, header[:]); err != nil {
		return nil, gone(err)
	}
	h, err := wire.ReadHeader(header, c.received)
	if err != nil {
		return nil, err
	}
	c.received++
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(c.in, payload); err != nil {
		return nil, gone(err)
	}
	return h.Decode(payload)
}

// gone returns ErrGone for the errors of a connection whose other end is closed.
func gone(err error) error {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, e) {
			return ErrGone
		}
	}
	return err
}
