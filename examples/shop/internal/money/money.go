// Package money counts in cents, so that sums are exact.
package money

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is a sum of money in euro cents. As text and in JSON it is a decimal
// with two places: "12.90".
type Amount int64

// Parse reads an amount as [Amount.String] writes it.
func Parse(s string) (Amount, error) {
	digits, negative := strings.CutPrefix(s, "-")
	euros, cents, ok := strings.Cut(digits, ".")
	if !ok || len(cents) != 2 {
		return 0, fmt.Errorf("parsing amount %q: want euros and two decimals", s)
	}
	e, err := strconv.ParseUint(euros, 10, 63)
	if err != nil || e > math.MaxInt64/100-1 {
		return 0, fmt.Errorf("parsing amount %q: euros are not a number in range", s)
	}
	c, err := strconv.ParseUint(cents, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("parsing amount %q: cents are not a number", s)
	}
	a := Amount(e*100 + c)
	if negative {
		a = -a
	}
	return a, nil
}

// String returns the amount in euros, such as "12.90" or "-0.05".
func (a Amount) String() string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	return fmt.Sprintf("%s%d.%02d", sign, a/100, a%100)
}

// Times returns n times the amount.
func (a Amount) Times(n int) Amount {
	return a * Amount(n)
}

// Percent returns p percent of the amount, half cents rounded up.
func (a Amount) Percent(p int) Amount {
	return a.Share(p, 100)
}

// Share returns the amount times n/of, half cents rounded up. It is meant for
// amounts and shares that are not negative.
func (a Amount) Share(n, of int) Amount {
	return (a*Amount(n) + Amount(of)/2) / Amount(of)
}

// MarshalText implements [encoding.TextMarshaler].
func (a Amount) MarshalText() ([]byte, error) {
	return []byte(a.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
