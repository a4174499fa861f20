package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a round may take to have all answers.
const patience = 5 * time.Minute

// A request is one whose answer is known.
type request struct {
	method, path, cookie, body string
}

func (r request) String() string { return r.method + " " + r.path }

// load is clients that ask a program again and again.
type load struct {
	url      string
	requests []request
	want     []string
	cancel   context.CancelFunc
	done     sync.WaitGroup

	mu    sync.Mutex
	news  *sync.Cond // of what follows
	asked int
	since []bool // requests that were begun and answered since the last call of round
	round int
	wrong []string
}

// newLoad learns the answers, and sends the clients.
func newLoad(url string, requests []request, clients int) (*load, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{url: url, requests: requests, cancel: cancel, since: make([]bool, len(requests))}
	l.news = sync.NewCond(&l.mu)
	for _, again := range []bool{false, true} {
		for i, r := range requests {
			got, err := ask(ctx, http.DefaultClient, url, r)
			if err == nil && again && got != l.want[i] {
				err = fmt.Errorf("%v: without any patch: %s", r, differ(got, l.want[i]))
			}
			if err != nil {
				cancel()
				return nil, err
			}
			if !again {
				l.want = append(l.want, got)
			}
		}
	}
	for i := range clients {
		l.done.Go(func() { l.client(ctx, i) })
	}
	return l, nil
}

// end lets the clients leave.
func (l *load) end() {
	l.cancel()
	l.done.Wait()
}

// unique stands for a text of a request that no other one has.
const unique = "#unique#"

var serial atomic.Int64

// stock is what the shop has of a product: it sells by itself.
var stock = regexp.MustCompile(`("stock":|data-stock="[a-z-]+">)\d+`)

// ask makes one request. The answer is its status and its body.
func ask(ctx context.Context, client *http.Client, url string, r request) (string, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, url+r.path, strings.NewReader(r.body))
	if err != nil {
		return "", err
	}
	id := fmt.Sprint("relink-", serial.Add(1))
	if r.cookie != "" {
		q.Header.Set("Cookie", strings.ReplaceAll(r.cookie, unique, id))
	}
	response, err := client.Do(q)
	if err != nil {
		return "", fmt.Errorf("%v: %w", r, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 500 {
		err = fmt.Errorf("%s\n%s", response.Status, body)
	}
	if err != nil {
		return "", fmt.Errorf("%v: %w", r, err)
	}
	text := strings.ReplaceAll(string(body), id, unique)
	return response.Status + " " + stock.ReplaceAllString(text, "${1}0"), nil
}

// differ tells where two answers do.
func differ(got, want string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	i = max(0, i-20)
	return fmt.Sprintf("got …%.200q, want …%.200q", got[min(i, len(got)):], want[min(i, len(want)):])
}

// get is the body of a page.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	text, err := ask(ctx, client, url, request{method: "GET"})
	body, ok := strings.CutPrefix(text, "200 OK ")
	if err == nil && !ok {
		err = fmt.Errorf("%s: %s", url, text)
	}
	return body, err
}

// client asks until ctx ends. Every second client opens a connection for each request, the
// others have one that is older than all patches.
func (l *load) client(ctx context.Context, number int) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: number%2 == 1}}
	defer c.CloseIdleConnections()
	for k := number * 17; ctx.Err() == nil; k++ {
		i := k % len(l.requests)
		l.mu.Lock()
		round := l.round
		l.mu.Unlock()
		got, err := ask(ctx, c, l.url, l.requests[i])
		if ctx.Err() != nil {
			return
		}
		if err == nil && got != l.want[i] {
			err = fmt.Errorf("%v: %s", l.requests[i], differ(got, l.want[i]))
		}
		l.mu.Lock()
		l.asked++
		if err != nil {
			l.wrong = append(l.wrong, err.Error())
		} else if round == l.round {
			l.since[i] = true
		}
		failed := len(l.wrong)
		l.mu.Unlock()
		l.news.Broadcast()
		if failed > 20 {
			return
		}
	}
}

// all waits until every request was begun and answered after this call.
func (l *load) all() error {
	late := false
	timer := time.AfterFunc(patience, func() {
		l.mu.Lock()
		late = true
		l.mu.Unlock()
		l.news.Broadcast()
	})
	defer timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.round++
	clear(l.since)
	for slices.Contains(l.since, false) && len(l.wrong) == 0 && !late {
		l.news.Wait()
	}
	if late {
		return fmt.Errorf("not all requests were answered in %v", patience)
	}
	return l.check()
}

// check is the wrong answers as an error; l.mu is held.
func (l *load) check() error {
	if len(l.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d wrong answers of %d\n%s", len(l.wrong), l.asked, strings.Join(l.wrong[:min(3, len(l.wrong))], "\n"))
}
