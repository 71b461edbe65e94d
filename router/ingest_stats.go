package router

import "time"

// IngestStats is what one publisher's way in has seen and done so far.
type IngestStats struct {
	// Packets and Bytes count everything that came, retransmissions, padding and
	// what could not be used included; Bytes are whole RTP packets.
	Packets, Bytes uint64
	// Malformed could not be read as RTP, Unbound belonged to no section.
	Malformed, Unbound uint64
	// FirstPacket and FirstKeyFrame are zero until there was one.
	FirstPacket, FirstKeyFrame time.Time
	// LastPacket is when the newest RTP packet came.
	LastPacket time.Time
	// Kinds are sums over all layers there ever were, by Kind.
	Kinds [2]IngestCount
	// RIDs are those of the simulcast answers, in the offer's order; Awaited are
	// those of them under which nothing has come so far (N-217).
	RIDs, Awaited []string
	// Layers are those alive, by section and in the order they appeared.
	Layers []LayerStats
}

// LayerStats is the part of IngestStats that belongs to one SSRC.
type LayerStats struct {
	Mid, RID string
	Kind     Kind
	SSRC     uint32
	Codec    Codec
	// Packets and Bytes count media handed on: without padding, duplicates and
	// RTP headers.
	Packets, Bytes uint64
	// Missing are numbers that were jumped over when a later one came, Lost those of
	// them that never came by themselves, Repaired those that a retransmission brought.
	Missing, Lost, Repaired uint64

	Duplicates    uint64
	NACKs         uint64 // packets asked for, repetitions included
	KeyRequests   uint64 // PLIs or FIRs sent
	KeyFrames     uint64
	RTT           time.Duration // of answered NACKs
	Jitter        time.Duration // RFC 3550 A.8
	FirstPacket   time.Time
	FirstKeyFrame time.Time
	Width, Height int
	Bitrate       int // bits per second, 0 while nothing comes
	Facts         StreamFacts
}

// IngestCount is what was counted of the media of one kind; the fields are those
// of LayerStats. All but Lost only grow.
type IngestCount struct {
	Packets, Bytes                      uint64
	Missing, Lost, Repaired, Duplicates uint64
	NACKs, KeyRequests, KeyFrames       uint64
}

// Add adds o to c.
func (c *IngestCount) Add(o *IngestCount) {
	c.Packets += o.Packets
	c.Bytes += o.Bytes
	c.Missing += o.Missing
	c.Lost += o.Lost
	c.Repaired += o.Repaired
	c.Duplicates += o.Duplicates
	c.NACKs += o.NACKs
	c.KeyRequests += o.KeyRequests
	c.KeyFrames += o.KeyFrames
}

func (c *IngestCount) add(l *LayerStats) {
	c.Add(&IngestCount{
		Packets: l.Packets, Bytes: l.Bytes, Missing: l.Missing, Lost: l.Lost, Repaired: l.Repaired, Duplicates: l.Duplicates,
		NACKs: l.NACKs, KeyRequests: l.KeyRequests, KeyFrames: l.KeyFrames,
	})
}

// Stats returns what was counted so far.
func (in *Ingest) Stats() IngestStats {
	in.mu.Lock()
	defer in.mu.Unlock()
	stats := in.stats
	stats.Kinds = in.demux.counts()
	stats.RIDs, stats.Awaited = in.demux.rids()
	for s := range in.streams() {
		l := s.snapshot(in.latest())
		stats.Layers = append(stats.Layers, l)
		if first := l.FirstKeyFrame; l.Kind == Video && !first.IsZero() &&
			(stats.FirstKeyFrame.IsZero() || first.Before(stats.FirstKeyFrame)) {
			stats.FirstKeyFrame = first
		}
	}
	return stats
}

// latest is the newest moment the Ingest knows of.
func (in *Ingest) latest() time.Time {
	if in.ticked.After(in.stats.LastPacket) {
		return in.ticked
	}
	return in.stats.LastPacket
}

func (s *ingestStream) snapshot(now time.Time) LayerStats {
	l := s.stats
	l.RTT = s.nack.rtt
	l.Facts = s.factsNow()
	l.Jitter = durationOf(int64(s.reception.jitter), s.numbers.rate)
	if s.layer != nil {
		l.Width, l.Height = s.layer.Size()
		l.Bitrate = s.layer.Bitrate(now)
	}
	return l
}
