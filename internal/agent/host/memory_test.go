//go:build linux && amd64

package host

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

func TestParseUint(t *testing.T) {
	tests := []struct {
		text string
		want uint64
		ok   bool
	}{
		{"3", 3, true}, {"200", 200, true}, {"", 0, false}, {"-1", 0, false}, {"3x", 0, false},
		{"99999999999999999999999", 0, false},
	}
	for _, test := range tests {
		if got, ok := parseUint(test.text); ok != test.ok || ok && got != test.want {
			t.Errorf("%q: %d, %v", test.text, got, ok)
		}
	}
}

func TestParseMappings(t *testing.T) {
	const rx = syscall.PROT_READ | syscall.PROT_EXEC
	tests := []struct {
		text string
		want mapped
		ok   bool
	}{
		{"", nil, true},
		{
			"00400000-00452000 r-xp 00000000 08:02 173521 /bin/a b\n7ffc000-7ffd000 rw-p 0 00:00 0\n",
			mapped{{0x400000, 0x452000, rx, "08:02 173521"}, {0x7ffc000, 0x7ffd000, syscall.PROT_READ | syscall.PROT_WRITE, ""}},
			true,
		},
		{"ffffffffff600000-ffffffffff601000 --xp 0", mapped{{0xffffffffff600000, 0xffffffffff601000, syscall.PROT_EXEC, ""}}, true},
		{"00400000", nil, false},
		{"00400000-x", nil, false},
		{"00400000-00452000 r", nil, false},
	}
	for _, test := range tests {
		got, ok := parseMappings([]byte(test.text))
		same := len(got) == len(test.want)
		for i := 0; same && i < len(got); i++ {
			same = got[i] == test.want[i]
		}
		if ok != test.ok || ok && !same {
			t.Errorf("%q: %+v, %v", test.text, got, ok)
		}
	}
}

func TestMapped(t *testing.T) {
	const r, rw = syscall.PROT_READ, syscall.PROT_READ | syscall.PROT_WRITE
	maps := mapped{{0x1000, 0x3000, r, "a"}, {0x3000, 0x4000, rw, "a"}, {0x5000, 0x6000, rw, "b"}, {0x6000, 0x7000, 0, ""}}
	for _, test := range []struct {
		addr, size uint64
		prot       uintptr
		has, file  bool // file: that of the first mapping
	}{
		{0x1000, 8, r, true, true}, {0x2ffc, 8, r, true, true}, {0x2ffc, 8, rw, false, true},
		{0x3000, 0x1000, rw, true, true}, {0x3000, 0x1001, rw, false, false}, {0x4000, 1, 0, false, false},
		{0, 1, 0, false, false}, {0xfff, 2, 0, false, false}, {0x5000, 8, rw, true, false}, {0x6000, 8, r, false, false},
		{0x7000, 1, 0, false, false}, {^uint64(0), 2, 0, false, false}, {^uint64(7), 8, 0, false, false},
	} {
		if got := maps.has(test.addr, test.size, test.prot); got != test.has {
			t.Errorf("%#x: has %v", test.addr, got)
		}
		if got := maps.ofFile(test.addr, test.size, 0x1800); got != test.file {
			t.Errorf("%#x: of the file %v", test.addr, got)
		}
	}
}

func FuzzParseMappings(f *testing.F) {
	f.Add([]byte("00400000-00452000 r-xp 00000000 08:02 173521 /bin/a\n"))
	f.Fuzz(func(t *testing.T, text []byte) { parseMappings(text) })
}

// pages maps n pages of the byte 1 that can be read only, with a hole behind.
func pages(t *testing.T, n uint64) uint64 {
	t.Helper()
	addr, errno := mmap(0, (n+1)*pageSize, syscall.PROT_READ|syscall.PROT_WRITE, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { syscall.Syscall(syscall.SYS_MUNMAP, uintptr(addr), uintptr((n+1)*pageSize), 0) })
	copy(bytesAt(addr, int(n*pageSize)), bytes.Repeat([]byte{1}, int(n*pageSize)))
	for _, errno := range []syscall.Errno{
		mprotect(addr, n*pageSize, syscall.PROT_READ),
		mprotect(addr+n*pageSize, pageSize, syscall.PROT_NONE),
	} {
		if errno != 0 {
			t.Fatal(errno)
		}
	}
	return addr
}

func protection(t *testing.T, addr uint64) uintptr {
	t.Helper()
	maps, ok := mappings()
	if !ok {
		t.Fatal("can't read the mappings")
	}
	for _, m := range maps {
		if addr >= m.start && addr < m.end {
			return m.prot
		}
	}
	t.Fatalf("%#x is not mapped", addr)
	return 0
}

func TestUnlock(t *testing.T) {
	addr := pages(t, 4)
	pokes := makePokes(&wire.Patch{Writes: []wire.Write{
		{Addr: addr + pageSize - 3, Data: []byte{2, 3, 4, 5, 6, 7}},
		{Addr: addr + 3*pageSize, Data: bytes.Repeat([]byte{8}, 8)},
		{Addr: addr, Data: nil},
	}})
	lock, problem := unlock(pokes)
	if problem != "" {
		t.Fatal(problem)
	}
	for page := uint64(0); page < 4; page++ {
		if protection(t, addr+page*pageSize)&syscall.PROT_WRITE == 0 {
			t.Errorf("page %d is not writable", page)
		}
	}
	if !writeAll(pokes) {
		t.Error("not written")
	}
	lock()
	want := bytes.Repeat([]byte{1}, 4*pageSize)
	copy(want[pageSize-3:], []byte{2, 3, 4, 5, 6, 7})
	copy(want[3*pageSize:], bytes.Repeat([]byte{8}, 8))
	if !bytes.Equal(bytesAt(addr, 4*pageSize), want) {
		t.Error("wrong bytes")
	}
	if protection(t, addr) != syscall.PROT_READ {
		t.Error("the protection is not restored")
	}

	// Nothing is changed when a write is not possible.
	for _, end := range []wire.Write{
		{Addr: addr + 4*pageSize, Data: []byte{1}},        // not readable
		{Addr: addr + 4*pageSize - 1, Data: []byte{1, 1}}, // over the end
	} {
		lock, problem := unlock(makePokes(&wire.Patch{Writes: []wire.Write{{Addr: addr, Data: []byte{9}}, end}}))
		lock()
		if problem == "" {
			t.Errorf("a write at %#x of %#x is accepted", end.Addr-addr, 4*pageSize)
		}
		if protection(t, addr) != syscall.PROT_READ {
			t.Error("the protection is not restored")
		}
	}
}

// What mprotect refuses is written through /proc/self/mem.
func TestPokeMem(t *testing.T) {
	mem, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	addr := pages(t, 1)
	k := poke{addr: addr + 8, old: bytes.Repeat([]byte{1}, 8), new: []byte{1, 2, 3, 4, 5, 6, 7, 8}, mem: int(mem.Fd())}
	refused := poke{addr: addr + 16, old: []byte{1}, new: []byte{2}, mem: 1 << 30} // no such descriptor
	if !k.touch() || refused.touch() {
		t.Fatal("touching is wrong about what can be written")
	}
	if writeAll([]poke{k, refused}) || !bytes.Equal(bytesAt(addr+8, 8), k.old) {
		t.Error("half of the writes is done")
	}
	if !writeAll([]poke{k}) || !bytes.Equal(bytesAt(addr+8, 8), k.new) {
		t.Error("nothing is written")
	}
}

func TestReserve(t *testing.T) {
	const step, size = 64 << 20, 1 << 20
	free, problem := reserve(1<<32, 1<<36, size)
	if problem != "" {
		t.Fatal(problem)
	}
	next, problem := reserve(free, free+2*step, size)
	if problem != "" || next != free+step {
		t.Errorf("got %#x, %s, want %#x", next, problem, free+step)
	}
	if got, problem := reserve(free, free+step, size); problem == "" {
		t.Errorf("got %#x beyond the end", got)
	}
	if _, problem := reserve(free, free+size-1, size); problem == "" {
		t.Error("a range that does not fit is accepted")
	}
	if _, problem := reserve(free, 1<<63, size); problem == "" {
		t.Error("a range without end is accepted")
	}
}
