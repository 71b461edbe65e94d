package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/testkit"
)

// admin is a token for everything.

func (s *stage) admin() string {
	s.t.Helper()
	return sign(s.t, auth.Claims{Subject: "boss", Publish: []string{"*"}, Play: []string{"*"}, Admin: true, Participant: "*"})
}

func TestR02TheAPIMakesTokensForAnApplication(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		wish := object{"participant": "alice", "name": "Alice", "publish": []string{"live"}, "play": []string{"live"}, "expires_in": 600}
		made := s.ok(201, "POST", "/tokens", wish, s.admin())
		token, _ := made["token"].(string)
		expires, err := time.Parse(time.RFC3339, made["expires"].(string))
		if until := time.Until(expires); err != nil || until > 10*time.Minute || until < 9*time.Minute {
			s.t.Errorf("expires %v", made["expires"])
		}
		s.publishesAs("alice", testkit.PublisherOptions{Token: token})
		if code := s.triesToPublish("bob", token); code != "wrong-participant" {
			s.t.Errorf("alice's token publishes as bob: %q", code)
		}
		s.refused("not-allowed", "POST", "/tokens", wish, token)
		s.refused("no-token", "POST", "/tokens", wish)
	})
}

func TestR03ATokenMadeByTheAPIBoundsTheTimeOfEntryAndItsUse(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		made := s.ok(201, "POST", "/tokens", object{"participant": "alice", "publish": []string{"live"}, "expires_in": 60, "once": true}, s.admin())
		token, _ := made["token"].(string)
		m := s.joins(object{}, token)
		m.toldWithin(3*time.Minute, "token-expiring", nil)
		m.toldWithin(4*time.Minute, "closed", object{"reason": "token-expired"})
		s.refused("token-expired", "POST", "/channels/live/events", object{}, token)
		s.refused("token-expired", "GET", m.url, nil)
	})
}

func TestR09NamesAndTagsAreShownInTheRoster(t *testing.T) {
	t.Run("of a token", func(t *testing.T) {
		inFakeTime(t, withTokens, func(s *stage) {
			watcher := s.joins(object{"participant": "watcher"}, s.admin())
			token := sign(s.t, auth.Claims{Subject: "alice", Name: "Alice <b>", Tags: map[string]string{"seat": "12"}, Publish: []string{"live"}})
			s.publishesAs("alice", testkit.PublisherOptions{Token: token})
			want := object{"participant": "alice", "name": "Alice <b>", "tags": object{"seat": "12"}}
			watcher.told("joined", want)
			if found := all(s.ok(200, "GET", "/channels/live/participants", nil, s.admin())["participants"], want); len(found) != 1 {
				s.t.Errorf("the roster has not %v", want)
			}
		})
	})
	t.Run("of a member's own", func(t *testing.T) {
		inFakeTime(t, nil, func(s *stage) {
			watcher := s.joins(object{"participant": "watcher"})
			s.joins(object{"participant": "bob", "name": "Bob", "tags": object{"colour": "red"}})
			watcher.told("joined", object{"participant": "bob", "name": "Bob", "tags": object{"colour": "red"}})
		})
	})
}

func TestR10ANameAndAPasswordLetIn(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		s.ok(201, "PUT", "/channels/live", object{"kind": "call", "password": "open sesame"}, s.admin())
		if s.ok(200, "GET", "/channels/live", nil, s.admin())["settings"] != nil && contains(s.ok(200, "GET", "/channels/live", nil, s.admin()), object{"settings": object{"password": "open sesame"}}) {
			s.t.Error("the password is told")
		}
		s.refused("wrong-password", "POST", "/login", object{"channel": "live", "password": "guess"})
		s.refused("wrong-password", "POST", "/login", object{"channel": "nowhere", "password": "open sesame"})
		in := s.ok(200, "POST", "/login", object{"channel": "live", "password": "open sesame", "name": "Alice", "participant": "alice"})
		token, _ := in["token"].(string)
		if in["participant"] != "alice" || token == "" {
			s.t.Fatalf("%v", in)
		}
		m := s.joins(object{}, token)
		if snapshot := search(m.heard(), "snapshot", object{"self": "alice"}); snapshot == nil {
			s.t.Error("alice is somebody else")
		}
		s.publishesAs("alice", testkit.PublisherOptions{Token: token})
	})
}

func TestR11RightsAreApart(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		guest := sign(s.t, auth.Claims{Subject: "guest", Play: []string{"live"}})
		host := sign(s.t, auth.Claims{Subject: "host", Publish: []string{"live"}})
		s.publishesAs("host", testkit.PublisherOptions{Token: host})
		s.joins(object{}, guest)
		testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", Token: guest, HTTP: s.http, Net: s.net.Client()})
		if code := s.triesToPublish("guest", guest); code != "not-allowed" {
			s.t.Errorf("one of the audience publishes: %q", code)
		}
		s.refused("not-allowed", "DELETE", "/channels/live/participants/host", nil, guest)
		s.refused("not-allowed", "GET", "/channels/live/participants", nil, host)
		s.refused("no-token", "GET", "/channels/live", nil)
	})
}

func TestR08ADuplicateIsHandledByPolicy(t *testing.T) {
	login := func(s *stage, session string) string {
		return sign(s.t, auth.Claims{Participant: "alice", Session: session, Publish: []string{"live"}, Play: []string{"live"}})
	}
	t.Run("replace", func(t *testing.T) {
		inFakeTime(t, withTokens, func(s *stage) {
			s.ok(201, "PUT", "/channels/live", object{"kind": "call", "duplicates": "replace"}, s.admin())
			older := s.joins(object{}, login(s, "one"))
			publisher := s.publishesAs("alice", testkit.PublisherOptions{Token: login(s, "one")})
			s.publishesAs("alice", testkit.PublisherOptions{Token: login(s, "two")})
			older.told("kicked", object{"reason": "duplicate-id"})
			s.refused("duplicate-id", "GET", older.url, nil)
			s.refused("duplicate-id", "GET", publisher.Session().Location, nil, login(s, "one"))
		})
	})
	t.Run("reject", func(t *testing.T) {
		inFakeTime(t, withTokens, func(s *stage) {
			s.ok(201, "PUT", "/channels/live", object{"kind": "call", "duplicates": "reject"}, s.admin())
			older := s.joins(object{}, login(s, "one"))
			s.publishesAs("alice", testkit.PublisherOptions{Token: login(s, "one")})
			if status, doc := s.rest("POST", "/channels/live/events", object{}, login(s, "two")); status != http.StatusConflict {
				s.t.Errorf("a duplicate joins: %d %v", status, doc)
			}
			if older.heardOf("kicked", nil) {
				s.t.Error("the first one was put out")
			}
		})
	})
}
