// Package order turns carts into orders and remembers them.
package order

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/list"
	"example.com/shop/internal/price"
	"example.com/shop/internal/stock"
	"example.com/shop/internal/store"
)

// The tables of this package. Orders has the key cart/order.
const (
	Orders = store.Table[Order]("orders")
	Sold   = store.Table[int]("sold") // pieces ever ordered, by product
)

// ErrEmpty is returned for an order of nothing.
var ErrEmpty = errors.New("the cart is empty")

// Order is a cart that was bought.
type Order struct {
	ID     string      `json:"id"`
	Lines  []cart.Line `json:"lines"`
	Quote  price.Quote `json:"quote"`
	Placed time.Time   `json:"placed"`
}

// Desk takes orders.
type Desk struct {
	DB    *bbolt.DB
	Stock *stock.Levels
	Total func([]cart.Line) price.Quote
	Now   func() time.Time
}

// Place orders what is in the cart and empties it. If that fails, cart and
// stock are as they were.
func (d *Desk) Place(cartID string) (Order, error) {
	c := cart.Take(cartID)
	if len(c.Lines) == 0 {
		return Order{}, ErrEmpty
	}
	if err := d.Stock.Reserve(c.Lines); err != nil {
		cart.PutBack(c)
		return Order{}, err
	}
	o := Order{
		Lines:  c.Lines,
		Quote:  d.Total(c.Lines),
		Placed: d.Now().UTC().Truncate(time.Second),
	}
	if err := d.DB.Update(func(tx *bbolt.Tx) error { return o.save(tx, cartID) }); err != nil {
		d.Stock.Release(c.Lines)
		cart.PutBack(c)
		return Order{}, fmt.Errorf("saving order: %w", err)
	}
	return o, nil
}

// save gives the order its number, stores it and counts what was sold.
func (o *Order) save(tx *bbolt.Tx, cartID string) error {
	bucket, err := Orders.Bucket(tx)
	if err != nil {
		return err
	}
	n, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	o.ID = fmt.Sprintf("%06d", n)
	if err := Orders.Put(tx, cartID+"/"+o.ID, *o); err != nil {
		return err
	}
	for _, line := range o.Lines {
		sold, err := Sold.Get(tx, line.Product)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := Sold.Put(tx, line.Product, sold+line.Quantity); err != nil {
			return err
		}
	}
	return nil
}

// Of returns the orders that were placed with a cart, in the order of their
// numbers.
func (d *Desk) Of(cartID string) ([]Order, error) {
	orders := []Order{}
	err := d.DB.View(func(tx *bbolt.Tx) error {
		for o, err := range Orders.Scan(tx, cartID+"/") {
			if err != nil {
				return err
			}
			orders = append(orders, o)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading orders: %w", err)
	}
	return list.SortedBy(orders, func(o Order) string { return o.ID }), nil
}

// Sold returns how many pieces of a product were ever ordered.
func (d *Desk) Sold(product string) (int, error) {
	var sold int
	err := d.DB.View(func(tx *bbolt.Tx) (err error) {
		sold, err = Sold.Get(tx, product)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("reading sales: %w", err)
	}
	return sold, nil
}
