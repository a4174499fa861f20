package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// serveOnce reads one frame from conn and calls answer with its message.
func serveOnce(t *testing.T, conn net.Conn, answer func(wire.Message)) {
	t.Helper()
	var header [wire.HeaderSize]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		t.Error(err)
		return
	}
	kind, n, err := wire.Header(header)
	if err != nil {
		t.Error(err)
		return
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(conn, payload); err != nil {
		t.Error(err)
		return
	}
	m, err := wire.Decode(kind, payload)
	if err != nil {
		t.Error(err)
		return
	}
	answer(m)
}

func send(t *testing.T, conn net.Conn, m wire.Message) {
	t.Helper()
	b, err := wire.Append(nil, m)
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := conn.Write(b); err != nil {
		t.Error(err)
	}
}

func TestClient(t *testing.T) {
	tool, host := net.Pipe()
	c := New(tool)
	defer c.Close()

	go send(t, host, &wire.Hello{Protocol: wire.Protocol, PID: 7})
	hello, err := c.Hello(t.Context())
	if err != nil || hello.PID != 7 {
		t.Fatalf("got %+v, %v", hello, err)
	}

	go serveOnce(t, host, func(m wire.Message) {
		p := m.(*wire.Patch)
		if p.Redirects[0].Old != 1 || len(p.Quiet) != 2 || p.Quiet[0].Start != 3 {
			t.Errorf("not sorted: %+v", p)
		}
		send(t, host, &wire.Failed{Seq: p.Seq, Phase: wire.PhaseInit, Reason: "no"})
	})
	_, err = c.Apply(t.Context(), &wire.Patch{
		Redirects: []wire.Redirect{{Old: 2}, {Old: 1}},
		Quiet:     []wire.Range{{Start: 5, End: 6}, {Start: 3, End: 4}, {Start: 5, End: 6}},
	})
	var failure *Failure
	if !errors.As(err, &failure) || failure.Reason != "no" {
		t.Fatalf("got %v, want the failure", err)
	}

	go serveOnce(t, host, func(m wire.Message) { send(t, host, &wire.Ready{Arena: 9}) })
	ready, err := c.Setup(t.Context(), new(wire.Setup))
	if err != nil || ready.Arena != 9 {
		t.Fatalf("got %+v, %v", ready, err)
	}

	// A request that is given up makes the client useless.
	ctx, cancel := context.WithCancel(t.Context())
	go serveOnce(t, host, func(wire.Message) { cancel() })
	if _, err = c.Setup(ctx, new(wire.Setup)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err = c.Setup(t.Context(), new(wire.Setup)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled again", err)
	}
}

func TestClientOddAnswers(t *testing.T) {
	tests := map[string]func(t *testing.T, host net.Conn){
		"closed": func(t *testing.T, host net.Conn) { host.Close() },
		"wrong":  func(t *testing.T, host net.Conn) { send(t, host, &wire.Ready{}) },
		"protocol": func(t *testing.T, host net.Conn) {
			send(t, host, &wire.Hello{Protocol: wire.Protocol + 1})
		},
		"nonsense": func(t *testing.T, host net.Conn) { host.Write([]byte{0, 0, 0, 0, 99}) },
		"cut": func(t *testing.T, host net.Conn) {
			host.Write([]byte{9, 0, 0, 0, byte(wire.KindHello), 1})
			host.Close()
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			tool, host := net.Pipe()
			c := New(tool)
			defer c.Close()
			go answer(t, host)
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
