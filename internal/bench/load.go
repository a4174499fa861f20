package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	clients  = 4
	cycles   = 30 // of a client, for a round
	requests = clients * cycles * 8
)

// mix is what a client asks for in a cycle: a shop that is looked at, and bought from a
// little. No orders: they wait for the disk.
var mix = [requests / clients / cycles]struct{ method, path, body string }{
	{"GET", "/", ""},
	{"GET", "/products", ""},
	{"POST", "/cart/items", `{"product":"scale","quantity":2}`},
	{"GET", "/products?q=tea&sort=price", ""},
	{"GET", "/products/espresso-cup", ""},
	{"POST", "/cart/items", `{"product":"espresso-cup"}`},
	{"GET", "/cart", ""},
	{"GET", "/cart/total", ""},
}

var carts atomic.Int64 // a cycle has a cart of its own, for there is a limit to what one holds

// load makes a round's requests, on connections that are kept. It writes them by itself:
// http.Client takes as long as the shop, on the same processors.
func load(addr string) error {
	var group errgroup.Group
	for range clients {
		group.Go(func() error {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return err
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for range cycles {
				cart := carts.Add(1)
				for _, r := range mix {
					_, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nCookie: cart=load-%d\r\nContent-Length: %d\r\n\r\n%s",
						r.method, r.path, addr, cart, len(r.body), r.body)
					if err != nil {
						return err
					}
					response, err := http.ReadResponse(answers, nil)
					if err != nil {
						return err
					}
					if _, err := io.Copy(io.Discard, response.Body); err != nil {
						return err
					}
					if response.StatusCode >= 300 {
						return fmt.Errorf("%s %s: %s", r.method, r.path, response.Status)
					}
				}
			}
			return nil
		})
	}
	return group.Wait()
}
