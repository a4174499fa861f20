package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// A kind is one way to edit the shop. It is in the sources in one of many versions: in
// version 0 they are as they were, in any other each place has its text for it. Kinds
// don't share places, so that every mix of versions is a program.
type kind struct {
	name   string
	places []place
	method string // of the request that shows the version; empty: GET
	path   string // empty: nothing shows it
	header string // that has value, if the kind is seen there
	value  func(n int) string
	want   func(n int) string // what the answer contains, if it is seen there
	stream bool               // want is the end of the reason of stock events
}

// A place is a text that is once in a file of the shop.
type place struct {
	file, original string
	text           func(n int) string
}

// instrument is written into the copy before the shop starts: the health check tells the
// line that it was compiled from.
var instrument = []place{
	{server, "\t\"net/http\"\n", is("\t\"net/http\"\n\t\"runtime\"\n")},
	{server, `map[string]any{"status": "ok"}`, is(`map[string]any{"status": "ok", "line": line()}`)},
	{server, "// Config is what", is("func line() int {\n\t_, _, n, _ := runtime.Caller(1)\n\treturn n\n}\n\n// Config is what")},
}

// lineCall is what the health check's line is that of.
const lineCall = `"line": line()`

const (
	server   = "internal/web/server.go"
	answer   = "internal/web/answer.go"
	carts    = "internal/web/cart.go"
	home     = "internal/web/home.go"
	products = "internal/web/products.go"
	orders   = "internal/web/orders.go"
)

// is a text that is the same in all versions.
func is(text string) func(int) string { return func(int) string { return text } }

// with is a text with the version in place of each ⁿ.
func with(text string) func(int) string {
	return func(n int) string { return strings.ReplaceAll(text, "ⁿ", strconv.Itoa(n)) }
}

// added is a text with the version, or nothing in version 0.
func added(text string) func(int) string {
	return func(n int) string {
		if n == 0 {
			return ""
		}
		return with(text)(n)
	}
}

// small is a number of a few cents.
func small(n int) int { return n % 1000 }

var kinds = []kind{
	{
		name: "constant in a body",
		places: []place{{"internal/price/price.go", "return r.Shipping\n", func(n int) string {
			return fmt.Sprintf("return r.Shipping + %d\n", small(n))
		}}},
		path: "/cart/total", want: func(n int) string { return `"shipping":"` + shop.Money(shop.Shipping+small(n)) + `"` },
	},
	{
		name: "constant in a method value's body",
		places: []place{{"internal/price/price.go", "Discount: discount,", func(n int) string {
			return fmt.Sprintf("Discount: discount + %d,", small(n))
		}}},
		path: "/cart/total", want: func(n int) string { return `"discount":"` + shop.Money(small(n)) + `"` },
	},
	{
		name: "log line with its import",
		places: []place{
			{carts, "\t\"net/http\"\n", is("\t\"log\"\n\t\"net/http\"\n")},
			{carts, "\ts.Events.Publish(\"cart\"", with("\tlog.Printf(\"cart ⁿ: %s\", p.Name)\n\tw.Header().Set(\"X-Log\", \"ⁿ\")\n\ts.Events.Publish(\"cart\"")},
		},
		method: "POST", path: "/cart/items", header: "X-Log", value: added("ⁿ"),
	},
	{
		name:   "statement",
		places: []place{{products, "\tp.Stock = s.Stock.Of(p.ID)\n", with("\tp.Stock = s.Stock.Of(p.ID)\n\tp.Name += \" #ⁿ\"\n")}},
		path:   "/products/scale", want: func(n int) string { return `"name":"Brewing scale` + added(" #ⁿ")(n) + `"` },
	},
	{
		name: "literal above a literal",
		places: []place{
			{server, "\tr.Get(\"/healthz\"", with("\tfirst := func() int { return ⁿ }\n\t_ = first()\n\tr.Get(\"/healthz\"")},
			{server, `"status": "ok"`, with(`"status": "ok ⁿ"`)},
		},
		path: "/healthz", want: func(n int) string { return `"status":"ok` + added(" ⁿ")(n) + `"` },
	},
	{
		name: "literal in a literal",
		places: []place{
			{answer, "\t\tdefer func() {\n\t\t\ts.Log.LogAttrs", with("\t\tdefer func() { answer.Unwrap() }()\n\t\tdefer func() {\n\t\t\ts.Log.LogAttrs")},
			{answer, "\t\tnext.ServeHTTP(answer, r)\n", with("\t\tfunc() { answer.Header().Set(\"X-Access\", \"ⁿ\") }()\n\t\tnext.ServeHTTP(answer, r)\n")},
		},
		path: "/products/scale", header: "X-Access", value: added("ⁿ"),
	},
	{
		name: "helper function",
		places: []place{
			{orders, "// placeOrder answers", with("func seen() string { return \"seen ⁿ\" }\n\n// placeOrder answers")},
			{orders, "\torders, err := s.Orders.Of", with("\tw.Header().Set(\"X-Helper\", seen())\n\torders, err := s.Orders.Of")},
		},
		path: "/orders", header: "X-Helper", value: added("seen ⁿ"),
	},
	{
		name: "variable and constant",
		places: []place{
			{carts, "\t\"encoding/json\"\n", is("\t\"encoding/json\"\n\t\"fmt\"\n")},
			{carts, "// cartEvent tells", with("const step = ⁿ\n\nvar shownⁿ, timesⁿ = fmt.Sprint(\"v\", step), map[string]int{\"x\": step}\n\n// cartEvent tells")},
			{carts, "\ts.json(w, http.StatusOK, cart.Get(cartID(w, r)))\n", with("\tw.Header().Set(\"X-Var\", fmt.Sprint(shownⁿ, \" \", timesⁿ[\"x\"]))\n\ts.json(w, http.StatusOK, cart.Get(cartID(w, r)))\n")},
		},
		path: "/cart", header: "X-Var", value: added("vⁿ ⁿ"),
	},
	{
		name: "type with methods",
		places: []place{
			{home, "\t\"bytes\"\n", is("\t\"bytes\"\n\t\"fmt\"\n")},
			{home, "// shelf is the products", with("type tag struct{ n int }\n\nfunc (t tag) String() string { return fmt.Sprint(\"tag \", t.n, \" of ⁿ\") }\n\nfunc (t *tag) add(n int) { t.n += n }\n\n// shelf is the products")},
			{home, "\tw.Header().Set(\"Content-Type\", \"text/html", with("\tt := tag{1}\n\tt.add(ⁿ)\n\tw.Header().Set(\"X-Tag\", fmt.Sprint(t))\n\tw.Header().Set(\"Content-Type\", \"text/html")},
		},
		path: "/", header: "X-Tag", value: func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("tag %d of %d", n+1, n)
		},
	},
	{
		name: "import of a package that is not in the program",
		places: []place{
			{products, "\t\"strconv\"\n", func(n int) string { return fmt.Sprintf("\t%q\n\t\"strconv\"\n", imported(n).path) }},
			{products, "\tproducts := s.Catalog.Search", func(n int) string {
				return fmt.Sprintf("\tw.Header().Set(\"X-Import\", strconv.Itoa(%s+%d))\n\tproducts := s.Catalog.Search", imported(n).seven, n)
			}},
		},
		path: "/products", header: "X-Import", value: func(n int) string {
			if n == 0 {
				return ""
			}
			return strconv.Itoa(7 + n)
		},
	},
	{
		name: "generic body",
		places: []place{{"internal/list/list.go", "sum += number(item)\n", func(n int) string {
			return fmt.Sprintf("sum += number(item) + %d\n", small(n)%100)
		}}},
		path: "/cart/total", want: func(n int) string { return `"subtotal":"` + shop.Money(shop.Cup+small(n)%100) + `"` },
	},
	{
		name: "literal in a generic body",
		places: []place{{"internal/list/list.go", "\t\treturn cmp.Compare(key(a), key(b))\n", func(n int) string {
			order := "key(a), key(b)"
			if n%2 == 1 {
				order = "key(b), key(a)"
			}
			return fmt.Sprintf("\t\tswap := func() int { return cmp.Compare(%s) }\n\t\treturn swap() * %d\n", order, n)
		}}},
		path: "/products?limit=1", want: func(n int) string {
			if n%2 == 1 {
				return `[{"id":"` + lastProduct + `"`
			}
			return `[{"id":"` + firstProduct + `"`
		},
	},
	{
		name: "goroutine, defer, recover, range over a channel, a large frame",
		places: []place{{products, "\tp, ok := s.Catalog.Get(chi.URLParam(r, \"id\"))\n", with(`	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for i := range 10 {
			select {
			case numbers <- i:
			case <-r.Context().Done():
				return
			}
		}
	}()
	var frame [30000]byte
	sum := ⁿ
	for i := range numbers {
		sum += i
		frame[sum%len(frame)]++
	}
	func() {
		defer func() {
			if e, ok := recover().(int); ok {
				w.Header().Set("X-Flow", strconv.Itoa(e))
			}
		}()
		panic(sum)
	}()
	p, ok := s.Catalog.Get(chi.URLParam(r, "id"))
`)}},
		path: "/products/scale", header: "X-Flow", value: func(n int) string {
			if n == 0 {
				return ""
			}
			return strconv.Itoa(45 + n)
		},
	},
	{
		name: "goroutine that runs already",
		places: []place{
			{"internal/stock/stock.go", `"sold in town"`, with(`"sold in town ⁿ"`)},
			{"internal/stock/stock.go", `"delivery"`, with(`"delivery ⁿ"`)},
		},
		stream: true, want: added(" ⁿ"),
	},
	{
		name:   "function that still runs",
		places: []place{{"internal/events/events.go", `"no-store"`, with(`"no-store, max-age=ⁿ"`)}},
		path:   "/events", header: "Cache-Control", value: func(n int) string { return "no-store" + added(", max-age=ⁿ")(n) },
	},
	{
		name:   "main",
		places: []place{{"main.go", `log.Info("shutting down")`, with(`log.Info("shutting down ⁿ")`)}},
	},
	{
		name:   "lines",
		places: []place{{server, "// New returns", func(n int) string { return strings.Repeat("// Line.\n", n%9+1) + "// New returns" }}},
	},
	{
		name:   "lines of a running function",
		places: []place{{"internal/events/events.go", "// Stream answers", func(n int) string { return strings.Repeat("// Line.\n", n%9+1) + "// Stream answers" }}},
	},
}

// The products whose names sort first and last.
const firstProduct, lastProduct = "scale", "travel-mug"

// imports are packages that the shop does not have, each with an expression that is 7.
var imports = []struct{ path, seven string }{
	{"container/ring", "ring.New(7).Len()"},
	{"encoding/ascii85", "ascii85.MaxEncodedLen(4)+2"},
	{"hash/adler32", "adler32.Size+3"},
	{"go/token", "len(token.STRUCT.String())+1"},
	{"text/scanner", "len(scanner.TokenString(scanner.Int))+4"},
	{"index/suffixarray", "len(suffixarray.New([]byte(\"banana\")).Bytes())+1"},
	{"archive/tar", "len((&tar.Header{Name: \"tarfile\"}).FileInfo().Name())"},
	{"expvar", "len(expvar.Func(func() any { return 12345 }).String())+2"},
}

func imported(n int) struct{ path, seven string } { return imports[n%len(imports)] }
