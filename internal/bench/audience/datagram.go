package audience

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"

	"github.com/headgate/headgate/internal/bench/stamp"
)

// maxStreams bounds what a server can make a viewer remember: a slot has sound,
// picture, and the retransmissions of both.
const maxStreams = 4 * (MaxSlots + 1)

// scratch is what one goroutine needs to look into packets.
type scratch struct {
	plain  [maxDatagram]byte
	header rtp.Header
}

// datagram takes what arrived at now. The caller holds mu; b is not kept. It
// allocates nothing for media of streams that are known.
func (v *Viewer) datagram(now time.Time, b []byte, w *scratch) {
	switch {
	case isMedia(b):
		if !isRTCP(b) {
			v.media(now, b, w)
		} else {
			v.control(now, b, w)
		}
	case isSTUN(b):
		v.stun(now, b)
	case isDTLS(b):
		v.record(b)
	}
}

func (v *Viewer) media(now time.Time, b []byte, w *scratch) {
	cfg := &v.audience.cfg
	if cfg.Loss > 0 && rand.Float64() < cfg.Loss {
		v.counts.dropped++
		return
	}
	h, ok := parseHeader(b)
	if !ok {
		return
	}
	if v.timings.FirstPacket == 0 {
		v.timings.FirstPacket = max(now.Sub(v.began), 1)
		v.since = now
	}
	size := uint64(len(b) - h.payload)
	v.counts.packets++
	v.counts.bytes += size
	v.received += size
	v.feedback.arrived(now, h, b, v.answer.transportCC)
	s := v.stream(h)
	if s == nil {
		return
	}
	s.counts.packets++
	s.counts.bytes += size
	if s.rtx {
		v.retransmission(now, s, h, b, w)
		return
	}
	s.heard = now
	index, kind, fresh := s.take(now, h)
	if kind != inOrder && kind != late {
		return
	}
	s.report.arrived(now, h.timestamp, s.clock)
	sampled := v.witness || s.again || fresh && v.samples(s)
	if !sampled && !(s.video && s.frames.needKey) {
		return
	}
	if payload, ok := v.open(b, h, index, w); ok {
		v.look(now, s, h, index, payload, sampled)
	}
}

// control reads sender reports: receiver reports have to repeat their time.
func (v *Viewer) control(now time.Time, b []byte, w *scratch) {
	plain, err := v.secrets.in.DecryptRTCP(w.plain[:0], b, nil)
	if err != nil {
		v.counts.undecipherable++
		return
	}
	senderReports(plain, func(ssrc, middle uint32) {
		for _, s := range v.streams {
			if s.ssrc == ssrc {
				s.report.sender, s.report.at = middle, now
			}
		}
	})
}

// send seals RTCP and sends it.
func (v *Viewer) send(packets []rtcp.Packet) {
	plain, err := rtcp.Marshal(packets)
	if err == nil {
		plain, err = v.secrets.out.EncryptRTCP(nil, plain, nil)
	}
	if err != nil {
		v.audience.cfg.Log.Warn("writing feedback", slog.Any("err", err))
		return
	}
	_ = v.socket.write(plain) // lost, like one the network loses
}

// maxUnstamped is how many frames are looked into for a first stamp.
const maxUnstamped = 100

// samples reports whether this beginning of a frame is looked into: every n-th, and
// all until the live edge is reached.
func (v *Viewer) samples(s *stream) bool {
	s.toSample--
	if s.toSample > 0 && (v.timings.LiveEdge != 0 || !s.video || v.unstamped >= maxUnstamped) {
		return false
	}
	s.toSample = v.audience.cfg.SampleEvery
	return true
}

// look reads a decrypted payload.
func (v *Viewer) look(now time.Time, s *stream, h header, index int64, payload []byte, sampled bool) {
	if s.video && s.frames.needKey && beginsKeyFrame(s.codec, payload) {
		s.keyFrame(now, index, h.timestamp)
	}
	if !sampled {
		return
	}
	at, frame, ok := stamp.Find(payload)
	if s.again = !ok && !s.again && s.video; !ok {
		v.unstamped++
		return
	}
	delay := now.Sub(at)
	if !v.seated(now, s, frame, delay) {
		v.delay.Add(delay)
	}
	if s.video && !s.frames.needKey && v.timings.LiveEdge == 0 && delay < live {
		v.timings.LiveEdge = max(now.Sub(v.began), 1)
	}
	v.stamped(now, s, h, frame, delay)
}

// open decrypts a packet whose number is known; what it returns is valid until the
// next call.
func (v *Viewer) open(b []byte, h header, index int64, w *scratch) (payload []byte, ok bool) {
	rollovers := index>>16 - 1
	if rollovers < 0 {
		return nil, false // sent before the first one we saw, and before its wrap
	}
	v.secrets.in.SetROC(h.ssrc, uint32(rollovers))
	plain, err := v.secrets.in.DecryptRTP(w.plain[:0], b, &w.header)
	if err != nil || len(plain) < h.payload {
		v.counts.undecipherable++
		return nil, false
	}
	return unpadded(h, plain[h.payload:]), true
}

// retransmission takes an RTX packet (RFC 4588): its payload begins with the
// original number. What is shorter is a probe.
func (v *Viewer) retransmission(now time.Time, s *stream, h header, b []byte, w *scratch) {
	index, kind, _ := s.seq.add(h.seq)
	if kind == duplicate || kind == stray {
		return
	}
	payload, ok := v.open(b, h, index, w)
	if !ok || len(payload) < 2 {
		return
	}
	if of := v.repairs(s); of != nil {
		of.counts.packets++
		of.counts.bytes += uint64(len(b) - h.payload)
		of.repaired(now, uint16(payload[0])<<8|uint16(payload[1]))
	}
}

// repairs finds the stream that s retransmits.
func (v *Viewer) repairs(s *stream) *stream {
	media, told := v.answer.repair[s.ssrc]
	for _, of := range v.streams {
		if !of.rtx && (told && of.ssrc == media || !told && of.video == s.video) {
			return of
		}
	}
	return nil
}

// stream finds or begins the one of a packet; nil if its payload type was not
// answered.
func (v *Viewer) stream(h header) *stream {
	for _, s := range v.streams {
		if s.ssrc == h.ssrc {
			if s.kind != h.kind {
				v.changes(s, h.kind)
			}
			return s
		}
	}
	t, known := v.answer.types[h.kind]
	if !known || len(v.streams) >= maxStreams {
		return nil
	}
	s := &stream{
		ssrc: h.ssrc, kind: h.kind, video: t.video, codec: t.name, clock: max(t.clock, 1), rtx: t.apt != noType,
		nack: t.nack, pli: t.pli, frames: frames{needKey: t.video},
	}
	v.streams = append(v.streams, s)
	return s
}

// changes takes another payload type on a known SSRC: whoever is in the slot now sends
// another codec.
func (v *Viewer) changes(s *stream, kind uint8) {
	if t, known := v.answer.types[kind]; known && t.video == s.video && (t.apt != noType) == s.rtx {
		s.kind, s.codec, s.nack, s.pli = kind, t.name, t.nack, t.pli
	}
}

func (v *Viewer) stun(now time.Time, b []byte) {
	m := stun.Message{Raw: slices.Clone(b)}
	if m.Decode() != nil {
		return
	}
	if m.Type == stun.BindingRequest {
		if reply := v.keys.answer(&m, v.socket.local()); reply != nil {
			_ = v.socket.write(reply) // it will ask again
		}
		return
	}
	if v.keys.succeeds(&m) {
		v.consent.answered(now, m.TransactionID)
	}
}

// record takes a DTLS record. After the handshake an alert is a close_notify: there
// is nothing else to be alarmed about. A handshake record means that our last
// flight was lost.
func (v *Viewer) record(b []byte) {
	const alert, changeCipherSpec, handshakeRecord = 21, 20, 22
	switch b[0] {
	case alert:
		v.ended = true
	case changeCipherSpec, handshakeRecord:
		for _, datagram := range v.flight {
			_ = v.socket.write(datagram) // it will be asked for again
		}
	}
}
