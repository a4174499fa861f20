//go:build go1.21 && linux && amd64

package host

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// poke is a change of mapped bytes.
type poke struct {
	addr     uint64
	old, new []byte // of equal length
	mem      int    // descriptor of /proc/self/mem, to write through; negative: store
}

// makePokes makes the redirects and writes of p ready.
func makePokes(p *wire.Patch) []poke {
	pokes := make([]poke, 0, len(p.Redirects)+len(p.Writes))
	words := make([]byte, 8*len(p.Redirects))
	for _, r := range p.Redirects {
		k := poke{addr: r.Old, new: words[:8:8], mem: -1}
		words = words[8:]
		distance := uint32(r.New - (r.Old + jumpSize))
		k.new[0] = jumpCode
		k.new[1] = byte(distance)
		k.new[2] = byte(distance >> 8)
		k.new[3] = byte(distance >> 16)
		k.new[4] = byte(distance >> 24)
		for i := jumpSize; i < 8; i++ {
			k.new[i] = byte(r.Code >> (8 * i))
		}
		pokes = append(pokes, k)
	}
	for _, w := range p.Writes {
		if len(w.Data) > 0 {
			pokes = append(pokes, poke{addr: w.Addr, new: w.Data, mem: -1})
		}
	}
	return pokes
}

// unlock makes the bytes of pokes writable, for what is to be done in the
// stopped world to be stores and nothing else: no page is copied there, and
// nothing is left that can fail. The text stays executable. lock restores what
// was; it is to be called in any case.
func unlock(pokes []poke) (lock func(), problem string) {
	mem := -1
	var opened []mapping
	lock = func() {
		for _, m := range opened {
			mprotect(m.start, m.end-m.start, m.prot)
		}
		if mem >= 0 {
			syscall.Close(mem)
		}
	}
	maps, ok := mappings()
	if !ok {
		return lock, "reading /proc/self/maps"
	}
	found := 0
	for _, m := range maps {
		span := mapping{start: m.end, end: m.start, prot: m.prot} // of pages to write to
		for i := range pokes {
			k := &pokes[i]
			if k.addr < m.start || k.addr >= m.end || uint64(len(k.new)) > m.end-k.addr {
				continue
			}
			found++
			if first := k.addr &^ (pageSize - 1); first < span.start {
				span.start = first
			}
			if end := (k.addr + uint64(len(k.new)) + pageSize - 1) &^ (pageSize - 1); end > span.end {
				span.end = end
			}
		}
		if span.start >= span.end {
			continue
		}
		if m.prot&syscall.PROT_READ == 0 {
			return lock, "bytes to overwrite are not readable"
		}
		if m.prot&syscall.PROT_WRITE != 0 {
			continue
		}
		if mprotect(span.start, span.end-span.start, m.prot|syscall.PROT_WRITE) == 0 {
			opened = append(opened, span)
			continue
		}
		// SELinux forbids to execute changed text (execmod); a debugger's way
		// in is open yet.
		if mem < 0 {
			var err error
			if mem, err = syscall.Open("/proc/self/mem", syscall.O_RDWR|syscall.O_CLOEXEC, 0); err != nil {
				return lock, "the kernel refuses to make text writable: " + err.Error()
			}
		}
		for i := range pokes {
			if k := &pokes[i]; k.addr >= m.start && k.addr < m.end {
				k.mem = mem
			}
		}
	}
	if found != len(pokes) {
		return lock, "bytes to overwrite are not mapped"
	}
	for i := range pokes {
		k := &pokes[i]
		k.old = append([]byte(nil), bytesAt(k.addr, len(k.new))...)
		if !k.touch() {
			return lock, "the kernel refuses to write to /proc/self/mem"
		}
	}
	return lock, ""
}

// touch writes what is there already, which makes a private page ours.
//
//go:nocheckptr
//go:norace
func (k *poke) touch() bool {
	if k.mem >= 0 {
		return k.write(k.old)
	}
	last := k.addr + uint64(len(k.new)) - 1
	for page := k.addr &^ (pageSize - 1); page <= last; page += pageSize {
		word := page
		if word < k.addr {
			word = k.addr &^ 7
		}
		v := (*uint64)(pointer(word))
		atomic.AddUint64(v, 0)
	}
	return true
}

// write may be called while the world is stopped.
func (k *poke) write(b []byte) bool {
	if k.mem < 0 {
		storeBytes(k.addr, b)
		return true
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PWRITE64, uintptr(k.mem),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(k.addr), 0, 0)
	return errno == 0 && n == uintptr(len(b))
}

// writeAll writes all pokes or none.
func writeAll(pokes []poke) bool {
	for i := range pokes {
		if !pokes[i].write(pokes[i].new) {
			for i >= 0 {
				pokes[i].write(pokes[i].old)
				i--
			}
			return false
		}
	}
	return true
}
