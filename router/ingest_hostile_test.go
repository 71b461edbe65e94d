package router

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// bounded checks what must hold whatever a publisher sends.
func (i *intake) bounded(t interface{ Fatalf(string, ...any) }) {
	if n := len(i.in.demux.bound); n > 10 {
		t.Fatalf("%d SSRCs", n)
	}
	s := i.in.cfg.Settings
	for _, f := range i.in.feeds {
		users := 0
		for _, b := range f.clocks.list {
			users += b.users
		}
		if users > len(i.in.demux.bound) || len(f.clocks.list) > users {
			t.Fatalf("%d timebases with %d users", len(f.clocks.list), users)
		}
	}
	for st := range i.in.streams() {
		if len(st.nack.missing) > s.NACKGap || len(st.open) > s.BurstPackets || len(st.held) > longestHeld {
			t.Fatalf("%d missing, %d open, %d held", len(st.nack.missing), len(st.open), len(st.held))
		}
		if st.layer != nil {
			if g := st.layer.Group(); len(g) > s.GroupPackets {
				t.Fatalf("group of %d", len(g))
			}
		}
	}
}

// Random streams of every sort of packet: each Seq once per layer, in the right
// layer, with Capture never after the arrival.
func TestHostileStreams(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		i := newIntake(t, func(c *IngestConfig) { transportCC(c) })
		seq, ts := rapid.Uint16().Draw(r, "seq"), rapid.Uint32().Draw(r, "ts")
		for range rapid.IntRange(1, 200).Draw(r, "packets") {
			w := vp8(seq, ts, rapid.IntRange(0, 9).Draw(r, "key") == 0)
			switch rapid.IntRange(0, 12).Draw(r, "kind") {
			case 0:
				w = repairOf(w, seq)
			case 1:
				w.payload, w.padding = nil, 9
			case 2:
				w.seq = rapid.Uint16().Draw(r, "wild")
			case 3:
				w.ts = rapid.Uint32().Draw(r, "when")
			case 4:
				w.seq -= rapid.Uint16Range(0, 300).Draw(r, "back")
			case 5:
				w.payload = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(r, "payload")
			case 6:
				i.in.RTCP(i.now, rtcpBytes(t, &rtcp.SenderReport{SSRC: intakeVideo, NTPTime: rapid.Uint64().Draw(r, "ntp"), RTPTime: ts}))
			case 7:
				i.in.RTCP(i.now, rtcpBytes(t, &rtcp.Goodbye{Sources: []uint32{intakeVideo}}))
			}
			i.send(w)
			seq += rapid.SampledFrom([]uint16{1, 1, 1, 1, 2, 5, 600, 3500}).Draw(r, "step")
			ts += rapid.SampledFrom([]uint32{0, intakeFrame, 1 << 20}).Draw(r, "media")
			i.pass(time.Duration(rapid.IntRange(0, 40).Draw(r, "ms")) * ms)
		}
		i.bounded(r)
		seen := map[*Layer]map[int64]bool{}
		for _, b := range i.bursts {
			if seen[b.Layer] == nil {
				seen[b.Layer] = map[int64]bool{}
			}
			for _, p := range b.Packets {
				if seen[b.Layer][p.Seq] || p.Capture.After(p.Arrival) {
					r.Fatalf("packet %d twice, or captured %v after its arrival", p.Seq, p.Capture.Sub(p.Arrival))
				}
				seen[b.Layer][p.Seq] = true
			}
		}
	})
}

// FuzzIngest feeds a script of RTP and RTCP packets: a byte of kind, a byte of
// milliseconds, a length, the bytes.
func FuzzIngest(f *testing.F) {
	add := func(packets ...[]byte) {
		var script []byte
		for _, p := range packets {
			kind := byte(0)
			if len(p) > 1 && p[1] >= 200 && p[1] <= 207 {
				kind = 1
			}
			script = append(script, kind, 5)
			script = append(binary.BigEndian.AppendUint16(script, uint16(len(p))), p...)
		}
		f.Add(uint8(0), script)
		f.Add(uint8(1), script)
	}
	add(vp8(1, 0, true).bytes(), vp8(3, intakeFrame, false).bytes(), repairOf(vp8(2, 0, false), 1).bytes(), opus(1, 0).bytes())
	add(numbered(vp8(1, 0, true), 9).bytes(), rtcpBytes(f, &rtcp.SenderReport{SSRC: intakeVideo, NTPTime: 1 << 60}), vp8(2, 9, true).bytes())
	add(vp8(1, 0, true).bytes(), rtcpBytes(f, &rtcp.Goodbye{Sources: []uint32{intakeVideo}}), vp8(60000, 0, true).bytes())
	add(on(vp8(0, 0, true), 10, midRID("v", "0")).bytes(), on(repairOf(vp8(0, 0, true), 1), 11, midRepaired("v", "0")).bytes())
	codecs := []string{VP8, H264, H265, VP9, AV1}
	f.Fuzz(func(t *testing.T, mode uint8, script []byte) {
		i := newIntake(t, func(c *IngestConfig) {
			transportCC(c)
			codecOf(codecs[int(mode>>1)%len(codecs)])(c)
			if mode&1 == 1 {
				simulcast(c)
			}
		})
		for len(script) >= 4 {
			n := min(int(binary.BigEndian.Uint16(script[2:])), len(script)-4)
			i.now = i.now.Add(time.Duration(script[1]) * ms)
			if script[0]&1 == 0 {
				i.in.RTP(i.now, script[4:4+n])
			} else {
				i.in.RTCP(i.now, script[4:4+n])
			}
			for _, l := range i.video.Layers() {
				l.RequestKeyFrame(i.now)
			}
			for _, d := range i.in.Tick(i.now) {
				rtcpBytes(t, d...)
			}
			script = script[4+n:]
		}
		i.bounded(t)
		i.in.Stats()
		i.in.Close()
	})
}

// RTP, RTCP, Tick and the readers each have a goroutine of their own; to be run
// with the race detector.
func TestIngestConcurrency(t *testing.T) {
	i := newIntake(t, simulcast)
	stop := make(chan struct{})
	var others sync.WaitGroup
	loop := func(f func(n int)) {
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					f(n)
				}
			}
		})
	}
	clock := func(n int) time.Time { return intakeStart.Add(time.Duration(n) * ms) }
	loop(func(n int) { i.in.Tick(clock(n)) })
	loop(func(n int) {
		i.in.RTCP(clock(n), rtcpBytes(t, &rtcp.SenderReport{SSRC: 10, NTPTime: uint64(n) << 20, RTPTime: uint32(n) * 90}))
	})
	loop(func(n int) {
		for _, l := range i.video.Layers() {
			l.RequestKeyFrame(clock(n))
			l.Group()
			l.Packet(int64(n) % 70000)
			l.Bitrate(clock(n))
			l.WireRateUpTo(clock(n), spatialIDs-1, l.Temporal())
			l.Size()
			l.Deaf()
		}
		i.video.Active(clock(n))
		i.video.Codec()
		i.in.Stats()
	})
	loop(func(int) { i.video.Subscribe(nobody{})() })
	for n := range 3000 {
		ssrc, rid := uint32(10+n%3), []string{"0", "1", "2"}[n%3]
		seq := uint16(n / 3)
		if seq%13 == 5 {
			continue
		}
		i.in.RTP(clock(n), on(vp8(seq, uint32(n)*90, seq%50 == 0), ssrc, midRID("v", rid)).bytes())
		if seq%13 == 7 {
			i.in.RTP(clock(n), on(vp8(seq-2, uint32(n)*90, false), ssrc, midRID("v", rid)).bytes())
		}
	}
	i.in.Close()
	close(stop)
	others.Wait()
}
