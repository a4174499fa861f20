package price

import (
	"testing"

	"example.com/shop/internal/cart"
)

func TestTotal(t *testing.T) {
	rules := Rules{VAT: 19, DiscountFrom: 10000, Shipping: 490, FreeShipping: 15000}
	for _, test := range []struct {
		name  string
		lines []cart.Line
		want  Quote
	}{
		{"nothing", nil, Quote{}},
		{"small", []cart.Line{{Quantity: 2, Price: 980}}, Quote{1960, 0, 490, 2450, 391}},
		{"discount", []cart.Line{{Quantity: 1, Price: 8900}, {Quantity: 2, Price: 2450}}, Quote{13800, 690, 490, 13600, 2171}},
		{"free shipping", []cart.Line{{Quantity: 2, Price: 7500}}, Quote{15000, 750, 0, 14250, 2275}},
	} {
		if got := rules.Total(test.lines); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
