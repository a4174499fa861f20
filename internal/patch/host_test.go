package patch

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// TestMessage: nothing of an image is lost on the way to the agent.
func TestMessage(t *testing.T) {
	got := message(&link.Image{
		Segments:   []link.Segment{{Addr: 0x1000, Size: 0x1000, Prot: 5, Data: []byte{1}}, {Addr: 0x2000}, {Addr: 0x3000, Size: 0x1000, Prot: 3}},
		Moduledata: 0x3100, Etypes: 0x2fff, Itabs: []uint64{1}, InitTasks: []uint64{2}, InitFuncs: []uint64{3},
		Redirects: []link.Redirect{{Name: "f", Old: 0x400000, New: 0x1000, Code: 7, Size: 64}, {Name: "g", Old: 0x400040, New: 0x1020, Size: 32, NoFrames: true}},
		Writes:    []link.Write{{Addr: 0x500000, Data: []byte{4}}},
		Methods:   []uint64{0x500040}, Quiet: []link.Range{{Start: 0x400080, End: 0x4000c0}},
	})
	want := &wire.Patch{
		Segments:   []wire.Segment{{Addr: 0x1000, Size: 0x1000, Prot: 5, Data: []byte{1}}, {Addr: 0x3000, Size: 0x1000, Prot: 3}},
		Moduledata: 0x3100, Etypes: 0x2fff, Itabs: []uint64{1}, InitTasks: []uint64{2}, InitFuncs: []uint64{3},
		Redirects: []wire.Redirect{{Old: 0x400000, New: 0x1000, Code: 7, Size: 64}, {Old: 0x400040, New: 0x1020, Size: 32, Flags: wire.NoFrames}},
		Writes:    []wire.Write{{Addr: 0x500000, Data: []byte{4}}},
		Methods:   []uint64{0x500040}, Quiet: []wire.Range{{Start: 0x400080, End: 0x4000c0}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
