package conformance

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// feedback is what a scripted publisher was told about its picture. It is safe for
// concurrent use.
type feedback struct {
	mu       sync.Mutex
	requests []time.Time // for key frames, PLI and FIR alike
	nacked   int         // packets that were called lost
	nacks    int         // NACK packets
}

func (f *feedback) take(packets []rtcp.Packet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, packet := range packets {
		switch packet := packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			f.requests = append(f.requests, time.Now())
		case *rtcp.TransportLayerNack:
			f.nacks++
			for i := range packet.Nacks {
				f.nacked += len(packet.Nacks[i].PacketList())
			}
		}
	}
}

// requested counts the requests for a key frame.
func (f *feedback) requested() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.requests)
}

// since returns when the first request after a moment came; zero for never.
func (f *feedback) since(moment time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, at := range f.requests {
		if at.After(moment) {
			return at
		}
	}
	return time.Time{}
}

// lost returns how many NACKs came, and how many packets they named.
func (f *feedback) lost() (nacks, packets int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nacks, f.nacked
}

// quietly waits until nobody has asked for a key frame for so long.
func (f *feedback) quietly(ctx context.Context, long, limit time.Duration) error {
	return steady(ctx, long, limit, f.requested)
}

// steady waits until a count has not changed for so long.
func steady(ctx context.Context, long, limit time.Duration, count func() int) error {
	seen, since := count(), time.Now()
	return eventually(ctx, limit, func() (bool, error) {
		if now := count(); now != seen {
			seen, since = now, time.Now()
		}
		return time.Since(since) >= long, nil
	})
}

// negotiates reports whether the section takes a kind of feedback (RFC 4585 4.2),
// for any codec.
func (m section) negotiates(feedback string) bool {
	return slices.ContainsFunc(m.values("rtcp-fb"), func(v string) bool {
		_, kind, _ := strings.Cut(v, " ")
		return kind == feedback
	})
}
