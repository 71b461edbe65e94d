package peer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

func TestPublishWithoutCandidates(t *testing.T) { // T-60, N-031
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	for _, want := range []string{"a=setup:active", "a=end-of-candidates", " typ host"} {
		if !strings.Contains(string(p.conn.Answer()), want) {
			t.Errorf("no %q in the answer\n%s", want, p.conn.Answer())
		}
	}
	p.events.wait(t, DTLSConnected, 1)
	p.video.flow(t, h264Key)
	p.audio.flow(t, []byte{0xfc, 1, 2})
	p.events.wait(t, FirstPacket, 1)
	p.events.wait(t, FirstKeyFrame, 1)
	eventually(t, "both kinds reach their tracks", func() bool {
		for _, track := range p.tracks {
			if !track.Active(time.Now()) {
				return false
			}
		}
		return len(p.tracks) == 2
	})
	if stats := p.conn.Ingest().Stats(); stats.Malformed+stats.Unbound > 0 {
		t.Errorf("%+v", stats)
	}
	if since := time.Since(p.conn.LastSeen()); since > time.Second {
		t.Errorf("last seen %v ago", since)
	}
	local, remote, proto := p.conn.Pair()
	if local != h.Addr() || !remote.Addr().IsLoopback() || proto != "udp" {
		t.Errorf("pair %v - %v %s", local, remote, proto)
	}
}

// The timeline reads in the order things happen in.
func TestEventsAreOrdered(t *testing.T) {
	p := publish(t, newTestHost(t), newClient(t))
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
	at := map[EventKind]int{}
	for i, k := range p.events.kinds() {
		if _, ok := at[k]; !ok {
			at[k] = i
		}
	}
	order := []EventKind{Gathered, ICEConnected, DTLSStarted, DTLSConnected, FirstPacket, FirstKeyFrame}
	for i := range order[1:] {
		if at[order[i]] >= at[order[i+1]] {
			t.Errorf("%v is not before %v in %v", order[i], order[i+1], p.events.kinds())
		}
	}
	if !strings.Contains(p.events.detail(PairSelected), "udp 127.0.0.1:") {
		t.Errorf("pair: %q", p.events.detail(PairSelected))
	}
}

func TestEveryEventHasAName(t *testing.T) {
	seen := map[string]bool{}
	for k := Gathered; k <= ICERestarted; k++ {
		if seen[k.String()] || k.String() == "" || k.String() == "unknown" {
			t.Errorf("%d is %q", k, k)
		}
		seen[k.String()] = true
	}
	if EventKind(200).String() != "unknown" {
		t.Error("a kind that does not exist has a name")
	}
}

// burstLog subscribes to a track.
type burstLog struct {
	mu   sync.Mutex
	seqs []int64
}

func (b *burstLog) Deliver(burst router.Burst) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range burst.Packets {
		b.seqs = append(b.seqs, p.Seq)
	}
}

func (b *burstLog) list() []int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]int64(nil), b.seqs...)
}

// T-126, Q-FF-6: a NACK is alone in its datagram; FFmpeg reads nothing else.
func TestFeedbackToThePublisher(t *testing.T) {
	h := newTestHost(t)
	n := newNAT(t, h.Addr())
	var mu sync.Mutex
	seen := map[[2]byte]int{} // count and type of the first packet of a datagram
	crowded := 0
	n.watch(func(fromServer bool, b []byte) bool {
		if fromServer && len(b) > 8 && b[0]>>6 == 2 && b[1] >= 200 && b[1] <= 207 {
			mu.Lock()
			defer mu.Unlock()
			seen[[2]byte{b[0] & 31, b[1]}]++
			// The first 8 bytes are in the clear (RFC 3711 section 3.4); GCM adds a
			// tag of 16 bytes and the index of 4.
			if first := 4 * (int(b[2])<<8 | int(b[3]) + 1); b[1] == 205 && b[0]&31 == 1 && len(b) != first+20 {
				crowded++
			}
		}
		return true
	})
	p := publish(t, h, newClient(t), n.inAnswer)
	p.client.waitState(webrtc.PeerConnectionStateConnected)
	p.events.wait(t, DTLSConnected, 1)
	p.video.send(h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
	p.video.seq += 2 // two packets lost
	p.video.flow(t, h264Delta)
	var layer *router.Layer
	eventually(t, "a layer", func() bool {
		for _, track := range p.tracks {
			if track.Kind() == router.Video && len(track.Layers()) > 0 {
				layer = track.Layers()[0]
			}
		}
		return layer != nil
	})
	layer.RequestKeyFrame(time.Now())
	eventually(t, "NACK, PLI and a report as datagrams of their own", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return seen[[2]byte{1, 205}] > 0 && seen[[2]byte{1, 206}] > 0 && seen[[2]byte{1, 201}] > 0
	})
	mu.Lock()
	defer mu.Unlock()
	if crowded > 0 {
		t.Errorf("%d NACKs are not alone", crowded)
	}
}

func TestPublishFailsWithoutLeavings(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	c.publishTrack(webrtc.MimeTypeOpus)
	offer := c.offer(nil)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		plan func(p *negotiate.Plan)
		want error
	}{
		{name: "a context that is over", ctx: cancelled, plan: func(*negotiate.Plan) {}, want: context.Canceled},
		{name: "SDP the stack does not take", ctx: t.Context(), plan: func(p *negotiate.Plan) { p.SDP = "nonsense" }, want: negotiate.ErrBadOffer},
		{name: "no credentials", ctx: t.Context(), plan: func(p *negotiate.Plan) {
			p.SDP = replaceLines(p.SDP, "a=ice-", func(string) string { return "a=x" })
		}, want: negotiate.ErrBadOffer},
		{name: "a payload type for two codecs", ctx: t.Context(), plan: func(p *negotiate.Plan) {
			other := p.Sections[0].PayloadTypes[0]
			other.Codec = router.Codec{Name: router.PCMU, ClockRate: 8000}
			p.Sections[0].PayloadTypes = append(p.Sections[0].PayloadTypes, other)
		}},
		{name: "a plan the stack does not fulfil", ctx: t.Context(), plan: func(p *negotiate.Plan) {
			p.Sections[0].Answer = "sendonly"
		}},
	}
	for _, tc := range tests {
		plan := publishPlan(t, offer)
		tc.plan(plan)
		conn, err := h.Publish(tc.ctx, PublishParams{Plan: plan, Tracks: tracksFor(plan)})
		if err == nil || conn != nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("publish with %s: %v", tc.name, err)
		}
		if conn, err = h.Play(tc.ctx, PlayParams{Plan: plan}); err == nil || conn != nil {
			t.Errorf("play with %s: %v", tc.name, err)
		}
	}
	if len(h.conns) != 0 {
		t.Errorf("%d connections are left", len(h.conns))
	}
}

func TestPublishSimulcastOffer(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	track := func(rid string) *webrtc.TrackLocalStaticRTP {
		s, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "v", "s", webrtc.WithRTPStreamID(rid))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	low, high := track("0"), track("1")
	tr, err := c.pc.AddTransceiverFromTrack(low, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Sender().AddEncoding(high); err != nil {
		t.Fatal(err)
	}
	plan := publishPlan(t, c.offer(nil))
	if len(plan.Sections[0].RIDs) != 2 {
		t.Fatalf("RIDs %q", plan.Sections[0].RIDs)
	}
	conn, err := h.Publish(t.Context(), PublishParams{Plan: plan, Tracks: tracksFor(plan), Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(conn.Answer()), "a=simulcast:recv 0;1\r\n"); n != 1 { // Q-OBS-8
		t.Errorf("%d simulcast lines\n%s", n, conn.Answer())
	}
	c.take(string(conn.Answer()))
	c.waitState(webrtc.PeerConnectionStateConnected)
}
