package order

import (
	"errors"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/catalog"
	"example.com/shop/internal/price"
	"example.com/shop/internal/stock"
	"example.com/shop/internal/store"
)

func newDesk(t *testing.T) *Desk {
	db, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(Orders.Create(tx), Sold.Create(tx))
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Desk{
		DB:    db,
		Stock: stock.NewLevels([]catalog.Product{{ID: "cup", Stock: 3}}),
		Total: price.Rules{VAT: 19}.Total,
		Now:   func() time.Time { return time.Unix(1700000000, 0) },
	}
}

func TestPlace(t *testing.T) {
	d := newDesk(t)
	id := t.Name()
	defer cart.Take(id)
	for _, test := range []struct {
		quantity int // to add to the cart
		want     string
		err      error
		left     int // in the cart, afterwards
	}{
		{0, "", ErrEmpty, 0},
		{2, "000001", nil, 0},
		{2, "", stock.ErrShort, 2},
	} {
		if test.quantity > 0 {
			if _, err := cart.Add(id, cart.Line{Product: "cup", Quantity: test.quantity, Price: 980}); err != nil {
				t.Fatal(err)
			}
		}
		o, err := d.Place(id)
		if o.ID != test.want || !errors.Is(err, test.err) {
			t.Errorf("order %q, %v; want %q, %v", o.ID, err, test.want, test.err)
		}
		left := 0
		for _, line := range cart.Get(id).Lines {
			left += line.Quantity
		}
		if left != test.left {
			t.Errorf("%d left in the cart, want %d", left, test.left)
		}
	}
	orders, err := d.Of(id)
	if err != nil || len(orders) != 1 || orders[0].Quote.Total != 1862 {
		t.Errorf("orders %+v, %v; want one of 18.62", orders, err)
	}
	if sold, err := d.Sold("cup"); sold != 2 || err != nil {
		t.Errorf("%d cups sold, %v; want 2", sold, err)
	}
}

func TestPlaceUndone(t *testing.T) {
	d := newDesk(t)
	id := t.Name()
	defer cart.Take(id)
	if _, err := cart.Add(id, cart.Line{Product: "cup", Quantity: 2, Price: 980}); err != nil {
		t.Fatal(err)
	}
	d.DB.Close()
	if _, err := d.Place(id); err == nil {
		t.Fatal("placed an order in a closed database")
	}
	if lines := cart.Get(id).Lines; len(lines) != 1 || d.Stock.Of("cup") != 3 {
		t.Errorf("cart %v, stock %d: not as before", lines, d.Stock.Of("cup"))
	}
}
