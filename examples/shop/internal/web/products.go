package web

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"example.com/shop/internal/catalog"
	"example.com/shop/internal/list"
)

const pageSize = 50

// listProducts answers GET /products, with the query parameters q (words to
// search for), sort (name or price), page and limit.
func (s *Server) listProducts(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page, limit := 1, pageSize
	for name, n := range map[string]*int{"page": &page, "limit": &limit} {
		if text := query.Get(name); text != "" {
			var err error
			if *n, err = strconv.Atoi(text); err != nil || *n < 1 {
				s.json(w, http.StatusBadRequest, problem{name + " must be a number from 1"})
				return
			}
		}
	}
	products := s.Catalog.Search(query.Get("q"))
	switch query.Get("sort") {
	case "", "name":
	case "price":
		products = list.SortedBy(products, func(p catalog.Product) int64 { return int64(p.Price) })
	default:
		s.json(w, http.StatusBadRequest, problem{"sort must be name or price"})
		return
	}
	products = list.Page(products, page, min(limit, pageSize))
	s.json(w, http.StatusOK, list.Map(products, s.stocked))
}

// showProduct answers GET /products/{id}.
func (s *Server) showProduct(w http.ResponseWriter, r *http.Request) {
	p, ok := s.Catalog.Get(chi.URLParam(r, "id"))
	if !ok {
		s.json(w, http.StatusNotFound, problem{"no such product"})
		return
	}
	s.json(w, http.StatusOK, s.stocked(p))
}

// stocked returns the product with the number of pieces there are now.
func (s *Server) stocked(p catalog.Product) catalog.Product {
	p.Stock = s.Stock.Of(p.ID)
	return p
}
