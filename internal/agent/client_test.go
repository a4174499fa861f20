package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// fakeAgent is the other end of a channel.
type fakeAgent struct {
	net.Conn
	t              *testing.T
	sent, received uint32
}

// serveOnce reads one frame and calls answer with its message.
func (a *fakeAgent) serveOnce(answer func(wire.Message)) {
	var header [wire.HeaderSize]byte
	if _, err := io.ReadFull(a, header[:]); err != nil {
		a.t.Error(err)
		return
	}
	h, err := wire.ReadHeader(header, a.received)
	if err != nil {
		a.t.Error(err)
		return
	}
	a.received++
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(a, payload); err != nil {
		a.t.Error(err)
		return
	}
	m, err := h.Decode(payload)
	if err != nil {
		a.t.Error(err)
		return
	}
	answer(m)
}

// frame returns the next frame to be sent.
func (a *fakeAgent) frame(m wire.Message) []byte {
	b, err := wire.Append(nil, a.sent, m)
	if err != nil {
		a.t.Error(err)
	}
	a.sent++
	return b
}

func (a *fakeAgent) send(m wire.Message) {
	if _, err := a.Write(a.frame(m)); err != nil {
		a.t.Error(err)
	}
}

func TestClient(t *testing.T) {
	tool, end := net.Pipe()
	host := &fakeAgent{Conn: end, t: t}
	c := New(tool)
	defer c.Close()

	go host.send(&wire.Hello{Protocol: wire.Protocol, PID: 7})
	hello, err := c.Hello(t.Context())
	if err != nil || hello.PID != 7 {
		t.Fatalf("got %+v, %v", hello, err)
	}

	go host.serveOnce(func(m wire.Message) {
		p := m.(*wire.Patch)
		if p.Redirects[0].Old != 1 || len(p.Quiet) != 2 || p.Quiet[0].Start != 3 {
			t.Errorf("not sorted: %+v", p)
		}
		host.send(&wire.Failed{Seq: p.Seq, Phase: wire.PhaseInit, Reason: "no"})
	})
	_, err = c.Apply(t.Context(), &wire.Patch{
		Redirects: []wire.Redirect{{Old: 2}, {Old: 1}},
		Quiet:     []wire.Range{{Start: 5, End: 6}, {Start: 3, End: 4}, {Start: 5, End: 6}},
	})
	var failure *Failure
	if !errors.As(err, &failure) || failure.Reason != "no" {
		t.Fatalf("got %v, want the failure", err)
	}

	go host.serveOnce(func(m wire.Message) { host.send(&wire.Ready{Arena: 9}) })
	ready, err := c.Setup(t.Context(), new(wire.Setup))
	if err != nil || ready.Arena != 9 {
		t.Fatalf("got %+v, %v", ready, err)
	}

	// A request that is given up makes the client useless.
	ctx, cancel := context.WithCancel(t.Context())
	go host.serveOnce(func(wire.Message) { cancel() })
	if _, err = c.Setup(ctx, new(wire.Setup)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err = c.Setup(t.Context(), new(wire.Setup)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled again", err)
	}
}

func TestClientOddAnswers(t *testing.T) {
	tests := map[string]func(host *fakeAgent){
		"closed": func(host *fakeAgent) { host.Close() },
		"wrong":  func(host *fakeAgent) { host.send(&wire.Ready{}) },
		"protocol": func(host *fakeAgent) {
			host.send(&wire.Hello{Protocol: wire.Protocol + 1})
		},
		"nonsense": func(host *fakeAgent) { host.Write(make([]byte, wire.HeaderSize)) },
		"cut": func(host *fakeAgent) {
			frame := host.frame(&wire.Hello{Protocol: wire.Protocol})
			host.Write(frame[:len(frame)-1])
			host.Close()
		},
		"damaged header": func(host *fakeAgent) {
			frame := host.frame(&wire.Hello{Protocol: wire.Protocol})
			frame[1] ^= 1
			host.Write(frame[:wire.HeaderSize])
		},
		"damaged": func(host *fakeAgent) {
			frame := host.frame(&wire.Hello{Protocol: wire.Protocol, PID: 7})
			frame[wire.HeaderSize+4] ^= 1
			host.Write(frame)
		},
		"replayed": func(host *fakeAgent) {
			host.sent = 1
			host.send(&wire.Hello{Protocol: wire.Protocol})
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			tool, end := net.Pipe()
			c := New(tool)
			defer c.Close()
			go answer(&fakeAgent{Conn: end, t: t})
			_, err := c.Hello(t.Context())
			if err == nil {
				t.Fatal("accepted")
			}
			if gone := name == "closed" || name == "cut"; gone != errors.Is(err, ErrGone) {
				t.Errorf("got %v", err)
			}
		})
	}
}
