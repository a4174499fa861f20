package session

import "testing"

// TestHeaderChange: the first difference that old assembly can see is named.
func TestHeaderChange(t *testing.T) {
	const header = "#define const_limit 5\n#define T__size 16\n#define T_a 0\n#define T_b 8\n"
	for _, c := range []struct{ now, want string }{
		{header, ""},
		{header + "#define const_more 1\n", ""},
		{header + "#define const_asked 1\n", "const asked is new"},
		{"#define const_limit 6\n#define T__size 16\n#define T_a 0\n#define T_b 8\n", "const limit changed from 5 to 6"},
		{"#define const_limit 5\n#define T__size 24\n#define T_a 0\n#define T_b 8\n", "the size of type T changed from 16 to 24"},
		{"#define const_limit 5\n#define T__size 16\n#define T_a 8\n#define T_b 8\n", "the offset of field T.a changed from 0 to 8"},
		{"#define const_limit 5\n#define T__size 16\n#define T_b 8\n", "the offset of field T.a is gone"},
	} {
		if got := headerChange([]byte(header), []byte(c.now), []byte("#ifdef const_asked")); got != c.want {
			t.Errorf("%q: got %q, want %q", c.now, got, c.want)
		}
	}
}
