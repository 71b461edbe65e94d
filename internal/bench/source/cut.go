package source

import (
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
)

const (
	// maxPayloadBytes leaves room for RTP, SRTP, UDP and tunnels within 1280.
	maxPayloadBytes = 1200
	fuHeaderBytes   = 2
	// sliceHeader stands for first_mb_in_slice 0 and a slice type, and bits of no
	// meaning.
	sliceHeaderBytes = 2
	// leastRestBytes is the shortest last fragment: it has to hold a stamp.
	leastRestBytes = stamp.Size + 4
)

// picture is a coded picture of one slice, cut into packets (RFC 6184). Its
// content is invented as the packets are made.
type picture struct {
	number uint32
	key    bool
	sizes  []int // bytes of slice data in each packet, without any header
	body   []byte
	packet []byte // reused
}

func newPicture() *picture {
	p := &picture{body: make([]byte, maxPayloadBytes), packet: make([]byte, 0, maxPayloadBytes)}
	for i := range p.body {
		p.body[i] = byte('!' + i%90) // text has no start codes in it
	}
	return p
}

// begin starts a picture of about size bytes.
func (p *picture) begin(number uint32, key bool, size int, split Split) {
	p.number, p.key = number, key
	if size < maxPayloadBytes {
		p.sizes = append(p.sizes[:0], max(size-1, leastRestBytes+sliceHeaderBytes))
		return
	}
	p.sizes = fragments(p.sizes[:0], size-1, split)
}

// fragments appends the sizes of the fragments of body bytes to dst. A rest too
// short for a stamp is left out.
func fragments(dst []int, body int, split Split) []int {
	const room = maxPayloadBytes - fuHeaderBytes
	if split == SplitEqual {
		n := (body + room - 1) / room
		for i := range n {
			dst = append(dst, body*(i+1)/n-body*i/n)
		}
		return dst
	}
	for ; body >= room; body -= room {
		dst = append(dst, room)
	}
	if body >= leastRestBytes {
		dst = append(dst, body)
	}
	return dst
}

// make returns packet i, stamped with now. It is valid until the next call.
func (p *picture) make(i int, now time.Time) []byte {
	nal := byte(nalSlice)
	if p.key {
		nal = nalIDR
	}
	b := p.packet[:0]
	if len(p.sizes) == 1 {
		b = append(b, nal)
	} else {
		fu := nal & nalTypes
		if i == 0 {
			fu |= 1 << 7 // start
		}
		if i == len(p.sizes)-1 {
			fu |= 1 << 6 // end
		}
		b = append(b, nal&^nalTypes|nalFUA, fu)
	}
	body := p.sizes[i]
	if i == 0 {
		b = append(b, sliceHeader(p.key)...)
		body -= sliceHeaderBytes
	}
	at := len(b)
	b = append(b, p.body[:body]...)
	stamp.Put(b[at:], now, p.number)
	p.packet = b
	return b
}

// sliceHeader begins a slice at macroblock 0 of type I or P (H.264 section
// 7.3.3).
func sliceHeader(key bool) []byte {
	if key {
		return []byte{0x88, 0x84}
	}
	return []byte{0x9a, 0x21}
}
