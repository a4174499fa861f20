package target

import "math"

// The leaves have no frame, or one so small that they don't check the stack, and begin with
// instructions of one to four bytes: a goroutine can be stopped between them.

func Inc(x uint64) uint64 { return (x+1)<<3 | Version }

func Xor(a, b uint64) uint64 { return (a^b)<<3 | Version }

func Load(p *uint64) uint64 { return *p<<3 | Version }

func Store(p *uint64, x uint64) { *p = x<<3 | Version }

func Neg(x int32) int64 { return int64(-x)<<3 | Version }

func Double(x float64) float64 { return (x+x)*8 + Version }

// Root begins with a slow instruction of four bytes, behind which a thread is likely to be
// interrupted.
func Root(x float64) float64 { return math.Sqrt(x)*8 + Version }

// Chase begins with two loads, each of which waits for the one before it.
func Chase(p **uint64) uint64 { return **p<<3 | Version }

func Shift(x, n uint64) uint64 { return x>>(n&31)<<3 | Version }

func Bool(a, b bool) uint64 {
	if a != b {
		return 1<<3 | Version
	}
	return Version
}

func Length(s string, b []byte) uint64 { return uint64(len(s)+cap(b))<<3 | Version }

// Square has a frame without a check of the stack.
func Square(i uint64) uint64 {
	var table [8]uint64
	table[i&7] = i
	table[(i+1)&7] = i
	return table[i&7]*table[(i+1)&7]<<3 | Version
}

func Mix(x uint64) uint64 {
	y := x
	for i := range uint64(8) {
		y = y ^ y>>3 + i
		y *= 5
	}
	return y<<3 | Version
}

// The loops begin with the function, so that it branches back to its first bytes.

type Node struct {
	Next  *Node
	Value uint64
}

func Last(n *Node) uint64 {
	for n.Next != nil {
		n = n.Next
	}
	return n.Value<<3 | Version
}

func Collatz(n uint64) uint64 {
again:
	if n&1 == 0 {
		n >>= 1
		goto again
	}
	return n<<3 | Version
}

func Find(p *[64]uint8, i uint8) uint64 {
	for p[i&63] != 0 {
		i++
	}
	return uint64(i)<<3 | Version
}
