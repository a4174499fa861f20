// Package events tells browsers what happens in the shop, as server-sent
// events.
package events

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// backlog is how many events a subscriber may be behind. What it misses beyond
// that is dropped: the next event of the same name tells the newer state.
const backlog = 16

// Broker passes events on to all who are subscribed. The zero value is ready.
type Broker struct {
	mu          sync.Mutex
	subscribers map[chan []byte]struct{}
	last        uint64 // id of the last event
	closed      bool
}

// Publish sends an event to all subscribers and does not wait for them. The
// data becomes JSON; data that can't is a mistake of the caller and panics.
func (b *Broker) Publish(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("encoding event %q: %v", name, err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	frame := fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", b.last, name, text)
	for c := range b.subscribers {
		select {
		case c <- frame:
		default:
		}
	}
}

// Subscribe returns a channel of encoded events and a function that ends the
// subscription. The channel is closed by [Broker.Close].
func (b *Broker) Subscribe() (<-chan []byte, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan []byte, backlog)
	if b.closed {
		close(c)
		return c, func() {}
	}
	if b.subscribers == nil {
		b.subscribers = make(map[chan []byte]struct{})
	}
	b.subscribers[c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subscribers, c)
	}
}

// Close ends all streams, so that the server can shut down.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for c := range b.subscribers {
		close(c)
	}
	clear(b.subscribers)
}

// Stream answers a request with events until the client leaves.
func (b *Broker) Stream(w http.ResponseWriter, r *http.Request) {
	frames, unsubscribe := b.Subscribe()
	defer unsubscribe()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil { // the headers, so that the client sees the stream open
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case frame, open := <-frames:
			if !open {
				return
			}
			if _, err := w.Write(frame); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
		}
	}
}
