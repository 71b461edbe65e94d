package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/testkit"
)

// A bare viewer may say it is anybody, so that it is not shown itself. That is no way
// to speak for somebody who is there, to hear what is said to them alone, to call them
// names or to accept what they are offered.
func TestABareViewerIsNobodyElse(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		token := func(id string, claims auth.Claims) string {
			claims.ID, claims.Play = id, []string{"live"}
			return sign(s.t, claims)
		}
		speaker := token("one", auth.Claims{Publish: []string{"live"}})
		audience := token("two", auth.Claims{})
		s.publish(testkit.PublisherOptions{Token: token("three", auth.Claims{Participant: "cam", Publish: []string{"live"}})})
		alice := s.joins(object{"participant": "alice", "name": "Alice"}, speaker)
		plays := func(who, token string) *testkit.Player {
			return testkit.Play(s.t, testkit.PlayerOptions{
				Endpoint: "http://127.0.0.1/whep/live?participant=alice&name=" + who, Token: token, HTTP: s.http, Net: s.net.Client(), Data: []string{"chat"},
			})
		}
		own, impostor := plays("Alice", speaker).Data("chat"), plays("Mallory", audience).Data("chat")
		own.Say("good morning")
		alice.told("message", object{"text": "good morning", "from": "alice", "name": "Alice"})
		impostor.Say("it is me")
		alice.told("message", object{"text": "it is me"})
		if m := search(alice.heard(), "message", object{"text": "it is me"}); !strings.HasPrefix(m["from"].(string), "viewer-") || m["name"] != nil {
			s.t.Errorf("an impostor is shown as %v", m)
		}
		if alice.heardOf("joined", object{"name": "Mallory"}) {
			s.t.Error("alice was given another name")
		}
		said := object{"participant": "alice", "text": "for your eyes", "to": "alice"}
		s.refused("wrong-participant", "POST", "/channels/live/messages", said, audience)
		s.ok(201, "POST", "/channels/live/messages", said, speaker)
		if got := texts(s.t, own.Wait(2*time.Second, 3)); got[2] != "message alice for your eyes" {
			s.t.Errorf("alice's own player heard %q", got)
		}
		made := s.ok(201, "POST", "/channels/live/invitations", object{"participant": "alice", "to": "alice"}, speaker)
		s.refused("wrong-participant", "PATCH", "/invitations/"+made["id"].(string), object{"state": "accepted"}, audience)
		<-time.After(time.Second)
		if got := texts(s.t, impostor.Got()); strings.Contains(strings.Join(got, "\n"), "for your eyes") {
			s.t.Errorf("the impostor heard %q", got)
		}
	})
}

// Who was put out for a while is not heard either.
func TestABannedOneIsSilent(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		ann := sign(s.t, auth.Claims{ID: "a", Participant: "ann", Play: []string{"live", "lobby"}})
		bob := s.joins(object{"participant": "bob"}, sign(s.t, auth.Claims{ID: "b", Play: []string{"live"}}))
		said, invites := object{"text": "hello"}, object{"to": "bob"}
		s.ok(204, "DELETE", "/channels/live/participants/ann?ban_seconds=60", nil, s.admin())
		s.refused("banned", "POST", "/channels/live/messages", said, ann)
		s.refused("banned", "POST", "/channels/live/invitations", invites, ann)
		s.refused("banned", "POST", "/channels/lobby/invitations", object{"to": "bob", "in": "live"}, ann)
		<-time.After(time.Minute)
		if bob.heardOf("message", nil) || bob.heardOf("invited", nil) {
			s.t.Error("bob was told")
		}
		s.ok(201, "POST", "/channels/live/messages", said, ann)
		s.ok(201, "POST", "/channels/live/invitations", invites, ann)
	})
}

// Who may only watch does not make a call of a broadcast.
func TestTheAudienceMakesNoCall(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		join := object{"participant": "ann", "kind": "call"}
		watches := sign(s.t, auth.Claims{ID: "a", Play: []string{"live"}})
		if doc := s.ok(201, "POST", "/channels/live/events", join, watches); doc["kind"] != "broadcast" {
			s.t.Errorf("a viewer joins %v", doc)
		}
		sends := sign(s.t, auth.Claims{ID: "b", Publish: []string{"live"}})
		join["participant"] = "bob"
		if doc := s.ok(201, "POST", "/channels/live/events", join, sends); doc["kind"] != "call" {
			s.t.Errorf("a publisher joins %v", doc)
		}
	})
}
