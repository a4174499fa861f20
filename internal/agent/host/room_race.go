//go:build go1.21 && linux && amd64 && race

package host

import (
	"unsafe"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// reserved is memory for the variables of images. The race detector knows the variables
// of the executable and the heap, and passes over all else (runtime/race.go, raceinit and
// isvalidaddr, 1.25 to 1.27): a mutex in the arena would order nothing, and what it
// guards would be reported as a race. It costs no memory before it is used.
var reserved [64 << 20]byte

func room() wire.Range {
	start := uint64(uintptr(unsafe.Pointer(&reserved)))
	return wire.Range{Start: start, End: start + uint64(len(reserved))}
}
