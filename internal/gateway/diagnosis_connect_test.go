package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// unreachable POSTs an offer from another network, none of whose packets arrive,
// and asks the session's address once, as a client does that read the answer.
func unreachable(gatewayAddress string, change func(*gateway.Config), offer string, words ...string) func(*testing.T) {
	return inScene(gatewayAddress, change, func(s *scene) {
		id, location := s.postOffer("/whip/live", "", offer)
		<-time.After(10 * time.Second)
		if status := s.send(http.MethodDelete, location); status != http.StatusOK {
			s.t.Fatalf("DELETE: %d", status)
		}
		s.expect(id, words...)
	})
}

// hiddenOnly is an offer whose only candidate is a name of multicast DNS.
func hiddenOnly() string {
	return obs() + "a=candidate:1 1 udp 2122260223 6f1d0c1e-8d4c-4a39-9a9a-000000000001.local 46243 typ host\r\n"
}

var connectDiagnoses = map[string]func(*testing.T){
	"only-container-address": unreachable("172.17.0.2", nil, obs(), "only 172.17.0.2", "Docker", "--public-ip", "8190"),
	"private-address-only":   unreachable(lanAddress, nil, obs(), remoteAddress, lanAddress, "--public-ip"),
	"loopback-only":          unreachable("127.0.0.1", nil, obs(), remoteAddress, "only 127.0.0.1", "media.listen"),
	"public-address-wrong": unreachable(lanAddress, func(c *gateway.Config) { c.Media.PublicAddresses = []string{"8.8.4.4"} },
		obs(), "8.8.4.4, port 8190", "media.public_addresses"),
	"tcp-off":          unreachable("8.8.8.8", nil, offers.Get("chrome-publish"), "switched off", "media.tcp"),
	"mdns-only":        unreachable("8.8.8.8", nil, hiddenOnly(), "hidden addresses", "8190"),
	"udp-blocked":      unreachable("8.8.8.8", nil, obs(), "port 8190 of 8.8.8.8", "Open UDP port 8190"),
	"no-check-arrived": noCheckArrived,
	"counter-offer-unanswered": inScene("8.8.8.8", func(c *gateway.Config) {
		c.Sessions.CounterOffer, c.Channels.Idle = session.CounterAlways, router.WaitIdle
	}, func(s *scene) {
		id, _ := s.postOffer("/whep/live", "", offers.Get("chrome-play"))
		<-time.After(32 * time.Second)
		s.expect(id, "did not answer it within 3", "sessions.counter_offer to asked", "?offer=server")
	}),
	"abandoned-post": inScene("8.8.8.8", nil, func(s *scene) {
		id, _ := s.postOffer("/whip/live", "", obs())
		<-time.After(time.Minute)
		s.expect(id, "never heard of again", "cors.origins", "8190")
	}),
	"ice-timeout-late": inScene("8.8.8.8", nil, func(s *scene) {
		id, location := s.postOffer("/whip/live", "", obs())
		<-time.After(50 * time.Second)
		s.send(http.MethodGet, location)
		s.expect(id, "seconds after the gateway had waited for 40 seconds", "sessions.handshake_timeout")
	}),
	"checks-one-way": inScene(lanAddress, nil, func(s *scene) {
		s.net.Unroute(func(fromGateway bool, _ []byte) bool { return fromGateway })
		s.publish(testkit.PublisherOptions{Quirks: testkit.Quirks{Unconnected: true}})
		<-time.After(6 * time.Second)
		s.expect(s.idOf("publish"), "heard", "from 10.0.0.", "nothing it sends")
	}),
	"dtls-fingerprint-mismatch": inScene(lanAddress, nil, func(s *scene) {
		p := s.publish(testkit.PublisherOptions{Quirks: testkit.Quirks{Unconnected: true, EditOffer: otherFingerprint}})
		id := s.idOf("publish")
		s.gone(p.Session().Location, 20*time.Second)
		s.expect(id, "another certificate", "a=fingerprint")
	}),
	"dtls-timeout": inScene(lanAddress, nil, func(s *scene) {
		s.net.Unroute(func(_ bool, b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] <= 63 })
		p := s.publish(testkit.PublisherOptions{Quirks: testkit.Quirks{Unconnected: true}})
		id := s.idOf("publish")
		s.gone(p.Session().Location, time.Minute)
		s.expect(id, "answers checks", "after 30 seconds", "10.0.0.")
	}),
	"dtls-alert": inScene(lanAddress, nil, func(s *scene) {
		p := s.publish(testkit.PublisherOptions{Quirks: testkit.Quirks{Unconnected: true, Settings: func(e *webrtc.SettingEngine) {
			e.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_32)
		}}})
		id := s.idOf("publish")
		s.gone(p.Session().Location, 20*time.Second)
		s.expect(id, "broken off", "SRTP profile")
	}),
	"dtls-refused": inScene(lanAddress, nil, func(s *scene) {
		p := s.publish(testkit.PublisherOptions{Quirks: testkit.Quirks{Unconnected: true, EditAnswer: otherFingerprint}})
		id := s.idOf("publish")
		s.gone(p.Session().Location, 20*time.Second)
		s.expect(id, "encryption handshake", "a=fingerprint")
	}),
	"consent-lost": inScene(lanAddress, nil, func(s *scene) {
		net := s.net.Client()
		p := testkit.Publish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/live", HTTP: s.http, Net: net})
		id := s.idOf("publish")
		<-time.After(12 * time.Second)
		s.net.Lose(net, testkit.Everything)
		s.gone(p.Session().Location, time.Minute)
		s.expect(id, "connected for 12 seconds", "nothing came from 10.0.0.", "for 3")
	}),
	"replaced": inScene(lanAddress, nil, func(s *scene) {
		s.publish(testkit.PublisherOptions{})
		id := s.idOf("publish")
		<-time.After(11 * time.Second)
		s.publish(testkit.PublisherOptions{})
		s.settled(id)
		s.expect(id, "newer publisher")
	}),
	"duplicate-id": inScene(lanAddress, func(c *gateway.Config) {
		withTokens(c)
		c.Channels.Duplicates = router.ReplaceDuplicates
	}, func(s *scene) {
		first := sign(s.t, auth.Claims{Publish: []string{"*"}, Participant: "alice", Session: "1"})
		id, _ := s.postOffer("/whip/live", first, obs())
		second := sign(s.t, auth.Claims{Publish: []string{"*"}, Participant: "alice", Session: "2"})
		s.postOffer("/whip/live", second, obs())
		<-time.After(time.Second)
		s.expectWith(id, first, "another login")
	}),
	"token-ended": inScene(lanAddress, withTokens, func(s *scene) {
		token := sign(s.t, auth.Claims{Publish: []string{"live"}, Subject: "alice", Expires: time.Now().Add(20 * time.Second)})
		s.publish(testkit.PublisherOptions{Token: token})
		id := s.idOf("publish")
		<-time.After(2 * time.Minute)
		s.expectWith(id, sign(s.t, auth.Claims{Publish: []string{"live"}, Subject: "alice"}), "time was over")
	}),
	"publication-ended": inScene(lanAddress, func(c *gateway.Config) { c.Channels.ViewerLinger = 5 * time.Second }, func(s *scene) {
		p := s.publish(testkit.PublisherOptions{})
		s.play()
		id := s.idOf("play")
		p.Close()
		<-time.After(10 * time.Second)
		s.expect(id, `channel "live" did not come back`)
	}),
	"bitrate-above-cap": inScene(lanAddress, capAt(1_000_000), func(s *scene) {
		s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		id := s.idOf("publish")
		<-time.After(9 * time.Second)
		s.expect(id, "may send 1.0 Mbit/s", "ends if that goes on", "1000 kbit/s", "OBS", "-b:v")
		s.settled(id)
		s.expect(id, "2.4 Mbit/s for", `on channel "live", which ended the session`)
	}),
	"codec-changed": inScene(lanAddress, nil, func(s *scene) {
		p := s.publish(testkit.PublisherOptions{})
		s.play()
		id := s.idOf("play")
		p.Close()
		s.publish(testkit.PublisherOptions{Accent: testkit.Accent{VP8: true}})
		<-time.After(2 * time.Second)
		s.expect(id, "codec")
	}),
}

// settled waits until a session is over.
func (s *scene) settled(id string) {
	s.t.Helper()
	for range 100 {
		if _, state, _ := s.ask(id, ""); state == "ended" {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	s.t.Fatal("the session does not end")
}

// otherFingerprint announces another certificate: one digit of the digest differs.
func otherFingerprint(sdp string) string {
	at := strings.LastIndex(sdp, "a=fingerprint:sha-256 ") + len("a=fingerprint:sha-256 ")
	other := "0"
	if sdp[at] == '0' {
		other = "1"
	}
	digest := sdp[at : at+95]
	return strings.ReplaceAll(sdp, digest, other+digest[1:])
}

// noCheckArrived is a gateway with TCP, on real sockets, of whose client nothing
// comes, as behind a firewall.
func noCheckArrived(t *testing.T) {
	t.Parallel()
	s, _ := realScene(t)
	id, _ := s.postOffer("/whip/live", "", offers.Get("chrome-publish"))
	s.await(id, "neither by UDP nor by TCP", "UDP and TCP")
}

// to sends requests to another origin.
type to struct{ origin string }

func (o to) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = strings.TrimPrefix(o.origin, "http://")
	return http.DefaultTransport.RoundTrip(r)
}
