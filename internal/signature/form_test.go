package signature

import (
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

func TestForm(t *testing.T) {
	for _, test := range []struct {
		name string
		form uint64
		data string
		v    uint64
		text string
		rest int
		bad  bool
	}{
		{"addr", 0x01, "\x08\x07\x06\x05\x04\x03\x02\x01!", 0x0102030405060708, "", 1, false},
		{"addr cut off", 0x01, "\x08\x07", 0x0708, "", 0, true},
		{"block1", 0x0a, "\x02ab!", 0, "", 1, false},
		{"block1 cut off", 0x0a, "\x03ab", 0, "", 0, true},
		{"block2", 0x03, "\x01\x00a!", 0, "", 1, false},
		{"block4", 0x04, "\x01\x00\x00\x00a!", 0, "", 1, false},
		{"block4, huge", 0x04, "\xff\xff\xff\xffa!", 0, "", 0, true},
		{"block", 0x09, "\x81\x00a!", 0, "", 1, false},
		{"exprloc of 2^63 bytes", 0x18, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01a", 0, "", 0, true},
		{"data1", 0x0b, "\x07!", 7, "", 1, false},
		{"data2", 0x05, "\x01\x02!", 0x0201, "", 1, false},
		{"data4", 0x06, "\x01\x02\x03\x04!", 0x04030201, "", 1, false},
		{"data8", 0x07, "\x01\x00\x00\x00\x00\x00\x00\x80!", 1<<63 + 1, "", 1, false},
		{"udata", 0x0f, "\xe5\x8e\x26!", 624485, "", 1, false},
		{"udata without end", 0x0f, strings.Repeat("\xff", 11), 0, "", 1, true},
		{"flag", 0x0c, "\x01!", 1, "", 1, false},
		{"flag_present", 0x19, "!", 1, "", 1, false},
		{"string", 0x08, "ab\x00!", 0, "ab", 1, false},
		{"string, empty", 0x08, "\x00!", 0, "", 1, false},
		{"string without end", 0x08, "ab", 0, "", 0, true},
		{"addrx", 0x1b, "\x81\x01!", 129, "", 1, false},
		{"unknown", 0x7f, "!", 0, "", 1, true},
	} {
		r := reader{b: []byte(test.data)}
		v, text := r.form(test.form)
		if r.bad != test.bad || len(r.b)-r.at != test.rest || !test.bad && (v != test.v || text != test.text) {
			t.Errorf("%s: %#x %q, %d bytes left, bad %v; want %#x %q, %d, %v", test.name, v, text, len(r.b)-r.at, r.bad, test.v, test.text, test.rest, test.bad)
		}
	}
}

func FuzzForm(f *testing.F) {
	for form := range uint64(0x2d) {
		f.Add(form, []byte("\x02\x00\x00\x00abcdefgh\x00"))
	}
	f.Fuzz(func(t *testing.T, form uint64, b []byte) {
		r := reader{b: b}
		r.form(form)
		if r.at < 0 || r.at > len(b) {
			t.Errorf("form %#x reads to %d of %d", form, r.at, len(b))
		}
	})
}

// FuzzRead gives the entries of a real function, changed, to the reader: it must end,
// with a signature or an error.
func FuzzRead(f *testing.F) {
	table, a := build(f)
	o := a.Objects[0]
	info := goobj.NoSym
	for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
		if o.Name(s) == "main.capture.func1" && o.Kind(s).IsText() {
			info, _ = o.Local(o.Aux(s, goobj.AuxDwarfInfo, nil)[0])
		}
	}
	if info == goobj.NoSym {
		f.Fatal("no DWARF of the func literal")
	}
	original := o.Data(info)
	f.Add(0, []byte{})
	f.Add(1, []byte{0xff, 0xff})
	f.Add(len(original)-1, []byte{1})
	saved := append([]byte(nil), original...)
	f.Fuzz(func(t *testing.T, at int, patch []byte) {
		copy(original, saved)
		if at >= 0 && at < len(original) {
			copy(original[at:], patch)
		}
		table.read(o, info, &Signature{}, 0)
	})
}
