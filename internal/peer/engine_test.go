package peer

import (
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// Every offer of a known client is answered as planned: Finish compares the
// stack's description with the plan.
func TestKnownClientsAreAnswered(t *testing.T) {
	h := newTestHost(t)
	policy := negotiate.PublishPolicy{
		Video: []string{router.H264, router.VP8, router.AV1, router.VP9, router.H265},
		Audio: []string{router.Opus, router.G722, router.PCMU, router.PCMA},
	}
	for _, name := range offers.Names() {
		t.Run(name, func(t *testing.T) {
			o, err := negotiate.ParseOffer([]byte(offers.Get(name)))
			if err != nil {
				t.Fatal(err)
			}
			var conn *Conn
			if strings.HasSuffix(name, "-play") {
				plan, err := o.ForPlay(playPolicy)
				if err != nil {
					t.Skip(err)
				}
				conn, err = h.Play(t.Context(), PlayParams{Plan: plan})
				if err != nil {
					t.Fatal(err)
				}
			} else {
				plan, err := o.ForPublish(policy)
				if err != nil {
					t.Fatal(err)
				}
				conn, err = h.Publish(t.Context(), PublishParams{Plan: plan, Tracks: tracksFor(plan)})
				if err != nil {
					t.Fatal(err)
				}
			}
			answer := string(conn.Answer())
			if !strings.HasPrefix(answer, "v=0\r\n") || !strings.HasSuffix(answer, "\r\n") || len(answer) > negotiate.DefaultMaxAnswerBytes { // N-039, N-063
				t.Errorf("%d bytes:\n%s", len(answer), answer)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Codecs that only match partly would be dropped beside one that matches exactly;
// here all match, whatever profile a client writes.
func TestEveryPlannedCodecMatches(t *testing.T) {
	h := newTestHost(t)
	offer := strings.NewReplacer("profile-level-id=42001f", "profile-level-id=6e001f", "profile-level-id=42e01f", "profile-level-id=4220020").
		Replace(offers.Get("chrome-play"))
	policy := playPolicy
	policy.Video = negotiate.MediaChoice{All: true}
	for _, name := range []string{router.VP8, router.H264, router.AV1, router.VP9} {
		policy.Video.Codecs = append(policy.Video.Codecs, router.Codec{Name: name, ClockRate: 90000})
	}
	plan := playPlan(t, offer, policy)
	conn, err := h.Play(t.Context(), PlayParams{Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sectionOf(t, conn, router.Video).PayloadTypes); n != 4 {
		t.Errorf("%d codecs", n)
	}
}

func TestRTCPFeedback(t *testing.T) {
	all := rtcpFeedback(router.Feedback{NACK: true, PLI: true, FIR: true, TransportCC: true, REMB: true})
	var text []string
	for _, f := range all {
		text = append(text, strings.TrimSpace(f.Type+" "+f.Parameter))
	}
	if got := strings.Join(text, ", "); got != "nack, nack pli, ccm fir, transport-cc, goog-remb" {
		t.Error(got)
	}
	if len(rtcpFeedback(router.Feedback{})) != 0 {
		t.Error("feedback nobody agreed on")
	}
}

func TestCurrentCodecIsNotRTX(t *testing.T) {
	codecs := []webrtc.RTPCodecParameters{
		{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/RTX"}},
		{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/H264"}},
	}
	if c, ok := currentCodec(codecs, 97); !ok || c.PayloadType != 97 {
		t.Error("the codec is not found")
	}
	if _, ok := currentCodec(codecs, 96); ok {
		t.Error("retransmission for a codec")
	}
	if _, ok := currentCodec(codecs, 98); ok {
		t.Error("found what is not there")
	}
}

func TestUnboundSlot(t *testing.T) {
	s := &slot{kind: router.Audio, id: "audio-0", streamID: "x"}
	if err := s.write([]byte{0x80}); err == nil {
		t.Error("written nowhere")
	}
	if _, err := s.Bind(nil); err == nil {
		t.Error("bound without a section")
	}
	if s.Kind() != webrtc.RTPCodecTypeAudio || s.ID() != "audio-0" || s.StreamID() != "x" || s.RID() != "" || s.Unbind(nil) != nil {
		t.Error("not the track it says")
	}
}

func TestOneStream(t *testing.T) {
	in := "v=0\r\na=msid:x audio\r\na=msid-semantic:WMS *\r\na=msid:y video\r\n"
	want := "v=0\r\na=msid:z audio\r\na=msid-semantic:WMS *\r\na=msid:z video\r\n"
	if got := string(oneStream([]byte(in), "z")); got != want {
		t.Errorf("%q", got)
	}
}
