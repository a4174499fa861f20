package web

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"regexp"

	"example.com/shop/internal/cart"
)

// maxBody is the size of the largest request body, in bytes.
const maxBody = 4096

var validCartID = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// cartID returns the id of the caller's cart, from the cookie "cart". A caller
// without one gets a new cart.
func cartID(w http.ResponseWriter, r *http.Request) string {
	if cookie, err := r.Cookie("cart"); err == nil && validCartID.MatchString(cookie.Value) {
		return cookie.Value
	}
	id := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name:     "cart",
		Value:    id,
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
	return id
}

// showCart answers GET /cart.
func (s *Server) showCart(w http.ResponseWriter, r *http.Request) {
	s.json(w, http.StatusOK, cart.Get(cartID(w, r)))
}

// addItem answers POST /cart/items. Its body is {"product": id, "quantity": n};
// without a quantity, one piece is added.
func (s *Server) addItem(w http.ResponseWriter, r *http.Request) {
	item := struct {
		Product  string `json:"product"`
		Quantity int    `json:"quantity"`
	}{Quantity: 1}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&item); err != nil {
		s.json(w, http.StatusBadRequest, problem{"reading item: " + err.Error()})
		return
	}
	p, ok := s.Catalog.Get(item.Product)
	if !ok {
		s.json(w, http.StatusNotFound, problem{"no such product"})
		return
	}
	c, err := cart.Add(cartID(w, r), cart.Line{
		Product:  p.ID,
		Name:     p.Name,
		Quantity: item.Quantity,
		Price:    p.Price,
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Events.Publish("cart", cartEvent{p.ID, item.Quantity})
	s.json(w, http.StatusCreated, c)
}

// cartEvent tells that pieces went into some cart; whose is nobody's business.
type cartEvent struct {
	Product  string `json:"product"`
	Quantity int    `json:"quantity"`
}
