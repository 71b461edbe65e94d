package router

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// The numbers of the publisher in these tests.
const (
	intakeVideoPT  = 96
	intakeRTX      = 97
	intakeAudioPT  = 111
	intakeVideo    = 0x1001
	intakeRepair   = 0x1002
	intakeAudio    = 0x2001
	intakeFrame    = 3000 // 90 kHz units of 30 frames a second
	intakeOwn      = 0x9999
	intakeMID      = 1
	intakeRID      = 2
	intakeRepaired = 3
	intakeTCC      = 4
	intakeLevel    = 5
	intakeCapture  = 6
)

var intakeStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// intake is an Ingest under test with a subscriber on both tracks.
type intake struct {
	testing.TB
	in           *Ingest
	video, audio *Track
	now          time.Time
	bursts       []Burst
	sent         [][]rtcp.Packet // by Tick
}

func (i *intake) Deliver(b Burst) { i.bursts = append(i.bursts, b) }

// intakeConfig is a session with one declared video encoding with RTX, and audio.
func intakeConfig() IngestConfig {
	ext := Extensions{
		ExtMID: intakeMID, ExtRID: intakeRID, ExtRepairedRID: intakeRepaired,
		ExtTransportCC: intakeTCC, ExtAudioLevel: intakeLevel, ExtAbsCaptureTime: intakeCapture,
	}
	clock := NewSourceClock()
	return IngestConfig{
		SenderSSRC: intakeOwn, CNAME: "gateway",
		Sections: []IngestSection{
			{
				Mid: "v", Track: NewTrack(Video, clock), Extensions: ext,
				SSRCs: []DeclaredSSRC{{Media: intakeVideo, RTX: intakeRepair}},
				PayloadTypes: []PayloadType{{
					Number: intakeVideoPT, RTX: intakeRTX, Codec: Codec{Name: VP8, ClockRate: 90000},
					Feedback: Feedback{NACK: true, PLI: true, FIR: true},
				}},
			},
			{
				Mid: "a", Track: NewTrack(Audio, clock), Extensions: ext,
				SSRCs:        []DeclaredSSRC{{Media: intakeAudio}},
				PayloadTypes: []PayloadType{{Number: intakeAudioPT, Codec: Codec{Name: Opus, ClockRate: 48000, Channels: 2}}},
			},
		},
	}
}

func newIntake(t testing.TB, change func(*IngestConfig)) *intake {
	cfg := intakeConfig()
	if change != nil {
		change(&cfg)
	}
	i := &intake{TB: t, in: NewIngest(cfg), now: intakeStart}
	for _, s := range cfg.Sections {
		t.Cleanup(s.Track.Subscribe(i))
		if s.Track.Kind() == Video {
			i.video = s.Track
		} else {
			i.audio = s.Track
		}
	}
	return i
}

// pass lets time go by in steps of 10 ms, with a Tick at the end of each.
func (i *intake) pass(d time.Duration) {
	for end := i.now.Add(d); i.now.Before(end); {
		i.now = i.now.Add(min(10*time.Millisecond, end.Sub(i.now)))
		i.sent = append(i.sent, i.in.Tick(i.now)...)
	}
}

// takeSent returns and forgets what Tick sent.
func (i *intake) takeSent() [][]rtcp.Packet {
	sent := i.sent
	i.sent = nil
	return sent
}

// packets are all packets delivered so far for a layer, in order of arrival; nil
// means all layers.
func (i *intake) packets(l *Layer) (all []*Packet) {
	for _, b := range i.bursts {
		if l == nil || b.Layer == l {
			all = append(all, b.Packets...)
		}
	}
	return all
}

func (i *intake) takeBursts() []Burst {
	b := i.bursts
	i.bursts = nil
	return b
}

// theLayer is the only layer of a track.
func (i *intake) theLayer(t *Track) *Layer {
	i.Helper()
	layers := t.Layers()
	if len(layers) != 1 {
		i.Fatalf("%d layers, want 1", len(layers))
	}
	return layers[0]
}

// wire is one RTP packet for the tests.
type wire struct {
	ssrc    uint32
	pt      uint8
	seq     uint16
	ts      uint32
	marker  bool
	payload []byte
	padding byte
	ext     map[uint8][]byte
}

func (w wire) bytes() []byte {
	h := rtp.Header{
		Version: 2, Marker: w.marker, PayloadType: w.pt, SequenceNumber: w.seq,
		Timestamp: w.ts, SSRC: w.ssrc, Padding: w.padding > 0,
	}
	for id := range 15 {
		if v, ok := w.ext[uint8(id)]; ok {
			if err := h.SetExtension(uint8(id), v); err != nil {
				panic(err)
			}
		}
	}
	b, err := (&rtp.Packet{Header: h, Payload: w.payload, PaddingSize: w.padding}).Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

func (i *intake) send(packets ...wire) {
	for _, w := range packets {
		i.in.RTP(i.now, w.bytes())
	}
}

// vp8 is a packet of a one-packet frame on the declared video SSRC.
func vp8(seq uint16, ts uint32, key bool) wire {
	return wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: seq, ts: ts, marker: true, payload: vp8Payload(true, key)}
}

// vp8Payload is the beginning of a VP8 frame of 640x360, or a continuation.
func vp8Payload(first, key bool) []byte {
	descriptor := byte(0x00)
	if first {
		descriptor = 0x10
	}
	if key && first {
		return []byte{descriptor, 0x00, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 7, 7}
	}
	return []byte{descriptor, 0x01, 5, 6, 7}
}

func opus(seq uint16, ts uint32) wire {
	return wire{ssrc: intakeAudio, pt: intakeAudioPT, seq: seq, ts: ts, payload: []byte{0xfc, 1, 2, 3}}
}

// repairOf makes the RTX packet of a video packet.
func repairOf(w wire, seq uint16) wire {
	w.payload = append(binary.BigEndian.AppendUint16(nil, w.seq), w.payload...)
	w.ssrc, w.pt, w.seq = intakeRepair, intakeRTX, seq
	return w
}

func seqsOf(packets []*Packet) (seqs []int64) {
	for _, p := range packets {
		seqs = append(seqs, p.Seq)
	}
	return seqs
}

// relative gives sequence numbers counted from the first.
func relative(seqs []int64) []int64 {
	out := make([]int64, len(seqs))
	for i, s := range seqs {
		out[i] = s - seqs[0]
	}
	return out
}

// rtcpOf returns the packets of one type in a list of datagrams.
func rtcpOf[T rtcp.Packet](datagrams [][]rtcp.Packet) (found []T) {
	for _, d := range datagrams {
		for _, p := range d {
			if v, ok := p.(T); ok {
				found = append(found, v)
			}
		}
	}
	return found
}

// asked are the numbers a list of datagrams asks for.
func asked(datagrams [][]rtcp.Packet) (seqs []uint16) {
	for _, n := range rtcpOf[*rtcp.TransportLayerNack](datagrams) {
		for _, pair := range n.Nacks {
			seqs = append(seqs, pair.PacketList()...)
		}
	}
	return seqs
}

func rtcpBytes(t testing.TB, packets ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ntpOf is the NTP time of t.
func ntpOf(t time.Time) uint64 { return gatewayNTP(t) }
