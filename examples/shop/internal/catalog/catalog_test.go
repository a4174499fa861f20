package catalog

import (
	"slices"
	"testing"

	"example.com/shop/internal/list"
)

func TestCatalog(t *testing.T) {
	var c Catalog
	for _, step := range c.Steps() {
		if err := step.Run(); err != nil {
			t.Fatalf("%s: %v", step.Name, err)
		}
	}
	for _, test := range []struct {
		query string
		want  []string
	}{
		{"kettle", []string{"gooseneck-kettle", "stovetop-kettle"}},
		{"KETTLE goose", []string{"gooseneck-kettle"}},
		{"teapot kettle", nil},
	} {
		got := list.Map(c.Search(test.query), func(p Product) string { return p.ID })
		if !slices.Equal(got, test.want) {
			t.Errorf("search for %q: %q, want %q", test.query, got, test.want)
		}
	}
	if got, all := len(c.Search("")), len(c.All()); got != all || all == 0 {
		t.Errorf("empty search gives %d of %d products", got, all)
	}
	if _, ok := c.Get("no-such-thing"); ok {
		t.Error("got a product that is not there")
	}
}

func TestCheck(t *testing.T) {
	good := Product{ID: "cup", Name: "Cup", Category: "Cups", Price: 100}
	free := good
	free.Price = 0
	nameless := good
	nameless.Name = ""
	for _, test := range []struct {
		name     string
		products []Product
	}{
		{"twice", []Product{good, good}},
		{"free", []Product{free}},
		{"nameless", []Product{nameless}},
	} {
		c := Catalog{products: test.products}
		if err := c.check(); err == nil {
			t.Errorf("%s: no error", test.name)
		}
	}
}
