package money

import "testing"

func TestParse(t *testing.T) {
	for _, test := range []struct {
		in   string
		want Amount
		ok   bool
	}{
		{"12.90", 1290, true},
		{"0.05", 5, true},
		{"-0.05", -5, true},
		{"12", 0, false},
		{"12.9", 0, false},
		{"12.-9", 0, false},
		{"--1.00", 0, false},
		{"", 0, false},
		{"92233720368547758.07", 0, false},
	} {
		got, err := Parse(test.in)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("Parse(%q) = %d, %v; want %d, ok %t", test.in, got, err, test.want, test.ok)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		a       Amount
		percent int
		want    Amount
	}{
		{10000, 5, 500},
		{1290, 5, 65}, // 64.5
		{1289, 5, 64}, // 64.45
		{0, 19, 0},
	} {
		if got := test.a.Percent(test.percent); got != test.want {
			t.Errorf("%s: %d percent is %s, want %s", test.a, test.percent, got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"12.90", "-0.05", "007.00", "1.", ".10", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Errorf("Parse(%q) = %d, which prints as %q and parses to %d, %v", s, a, a, again, err)
		}
	})
}
