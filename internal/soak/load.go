package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

const (
	clients = 4
	pause   = 5 * time.Millisecond // of a client between two requests: the compiler needs a processor too
	maxGap  = 2 * time.Second      // the shop tells of its stock twice a second
)

// A load keeps a shop busy: clients with requests that rightly succeed, and one who
// reads the stream of events.
type load struct {
	url    string
	cancel context.CancelFunc
	done   sync.WaitGroup
	http   http.Client

	mu       sync.Mutex
	requests int
	failed   []string
	events   int
	broken   []string
	gap      time.Duration // the longest
	waiting  map[chan string]bool
}

// newLoad begins to load the shop.
func newLoad(url string) (*load, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{url: url, cancel: cancel, waiting: map[chan string]bool{}}
	l.http.Transport = &http.Transport{MaxIdleConnsPerHost: clients + 1}
	stream, err := l.send(ctx, "GET", "/events", "", "")
	if err != nil {
		cancel()
		return nil, err
	}
	l.done.Go(func() { l.read(ctx, stream) })
	for client := range clients {
		l.done.Go(func() { l.client(ctx, client) })
	}
	return l, nil
}

// end lets the clients leave.
func (l *load) end() {
	l.cancel()
	l.done.Wait()
	l.http.CloseIdleConnections()
}

// send makes a request with a cart of its own.
func (l *load) send(ctx context.Context, method, path, cookie, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, l.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	return l.http.Do(request)
}

// client asks until ctx ends. Each of its requests must succeed: a cart of its own for
// each POST, for there is a limit to what one cart holds, and no orders, for the stock
// may rightly be short.
func (l *load) client(ctx context.Context, client int) {
	for n := 0; ctx.Err() == nil; n++ {
		for _, r := range []struct{ method, path, body string }{
			{"GET", "/", ""},
			{"POST", "/cart/items", `{"product":"scale","quantity":2}`},
			{"GET", "/products?q=tea&sort=price", ""},
			{"GET", "/cart/total", ""},
			{"GET", "/products/espresso-cup", ""},
			{"GET", "/orders", ""},
			{"GET", "/healthz", ""},
			{"GET", "/cart", ""},
		} {
			if ctx.Err() != nil {
				return
			}
			response, err := l.send(ctx, r.method, r.path, fmt.Sprintf("cart=load-%d-%d", client, n), r.body)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(response.Body)
				response.Body.Close()
				if err == nil && response.StatusCode >= 300 {
					err = fmt.Errorf("%s: %s", response.Status, body)
				}
			}
			if ctx.Err() != nil {
				return
			}
			l.mu.Lock()
			l.requests++
			if err != nil {
				l.failed = append(l.failed, fmt.Sprintf("%s %s: %v", r.method, r.path, err))
			}
			l.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

// read takes the stream's events until ctx ends.
func (l *load) read(ctx context.Context, stream *http.Response) {
	defer stream.Body.Close()
	late := time.AfterFunc(maxGap, func() { l.streamFailed(fmt.Sprintf("no event in %v", maxGap)) })
	defer late.Stop()
	last := time.Now()
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		late.Reset(maxGap)
		l.mu.Lock()
		l.events++
		l.gap = max(l.gap, time.Since(last))
		last = time.Now()
		for c := range l.waiting {
			select {
			case c <- data:
			default:
			}
		}
		l.mu.Unlock()
	}
	if ctx.Err() == nil {
		l.streamFailed(fmt.Sprintf("the stream ended: %v", lines.Err()))
	}
}

func (l *load) streamFailed(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = append(l.broken, what)
}

// stockReason waits for an event about the stock that is later than this call, and
// reports whether it ends in the suffix. The first one may have been on its way.
func (l *load) stockReason(suffix string) error {
	c := make(chan string, 4096)
	l.mu.Lock()
	l.waiting[c] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, c)
	}()
	got := ""
	for late := time.After(shop.Patience); ; {
		select {
		case data := <-c:
			if !strings.Contains(data, `"reason":`) {
				continue
			}
			first := got == ""
			got = data
			if strings.HasSuffix(data, suffix+`"}`) {
				return nil
			}
			if first {
				continue
			}
		case <-late:
		}
		return fmt.Errorf("the stream has %q, want a reason that ends in %q", got, suffix)
	}
}
