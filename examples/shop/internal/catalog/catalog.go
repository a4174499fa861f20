// Package catalog knows the products of the shop.
package catalog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"example.com/shop/internal/list"
	"example.com/shop/internal/money"
	"example.com/shop/internal/startup"
)

//go:embed products.json
var file []byte

// Product is one thing to buy.
type Product struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Category string       `json:"category"`
	Price    money.Amount `json:"price"`
	Stock    int          `json:"stock"` // in the file: what is there at the start
}

// Catalog is the set of products. It does not change once it is loaded.
type Catalog struct {
	products []Product
	byID     map[string]Product
	words    map[string]string // the text to search in, by product
}

// Steps returns the steps that load the catalogue.
func (c *Catalog) Steps() []startup.Step {
	return []startup.Step{
		{Name: "catalogue read", Run: c.read},
		{Name: "catalogue check", Run: c.check},
		{Name: "catalogue index", Run: c.index},
	}
}

func (c *Catalog) read() error {
	return json.Unmarshal(file, &c.products)
}

func (c *Catalog) check() error {
	c.byID = make(map[string]Product, len(c.products))
	for i, p := range c.products {
		switch _, twice := c.byID[p.ID]; {
		case p.ID == "" || p.Name == "" || p.Category == "":
			return fmt.Errorf("product %d (%q): id, name or category missing", i, p.ID)
		case twice:
			return fmt.Errorf("product %q is there twice", p.ID)
		case p.Price <= 0:
			return fmt.Errorf("product %q: price is %s", p.ID, p.Price)
		}
		c.byID[p.ID] = p
	}
	return nil
}

func (c *Catalog) index() error {
	c.words = make(map[string]string, len(c.products))
	for _, p := range c.products {
		c.words[p.ID] = strings.ToLower(p.Name + " " + p.Category)
	}
	return nil
}

// All returns the products in the order of their names. The slice is the
// caller's.
func (c *Catalog) All() []Product {
	return list.SortedBy(c.products, func(p Product) string { return p.Name })
}

// Get returns the product with the given id.
func (c *Catalog) Get(id string) (Product, bool) {
	p, ok := c.byID[id]
	return p, ok
}

// Search returns the products that have every word of the query in their name
// or category, in the order of their names.
func (c *Catalog) Search(query string) []Product {
	words := strings.Fields(strings.ToLower(query))
	return list.Filter(c.All(), func(p Product) bool {
		for _, word := range words {
			if !strings.Contains(c.words[p.ID], word) {
				return false
			}
		}
		return true
	})
}
