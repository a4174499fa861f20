package stock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/catalog"
)

func newLevels() *Levels {
	return NewLevels([]catalog.Product{{ID: "cup", Stock: reorderAt + 1}, {ID: "pot", Stock: 3}})
}

func TestReserve(t *testing.T) {
	l := newLevels()
	lines := []cart.Line{{Product: "cup", Quantity: 2}, {Product: "pot", Quantity: 2}}
	if err := l.Reserve(lines); err != nil {
		t.Fatal(err)
	}
	if err := l.Reserve(lines); !errors.Is(err, ErrShort) {
		t.Errorf("second reservation: %v, want %v", err, ErrShort)
	}
	if cups, pots := l.Of("cup"), l.Of("pot"); cups != reorderAt-1 || pots != 1 {
		t.Errorf("%d cups and %d pots left: half a reservation", cups, pots)
	}
	l.Release(lines)
	if cups := l.Of("cup"); cups != reorderAt+1 {
		t.Errorf("%d cups after the release", cups)
	}
}

func TestMove(t *testing.T) {
	l := newLevels()
	for _, want := range []Change{
		{"cup", reorderAt, "sold in town"},
		{"cup", reorderAt + delivery, "delivery"},
		{"cup", reorderAt + delivery - 1, "sold in town"},
	} {
		if got := l.move("cup"); got != want {
			t.Errorf("moved %v, want %v", got, want)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2200*time.Millisecond)
		defer cancel()
		n := 0
		newLevels().Run(ctx, 500*time.Millisecond, func(Change) { n++ })
		if n != 4 {
			t.Errorf("%d changes in 2.2 s, want 4", n)
		}
	})
}
