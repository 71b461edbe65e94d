package audience

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

// reportState is what a receiver report says about a stream (RFC 3550 sections
// 6.4.1 and A.3). Reset does not touch it, and retransmissions by RTX do not count.
type reportState struct {
	received               uint64
	priorExpected, priorIn uint64
	timestamp              uint32
	transit                int32
	jitter                 float64 // in timestamps
	// sender is the middle of the NTP time in the last sender report, at when it
	// came.
	sender uint32
	at     time.Time
}

// arrived counts a packet that is no duplicate; those with a new timestamp tell
// the jitter.
func (r *reportState) arrived(now time.Time, timestamp, clock uint32) {
	r.received++
	if r.received > 1 && timestamp == r.timestamp {
		return
	}
	r.timestamp = timestamp
	transit := int32(uint32(now.UnixMicro()*int64(clock)/1_000_000) - timestamp)
	if r.received > 1 {
		d := transit - r.transit
		r.jitter += (float64(max(d, -d)) - r.jitter) / 16
	}
	r.transit = transit
}

// block writes a report and begins the next interval.
func (r *reportState) block(now time.Time, s *stream) rtcp.ReceptionReport {
	expected := uint64(s.seq.highest - s.seq.first + 1)
	b := rtcp.ReceptionReport{
		SSRC: s.ssrc, LastSequenceNumber: uint32(s.seq.highest - 1<<16), Jitter: uint32(r.jitter),
		TotalLost: uint32(min(expected-min(r.received, expected), 1<<23-1)),
	}
	if interval := expected - r.priorExpected; expected > r.priorExpected {
		in := r.received - r.priorIn
		b.FractionLost = uint8(min((interval-min(in, interval))<<8/interval, 255))
	}
	r.priorExpected, r.priorIn = expected, r.received
	if !r.at.IsZero() {
		b.LastSenderReport = r.sender
		b.Delay = uint32(now.Sub(r.at).Seconds() * 65536)
	}
	return b
}

// senderReports reads the sender reports of a compound that was decrypted.
func senderReports(b []byte, found func(ssrc, middle uint32)) {
	const senderReport = 200
	for len(b) >= 4 {
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return
		}
		if b[1] == senderReport && n >= 28 {
			found(binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[10:]))
		}
		b = b[n:]
	}
}
