package peer

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

var counterPolicy = negotiate.CounterPolicy{
	Video: negotiate.OfferedMedia{Codecs: []router.Codec{{Name: router.VP8}, {Name: router.H264}}, Current: true},
	Audio: negotiate.OfferedMedia{Codecs: []router.Codec{{Name: router.Opus}}},
}

// proposed is a viewer's connection that waits for the client's answer.
func proposed(t *testing.T, h *Host, c *client) (*viewing, *negotiate.Plan) {
	t.Helper()
	plan, err := negotiate.CounterOffer(counterPolicy)
	if err != nil {
		t.Fatal(err)
	}
	v := &viewing{client: c, events: &recorder{}}
	v.conn, err = h.Offer(t.Context(), PlayParams{Plan: plan, Loopback: true, Notify: v.events.notify, RTCP: v.takeRTCP})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.conn.Close() })
	return v, plan
}

// answer is what the client makes of an offer, without candidates.
func (c *client) answer(offer string) string {
	c.t.Helper()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		c.t.Fatalf("the client refuses the offer: %v\n%s", err, offer)
	}
	a, err := c.pc.CreateAnswer(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(a); err != nil {
		c.t.Fatal(err)
	}
	<-gathered
	return a.SDP
}

func agreed(t *testing.T, plan *negotiate.Plan, answer string) *negotiate.Answered {
	t.Helper()
	a, err := negotiate.ParseAnswer([]byte(answer))
	if err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	got, err := plan.Answered(a)
	if err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	return got
}

// accepts has the client answer the offer, and waits until both are connected.
func (v *viewing) accepts(t *testing.T, plan *negotiate.Plan, change func(answer string) string) {
	t.Helper()
	answer := v.client.answer(string(v.conn.Answer()))
	v.client.sdp = string(v.conn.Answer())
	if change != nil {
		answer = change(answer)
	}
	if err := v.conn.Agree(agreed(t, plan, answer)); err != nil {
		t.Fatal(err)
	}
	if err := v.conn.Connect(); err != nil {
		t.Fatal(err)
	}
	v.connected(t)
}

// Feedback comes once, whichever of both is the DTLS server.
func TestFeedbackAfterAnOfferOfOurs(t *testing.T) {
	for name, setup := range map[string]string{"read here": "active", "read by the stack": "passive"} {
		t.Run(name, func(t *testing.T) {
			v, plan := proposed(t, newTestHost(t), newClient(t, func(s *webrtc.SettingEngine) {
				role := webrtc.DTLSRoleClient
				if setup == "passive" {
					role = webrtc.DTLSRoleServer
				}
				_ = s.SetAnsweringDTLSRole(role)
			}))
			v.accepts(t, plan, nil)
			pli := &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: sectionOf(t, v.conn, router.Video).SSRC}
			if err := v.client.pc.WriteRTCP([]rtcp.Packet{pli}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a PLI", func() bool { return len(v.rtcpPackets()) > 0 })
			if ours := v.conn.feedback.ours.Load(); ours != (setup == "active") {
				t.Errorf("read here: %v", ours)
			}
		})
	}
}

// heard is the first packets of video that reach the client.
func (c *client) heard() <-chan rtp.Packet {
	got := make(chan rtp.Packet, 64)
	c.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			select {
			case got <- *p:
			default:
			}
		}
	})
	return got
}

// shows sends video until some of it comes.
func (v *viewing) shows(t *testing.T, got <-chan rtp.Packet) {
	t.Helper()
	video := sectionOf(t, v.conn, router.Video)
	seq := uint16(0)
	eventually(t, "video at the client", func() bool {
		seq++
		_ = v.conn.writeRTP(packetOf(t, video.SSRC, video.PayloadTypes[0].Number, seq, []byte{0x10, 1, 2, 3}))
		select {
		case p := <-got:
			if p.SSRC != video.SSRC {
				t.Errorf("SSRC %d, agreed on %d", p.SSRC, video.SSRC)
			}
			return true
		default:
			return false
		}
	})
}

// W-02, N-057: the offer is complete, and leaves the DTLS role to the client.
func TestOfferIsComplete(t *testing.T) {
	h := newTestHost(t)
	v, _ := proposed(t, h, newClient(t))
	offer := string(v.conn.Answer())
	for text, n := range map[string]int{
		"a=setup:actpass\r\n": 2, "a=sendonly\r\n": 2, "a=msid:" + v.conn.StreamID() + " ": 2, "a=rtcp-mux\r\n": 2,
		"a=group:BUNDLE 0 1\r\n": 1, "a=end-of-candidates\r\n": 1, "a=ssrc-group:FID ": 1, " cname:" + v.conn.StreamID(): 3,
		"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n": 2, "transport-cc": 0,
	} {
		if got := strings.Count(offer, text); got != n {
			t.Errorf("%d times %q, want %d in\n%s", got, text, n, offer)
		}
	}
	if !strings.Contains(offer, "a=candidate:") || len(v.conn.Sections()) != 0 {
		t.Errorf("%d sections, offer\n%s", len(v.conn.Sections()), offer)
	}
}

func TestAClientAnswersOurOffer(t *testing.T) {
	asServer := func(s *webrtc.SettingEngine) { _ = s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) }
	for name, tc := range map[string]struct {
		edit   func(*webrtc.SettingEngine)
		detail string
	}{
		"active":  {func(*webrtc.SettingEngine) {}, "AEAD_AES"},
		"passive": {asServer, "sent through the stack"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHost(t)
			c := newClient(t, tc.edit)
			got := c.heard()
			v, plan := proposed(t, h, c)
			v.accepts(t, plan, nil)
			if d := v.events.detail(DTLSConnected); !strings.Contains(d, tc.detail) {
				t.Errorf("sent by %q, want %q", d, tc.detail)
			}
			video := sectionOf(t, v.conn, router.Video)
			if video.Mid != "1" || video.RTXSSRC == 0 || video.PayloadTypes[0].Codec.Name != router.VP8 || video.Extensions[router.ExtMID] != 1 ||
				!strings.Contains(string(v.conn.Answer()), "a=ssrc-group:FID "+uintString(video.SSRC)+" "+uintString(video.RTXSSRC)) {
				t.Errorf("video %+v in\n%s", video, v.conn.Answer())
			}
			if tc.detail != "AEAD_AES" {
				v.shows(t, got)
			}
		})
	}
}

// W-13: a client that wants no sound rejects the section.
func TestAClientRejectsASectionOfOurOffer(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t, func(s *webrtc.SettingEngine) { _ = s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) })
	got := c.heard()
	v, plan := proposed(t, h, c)
	v.accepts(t, plan, func(answer string) string {
		answer = strings.Replace(answer, "m=audio 9", "m=audio 0", 1)
		return strings.Replace(answer, "a=group:BUNDLE 0 1", "a=group:BUNDLE 1", 1)
	})
	if n := len(v.conn.Sections()); n != 1 {
		t.Errorf("%d sections", n)
	}
	v.shows(t, got)
	v.restarts(t)
	v.shows(t, got)
}

// restarts begins a new ICE generation, as a PATCH of the client does.
func (v *viewing) restarts(t *testing.T) {
	t.Helper()
	before, _ := credentialsOf(t, v.client.sdp)
	offer := v.client.offer(&webrtc.OfferOptions{ICERestart: true})
	ufrag, pwd := credentialsOf(t, offer)
	f, err := v.conn.Restart(t.Context(), ufrag, pwd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.Ufrag == before || f.Pwd == "" || len(f.Sections[0].Candidates) == 0 {
		t.Errorf("%+v after %s", f, before)
	}
	answer := restarted(strings.ReplaceAll(v.client.sdp, "a=setup:actpass", "a=setup:active"), f)
	if strings.Contains(offer, "a=setup:active") {
		answer = strings.ReplaceAll(answer, "a=setup:active", "a=setup:passive")
	}
	connected := v.events.count(ICEConnected)
	v.client.take(answer)
	v.events.wait(t, ICEConnected, connected+1)
}

// T-72 after a counter-offer: the client restarts ICE as any other.
func TestRestartAfterOurOffer(t *testing.T) {
	for _, role := range []webrtc.DTLSRole{webrtc.DTLSRoleClient, webrtc.DTLSRoleServer} {
		t.Run(role.String(), func(t *testing.T) {
			h := newTestHost(t)
			v, plan := proposed(t, h, newClient(t, func(s *webrtc.SettingEngine) { _ = s.SetAnsweringDTLSRole(role) }))
			v.accepts(t, plan, nil)
			ssrc := sectionOf(t, v.conn, router.Video).SSRC
			v.restarts(t)
			v.restarts(t)
			if got := sectionOf(t, v.conn, router.Video).SSRC; got != ssrc {
				t.Errorf("SSRC %d became %d", ssrc, got)
			}
		})
	}
}

func TestAnOfferNobodyAnswersIsClosed(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	v, plan := proposed(t, h, c)
	answer := agreed(t, plan, c.answer(string(v.conn.Answer())))
	if err := v.conn.Close(); err != nil {
		t.Error(err)
	}
	if err := v.conn.Agree(answer); !errors.Is(err, ErrClosed) {
		t.Errorf("Agree after Close: %v", err)
	}
	if err := v.conn.Connect(); !errors.Is(err, ErrClosed) {
		t.Errorf("Connect after Close: %v", err)
	}
}
