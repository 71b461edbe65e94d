package gateway_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// Somebody ends what they publish, and nobody else's; administrators end everything,
// with what stands by for it.
func TestPublicationsAreEnded(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) {
		c.Auth.Own = restKey
		c.Channels.Standby = []string{"live"}
	}, func(s *stage) {
		token := func(claims auth.Claims) string {
			claims.ID = gateway.NewTokenID()
			signed, err := s.g.SignToken(claims)
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}
		both := []string{"live"}
		ann, bob := token(auth.Claims{Participant: "ann", Publish: both, Play: both}), token(auth.Claims{Participant: "bob", Publish: both, Play: both})
		again, admin := token(auth.Claims{Participant: "ann", Publish: both, Play: both}), token(auth.Claims{Admin: true, Play: both})
		for _, token := range []string{ann, again} {
			s.publish(testkit.PublisherOptions{Token: token})
			time.Sleep(2 * time.Second)
		}

		const path = "/channels/live/publications/ann/main"
		s.refused("wrong-participant", "DELETE", path, nil, bob)
		s.refused("publication-unknown", "DELETE", "/channels/live/publications/bob/main", nil, bob)
		s.ok(204, "DELETE", path, nil, ann) // what stands by takes over
		time.Sleep(200 * time.Millisecond)
		if doc := s.ok(200, "GET", path, nil, admin); doc["session"] == nil || doc["standbys"] != nil {
			t.Errorf("after its own end %v", doc)
		}
		s.refused("not-allowed", "DELETE", path, nil, ann)
		s.ok(204, "DELETE", path, nil, admin)
		time.Sleep(200 * time.Millisecond)
		s.refused("publication-unknown", "GET", path, nil, admin)
	})
}
