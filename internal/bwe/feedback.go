package bwe

import "encoding/binary"

// Of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
// section 3.1).
const (
	feedbackHeader = 8
	referenceUnit  = 64_000 // microseconds
	deltaUnit      = 250    // microseconds
	// mostStatuses bounds the work that one feedback packet can cause: 24 bytes may
	// speak of 65535 packets. It is twice what the history holds.
	mostStatuses = 2 * mostHistory
)

// Status symbols.
const (
	notReceived = iota
	smallDelta
	largeDelta
	reserved
)

// feedback is a transport-wide feedback packet that can be read to its end.
type feedback struct {
	base      uint16 // number of the first packet
	count     int    // packets spoken of
	reference int32  // 24 bits, in multiples of 64 ms
	chunks    []byte
	deltas    []byte
}

// parseFeedback checks what follows the media SSRC. ok is false if a walk would run
// out of chunks or deltas, or meet a reserved symbol.
func parseFeedback(b []byte) (f feedback, ok bool) {
	if len(b) < feedbackHeader {
		return f, false
	}
	f.base = binary.BigEndian.Uint16(b)
	f.count = int(binary.BigEndian.Uint16(b[2:]))
	f.reference = int32(binary.BigEndian.Uint32(b[4:])) >> 8
	if f.count == 0 || f.count > mostStatuses {
		return f, false
	}
	b = b[feedbackHeader:]
	used, deltas := 0, 0
	for left := f.count; left > 0; used += 2 {
		if len(b) < used+2 {
			return f, false
		}
		n, bytes, ok := measure(binary.BigEndian.Uint16(b[used:]), left)
		if !ok {
			return f, false
		}
		left -= n
		deltas += bytes
	}
	f.chunks, f.deltas = b[:used], b[used:]
	return f, len(f.deltas) >= deltas
}

// measure says how many of at most left statuses a chunk has, and how many bytes of
// deltas belong to them.
func measure(chunk uint16, left int) (n, bytes int, ok bool) {
	if chunk&0x8000 == 0 {
		symbol := int(chunk >> 13 & 3)
		n = min(int(chunk&0x1FFF), left)
		return n, n * symbol, symbol != reserved
	}
	w := walker{chunk: chunk, vector: vectorLength(chunk)}
	for n = 0; w.vector > 0 && n < left; n++ {
		symbol := w.shift()
		if symbol == reserved {
			return 0, 0, false
		}
		bytes += symbol
	}
	return n, bytes, true
}

func vectorLength(chunk uint16) int {
	if chunk&0x4000 == 0 {
		return 14
	}
	return 7
}

// walker goes through the statuses of a parsed feedback. A symbol is the number of
// bytes of its delta.
type walker struct {
	chunks, deltas []byte
	chunk          uint16
	run, vector    int   // statuses left in the chunk
	arrival        int64 // microseconds, of the last received packet
}

// next returns whether the next packet was received; then arrival is its time.
func (w *walker) next() bool {
	for w.run == 0 && w.vector == 0 {
		w.chunk = binary.BigEndian.Uint16(w.chunks)
		w.chunks = w.chunks[2:]
		if w.chunk&0x8000 == 0 {
			w.run = int(w.chunk & 0x1FFF)
		} else {
			w.vector = vectorLength(w.chunk)
		}
	}
	symbol := 0
	if w.run > 0 {
		w.run--
		symbol = int(w.chunk >> 13 & 3)
	} else {
		symbol = w.shift()
	}
	switch symbol {
	case smallDelta:
		w.arrival += int64(w.deltas[0]) * deltaUnit
	case largeDelta:
		w.arrival += int64(int16(binary.BigEndian.Uint16(w.deltas))) * deltaUnit
	default:
		return false
	}
	w.deltas = w.deltas[symbol:]
	return true
}

// shift takes the next symbol out of a vector.
func (w *walker) shift() int {
	w.vector--
	if w.chunk&0x4000 == 0 {
		return int(w.chunk >> w.vector & 1)
	}
	return int(w.chunk >> (2 * w.vector) & 3)
}
