package gateway_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

var ownKey = bytes.Repeat([]byte("k"), 32)

func withTokens(c *gateway.Config) { c.Auth.Own = ownKey }

func sign(t *testing.T, claims auth.Claims) string {
	t.Helper()
	token, err := auth.Sign(ownKey, claims)
	must(t, err)
	return token
}

// refused POSTs an offer with a token and expects the diagnosis of the test for
// whoever shows the same token.
func refusedWith(claims func() auth.Claims, words ...string) func(*testing.T) {
	return inScene(lanAddress, withTokens, func(s *scene) {
		token := sign(s.t, claims())
		id, _ := s.postOffer("/whip/live", token, obs())
		s.expectWith(id, token, words...)
		if status, _, _ := s.ask(id, sign(s.t, auth.Claims{Publish: []string{"live"}})); status != http.StatusNotFound {
			s.t.Errorf("somebody else's token: %d", status)
		}
	})
}

var refusedDiagnoses = map[string]func(*testing.T){
	"token-expired-before-post": refusedWith(func() auth.Claims {
		return auth.Claims{Publish: []string{"live"}, Expires: time.Now().Add(-3 * time.Minute)}
	}, "expired 3 minutes before the POST", "--ttl"),
	"token-not-yet-valid": refusedWith(func() auth.Claims {
		return auth.Claims{Publish: []string{"live"}, NotBefore: time.Now().Add(time.Hour)}
	}, "from 60 minutes after", "clocks"),
	"token-wrong-channel": refusedWith(func() auth.Claims {
		return auth.Claims{Publish: []string{"other"}}
	}, `not to publish on channel "live"`),
	"token-missing": inScene(lanAddress, withTokens, func(s *scene) {
		id, _ := s.postOffer("/whip/live", "", obs())
		s.expect(id, "publisher sent no token", "Bearer Token")
		s.http = testkit.From(s.local, "203.0.113.9")
		if status, _, _ := s.ask(id, ""); status != http.StatusNotFound {
			s.t.Errorf("from another address: %d", status)
		}
	}),
	"token-unknown": inScene(lanAddress, withTokens, func(s *scene) {
		id, _ := s.postOffer("/whip/live", "nonsense", obs())
		s.expectWith(id, "nonsense", "does not believe")
	}),
	"token-replayed": inScene(lanAddress, withTokens, func(s *scene) {
		token := sign(s.t, auth.Claims{Publish: []string{"live", "other"}, ID: "1", Once: true, Expires: time.Now().Add(time.Hour)})
		s.postOffer("/whip/live", token, obs())
		id, _ := s.postOffer("/whip/live/guest", token, obs())
		s.expectWith(id, token, "used it before")
	}),
	"channel-idle": inScene(lanAddress, nil, func(s *scene) {
		id, _ := s.postOffer("/whep/live", "", offers.Get("chrome-play"))
		s.expect(id, `Nobody was publishing on channel "live"`, "channels.idle")
	}),
	"channel-busy": inScene(lanAddress, withTokens, func(s *scene) {
		first := sign(s.t, auth.Claims{Publish: []string{"live"}, Participant: "alice", Session: "1"})
		busy, _ := s.postOffer("/whip/live", first, obs())
		second := sign(s.t, auth.Claims{Publish: []string{"live"}, Participant: "alice", Session: "2"})
		id, _ := s.postOffer("/whip/live", second, obs())
		s.expectWith(id, second, `Participant "alice"`, busy, "since 00:00:00 UTC")
	}),
	"codec-missing-player": inScene(lanAddress, nil, func(s *scene) {
		s.publish(testkit.PublisherOptions{Accent: testkit.Accent{VP8: true}})
		<-time.After(time.Second)
		id, _ := s.postOffer("/whep/live", "", withoutVP8(offers.Get("chrome-play")))
		s.expect(id, "has no VP8", "H264")
	}),
	"codec-missing-publisher": inScene(lanAddress, func(c *gateway.Config) {
		c.Sessions.Video = []string{router.AV1}
	}, func(s *scene) {
		id, _ := s.postOffer("/whip/live", "", offers.Get("obs-video-only"))
		s.expect(id, "offered H264", "takes AV1", "sessions.video")
	}),
	"offer-not-usable": inScene(lanAddress, nil, func(s *scene) {
		id, _ := s.postOffer("/whip/live", "", "this is no SDP")
		s.expect(id, "bad-offer")
	}),
	"overloaded": inScene(lanAddress, func(c *gateway.Config) { c.Egress.Workers = 1 }, func(s *scene) {
		s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		for range 3 {
			s.play()
		}
		s.net.Slow(2 * time.Millisecond)
		<-time.After(8 * time.Second)
		id, _ := s.postOffer("/whep/live", "", offers.Get("chrome-play"))
		s.expect(id, "as much as it can")
	}),
	"too-many-sessions": inScene(lanAddress, func(c *gateway.Config) { c.Sessions.MaxSessions = 1 }, func(s *scene) {
		s.postOffer("/whip/one", "", obs())
		id, _ := s.postOffer("/whip/two", "", obs())
		s.expect(id, "as many sessions as it may", "sessions.max_sessions")
	}),
	"too-many-half-open": inScene(lanAddress, func(c *gateway.Config) { c.Sessions.MaxHalfOpen = 1 }, func(s *scene) {
		s.postOffer("/whip/one", "", obs())
		id, _ := s.postOffer("/whip/two", "", obs())
		s.expect(id, remoteAddress, "http.trusted_proxies")
	}),
}

// withoutVP8 takes a codec out of an offer.
func withoutVP8(offer string) string { return strings.ReplaceAll(offer, "VP8/90000", "VP7/90000") }
