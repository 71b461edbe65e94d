package audience

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
	"github.com/headgate/headgate/whep"
)

// Viewer is one WHEP session that receives. It is safe for concurrent use.
//
// Ownership: the sweeper of its Audience alone reads the socket; mu is held while
// it does, and by whoever looks at or ends the viewer.
type Viewer struct {
	audience *Audience
	session  *whep.Session
	began    time.Time
	once     sync.Once
	leaving  error

	mu       sync.Mutex
	socket   *socket // nil once the viewer left
	keys     *credentials
	secrets  *secrets
	answer   *answer
	goodbye  []byte
	flight   [][]byte
	early    []arrival
	streams  []*stream
	timings  Timings
	since    time.Time
	delay    Histogram
	counts   viewerCounts
	received uint64 // bytes since the join
	// unstamped counts frames that were looked into in vain.
	unstamped int
	consent   consent
	feedback  feedback
	ended     bool
	// witness decrypts everything.
	witness bool
	wish    wish
	// self is the number of the viewer's own source, 0 for none.
	self int
}

// viewerCounts are what Reset forgets, beside those of the streams.
type viewerCounts struct {
	packets, bytes, dropped, undecipherable uint64
	overflow                                uint64 // what the system had counted at Reset
}

// Leave ends the session: DELETE, close_notify, and the socket is closed, even if
// the DELETE fails or ctx is over. To leave again returns what the first time did.
func (v *Viewer) Leave(ctx context.Context) error {
	v.once.Do(func() {
		v.leaving = v.session.Delete(ctx)
		v.hangUp()
	})
	return v.leaving
}

func (v *Viewer) hangUp() {
	v.mu.Lock()
	stats := v.stats(v.audience.cfg.Now())
	stats.Viewers, stats.Ended, stats.Silent, stats.KeyFramesMissing, stats.Shown, stats.OnLayer = 0, 0, 0, 0, 0, [stamp.MaxLayers]int{}
	var err error
	if v.goodbye != nil {
		err = v.socket.write(v.goodbye)
	}
	err = errors.Join(err, v.socket.close())
	v.socket = nil
	v.mu.Unlock()
	if err != nil {
		v.audience.cfg.Log.Debug("closing a viewer", slog.Any("err", err))
	}
	v.audience.retire(v, &stats)
}

// Timings tells how the set-up went, so far.
func (v *Viewer) Timings() Timings {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.timings
	for _, s := range v.streams {
		if at := s.frames.first; s.video && !at.IsZero() && (t.FirstKeyFrame == 0 || at.Sub(v.began) < t.FirstKeyFrame) {
			t.FirstKeyFrame = at.Sub(v.began)
		}
	}
	return t
}

// Stats are those of this viewer since Reset. They are empty once it left.
func (v *Viewer) Stats() ViewerStats {
	now := v.audience.cfg.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.socket == nil {
		return ViewerStats{}
	}
	stats := ViewerStats{Stats: v.stats(now), Since: v.since}
	for _, s := range v.streams {
		if !s.rtx {
			stats.Streams = append(stats.Streams, s.stats(now.Sub(v.since)))
		}
	}
	return stats
}

func (s *stream) stats(over time.Duration) StreamStats {
	stats := StreamStats{SSRC: s.ssrc, Video: s.video, Codec: s.codec, Packets: s.counts.packets, Bytes: s.counts.bytes}
	if over > 0 {
		stats.BitsPerSecond = 8 * float64(s.counts.bytes) / over.Seconds()
	}
	return stats
}

// stats adds up; the caller holds mu and the socket is open.
func (v *Viewer) stats(now time.Time) Stats {
	c := &v.counts
	stats := Stats{
		Viewers: 1, Packets: c.packets, Bytes: c.bytes, Dropped: c.dropped, Undecipherable: c.undecipherable,
		Overflow: v.socket.overflow() - c.overflow, Delay: v.delay,
	}
	stats.Ended = one(v.ended)
	stats.Silent = one(!v.ended && !v.audience.cfg.DeafToMedia && v.consent.lost(now))
	missing := true
	for _, s := range v.streams {
		s.addTo(&stats, now)
		missing = missing && (!s.video || s.frames.first.IsZero())
	}
	stats.KeyFramesMissing = one(missing)
	stats.Transports = v.feedback.transports
	stats.SwitchDelay, stats.Wishes, stats.WishesUnmet = v.wish.delay, v.wish.made, v.wish.unmet
	return stats
}

func (s *stream) addTo(stats *Stats, now time.Time) {
	if s.rtx {
		return
	}
	stats.NACKs += s.asked.nacks
	stats.PLIs += s.asked.plis
	stats.Expected += s.counts.expected
	stats.Lost += s.counts.expected - min(s.counts.unique, s.counts.expected)
	stats.Duplicates += s.counts.duplicates
	stats.Reordered += s.counts.reordered
	stats.Retransmitted += s.counts.retransmitted
	stats.StepsBack += s.counts.stepsBack
	s.seat.addTo(stats, now, s.video)
	if s.video {
		stats.Frames += s.frames.begun
		stats.FramesBroken += s.frames.broken
		stats.FramesSkipped += s.frames.skipped
		stats.Freezes += s.frames.freezes + uint64(one(s.frames.frozenNow(now)))
		stats.LongestFreeze = max(stats.LongestFreeze, s.frames.longest)
		if s.frames.frozenNow(now) {
			stats.LongestFreeze = max(stats.LongestFreeze, now.Sub(s.frames.shownAt))
		}
		stats.Frozen += s.frames.frozen
		stats.FramesStood += s.frames.stood
		s.layers.addTo(stats)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// reset forgets counts.
func (v *Viewer) reset(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.socket == nil {
		return
	}
	v.counts = viewerCounts{overflow: v.socket.overflow()}
	v.delay = Histogram{}
	v.feedback.transports = 0
	v.wish.reset()
	v.since = now
	for _, s := range v.streams {
		s.reset()
	}
}
