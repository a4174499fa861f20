package wire

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// messages holds one full and one zero value of every kind.
func messages() []Message {
	setup := new(Setup)
	for i, p := range setup.wide() {
		*p = 1<<63 | uint64(i)
	}
	for i, p := range setup.narrow() {
		*p = 1<<31 | uint32(i)
	}
	return []Message{
		&Hello{Protocol: Protocol, PID: 4242, GoVersion: "go1.26.8", Anchor: 0x401000},
		setup,
		&Ready{Arena: 0x8000000, Room: Range{0x600000, 0x700000}},
		&FindItabs{Pairs: []ItabPair{{Inter: 1, Type: 2}, {Inter: 3, Type: 4}}},
		&Itabs{Addrs: []uint64{0, 1, 1<<64 - 1}, Empty: []uint64{2, 0, 0}},
		&Patch{
			Seq:        7,
			Segments:   []Segment{{Addr: 0x8000000, Size: 4096, Prot: ProtRead | ProtExec, Data: []byte{0xc3}}, {Size: 8192}},
			Moduledata: 1, Etypes: 2,
			Itabs: []uint64{3}, InitTasks: []uint64{4, 5}, InitFuncs: []uint64{6},
			Redirects: []Redirect{{Old: 7, New: 8, Code: 10, Size: 9, Flags: NoFrames}},
			Writes:    []Write{{Addr: 10, Data: []byte("data")}},
			Methods:   []uint64{18, 19},
			Retired:   []uint64{28, 29},
			Clear:     []uint64{30},
			Derived:   []uint64{31},
			Skip:      []Range{{32, 33}},
			Quiet:     []Range{{Start: 11, End: 12}},
			Hook:      17,
			News:      "news",
			Running:   []Range{{Start: 13, End: 14}, {Start: 15, End: 16}},
			WaitNS:    17,
		},
		&Applied{Seq: 7, LoadNS: 1, InitNS: 2, PauseNS: 3, Attempts: 4, Frames: []Frame{{GoID: 1, PC: 2, Range: 3}}},
		&Failed{Seq: 7, Phase: PhaseInit, Reason: "panic: no", Blockers: []Frame{{GoID: 4, PC: 5, Range: 6}}, Holders: []Holder{{Type: 8, At: 9, GoID: 10, Base: 11, Size: 12}}},
		&Hello{}, &Setup{}, &Ready{}, &FindItabs{}, &Itabs{}, &Patch{}, &Applied{}, &Failed{},
	}
}

// decodeFrame decodes the first frame of b and returns what follows it.
func decodeFrame(b []byte, number uint32) (Message, []byte, error) {
	if len(b) < HeaderSize {
		return nil, nil, errHeader
	}
	h, err := ReadHeader([HeaderSize]byte(b), number)
	if err != nil {
		return nil, nil, err
	}
	if h.Length > len(b)-HeaderSize {
		return nil, nil, errDamaged // in a stream: waits for more
	}
	m, err := h.Decode(b[HeaderSize:][:h.Length])
	return m, b[HeaderSize+h.Length:], err
}

// The values of messages would hide a field that is not encoded, if it were zero.
func TestAllFieldsAreSet(t *testing.T) {
	seen := make(map[Kind]bool)
	for _, m := range messages() {
		if seen[m.Kind()] {
			continue // the zero value
		}
		seen[m.Kind()] = true
		v := reflect.ValueOf(m).Elem()
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%T: field %s is zero", m, v.Type().Field(i).Name)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	var stream []byte
	for i, m := range messages() {
		var err error
		if stream, err = Append(stream, uint32(i), m); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range messages() {
		var got Message
		var err error
		if got, stream, err = decodeFrame(stream, uint32(i)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T: (-want +got)\n%s", want, diff)
		}
	}
	if len(stream) != 0 {
		t.Errorf("%d bytes left", len(stream))
	}
}

// Every proper prefix of a payload is malformed, and so is a longer one.
func TestTruncated(t *testing.T) {
	for _, m := range messages() {
		b, err := Append(nil, 0, m)
		if err != nil {
			t.Fatal(err)
		}
		payload := b[HeaderSize:]
		for n := range len(payload) {
			if _, err := decode(m.Kind(), payload[:n]); err == nil {
				t.Errorf("%T: %d of %d bytes are accepted", m, n, len(payload))
			}
		}
		if _, err := decode(m.Kind(), append(payload, 0)); err == nil {
			t.Errorf("%T: a byte too many is accepted", m)
		}
	}
}

func TestLimits(t *testing.T) {
	long := put32(nil, MaxPayload+1)
	long = append(long, byte(KindPatch))
	long = put64(put32(long, 0), 0)
	long = put32(long, uint32(Sum(long)))
	if _, err := ReadHeader([HeaderSize]byte(long), 0); !errors.Is(err, errLength) {
		t.Errorf("got %v for a payload that is too long", err)
	}
	if _, err := decode(99, nil); err == nil {
		t.Error("kind 99 is accepted")
	}
	// A count that the payload can't hold must not be allocated.
	if _, err := decode(KindItabs, []byte{0xff, 0xff, 0xff, 0xff}); err == nil {
		t.Error("a count without elements is accepted")
	}
}

// A change of any bit is noticed, and so are two that a sum of products would let
// cancel each other.
func TestDamage(t *testing.T) {
	for _, m := range messages() {
		frame, err := Append(nil, 3, m)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(frame) {
			b := slices.Clone(frame)
			b[bit/8] ^= 1 << (bit % 8)
			if _, _, err := decodeFrame(b, 3); err == nil {
				t.Errorf("%T: accepted with bit %d flipped", m, bit)
			}
		}
		for i := HeaderSize + 7; i+8 < len(frame); i += 8 {
			b := slices.Clone(frame)
			b[i] ^= 0x80
			b[i+8] ^= 0x80
			if _, _, err := decodeFrame(b, 3); err == nil {
				t.Errorf("%T: accepted with the high bits of words at %d flipped", m, i)
			}
		}
		for _, number := range []uint32{0, 2, 4} {
			if _, _, err := decodeFrame(frame, number); !errors.Is(err, errNumber) {
				t.Errorf("%T: got %v for frame 3 where frame %d is due", m, err, number)
			}
		}
	}
}

// An image of 50 MB must not wait for its sum.
func BenchmarkSum(b *testing.B) {
	data := make([]byte, 50<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Sum(data)
	}
}

// What decodes, encodes to the same bytes: there is one encoding per message.
func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		b, err := Append(nil, 0, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(m.Kind()), b[HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		m, err := decode(Kind(kind), payload)
		if err != nil {
			return
		}
		b, err := Append(nil, 0, m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[HeaderSize:], payload) {
			t.Errorf("%T: %x became %x", m, payload, b[HeaderSize:])
		}
	})
}
