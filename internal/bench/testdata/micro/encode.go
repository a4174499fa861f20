package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

type amount int64

func (a amount) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%02d", a/100, a%100), nil
}

type line struct {
	Product  string `json:"product"`
	Quantity int    `json:"quantity"`
	Price    amount `json:"price"`
}

func (l *line) total() amount { return l.Price * amount(l.Quantity) }

type order struct {
	ID    string   `json:"id"`
	Lines []line   `json:"lines"`
	Total amount   `json:"total"`
	Tags  []string `json:"tags,omitempty"`
}

var errEmpty = errors.New("empty")

type priced interface{ price() (amount, error) }

func (o *order) price() (amount, error) {
	if len(o.Lines) == 0 {
		return 0, errEmpty
	}
	var sum amount
	for i := range o.Lines {
		sum += o.Lines[i].total()
	}
	return sum, nil
}

func quote(p priced) (amount, error) {
	a, err := p.price()
	if errors.Is(err, errEmpty) {
		return 0, nil
	}
	return a, err
}

var encoded int

// encode is a handler's work: it reads a little, computes less, and writes JSON.
func encode(n int) {
	var out bytes.Buffer
	for i := range n {
		out.Reset()
		o := &order{ID: keys[i%len(keys)]}
		for j := range 5 {
			o.Lines = append(o.Lines, line{keys[(i+j)%len(keys)], j + 1, amount(980 + i%100)})
		}
		var err error
		if o.Total, err = quote(o); err == nil {
			err = json.NewEncoder(&out).Encode(o)
		}
		if err != nil {
			panic(err)
		}
		encoded += out.Len()
	}
}
