package testkit

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"

	"github.com/headgate/headgate/router"
)

// receiver is the receiving half of a Player. The stack's own receivers hand
// retransmissions out late and keep asking for packets they got; this one
// repairs as browsers do, with the gateway's own way in.
type receiver struct {
	player *Player

	// offered tells that the description is the server's offer, whose payload types
	// are its own.
	offered bool

	mu     sync.Mutex
	ingest *router.Ingest
	tracks []*router.Track
	media  []uint32 // SSRCs of video
	// slots are filled by their tracks; the first is all there is of a plain player.
	slots   []*Slot
	slotted map[*router.Track]*Slot
	video   []rtp.Header // the newest maxHeaders
	sync    lipsync
	came    arrivals
}

const maxHeaders = 100_000

func newReceiver(p *Player, slots int) *receiver {
	r := &receiver{player: p, slotted: make(map[*router.Track]*Slot)}
	for range max(slots, 1) {
		r.slots = append(r.slots, newSlot())
	}
	return r
}

// sink takes decrypted packets of one SSRC.
type sink func(b []byte)

func (s sink) Write(b []byte) (int, error) { s(b); return len(b), nil }
func (s sink) Read([]byte) (int, error)    { return 0, io.EOF }
func (s sink) Close() error                { return nil }

func (r *receiver) buffer(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	if kind == packetio.RTCPBufferPacket {
		return sink(func(b []byte) {
			r.mu.Lock()
			r.sync.report(b)
			r.mu.Unlock()
			if in := r.in(); in != nil {
				in.RTCP(time.Now(), b)
			}
		})
	}
	return sink(func(b []byte) {
		r.note(b)
		if in := r.in(); in != nil {
			in.RTP(time.Now(), b)
		}
	})
}

func (r *receiver) in() *router.Ingest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ingest
}

// note keeps the headers of video as it came over the wire, and when media came.
func (r *receiver) note(b []byte) {
	var h rtp.Header
	size, err := h.Unmarshal(b)
	if err != nil {
		return
	}
	r.came.packet(time.Now(), &h)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.slots {
		s.note(&h)
	}
	video := slices.Contains(r.media, h.SSRC)
	if video || h.PayloadType == opusType {
		r.sync.packet(time.Now(), &h, video)
	}
	if video && len(r.video) < maxHeaders {
		_, _ = h.Unmarshal(slices.Clone(b[:size])) // again: the extensions point into it
		r.video = append(r.video, h)
	}
}

// open prepares for the SSRCs of an answer.
func (r *receiver) open(answer string) {
	r.came.open(answer)
	clock := new(router.SourceClock)
	settings := router.DefaultIngestSettings()
	settings.KeyFrameTry = -1 // players do not
	cfg := router.IngestConfig{SenderSSRC: 1, CNAME: "player", Settings: settings}
	filled := make(map[router.Kind]int)
	for i, text := range strings.Split(answer, "\r\nm=")[1:] {
		if strings.HasPrefix(text, "application") {
			continue
		}
		kind, types := router.Video, []router.PayloadType{h264(), vp8()}
		if strings.HasPrefix(text, "audio") {
			kind, types = router.Audio, []router.PayloadType{opus()}
		} else if r.offered {
			types = offeredVideo(text)
		}
		track := router.NewTrack(kind, clock)
		track.Subscribe(r)
		r.tracks = append(r.tracks, track)
		slot := r.slots[filled[kind]]
		filled[kind]++
		slot.stream = streamOf(text)
		r.slotted[track] = slot
		sec := router.IngestSection{Mid: strconv.Itoa(i), Track: track, PayloadTypes: types}
		if ssrc := declared(text); ssrc.Media != 0 {
			sec.SSRCs = []router.DeclaredSSRC{ssrc}
			slot.ssrcs[kind] = ssrc.Media
			if kind == router.Video {
				r.media = append(r.media, ssrc.Media)
			}
		}
		cfg.Sections = append(cfg.Sections, sec)
	}
	in := router.NewIngest(cfg)
	r.mu.Lock()
	r.ingest = in
	r.mu.Unlock()
}

func h264() router.PayloadType {
	return router.PayloadType{
		Number: h264Type, RTX: rtxType, Feedback: router.Feedback{NACK: true, PLI: true},
		Codec: router.Codec{Name: router.H264, ClockRate: 90000, Fmtp: "packetization-mode=1"},
	}
}

func vp8() router.PayloadType {
	return router.PayloadType{
		Number: vp8Type, RTX: vp8RTXType, Feedback: router.Feedback{NACK: true, PLI: true},
		Codec: router.Codec{Name: router.VP8, ClockRate: 90000},
	}
}

func opus() router.PayloadType {
	return router.PayloadType{Number: opusType, Codec: router.Codec{Name: router.Opus, ClockRate: 48000, Channels: 2}}
}

// streamOf reads the stream of a=msid of one section.
func streamOf(section string) string {
	_, msid, _ := strings.Cut(section, "\r\na=msid:")
	stream, _, _ := strings.Cut(msid, " ")
	return stream
}

// declared reads a=ssrc and a=ssrc-group:FID of one section.
func declared(section string) (d router.DeclaredSSRC) {
	for line := range strings.SplitSeq(section, "\r\n") {
		if group, ok := strings.CutPrefix(line, "a=ssrc-group:FID "); ok {
			media, rtx, _ := strings.Cut(group, " ")
			return router.DeclaredSSRC{Media: number(media), RTX: number(rtx)}
		}
		if one, ok := strings.CutPrefix(line, "a=ssrc:"); ok && d.Media == 0 {
			ssrc, _, _ := strings.Cut(one, " ")
			d.Media = number(ssrc)
		}
	}
	return d
}

func number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// Deliver implements router.Subscriber.
func (r *receiver) Deliver(b router.Burst) { r.slotted[b.Layer.Track()].deliver(time.Now(), b) }

// run sends feedback, and asks for key frames while the picture stands still.
func (r *receiver) run(ctx context.Context, patience time.Duration) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, s := range r.slots {
				if ssrc, ask := s.stuck(now, patience); ask {
					_ = r.player.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}) // or the next one
				}
			}
			for _, feedback := range r.came.due(now) {
				_ = r.player.pc.WriteRTCP([]rtcp.Packet{feedback}) // or the next one
			}
			for _, datagram := range r.ingest.Tick(now) {
				_ = r.player.pc.WriteRTCP(datagram) // or the next one
			}
		}
	}
}
