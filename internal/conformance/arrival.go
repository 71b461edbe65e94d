package conformance

import (
	"slices"
	"time"

	"github.com/pion/rtp"
)

// arrival is one packet as a viewer got it.
type arrival struct {
	at        time.Time
	seq       uint16
	timestamp uint32
	payload   int // bytes
	key       bool
	// repaired packets came as retransmissions (RFC 4588).
	repaired bool
}

func (s *stream) note(packet *rtp.Packet, repaired bool) {
	s.log = append(s.log, arrival{
		at: time.Now(), seq: packet.SequenceNumber, timestamp: packet.Timestamp,
		payload: len(packet.Payload), key: startsKeyFrame(packet.Payload), repaired: repaired,
	})
}

// inOrder returns a copy of a log by number, each number once.
func inOrder(log []arrival) []arrival {
	sorted := slices.Clone(log)
	slices.SortStableFunc(sorted, func(a, b arrival) int { return int(int16(a.seq - b.seq)) }) //nolint:gosec // the distance of RFC 3550 A.1
	return slices.CompactFunc(sorted, func(a, b arrival) bool { return a.seq == b.seq })
}

// holes counts the numbers that never came between the first and the last.
func holes(log []arrival) int {
	sorted := inOrder(log)
	if len(sorted) == 0 {
		return 0
	}
	span := int(sorted[len(sorted)-1].seq-sorted[0].seq) + 1
	return span - len(sorted)
}
