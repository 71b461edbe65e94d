package router

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// sortInterval is how often the order of a track's layers is looked at.
const sortInterval = 500 * time.Millisecond

// Ingest is one publisher's way in: demultiplexing, unwrapping of
// retransmissions, loss detection and feedback. It is pure: time and packets
// come in, datagrams come out.
//
// It is safe for concurrent use. Subscribers are called with its lock held and
// must not call back into it; methods of Track and Layer may be called.
type Ingest struct {
	mu      sync.Mutex
	cfg     IngestConfig
	demux   *demux
	feeds   []*trackFeed
	born    time.Time // the first call; base of all durations
	closed  bool
	ext     ingestExtensions // of the packet in hand
	numbers []uint16         // scratch

	transport *transportFeedback // nil: not negotiated
	reports   reportPolicy
	sorted    time.Time
	ticked    time.Time // the newest Tick
	stats     IngestStats
}

// NewIngest makes the way in of one publisher. Its layers appear on its tracks
// with their first packets.
func NewIngest(cfg IngestConfig) *Ingest {
	cfg.Settings = cfg.Settings.withDefaults()
	in := &Ingest{cfg: cfg, demux: newDemux(cfg.Sections, cfg.Settings.RebindAfter)}
	for _, s := range in.demux.sections {
		s.feed = in.feed(s.Track)
	}
	in.transport = newTransportFeedback(&in.cfg)
	in.reports = newReportPolicy(&in.cfg)
	return in
}

// feed returns the hold on a track, one for all sections that feed it.
func (in *Ingest) feed(t *Track) *trackFeed {
	for _, f := range in.feeds {
		if f.track == t {
			return f
		}
	}
	f := &trackFeed{track: t, clocks: timebases{shared: t.clock.begin(in)}}
	in.feeds = append(in.feeds, f)
	return f
}

// RTP takes one decrypted RTP packet of any SSRC: media, retransmission, padding
// and probes on SSRC 0 alike, in order of arrival. b is not kept.
func (in *Ingest) RTP(now time.Time, b []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.begin(now)
	in.stats.Packets++
	in.stats.Bytes += uint64(len(b))
	in.stats.LastPacket = now
	if in.stats.FirstPacket.IsZero() {
		in.stats.FirstPacket = now
	}
	h, ok := parseIngestHeader(b)
	if !ok {
		in.stats.Malformed++
		return
	}
	in.receive(now, &h, b)
}

func (in *Ingest) begin(now time.Time) {
	if in.born.IsZero() {
		in.born = now
	}
}

// receive counts the packet for the feedback, finds its place and takes it.
func (in *Ingest) receive(now time.Time, h *ingestHeader, raw []byte) {
	in.ext = ingestExtensions{}
	bound, known := in.demux.bound[h.ssrc]
	if known {
		in.ext.read(*h, &bound.slot.section.roles)
	} else {
		in.ext.read(*h, &in.demux.roles)
	}
	if in.transport != nil && in.ext.hasTransport {
		in.transport.record(now.Sub(in.born), h.ssrc, in.ext.transport)
	}
	if !known {
		if bound, known = in.demux.bind(now, h, &in.ext); !known {
			in.stats.Unbound++
			return
		}
		in.ext = ingestExtensions{}
		in.ext.read(*h, &bound.slot.section.roles)
	}
	in.take(now, bound, h, raw)
}

// take hands a packet of a bound SSRC to its stream. A payload type that does
// not belong to the SSRC's role is not taken.
func (in *Ingest) take(now time.Time, bound boundSSRC, h *ingestHeader, raw []byte) {
	role := bound.slot.section.payloads[h.payloadType]
	if role.media == nil || role.repair != bound.repair {
		in.stats.Unbound++
		return
	}
	m := incoming{
		seq: h.seq, timestamp: h.timestamp, marker: h.marker,
		codec: role.media, payload: h.payload, ext: &in.ext, raw: raw,
	}
	if bound.repair && !m.unwrap() || !in.place(bound.slot, h.ssrc, &m) {
		return
	}
	if s := bound.slot.stream; s.accept(now, &m) {
		in.renumber(now, s, &m)
	}
}

// place makes sure that the slot has a stream. Retransmissions make none.
func (in *Ingest) place(slot *streamSlot, ssrc uint32, m *incoming) bool {
	if slot.stream == nil && !m.repaired {
		slot.used = true
		slot.stream = newIngestStream(ssrc, slot, in.born, &in.cfg.Settings, m.codec)
	}
	return slot.stream != nil
}

// renumber begins a new numbering with the packet that was held and the one that
// confirmed it.
func (in *Ingest) renumber(now time.Time, s *ingestStream, m *incoming) {
	held := append([]byte(nil), s.held...)
	s.restart(now, m.codec)
	if h, ok := parseIngestHeader(held); ok {
		if role := s.slot.section.payloads[h.payloadType]; role.media != nil && !role.repair {
			var x ingestExtensions
			x.read(h, &s.slot.section.roles)
			s.accept(now, &incoming{
				seq: h.seq, timestamp: h.timestamp, marker: h.marker,
				codec: role.media, payload: h.payload, ext: &x, raw: held,
			})
		}
	}
	s.accept(now, m)
}

// unwrap makes the original packet of a retransmission (RFC 4588 section 4). One
// with nothing in it is a probe (M-005).
func (m *incoming) unwrap() bool {
	if len(m.payload) <= 2 {
		return false
	}
	m.seq, m.payload = binary.BigEndian.Uint16(m.payload), m.payload[2:]
	m.repaired = true
	return true
}

// Tick does what is due and returns the RTCP to send, one element for each
// datagram; a NACK is always alone in its datagram. It is to be called about
// every 10 ms.
func (in *Ingest) Tick(now time.Time) [][]rtcp.Packet {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.born.IsZero() {
		return nil
	}
	in.ticked = now
	var out [][]rtcp.Packet
	var asks []rtcp.Packet
	for s := range in.streams() {
		if len(s.open) > 0 && now.Sub(s.since) >= in.cfg.Settings.BurstHold {
			s.flush()
		}
		if nack := in.nack(now, s); nack != nil {
			out = append(out, []rtcp.Packet{nack})
		}
		if ask := in.askKeyFrame(now, s); ask != nil {
			asks = append(asks, ask)
		}
	}
	if asks != nil {
		out = append(out, asks)
	}
	if in.transport != nil {
		out = in.transport.due(now.Sub(in.born), out)
	}
	out = in.report(now, out)
	in.sort(now)
	return out
}

// streams yields the streams that live.
func (in *Ingest) streams() func(yield func(*ingestStream) bool) {
	return func(yield func(*ingestStream) bool) {
		for _, section := range in.demux.sections {
			for _, slot := range section.slots {
				if slot.stream != nil && !slot.stream.ended && !yield(slot.stream) {
					return
				}
			}
		}
	}
}

func (in *Ingest) nack(now time.Time, s *ingestStream) rtcp.Packet {
	if len(s.nack.missing) == 0 {
		return nil
	}
	in.numbers = s.nack.due(now, s.numbers.highest, in.numbers[:0])
	if len(in.numbers) == 0 {
		return nil
	}
	s.stats.NACKs += uint64(len(in.numbers))
	return &rtcp.TransportLayerNack{
		SenderSSRC: in.cfg.SenderSSRC, MediaSSRC: s.ssrc,
		Nacks: rtcp.NackPairsFromSequenceNumbers(in.numbers),
	}
}

func (in *Ingest) askKeyFrame(now time.Time, s *ingestStream) rtcp.Packet {
	if s.inspect == nil || s.layer == nil {
		return nil
	}
	if s.layer.wanted.Swap(false) {
		s.keys.request()
	}
	s.keys.try(now.Sub(s.stats.FirstPacket))
	s.keys.excuse(now, s.layer.newest())
	due := s.keys.due(now)
	s.layer.deaf.Store(s.keys.deaf)
	if !due {
		return nil
	}
	s.stats.KeyRequests++
	if s.keys.can == feedbackPLI {
		return &rtcp.PictureLossIndication{SenderSSRC: in.cfg.SenderSSRC, MediaSSRC: s.ssrc}
	}
	return &rtcp.FullIntraRequest{
		SenderSSRC: in.cfg.SenderSSRC,
		FIR:        []rtcp.FIREntry{{SSRC: s.ssrc, SequenceNumber: s.keys.command}},
	}
}

func (in *Ingest) sort(now time.Time) {
	if now.Sub(in.sorted) < sortInterval {
		return
	}
	in.sorted = now
	for _, f := range in.feeds {
		if len(f.layers) > 1 {
			f.sort(now)
		}
	}
}

// Close ends the publisher: its layers leave the tracks, and packets that still
// come are ignored.
func (in *Ingest) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.closed = true
	for s := range in.streams() {
		s.leave()
	}
}
