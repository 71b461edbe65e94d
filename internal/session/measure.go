package session

import (
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/router"
)

const (
	// unheardFor is how long nothing at all, a check of ICE included, may come from a
	// client that is there. Its checks come every 2.5 s or so, and so do ours.
	unheardFor = 4 * time.Second
	// unsentFor is how long a publisher may take from DTLS to its first packet.
	unsentFor = 5 * time.Second
)

// Measures implements call.Sessions: how the connected sessions of a channel did since
// the last look.
func (s *Service) Measures(now time.Time, channel string) (list []call.Measure) {
	for _, sess := range s.all() {
		if sess.place.Channel != channel {
			continue
		}
		if m, ok := sess.measure(now); ok {
			list = append(list, m)
		}
	}
	return list
}

// measure is false for a session that is not connected, or over.
func (sess *session) measure(now time.Time) (call.Measure, bool) {
	sess.mu.Lock()
	connected, opened := sess.open && !sess.ended, sess.opened
	sess.mu.Unlock()
	if !connected {
		return call.Measure{}, false
	}
	m := call.Measure{
		Participant: sess.part.participant, Login: sess.part.login, Session: sess.id, Up: sess.action == auth.Publish,
		RTT: sess.conn.RTT().Seconds(), Silent: now.Sub(sess.lastSeen()) >= unheardFor,
	}
	switch media := sess.media.(type) {
	case *publishing:
		media.measure(now, opened, &m)
	case *viewing:
		media.measure(&m)
	}
	return m, true
}

// looked is what a publisher's counts were at the last look.
type looked struct {
	mu                sync.Mutex
	received, missing uint64
}

// measure fills in what came. A publisher that pauses is not silent as long as its
// client is heard: it may have nothing to say.
func (p *publishing) measure(now, opened time.Time, m *call.Measure) {
	stats := p.sess.conn.Ingest().Stats()
	m.Loss, m.Jitter = p.looked.loss(&stats), jitterOf(stats.Layers).Seconds()
	if stats.FirstPacket.IsZero() && now.Sub(opened) >= unsentFor {
		m.Silent = true
	}
}

// loss is the share of packets since the last look that did not come by themselves,
// whether repaired or not.
func (l *looked) loss(stats *router.IngestStats) float64 {
	var received, missing uint64
	for _, k := range stats.Kinds {
		received += k.Packets - min(k.Repaired, k.Packets)
		missing += k.Lost + k.Repaired
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	came, gone := float64(received)-float64(l.received), float64(missing)-float64(l.missing)
	l.received, l.missing = received, missing
	if came = max(came, 0); gone <= 0 {
		return 0
	}
	return gone / (came + gone)
}

// jitterOf is that of sound, whose packets are sent evenly, or else the worst of the
// pictures.
func jitterOf(layers []router.LayerStats) (jitter time.Duration) {
	sound := false
	for _, l := range layers {
		switch {
		case l.Kind == router.Audio && !sound:
			sound, jitter = true, l.Jitter
		case l.Kind == router.Audio || !sound:
			jitter = max(jitter, l.Jitter)
		}
	}
	return jitter
}

// measure fills in what the viewer reports, and what its path is believed to carry.
func (v *viewing) measure(m *call.Measure) {
	client := v.client.Load()
	if client == nil {
		return
	}
	stats := client.Viewer().Stats()
	m.Loss, m.Jitter = stats.PathLoss, stats.Jitter.Seconds()
	if stats.RTT > 0 {
		m.RTT = stats.RTT.Seconds()
	}
	if stats.Measured {
		m.Estimate, m.Wanted = stats.Estimate, stats.Wanted
	}
}
