package conformance

import (
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// ledger is every packet a scripted viewer got, and every report. It is safe for
// concurrent use.
type ledger struct {
	mu      sync.Mutex
	packets map[webrtc.RTPCodecType][]entry
	reports map[uint32][]*rtcp.SenderReport
	names   map[uint32]string // CNAMEs
}

// entry is one packet as it arrived.
type entry struct {
	rtp.Header
	at      time.Time
	payload []byte
	mark    mark
	marked  bool
}

func newLedger() *ledger {
	return &ledger{packets: make(map[webrtc.RTPCodecType][]entry), reports: make(map[uint32][]*rtcp.SenderReport), names: make(map[uint32]string)}
}

// take enters a packet.
func (l *ledger) take(kind webrtc.RTPCodecType, packet *rtp.Packet) {
	e := entry{Header: packet.Header, at: time.Now(), payload: packet.Payload}
	e.mark, e.marked = markIn(packet.Payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets[kind] = append(l.packets[kind], e)
}

// listen enters the reports about a track until the connection ends.
func (l *ledger) listen(receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		l.mu.Lock()
		for _, packet := range packets {
			switch p := packet.(type) {
			case *rtcp.SenderReport:
				l.reports[p.SSRC] = append(l.reports[p.SSRC], p)
			case *rtcp.SourceDescription:
				l.describe(p)
			}
		}
		l.mu.Unlock()
	}
}

func (l *ledger) describe(p *rtcp.SourceDescription) {
	for _, chunk := range p.Chunks {
		for _, item := range chunk.Items {
			if item.Type == rtcp.SDESCNAME {
				l.names[chunk.Source] = item.Text
			}
		}
	}
}

// got is a copy of the packets of a kind, in the order of arrival.
func (l *ledger) got(kind webrtc.RTPCodecType) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.packets[kind])
}

// last is the newest packet of a kind that has a mark.
func (l *ledger) last(kind webrtc.RTPCodecType) (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range slices.Backward(l.packets[kind]) {
		if e.marked {
			return e, true
		}
	}
	return entry{}, false
}

// inOrder is got by sequence number: what was repaired late stands where it belongs.
func (l *ledger) inOrder(kind webrtc.RTPCodecType) []entry {
	all := l.got(kind)
	slices.SortStableFunc(all, func(a, b entry) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) }) //nolint:gosec // serial numbers
	return all
}
