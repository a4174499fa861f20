// Package cart keeps what customers have put aside but not ordered yet. Carts
// live in the memory of the process and are gone when it ends.
package cart

import (
	"errors"
	"slices"
	"sync"

	"example.com/shop/internal/list"
	"example.com/shop/internal/money"
)

// MaxQuantity is how many pieces of one product a cart may hold.
const MaxQuantity = 99

// ErrQuantity is returned for quantities below one or above [MaxQuantity].
var ErrQuantity = errors.New("quantity must be from 1 to 99")

// Line is a number of pieces of one product, at the price it had when the
// first of them was put into the cart.
type Line struct {
	Product  string       `json:"product"`
	Name     string       `json:"name"`
	Quantity int          `json:"quantity"`
	Price    money.Amount `json:"price"`
}

// Amount returns the price of all pieces.
func (l Line) Amount() money.Amount {
	return l.Price.Times(l.Quantity)
}

// Cart is what one customer has put aside.
type Cart struct {
	ID    string `json:"id"`
	Lines []Line `json:"lines"`
}

// add puts a line into the cart, or adds to the line the cart has already.
func (c *Cart) add(line Line) error {
	i := slices.IndexFunc(c.Lines, func(l Line) bool { return l.Product == line.Product })
	if i >= 0 {
		line.Quantity += c.Lines[i].Quantity
		line.Price = c.Lines[i].Price
	}
	if line.Quantity < 1 || line.Quantity > MaxQuantity {
		return ErrQuantity
	}
	if i >= 0 {
		c.Lines[i] = line
	} else {
		c.Lines = append(c.Lines, line)
	}
	return nil
}

// snapshot returns a copy that shares nothing with the cart, its lines in the
// order of their names.
func (c *Cart) snapshot() Cart {
	lines := list.SortedBy(c.Lines, func(l Line) string { return l.Name })
	return Cart{ID: c.ID, Lines: append([]Line{}, lines...)}
}

// book is the set of open carts.
type book struct {
	mu   sync.Mutex
	byID map[string]*Cart
}

var carts = book{byID: make(map[string]*Cart)}

// Get returns the cart with the given id, an empty one if there is none.
func Get(id string) Cart {
	carts.mu.Lock()
	defer carts.mu.Unlock()
	if c := carts.byID[id]; c != nil {
		return c.snapshot()
	}
	return Cart{ID: id, Lines: []Line{}}
}

// Add puts a line into the cart with the given id and returns that cart.
func Add(id string, line Line) (Cart, error) {
	if line.Quantity < 1 || line.Quantity > MaxQuantity {
		return Cart{}, ErrQuantity
	}
	carts.mu.Lock()
	defer carts.mu.Unlock()
	c := carts.byID[id]
	if c == nil {
		c = &Cart{ID: id}
		carts.byID[id] = c
	}
	if err := c.add(line); err != nil {
		return Cart{}, err
	}
	return c.snapshot(), nil
}

// Take removes the cart with the given id and returns it. Of two callers one
// gets the lines, the other an empty cart.
func Take(id string) Cart {
	carts.mu.Lock()
	defer carts.mu.Unlock()
	c := carts.byID[id]
	if c == nil {
		return Cart{ID: id}
	}
	delete(carts.byID, id)
	return c.snapshot()
}

// PutBack undoes [Take], and keeps what came into the cart since.
func PutBack(taken Cart) {
	carts.mu.Lock()
	defer carts.mu.Unlock()
	c := carts.byID[taken.ID]
	if c == nil {
		carts.byID[taken.ID] = &taken
		return
	}
	for _, line := range taken.Lines {
		// Too many pieces now can only come from a customer who filled the same
		// cart again meanwhile: the newer line wins.
		_ = c.add(line)
	}
}

// Count returns the number of open carts.
func Count() int {
	carts.mu.Lock()
	defer carts.mu.Unlock()
	return len(carts.byID)
}
