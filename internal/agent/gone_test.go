package agent

import (
	"bytes"
	"io"
	"testing"
	"time"
)

func TestGone(t *testing.T) {
	tool, child, err := Socketpair()
	if err != nil {
		t.Fatal(err)
	}
	defer tool.Close()
	gone, stop, err := Gone(tool)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	// What is said is for who reads the channel.
	text := bytes.Repeat([]byte("x"), 1000)
	for range 100 {
		if _, err := child.Write(text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(tool, text); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := child.Write(text); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
		t.Fatal("gone, with the other end open")
	default:
	}
	child.Close()
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Fatal("the other end is closed, and that is not seen")
	}
	if _, err := io.ReadFull(tool, text); err != nil {
		t.Errorf("what was said before: %v", err)
	}
}

// Once nobody waits any more, the other end sees that the channel is closed.
func TestGoneStop(t *testing.T) {
	tool, child, err := Socketpair()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	gone, stop, err := Gone(tool)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	tool.Close()
	if n, err := child.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read %d, %v, want EOF", n, err)
	}
	select {
	case <-gone:
		t.Error("gone")
	default:
	}
}
