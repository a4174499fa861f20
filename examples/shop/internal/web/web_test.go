package web

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/catalog"
	"example.com/shop/internal/events"
	"example.com/shop/internal/order"
	"example.com/shop/internal/price"
	"example.com/shop/internal/stock"
	"example.com/shop/internal/store"
)

func newServer(t *testing.T) *httptest.Server {
	db, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(order.Orders.Create(tx), order.Sold.Create(tx))
	})
	if err != nil {
		t.Fatal(err)
	}
	var products catalog.Catalog
	for _, step := range products.Steps() {
		if err := step.Run(); err != nil {
			t.Fatal(err)
		}
	}
	total := price.Rules{VAT: 19, DiscountFrom: 10000, Shipping: 490, FreeShipping: 15000}.Total
	levels := stock.NewLevels(products.All())
	broker := new(events.Broker)
	s, err := New(Config{
		Log:     slog.New(slog.DiscardHandler),
		Catalog: &products,
		Stock:   levels,
		Orders: &order.Desk{
			DB:    db,
			Stock: levels,
			Total: total,
			Now:   func() time.Time { return time.Unix(1700000000, 0) },
		},
		Total:  total,
		Events: broker,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(broker.Close)
	return server
}

// do sends a request as the customer whose cart is named as the test.
func do(t *testing.T, method, url, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: "cart", Value: t.Name()})
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestRequests(t *testing.T) {
	server := newServer(t)
	defer cart.Take(t.Name())
	const cups = `{"product":"espresso-cup","name":"Espresso cup","quantity":2,"price":"9.80"}`
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string // the answer, or with … at its end what it begins with
	}{
		{"GET", "/healthz", "", 200, `{"status":"ok"}`},
		{"GET", "/nowhere", "", 404, `{"error":"no such page"}`},
		{"GET", "/", "", 200, `<!doctype html>…`},
		{"GET", "/static/shop.css", "", 200, `body {…`},
		{"GET", "/products?q=tea&sort=price&limit=1", "", 200, `[{"id":"earl-grey","name":"Earl Grey, 100 g","category":"Tea","price":"9.20","stock":90}]`},
		{"GET", "/products?q=tea&page=9", "", 200, `[]`},
		{"GET", "/products?page=0", "", 400, `{"error":"page must be a number from 1"}`},
		{"GET", "/products?sort=colour", "", 400, `{"error":"sort must be name or price"}`},
		{"GET", "/products/scale", "", 200, `{"id":"scale","name":"Brewing scale","category":"Small things","price":"49.00","stock":25}`},
		{"GET", "/products/car", "", 404, `{"error":"no such product"}`},
		{"GET", "/cart", "", 200, `{"id":"TestRequests","lines":[]}`},
		{"POST", "/orders", "", 409, `{"error":"the cart is empty"}`},
		{"POST", "/cart/items", `{"product":"espresso-cup"}`, 201, `…`},
		{"POST", "/cart/items", `{"product":"espresso-cup","quantity":1}`, 201, `{"id":"TestRequests","lines":[` + cups + `]}`},
		{"POST", "/cart/items", `{"product":"espresso-cup","quantity":-1}`, 400, `{"error":"quantity must be from 1 to 99"}`},
		{"POST", "/cart/items", `{"product":"car"}`, 404, `{"error":"no such product"}`},
		{"POST", "/cart/items", `{"produkt":"car"}`, 400, `{"error":"reading item: …`},
		{"GET", "/cart/total", "", 200, `{"subtotal":"19.60","discount":"0.00","shipping":"4.90","total":"24.50","vat":"3.91"}`},
		{"POST", "/orders", "", 201, `{"id":"000001","lines":[` + cups + `],"quote":{"subtotal":"19.60",…`},
		{"GET", "/orders", "", 200, `[{"id":"000001",…`},
		{"GET", "/products/espresso-cup", "", 200, `{"id":"espresso-cup","name":"Espresso cup","category":"Cups","price":"9.80","stock":118}`},
	} {
		response := do(t, test.method, server.URL+test.path, test.body)
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSuffix(string(body), "\n")
		want, open := strings.CutSuffix(test.want, "…")
		if response.StatusCode != test.status || got != want && !(open && strings.HasPrefix(got, want)) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", test.method, test.path, test.body, response.StatusCode, got, test.status, test.want)
		}
	}
}

func TestNewCart(t *testing.T) {
	server := newServer(t)
	response, err := http.Get(server.URL + "/cart")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cookies := response.Cookies()
	if len(cookies) != 1 || !validCartID.MatchString(cookies[0].Value) {
		t.Errorf("cookies %v, want one with a cart id", cookies)
	}
}

func TestCartEvent(t *testing.T) {
	server := newServer(t)
	defer cart.Take(t.Name())
	stream := do(t, "GET", server.URL+"/events", "")
	do(t, "POST", server.URL+"/cart/items", `{"product":"scale","quantity":3}`)
	var got []string
	for lines := bufio.NewScanner(stream.Body); lines.Scan() && lines.Text() != ""; {
		got = append(got, lines.Text())
	}
	want := "id: 1\nevent: cart\ndata: {\"product\":\"scale\",\"quantity\":3}"
	if strings.Join(got, "\n") != want {
		t.Errorf("event %q, want %q", got, want)
	}
}
