package events

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestStream(t *testing.T) {
	var b Broker
	server := httptest.NewServer(http.HandlerFunc(b.Stream))
	defer server.Close()

	response, err := http.Get(server.URL) // returns with the headers: subscribed by then
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b.Publish("stock", map[string]int{"level": 3})
	b.Publish("cart", nil)
	b.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := "id: 1\nevent: stock\ndata: {\"level\":3}\n\nid: 2\nevent: cart\ndata: null\n\n"
	if string(body) != want {
		t.Errorf("stream %q, want %q", body, want)
	}
	if _, open := <-first(b.Subscribe()); open {
		t.Error("subscribed to a closed broker")
	}
}

func first[A, B any](a A, _ B) A { return a }

func TestSlowSubscriber(t *testing.T) {
	var b Broker
	frames, unsubscribe := b.Subscribe()
	for range backlog + 5 { // must not block
		b.Publish("stock", nil)
	}
	if len(frames) != backlog {
		t.Errorf("%d events kept, want %d", len(frames), backlog)
	}
	unsubscribe()
	b.Close()
}
