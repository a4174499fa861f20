//go:build go1.21

package wire

import "errors"

// HeaderSize is the size of what stands before a payload.
const HeaderSize = 4 + 1 + 4 + 8 + 4

// MaxPayload is the largest payload that is sent or accepted.
const MaxPayload = 1 << 28

var (
	errLength  = errors.New("wire: message too long")
	errHeader  = errors.New("wire: damaged header of a message")
	errNumber  = errors.New("wire: message lost, repeated or out of order")
	errDamaged = errors.New("wire: damaged message")
	errKind    = errors.New("wire: unknown kind of message")
	errPayload = errors.New("wire: malformed message")
)

// Header is the header of a frame that has arrived undamaged.
type Header struct {
	Kind   Kind
	Length int // of the payload that follows
	sum    uint64
}

// Append appends the frame of m, which has the given number among those that
// its sender sends, to b. It fails only when m is longer than MaxPayload.
func Append(b []byte, number uint32, m Message) ([]byte, error) {
	start := len(b)
	b = m.append(append(b, make([]byte, HeaderSize)...))
	payload := b[start+HeaderSize:]
	if len(payload) > MaxPayload {
		return b[:start], errLength
	}
	h := put32(b[start:start], uint32(len(payload)))
	h = append(h, byte(m.Kind()))
	h = put32(h, number)
	h = put64(h, Sum(payload))
	put32(h, uint32(Sum(h)))
	return b, nil
}

// ReadHeader reads the header of the frame that is to have the given number.
func ReadHeader(h [HeaderSize]byte, number uint32) (Header, error) {
	const end = HeaderSize - 4
	var length, n, check uint32
	var head Header
	r := reader{b: h[:]}
	r.get32(&length)
	head.Kind = Kind(r.byte())
	r.get32(&n)
	r.get64(&head.sum)
	r.get32(&check)
	switch {
	case check != uint32(Sum(h[:end])):
		return Header{}, errHeader
	case n != number:
		return Header{}, errNumber
	case length > MaxPayload:
		return Header{}, errLength
	}
	head.Length = int(length)
	return head, nil
}

// Decode reads the payload that has followed the header. Byte slices of the
// message are parts of payload.
func (h Header) Decode(payload []byte) (Message, error) {
	if len(payload) != h.Length || Sum(payload) != h.sum {
		return nil, errDamaged
	}
	return decode(h.Kind, payload)
}

// Sum is the checksum of frames: of b as little endian words of 64 bits, the last
// one filled up with zeros, and of its length. Each step maps the state one to one,
// so damage within one word is always noticed, and other damage but once in 2^64.
// The multiplier is that of FNV-1a; the shift brings high bits down again, which
// the product alone never does.
//
// The standard library's sums are of no use here: the agent would bring a package
// along that the program may not have. This one takes 8 bytes a step and no table.
func Sum(b []byte) uint64 {
	const prime = 1<<40 | 0x1b3
	sum := uint64(len(b))
	step := func(word uint64) {
		sum = (sum ^ word) * prime
		sum ^= sum >> 32
	}
	for ; len(b) >= 8; b = b[8:] {
		step(uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56)
	}
	var last uint64
	for i := 0; i < len(b); i++ {
		last |= uint64(b[i]) << (8 * i)
	}
	step(last)
	return sum
}
