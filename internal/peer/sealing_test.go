package peer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/router"
)

// television is a viewer whose packets are counted by their first payload byte.
type television struct {
	*viewing
	got  chan byte
	next uint16
}

func watchVideo(t *testing.T, h *Host, c *client, rewrite ...func(string, bool) string) *television {
	t.Helper()
	tv := &television{got: make(chan byte, 256), next: 1}
	c.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			if track.Kind() == webrtc.RTPCodecTypeVideo && len(p.Payload) > 0 {
				tv.got <- p.Payload[0]
			}
		}
	})
	tv.viewing = play(t, h, c, playPolicy, rewrite...)
	tv.connected(t)
	return tv
}

// sees sends packets until one arrives, since a path may need a moment, and then
// some more, all of which must.
func (tv *television) sees(t *testing.T) {
	t.Helper()
	video := sectionOf(t, tv.conn, router.Video)
	put := func() byte {
		mark := byte(tv.next)
		send(t, tv.conn, packetOf(t, video.SSRC, video.PayloadTypes[0].Number, tv.next, []byte{mark, 1, 2, 3}))
		tv.next++
		return mark
	}
	eventually(t, "a packet arrives", func() bool {
		mark := put()
		select {
		case got := <-tv.got:
			return got == mark
		case <-time.After(20 * time.Millisecond):
			return false
		}
	})
	for range 20 {
		want := put()
		select {
		case got := <-tv.got:
			if got != want {
				t.Fatalf("packet %d arrived, want %d", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("packet %d did not arrive", want)
		}
	}
	if n := tv.conn.Line().Failed(); n != 0 {
		t.Errorf("%d packets failed", n)
	}
}

// profile is what the timeline says of how the viewer is sent to.
func (tv *television) profile(t *testing.T) string {
	t.Helper()
	tv.events.wait(t, DTLSConnected, 1)
	return tv.events.detail(DTLSConnected)
}

// Every profile is sealed by the worker, over UDP and over TCP.
func TestEveryProfileIsSealedHere(t *testing.T) {
	for name, profile := range map[string]dtls.SRTPProtectionProfile{
		"AEAD_AES_128_GCM": dtls.SRTP_AEAD_AES_128_GCM, "AEAD_AES_256_GCM": dtls.SRTP_AEAD_AES_256_GCM,
		"AES128_CM_HMAC_SHA1_80": dtls.SRTP_AES128_CM_HMAC_SHA1_80,
	} {
		for _, network := range []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4} {
			t.Run(name+" "+network.String(), func(t *testing.T) {
				tv := watchVideo(t, newTestHost(t), newClient(t, func(s *webrtc.SettingEngine) {
					s.SetSRTPProtectionProfiles(profile)
					s.SetNetworkTypes([]webrtc.NetworkType{network})
				}))
				tv.sees(t)
				if got := tv.profile(t); got != name {
					t.Errorf("sent with %q", got)
				}
				if _, _, proto := tv.conn.Pair(); proto != network.Protocol() {
					t.Errorf("over %s", proto)
				}
			})
		}
	}
}

// A player that prefers another order still gets the cheapest it has.
func TestTheCheapestProfileIsChosen(t *testing.T) {
	tv := watchVideo(t, newTestHost(t), newClient(t, func(s *webrtc.SettingEngine) {
		s.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM)
	}))
	if got := tv.profile(t); got != "AEAD_AES_128_GCM" {
		t.Errorf("sent with %q", got)
	}
}

// Every last step, with a real client.
func TestPlayByEveryLastStep(t *testing.T) {
	for _, step := range egress.LastSteps() {
		tv := watchVideo(t, newTestHost(t, func(c *Config) { c.LastStep = step }), newClient(t))
		tv.sees(t)
	}
}

// T9: a viewer for whom we are not the DTLS server is sent to through the stack.
func TestAPassiveViewerIsSentThroughTheStack(t *testing.T) {
	tv := watchVideo(t, newTestHost(t), newClient(t), offerPassive)
	tv.sees(t)
	if got := tv.profile(t); got != "sent through the stack" {
		t.Errorf("sent with %q", got)
	}
}

// A viewer moves from UDP to TCP in mid-session: the same keys, the same numbers,
// and back again.
func TestAViewerMovesBetweenUDPAndTCP(t *testing.T) {
	h := newTestHost(t)
	tv := watchVideo(t, h, newClient(t, func(s *webrtc.SettingEngine) {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	}))
	for i, proto := range []string{"udp", "tcp", "udp"} {
		if i > 0 {
			tv.restartOver(t, proto)
		}
		eventually(t, "a pair over "+proto, func() bool { _, _, p := tv.conn.Pair(); return p == proto })
		tv.sees(t)
	}
	if tv.events.count(DTLSConnected) != 1 {
		t.Error("DTLS ran again")
	}
}

// restartOver restarts ICE with candidates of one protocol only.
func (tv *television) restartOver(t *testing.T, proto string) {
	t.Helper()
	ufrag, pwd := credentialsOf(t, tv.client.offer(&webrtc.OfferOptions{ICERestart: true}))
	f, err := tv.conn.Restart(t.Context(), ufrag, pwd, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(restarted(tv.client.sdp, f), "\n")
	tv.client.take(strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "a=candidate:") && !strings.Contains(strings.ToLower(line), " "+proto+" ")
	}), ""))
}

// A host whose library tells no keys must not start.
func TestKeyHooksAreChecked(t *testing.T) {
	if err := checkKeyHooks(); err != nil {
		t.Fatal(err)
	}
	var k keyHooks
	for name, line := range map[string]string{
		"nothing": "", "another label": "SERVER_RANDOM aa bb\n", "no hexadecimal": "CLIENT_RANDOM xx yy\n", "too short": "CLIENT_RANDOM aa\n",
	} {
		if n, err := k.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if _, err := k.derive(); err == nil {
			t.Errorf("%s gave keys", name)
		}
	}
}
