package stamp

import (
	"bytes"
	"encoding/hex"
	"time"
)

const (
	// Size is the length of a stamp: the magic, 16 hexadecimal digits of time and 8
	// of the frame's number.
	Size = len(magic) + timeDigits + frameDigits
	// Window is how far into a payload a stamp may begin. Payload descriptors and
	// parameter sets in the same packet stand before it.
	Window = 96

	magic       = "hgTS"
	timeDigits  = 16
	frameDigits = 8
	digits      = "0123456789abcdef"
)

// Put writes a stamp to the first Size bytes of b: t to the nanosecond (years 1970
// to 2262), and the frame's number. It panics if b is shorter.
func Put(b []byte, t time.Time, frame uint32) {
	_ = b[Size-1]
	n := copy(b, magic)
	putHex(b[n:n+timeDigits], uint64(t.UnixNano()))
	putHex(b[n+timeDigits:Size], uint64(frame))
}

func putHex(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = digits[v&0xf]
		v >>= 4
	}
}

// Find returns what the first stamp in a payload says, if one begins within the
// first Window bytes. It allocates nothing.
func Find(payload []byte) (t time.Time, frame uint32, ok bool) {
	payload = payload[:min(len(payload), Window+Size-1)]
	for {
		at := bytes.Index(payload, []byte(magic))
		if at < 0 || len(payload)-at < Size {
			return time.Time{}, 0, false
		}
		if t, frame, ok = read(payload[at+len(magic):]); ok {
			return t, frame, true
		}
		payload = payload[at+1:]
	}
}

// read takes the digits behind the magic, at least Size less its length.
func read(b []byte) (time.Time, uint32, bool) {
	ns, ok := readHex(b[:timeDigits])
	frame, ok2 := readHex(b[timeDigits : timeDigits+frameDigits])
	if !ok || !ok2 || int64(ns) < 0 {
		return time.Time{}, 0, false
	}
	return time.Unix(0, int64(ns)), uint32(frame), true
}

// readHex reads lower-case digits only, so that no other text is a stamp.
func readHex(b []byte) (v uint64, ok bool) {
	var raw [timeDigits / 2]byte
	if bytes.ContainsAny(b, "ABCDEF") {
		return 0, false
	}
	n, err := hex.Decode(raw[:], b)
	if err != nil {
		return 0, false
	}
	for _, x := range raw[:n] {
		v = v<<8 | uint64(x)
	}
	return v, true
}
