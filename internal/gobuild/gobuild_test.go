package gobuild

import "testing"

func TestLinkPath(t *testing.T) {
	for _, test := range []struct {
		p    Package
		want string
	}{
		{Package{ImportPath: "m/cmd/x", Name: "main"}, "main"},
		{Package{ImportPath: "m/main", Name: "mainly"}, "m/main"},
	} {
		if got := test.p.LinkPath(); got != test.want {
			t.Errorf("%+v: %s", test.p, got)
		}
	}
}
