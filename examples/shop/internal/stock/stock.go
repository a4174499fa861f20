// Package stock counts what is in the warehouse.
package stock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/catalog"
)

const (
	reorderAt = 5  // pieces left at which new ones are ordered
	delivery  = 20 // pieces in one delivery
)

// ErrShort is returned when there are fewer pieces than are asked for.
var ErrShort = errors.New("not enough in stock")

// Levels is the number of pieces of each product.
type Levels struct {
	mu    sync.Mutex
	level map[string]int
	ids   []string // sorted, so that a random index is a random product
}

// Change is a level that moved.
type Change struct {
	Product string `json:"product"`
	Level   int    `json:"level"`
	Reason  string `json:"reason"`
}

// NewLevels returns the levels at the start.
func NewLevels(products []catalog.Product) *Levels {
	l := &Levels{level: make(map[string]int, len(products))}
	for _, p := range products {
		l.level[p.ID] = p.Stock
	}
	l.ids = slices.Sorted(maps.Keys(l.level))
	return l
}

// Of returns the number of pieces of a product.
func (l *Levels) Of(product string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.level[product]
}

// Reserve takes the pieces of all lines out of the stock, or none of them.
func (l *Levels) Reserve(lines []cart.Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		if left := l.level[line.Product]; left < line.Quantity {
			return fmt.Errorf("%s: %w: %d left", line.Name, ErrShort, left)
		}
	}
	for _, line := range lines {
		l.level[line.Product] -= line.Quantity
	}
	return nil
}

// Release undoes [Levels.Reserve].
func (l *Levels) Release(lines []cart.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		l.level[line.Product] += line.Quantity
	}
}

// Run lets the warehouse work until ctx ends: every interval something moves,
// and publish is told.
func (l *Levels) Run(ctx context.Context, interval time.Duration, publish func(Change)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			publish(l.tick())
		}
	}
}

// tick sells one piece of some product over the counter of the shop in town,
// or unloads a delivery of it when it is running out.
func (l *Levels) tick() Change {
	return l.move(l.ids[rand.IntN(len(l.ids))])
}

func (l *Levels) move(product string) Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	reason := "sold in town"
	if l.level[product] <= reorderAt {
		l.level[product] += delivery
		reason = "delivery"
	} else {
		l.level[product]--
	}
	return Change{product, l.level[product], reason}
}
