// Package price says what a cart costs.
package price

import (
	"example.com/shop/internal/cart"
	"example.com/shop/internal/list"
	"example.com/shop/internal/money"
)

// Rules are the terms of sale. Prices contain the tax.
type Rules struct {
	VAT          int          // percent
	DiscountFrom money.Amount // subtotal from which the discount is given
	Shipping     money.Amount
	FreeShipping money.Amount // subtotal from which shipping is free
}

// Quote is what a cart costs, and why.
type Quote struct {
	Subtotal money.Amount `json:"subtotal"`
	Discount money.Amount `json:"discount"`
	Shipping money.Amount `json:"shipping"`
	Total    money.Amount `json:"total"`
	VAT      money.Amount `json:"vat"` // contained in the total
}

// Total returns what the lines cost together. No lines cost nothing.
func (r Rules) Total(lines []cart.Line) Quote {
	if len(lines) == 0 {
		return Quote{}
	}
	subtotal := list.Sum(lines, cart.Line.Amount)
	discount := r.discount(subtotal)
	shipping := r.shipping(subtotal)
	total := subtotal - discount + shipping
	return Quote{
		Subtotal: subtotal,
		Discount: discount,
		Shipping: shipping,
		Total:    total,
		VAT:      total.Share(r.VAT, 100+r.VAT),
	}
}

func (r Rules) discount(subtotal money.Amount) money.Amount {
	if subtotal < r.DiscountFrom {
		return 0
	}
	return subtotal.Percent(5)
}

func (r Rules) shipping(subtotal money.Amount) money.Amount {
	if subtotal >= r.FreeShipping {
		return 0
	}
	return r.Shipping
}
