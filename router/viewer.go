package router

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/bwe"
)

// SectionConfig is one media section of a viewer's answer.
type SectionConfig struct {
	Mid  string
	Kind Kind
	// SSRC is constant for the section's life (M-040). RTXSSRC is that of its
	// retransmissions, 0 when RTX was not negotiated.
	SSRC, RTXSSRC uint32
	// PayloadTypes are those answered; any of them may be sent.
	PayloadTypes []PayloadType
	// Extensions has the viewer's ids.
	Extensions Extensions
}

// ViewerConfig describes a viewer.
type ViewerConfig struct {
	// ID is the public session id, for statistics.
	ID       string
	Sections []SectionConfig
	// CNAME goes into every report. It is the stream id of the answer's msid, so
	// that players synchronise the sections (M-072).
	CNAME string
	// MaxBits bounds what the viewer is sent, in bits per second on the wire; 0 does
	// not. It comes from the b= lines of its offer (M-104). A picture whose
	// lowest layer takes a quarter more than that is paused.
	MaxBits int
	// Settings is DefaultViewerSettings if left zero.
	Settings ViewerSettings
	// Handle is the worker's own and comes back with Viewer.Handle.
	Handle any
}

// Viewer is the router's half of a WHEP session. One Shard owns it, and only that
// shard's goroutine may touch it; Stats, Handle, ID and Plays are safe from any
// goroutine.
type Viewer struct {
	cfg      ViewerConfig
	sections []*section
	shard    *Shard
	clock    ntpClock

	held    bool          // pictures are stopped, see Shard.Stall
	rtt     time.Duration // newest from a receiver report; 0 unknown
	path    path
	bwe     *bwe.Estimator
	shares  bwe.Allocator
	demands []bwe.Demand
	grants  []int
	timer   wakeTimer
	// allocated and believed are the estimate that was shared out last, and whether
	// it was measured.
	allocated         int
	believed          bool
	estimate          int       // the latest
	wanted            int       // what would be sent if the path carried it
	lacking           int       // what everything takes, 0 while it is granted
	least             int       // what sound and the lowest steps take
	fellAt            time.Time // it was clearly less than the one before
	raisedAt          time.Time // a higher layer took over
	tracked           bool      // the viewer reports on every packet
	padAt, allocateAt time.Time
	pacer             pacer
	floodedAt         time.Time   // the only layer was stopped for its queue
	pending           viewerTally // counted in this call, not yet added to stats
	counters          viewerCounters
}

// NewViewer makes a viewer that is not yet part of a Shard.
func NewViewer(cfg ViewerConfig) *Viewer {
	if cfg.Settings == (ViewerSettings{}) {
		cfg.Settings = DefaultViewerSettings()
	}
	v := &Viewer{cfg: cfg, bwe: bwe.New(bwe.DefaultConfig())}
	v.timer.owner = v
	for i := range cfg.Sections {
		first := 1 + rand.Int64N(1<<14) // low, so that the first numbers never wrap (RFC 3711 section 3.3.1)
		v.sections = append(v.sections, newSection(v, cfg.Sections[i], first, rand.Uint32()))
	}
	return v
}

// Handle returns the worker's own value.
func (v *Viewer) Handle() any { return v.cfg.Handle }

// ID returns the public session id.
func (v *Viewer) ID() string { return v.cfg.ID }

// Plays tells whether a section negotiated a payload type that can carry c. Media
// it cannot carry is not forwarded. It is false for a section that does not exist.
func (v *Viewer) Plays(section int, c Codec) bool {
	if section < 0 || section >= len(v.cfg.Sections) {
		return false
	}
	_, ok := payloadTypeFor(v.cfg.Sections[section].PayloadTypes, c)
	return ok
}

// bySSRC returns the section that an SSRC names, as media or as retransmission.
func (v *Viewer) bySSRC(ssrc uint32) *section {
	for _, s := range v.sections {
		if s.cfg.SSRC == ssrc || s.cfg.RTXSSRC == ssrc && ssrc != 0 {
			return s
		}
	}
	return nil
}

// Traffic is how many packets, and how many bytes they had.
type Traffic struct{ Packets, Bytes uint64 }

// ViewerStats is a snapshot of what a viewer was sent and told us.
type ViewerStats struct {
	// Packets and Bytes count RTP packets and the bytes of whole RTP packets,
	// retransmissions included. Sent is the same by Kind.
	Packets, Bytes uint64
	Sent           [2]Traffic
	// NACKs counts the packets asked for, Retransmitted those sent again, NotFound
	// those the gateway no longer or never had, Suppressed those a bound refused.
	NACKs, Retransmitted, NotFound, Suppressed uint64
	// PLIs counts key-frame requests, PLI and FIR.
	PLIs uint64
	// KeyFrames counts key frames begun, Switches changes of layer, source or
	// publisher, Replays how often a group was replayed, Stalls how often a picture
	// was stopped because its path or the gateway was too slow.
	KeyFrames, Switches, Replays, Stalls uint64
	// Padding counts the bytes of probes, which Bytes does not.
	Padding uint64
	// Estimate is what the path is believed to carry in bits per second; Measured
	// tells that something was heard that says so. Queue is how long packets are
	// believed to wait on it.
	Estimate int
	Measured bool
	// Wanted is what all that the viewer asks for would take in bits per second, 0
	// while it gets all of it.
	Wanted int
	Queue  time.Duration
	// Paused tells that a picture is stopped, because the path does not carry it.
	Paused bool
	// Layer is the RID of what is shown in the first section of video, Width and
	// Height its size in pixels; empty and 0 where that is not known.
	Layer         string
	Width, Height int
	// FractionLost is the loss of the latest receiver reports, 0 to 1, the worst
	// of the sections; Jitter the worst interarrival jitter.
	FractionLost float64
	// PathLoss is FractionLost without what the gateway never had: holes in what the
	// publishers sent.
	PathLoss float64
	Jitter   time.Duration
	// RTT is the newest round trip from a receiver report, 0 before the first.
	RTT time.Duration
	// FirstPacket and FirstKeyFrame are when the first were planned; zero before.
	FirstPacket, FirstKeyFrame time.Time
}

// viewerTally counts within one call of the shard.
type viewerTally struct {
	sent                                       [2]Traffic // by Kind
	nacks, retransmitted, notFound, suppressed uint64
	plis, keyFrames, switches, replays, stalls uint64
	padding                                    uint64
}

// viewerCounters are read from any goroutine.
type viewerCounters struct {
	sent                                       [2]struct{ packets, bytes atomic.Uint64 }
	nacks, retransmitted, notFound, suppressed atomic.Uint64
	plis, keyFrames, switches, replays, stalls atomic.Uint64
	padding, estimate, lacking, pathLoss       atomic.Uint64
	measured, paused                           atomic.Bool
	queue                                      atomic.Int64  // ns
	fraction                                   atomic.Uint32 // in 256ths
	jitter, rtt                                atomic.Int64  // ns
	firstPacket, firstKeyFrame                 atomic.Pointer[time.Time]
}

// Stats returns the statistics. Any goroutine may call it.
func (v *Viewer) Stats() ViewerStats {
	c := &v.counters
	s := ViewerStats{
		NACKs: c.nacks.Load(), Retransmitted: c.retransmitted.Load(),
		NotFound: c.notFound.Load(), Suppressed: c.suppressed.Load(),
		PLIs: c.plis.Load(), KeyFrames: c.keyFrames.Load(),
		Switches: c.switches.Load(), Replays: c.replays.Load(), Stalls: c.stalls.Load(),
		FractionLost: float64(c.fraction.Load()) / 256,
		Jitter:       time.Duration(c.jitter.Load()), RTT: time.Duration(c.rtt.Load()),
	}
	s.Padding, s.Estimate, s.Measured = c.padding.Load(), int(c.estimate.Load()), c.measured.Load()
	s.Wanted, s.PathLoss = int(c.lacking.Load()), math.Float64frombits(c.pathLoss.Load())
	s.Queue, s.Paused = time.Duration(c.queue.Load()), c.paused.Load()
	s.Layer, s.Width, s.Height = v.shown()
	for k := range c.sent {
		s.Sent[k] = Traffic{Packets: c.sent[k].packets.Load(), Bytes: c.sent[k].bytes.Load()}
		s.Packets += s.Sent[k].Packets
		s.Bytes += s.Sent[k].Bytes
	}
	if t := c.firstPacket.Load(); t != nil {
		s.FirstPacket = *t
	}
	if t := c.firstKeyFrame.Load(); t != nil {
		s.FirstKeyFrame = *t
	}
	return s
}

// shown is what the first section of video shows.
func (v *Viewer) shown() (rid string, width, height int) {
	for _, s := range v.sections {
		if l, sent := s.showsNow(); l != nil && s.cfg.Kind == Video {
			width, height = l.SizeUpTo(int(sent.spatial))
			return l.RID(), width, height
		}
	}
	return "", 0, 0
}

// note publishes what is believed of the path.
func (v *Viewer) note(now time.Time) {
	paused := false
	for _, s := range v.sections {
		paused = paused || s.paused != 0
	}
	v.counters.estimate.Store(uint64(v.allocated))
	v.counters.lacking.Store(uint64(v.lacking))
	v.counters.measured.Store(v.believed)
	v.counters.queue.Store(int64(v.bwe.Queue(now)))
	v.counters.paused.Store(paused)
}

// flush adds what the call counted to the counters: two atomic operations for a
// burst, not for each packet.
func (v *Viewer) flush(now time.Time) {
	t := &v.pending
	for k := range t.sent {
		if t.sent[k].Packets != 0 {
			v.flushSent(now, k)
		}
	}
	if *t != (viewerTally{}) {
		v.flushRare(now)
	}
}

func (v *Viewer) flushSent(now time.Time, kind int) {
	t, c := &v.pending.sent[kind], &v.counters
	if c.firstPacket.Load() == nil {
		first := now // a copy, so that only the first call allocates
		c.firstPacket.Store(&first)
	}
	c.sent[kind].packets.Add(t.Packets)
	c.sent[kind].bytes.Add(t.Bytes)
	*t = Traffic{}
}

func (v *Viewer) flushRare(now time.Time) {
	t, c := &v.pending, &v.counters
	if t.keyFrames != 0 && c.firstKeyFrame.Load() == nil {
		first := now
		c.firstKeyFrame.Store(&first)
	}
	c.nacks.Add(t.nacks)
	c.retransmitted.Add(t.retransmitted)
	c.notFound.Add(t.notFound)
	c.suppressed.Add(t.suppressed)
	c.plis.Add(t.plis)
	c.keyFrames.Add(t.keyFrames)
	c.switches.Add(t.switches)
	c.replays.Add(t.replays)
	c.stalls.Add(t.stalls)
	c.padding.Add(t.padding)
	*t = viewerTally{}
}
