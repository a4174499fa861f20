package web

import "net/http"

// listOrders answers GET /orders with the orders of the caller's cart.
func (s *Server) listOrders(w http.ResponseWriter, r *http.Request) {
	orders, err := s.Orders.Of(cartID(w, r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, orders)
}

// placeOrder answers POST /orders: it orders what is in the caller's cart.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) {
	o, err := s.Orders.Place(cartID(w, r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, line := range o.Lines {
		s.Events.Publish("order", cartEvent{line.Product, line.Quantity})
	}
	s.json(w, http.StatusCreated, o)
}
