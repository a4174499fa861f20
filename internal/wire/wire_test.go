package wire

import (
	"bytes"
	"reflect"
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
		&Ready{Arena: 0x8000000},
		&FindItabs{Pairs: []ItabPair{{Inter: 1, Type: 2}, {Inter: 3, Type: 4}}},
		&Itabs{Addrs: []uint64{0, 1, 1<<64 - 1}},
		&Patch{
			Seq:        7,
			Segments:   []Segment{{Addr: 0x8000000, Size: 4096, Prot: ProtRead | ProtExec, Data: []byte{0xc3}}, {Size: 8192}},
			Moduledata: 1, Etypes: 2,
			Itabs: []uint64{3}, InitTasks: []uint64{4, 5}, InitFuncs: []uint64{6},
			Redirects: []Redirect{{Old: 7, New: 8, Size: 9, Flags: NoFrames}},
			Writes:    []Write{{Addr: 10, Data: []byte("data")}},
			Quiet:     []Range{{Start: 11, End: 12}},
			Running:   []Range{{Start: 13, End: 14}, {Start: 15, End: 16}},
			WaitNS:    17,
		},
		&Applied{Seq: 7, LoadNS: 1, InitNS: 2, PauseNS: 3, Attempts: 4, Frames: []Frame{{GoID: 1, PC: 2, Range: 3}}},
		&Failed{Seq: 7, Phase: PhaseInit, Reason: "panic: no", Blockers: []Frame{{GoID: 4, PC: 5, Range: 6}}},
		&Hello{}, &Setup{}, &Ready{}, &FindItabs{}, &Itabs{}, &Patch{}, &Applied{}, &Failed{},
	}
}

// decodeFrame decodes the first frame of b and returns what follows it.
func decodeFrame(t *testing.T, b []byte) (Message, []byte) {
	t.Helper()
	k, n, err := Header([HeaderSize]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(k, b[HeaderSize:HeaderSize+n])
	if err != nil {
		t.Fatal(err)
	}
	return m, b[HeaderSize+n:]
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
	for _, m := range messages() {
		var err error
		if stream, err = Append(stream, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range messages() {
		var got Message
		got, stream = decodeFrame(t, stream)
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
		b, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		payload := b[HeaderSize:]
		for n := range len(payload) {
			if _, err := Decode(m.Kind(), payload[:n]); err == nil {
				t.Errorf("%T: %d of %d bytes are accepted", m, n, len(payload))
			}
		}
		if _, err := Decode(m.Kind(), append(payload, 0)); err == nil {
			t.Errorf("%T: a byte too many is accepted", m)
		}
	}
}

func TestLimits(t *testing.T) {
	if _, _, err := Header([HeaderSize]byte{0xff, 0xff, 0xff, 0xff, byte(KindPatch)}); err == nil {
		t.Error("a payload of 4 GB is accepted")
	}
	if _, err := Decode(99, nil); err == nil {
		t.Error("kind 99 is accepted")
	}
	// A count that the payload can't hold must not be allocated.
	if _, err := Decode(KindItabs, []byte{0xff, 0xff, 0xff, 0xff}); err == nil {
		t.Error("a count without elements is accepted")
	}
}

// What decodes, encodes to the same bytes: there is one encoding per message.
func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		b, err := Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(m.Kind()), b[HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		m, err := Decode(Kind(kind), payload)
		if err != nil {
			return
		}
		b, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[HeaderSize:], payload) {
			t.Errorf("%T: %x became %x", m, payload, b[HeaderSize:])
		}
	})
}
