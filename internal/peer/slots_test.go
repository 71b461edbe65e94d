//go:build unix

package peer

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// slotsPolicy lets viewers have slots with every codec.
func slotsPolicy(most int) negotiate.PlayPolicy {
	p := negotiate.PlayPolicy{MaxSections: most, Adapts: true}
	for _, name := range []string{router.H264, router.VP8} {
		p.Video.Codecs = append(p.Video.Codecs, router.Codec{Name: name, ClockRate: 90000})
	}
	p.Audio.Codecs = []router.Codec{{Name: router.Opus, ClockRate: 48000, Channels: 2}}
	return p
}

// Each slot is a stream of its own, in the order of the offer, and all have one CNAME;
// what is sent on one arrives in that one.
func TestPlaySlots(t *testing.T) {
	h, c := newTestHost(t), newClient(t)
	tracks := make(chan *webrtc.TrackRemote, 16)
	c.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { tracks <- track })
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := c.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	v := play(t, h, c, slotsPolicy(2))
	v.connected(t)
	if len(v.conn.Sections()) != 4 {
		t.Fatalf("%d sections", len(v.conn.Sections()))
	}
	slots := map[string]int{}
	for _, s := range v.conn.plan.Sections {
		slots[s.Mid] = s.Slot
	}
	for i, s := range v.conn.Sections() {
		if len(s.PayloadTypes) != 2 && s.Kind == router.Video {
			t.Errorf("section %s has %d codecs", s.Mid, len(s.PayloadTypes))
		}
		last := s.PayloadTypes[len(s.PayloadTypes)-1]
		send(t, v.conn, packetOf(t, s.SSRC, last.Number, uint16(i), []byte{1, 2, 3}))
		track := <-tracks
		if want := fmt.Sprintf("slot-%d", slots[s.Mid]); track.StreamID() != want || track.SSRC() != webrtc.SSRC(s.SSRC) {
			t.Errorf("section %s arrives in %s, want %s", s.Mid, track.StreamID(), want)
		}
		if !strings.Contains(string(v.conn.Answer()), "a=ssrc:"+uintString(s.SSRC)+" cname:"+v.conn.StreamID()) {
			t.Errorf("section %s has another CNAME than %s", s.Mid, v.conn.StreamID())
		}
	}
}

// The stack matches as many sections as there may be, each with its own SSRCs.
func TestPlayAsManySlotsAsThereMayBe(t *testing.T) {
	const most = 32
	h := newTestHost(t)
	for _, name := range []string{"chrome-play", "firefox-play", "gstreamer-play", "safari-play"} {
		plan := playPlan(t, offers.WithSections(offers.Get(name), most, most), slotsPolicy(most))
		conn, err := h.Play(t.Context(), PlayParams{Plan: plan})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var mids, planned []string
		for _, s := range conn.Sections() {
			mids = append(mids, s.Mid)
		}
		for _, s := range plan.Sections {
			planned = append(planned, s.Mid)
		}
		if !slices.Equal(mids, planned) {
			t.Errorf("%s: sections %q, want %q", name, mids, planned)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An ICE restart leaves sections and SSRCs as they are.
func TestRestartOfSlots(t *testing.T) {
	h := newTestHost(t)
	plan := playPlan(t, offers.WithSections(offers.Get("chrome-play"), 9, 9), slotsPolicy(9))
	conn, err := h.Play(t.Context(), PlayParams{Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Restart(t.Context(), "newfrag1", "newpasswordnewpasswordnew", nil); err != nil {
		t.Fatal(err)
	}
	if n := len(conn.Sections()); n != 18 {
		t.Errorf("%d sections", n)
	}
}

// BenchmarkAnswerSlots measures the POST of a browser's offer with slots, and what the
// connection holds afterwards.
func BenchmarkAnswerSlots(b *testing.B) {
	for _, n := range []int{1, 3, 9, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h, offer, policy := newTestHost(b), offers.WithSections(offers.Get("chrome-play"), n, n), slotsPolicy(n)
			post := func() *Conn {
				c, err := h.Play(b.Context(), PlayParams{Plan: playPlan(b, offer, policy)})
				if err != nil {
					b.Fatal(err)
				}
				return c
			}
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				_ = post().Close()
			}
			reportCPU(b, start)
			b.ReportMetric(heldBy(post), "held-KiB")
		})
	}
}

// heldBy is the heap that a connection takes once it is answered.
func heldBy(post func() *Conn) float64 {
	const several = 20
	before, conns := heapNow(), make([]*Conn, several)
	for i := range conns {
		conns[i] = post()
	}
	after := heapNow()
	for _, c := range conns {
		_ = c.Close()
	}
	return float64(after-before) / several / 1024
}

func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
