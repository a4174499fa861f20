// Package web is the shop as a browser, or curl, sees it.
package web

import (
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/catalog"
	"example.com/shop/internal/events"
	"example.com/shop/internal/order"
	"example.com/shop/internal/price"
	"example.com/shop/internal/stock"
)

//go:embed templates static
var files embed.FS

// Config is what a [Server] needs.
type Config struct {
	Log     *slog.Logger
	Catalog *catalog.Catalog
	Stock   *stock.Levels
	Orders  *order.Desk
	Total   func([]cart.Line) price.Quote
	Events  *events.Broker
}

// Server answers the requests to the shop.
type Server struct {
	Config
	stream http.HandlerFunc
	pages  *template.Template
	http.Handler
}

// New returns a server with all its routes.
func New(config Config) (*Server, error) {
	pages, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	s := &Server{Config: config, stream: config.Events.Stream, pages: pages}

	r := chi.NewRouter()
	r.Use(s.accessLog, middleware.Recoverer, http.NewCrossOriginProtection().Handler)

	r.Get("/", s.home)
	r.Handle("/static/*", http.StripPrefix("/static/", http.FileServerFS(static)))
	r.Get("/healthz", func(w http.ResponseWriter, r *http.Request) {
		s.json(w, http.StatusOK, map[string]any{"status": "ok"})
	})
	r.Get("/events", s.stream)
	r.Route("/products", func(r chi.Router) {
		r.Get("/", s.listProducts)
		r.Get("/{id}", s.showProduct)
	})
	r.Route("/cart", func(r chi.Router) {
		r.Get("/", s.showCart)
		r.Post("/items", s.addItem)
		r.Get("/total", func(w http.ResponseWriter, r *http.Request) {
			c := cart.Get(cartID(w, r))
			s.json(w, http.StatusOK, s.Total(c.Lines))
		})
	})
	r.Get("/orders", s.listOrders)
	r.Post("/orders", s.placeOrder)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.json(w, http.StatusNotFound, problem{"no such page"})
	})

	s.Handler = r
	return s, nil
}
