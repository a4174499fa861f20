//go:build go1.21 && linux && amd64

package host

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

const pageSize = 4096

// mapFixedNoReplace is MAP_FIXED_NOREPLACE of linux/mman.h. Kernels before 4.17
// ignore it and take the address as a hint.
const mapFixedNoReplace = 0x100000

// pointer makes a pointer of an address outside the Go heap. The detour keeps
// checkptr (-race) and vet from judging arithmetic that they can't follow.
//
//go:nocheckptr
func pointer(addr uint64) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}

// The memory of the runtime is read without the race detector's knowledge, as
// the runtime does.

//go:nocheckptr
//go:norace
func load64(addr uint64) uint64 { return *(*uint64)(pointer(addr)) }

//go:nocheckptr
//go:norace
func load32(addr uint64) uint32 { return *(*uint32)(pointer(addr)) }

//go:nocheckptr
//go:norace
func load16(addr uint64) uint16 { return *(*uint16)(pointer(addr)) }

//go:nocheckptr
//go:norace
func load8(addr uint64) uint8 { return *(*uint8)(pointer(addr)) }

//go:nocheckptr
//go:norace
func store64(addr, v uint64) { *(*uint64)(pointer(addr)) = v }

//go:nocheckptr
//go:norace
func store32(addr uint64, v uint32) { *(*uint32)(pointer(addr)) = v }

//go:nocheckptr
func bytesAt(addr uint64, n int) []byte { return unsafe.Slice((*byte)(pointer(addr)), n) }

// storeBytes copies b to addr. An aligned word becomes visible at once.
//
//go:nocheckptr
//go:norace
func storeBytes(addr uint64, b []byte) {
	if len(b) == 8 && addr%8 == 0 {
		atomic.StoreUint64((*uint64)(pointer(addr)), littleEndian(b))
		return
	}
	fill(addr, b)
}

// fill copies b to addr. The copy of the language would tell the race detector.
//
//go:nocheckptr
//go:norace
func fill(addr uint64, b []byte) {
	for i, c := range b {
		*(*byte)(pointer(addr + uint64(i))) = c
	}
}

func littleEndian(b []byte) uint64 {
	var v uint64
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func mmap(addr, size uint64, prot, flags uintptr) (uint64, syscall.Errno) {
	got, _, errno := syscall.Syscall6(syscall.SYS_MMAP, uintptr(addr), uintptr(size), prot,
		flags|syscall.MAP_PRIVATE|syscall.MAP_ANON, ^uintptr(0), 0)
	return uint64(got), errno
}

func mprotect(addr, size uint64, prot uintptr) syscall.Errno {
	_, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, uintptr(addr), uintptr(size), prot)
	return errno
}

// reserve takes size bytes of address space without access, at min or the next
// free multiple of 64 MB after it, below max. Otherwise it says what is in the way.
func reserve(min, max, size uint64) (addr uint64, problem string) {
	const step = 64 << 20
	if size == 0 || size%pageSize != 0 || min%pageSize != 0 || min == 0 || max > 1<<47 {
		return 0, "bad address range"
	}
	problem = "its own memory takes all addresses within 2 GB of its code"
	for addr := min; addr <= max && size <= max-addr; addr += step {
		got, errno := mmap(addr, size, syscall.PROT_NONE, mapFixedNoReplace|syscall.MAP_NORESERVE)
		switch {
		case errno == syscall.EEXIST:
			continue
		case errno != 0:
			// RLIMIT_AS, a cgroup, vm.max_map_count: the same at each address.
			return 0, "reserving address space: " + errno.Error()
		case got == addr:
			return addr, ""
		}
		syscall.Syscall(syscall.SYS_MUNMAP, uintptr(got), uintptr(size), 0)
	}
	return 0, problem
}

// mapping is a line of /proc/self/maps.
type mapping struct {
	start, end uint64
	prot       uintptr
	file       string // device and inode number; "" for what is of no file
}

// mapped is what the process has in its memory, by address.
type mapped []mapping

// at returns the index of the mapping that holds addr, or -1.
func (ms mapped) at(addr uint64) int {
	i, j := 0, len(ms)
	for i < j {
		if k := int(uint(i+j) / 2); ms[k].end <= addr {
			i = k + 1
		} else {
			j = k
		}
	}
	if i < len(ms) && ms[i].start <= addr {
		return i
	}
	return -1
}

// has reports whether all of the size bytes at addr are mapped with at least the
// protection prot.
func (ms mapped) has(addr, size uint64, prot uintptr) bool {
	if addr+size < addr {
		return false
	}
	for end := addr + size; addr < end; {
		i := ms.at(addr)
		if i < 0 || ms[i].prot&prot != prot {
			return false
		}
		addr = ms[i].end
	}
	return true
}

// ofFile reports whether the size bytes at addr are mapped from the file that is
// mapped at other. They may lie in several mappings: pages that were written to once
// stay apart from those around them.
func (ms mapped) ofFile(addr, size, other uint64) bool {
	k := ms.at(other)
	if k < 0 || ms[k].file == "" || addr+size < addr {
		return false
	}
	for end := addr + size; addr < end; {
		i := ms.at(addr)
		if i < 0 || ms[i].file != ms[k].file {
			return false
		}
		addr = ms[i].end
	}
	return true
}

// mappings reads /proc/self/maps, which is sorted by address.
func mappings() (mapped, bool) {
	fd, err := syscall.Open("/proc/self/maps", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer syscall.Close(fd)
	var text []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, false
		}
		if n == 0 {
			return parseMappings(text)
		}
		text = append(text, buf[:n]...)
	}
}

// parseMappings reads lines of the form
//
//	00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon
func parseMappings(text []byte) (mapped, bool) {
	var ms mapped
	for len(text) > 0 {
		var m mapping
		var ok bool
		if m.start, text, ok = parseHex(text, '-'); !ok {
			return nil, false
		}
		if m.end, text, ok = parseHex(text, ' '); !ok || len(text) < 4 {
			return nil, false
		}
		for i, prot := range [...]uintptr{syscall.PROT_READ, syscall.PROT_WRITE, syscall.PROT_EXEC} {
			if text[i] != '-' {
				m.prot |= prot
			}
		}
		n := 0
		for n < len(text) && text[n] != '\n' {
			n++
		}
		m.file = fileOf(text[:n])
		ms = append(ms, m)
		text = text[n:]
		if len(text) > 0 {
			text = text[1:]
		}
	}
	return ms, true
}

// fileOf returns the device and inode in what stands behind the addresses of a
// mapping: protection, offset, device, inode, path.
func fileOf(line []byte) string {
	var fields [5]int // ends of the first ones
	n := 0
	for i := 0; i <= len(line) && n < len(fields); i++ {
		if i == len(line) || line[i] == ' ' {
			fields[n] = i
			n++
		}
	}
	if n < 4 || fields[3] == fields[2]+2 && line[fields[3]-1] == '0' {
		return ""
	}
	return string(line[fields[1]+1 : fields[3]])
}

// parseHex reads a number up to the byte end, and skips that.
func parseHex(b []byte, end byte) (uint64, []byte, bool) {
	var n uint64
	for i, c := range b {
		switch {
		case c == end && i > 0:
			return n, b[i+1:], true
		case '0' <= c && c <= '9':
			n = n<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// now returns CLOCK_MONOTONIC in nanoseconds, the clock of runtime.nanotime on
// Linux. The raw call does not tell the scheduler, so it may be made while the
// world is stopped.
//
//go:nocheckptr
func now() uint64 {
	var ts syscall.Timespec
	const clockMonotonic = 1
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return uint64(ts.Sec)*1e9 + uint64(ts.Nsec)
}

// sleep parks the goroutine's thread for ns nanoseconds, below a second.
//
//go:nocheckptr
func sleep(ns uint64) {
	ts := syscall.Timespec{Nsec: int64(ns)}
	syscall.Syscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// From linux/membarrier.h.
const (
	sysMembarrier              = 324
	membarrierSyncCore         = 1 << 5
	membarrierRegisterSyncCore = 1 << 6
)

func membarrier(command uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall(sysMembarrier, command, 0, 0)
	return errno
}
