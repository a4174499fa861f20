package web

import (
	"bytes"
	"net/http"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/catalog"
	"example.com/shop/internal/price"
)

// homePage is what the template home.html shows.
type homePage struct {
	Shelves []shelf
	Cart    cart.Cart
	Quote   price.Quote
}

// shelf is the products of one category.
type shelf struct {
	Category string
	Products []article
}

type article struct {
	catalog.Product
	Sold int
}

// home answers GET /.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	shelves, err := s.shelves()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c := cart.Get(cartID(w, r))
	var page bytes.Buffer // so that an error does not come in the middle of a page
	err = s.pages.ExecuteTemplate(&page, "home.html", homePage{shelves, c, s.Total(c.Lines)})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := page.WriteTo(w); err != nil {
		s.Log.Debug("answering", "err", err) // the client has left
	}
}

func (s *Server) shelves() ([]shelf, error) {
	var shelves []shelf
	place := make(map[string]int) // of a category in shelves
	for _, p := range s.Catalog.All() {
		sold, err := s.Orders.Sold(p.ID)
		if err != nil {
			return nil, err
		}
		i, ok := place[p.Category]
		if !ok {
			i = len(shelves)
			place[p.Category] = i
			shelves = append(shelves, shelf{Category: p.Category})
		}
		shelves[i].Products = append(shelves[i].Products, article{s.stocked(p), sold})
	}
	return shelves, nil
}
