package push

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// reports keeps what the server's receiver reports said last. It is safe for
// concurrent use.
type reports struct {
	mu   sync.Mutex
	rtt  time.Duration
	loss map[uint32]float64 // by SSRC
}

func (r *reports) last() (rtt time.Duration, loss float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.loss {
		loss = max(loss, l)
	}
	return r.rtt, loss
}

func (r *reports) take(now time.Time, block rtcp.ReceptionReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loss == nil {
		r.loss = make(map[uint32]float64)
	}
	r.loss[block.SSRC] = float64(block.FractionLost) / 256
	if rtt, ok := roundTrip(now, block); ok {
		r.rtt = rtt
	}
}

// roundTrip is RFC 3550 section 6.4.1: all three in units of 1/65536 s.
func roundTrip(now time.Time, block rtcp.ReceptionReport) (time.Duration, bool) {
	if block.LastSenderReport == 0 {
		return 0, false
	}
	units := middle(now) - block.LastSenderReport - block.Delay
	rtt := time.Duration(units) * time.Second >> 16
	return rtt, rtt < time.Minute // clocks that leap make it absurd
}

// middle is the middle 32 bits of an NTP timestamp.
func middle(now time.Time) uint32 {
	const secondsFrom1900To1970 = 2208988800
	seconds := uint64(now.Unix()) + secondsFrom1900To1970 //nolint:gosec // after 1970
	fraction := uint64(now.Nanosecond()) << 16 / uint64(time.Second)
	return uint32(seconds<<16 | fraction) //nolint:gosec // the middle is meant
}

// readRTCP takes what comes back for a track, until the connection ends. The
// interceptors see packets only if somebody reads them.
func (r *runner) readRTCP(sender *webrtc.RTPSender, t *track, live bool) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				t.asked.Add(1)
				if live {
					r.warned.Do(r.cannotObey)
				}
			case *rtcp.ReceiverReport:
				for _, block := range p.Reports {
					r.reports.take(time.Now(), block)
				}
			}
		}
	}
}

func (r *runner) cannotObey() {
	r.notify("the server asks for a key frame, which cannot be passed on to the encoder: viewers wait for its next one; let it make one every second or two")
}
