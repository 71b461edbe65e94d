package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/testkit"
)

func TestR59AnInvitationIsAcceptedAndMakesAThreeWayCall(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		token := func(who string, channels ...string) string {
			return sign(s.t, auth.Claims{Subject: who, Participant: who, Publish: channels, Play: channels})
		}
		s.ok(201, "PUT", "/channels/room", object{"kind": "call"}, s.admin())
		alice := s.joinsIn("room", object{}, token("alice", "room", "lobby"))
		for _, guest := range []string{"bob", "carol"} {
			inLobby := s.joinsIn("lobby", object{}, token(guest, "lobby"))
			made := s.ok(201, "POST", "/channels/room/invitations", object{"to": guest, "in": "lobby", "message": "join us"}, token("alice", "room", "lobby"))
			invited := inLobby.told("invited", object{"from": "alice", "to": guest, "channel": "room", "message": "join us", "state": "pending"})
			path := "/invitations/" + invited["id"].(string)
			s.refused("wrong-participant", "GET", path, nil, token("mallory", "room", "lobby"))
			accepted := s.ok(200, "PATCH", path, object{"state": "accepted"}, token(guest, "lobby"))
			alice.told("invitation", object{"id": made["id"], "state": "accepted"})
			in, _ := accepted["token"].(string)
			if accepted["channel"] != "room" || in == "" {
				s.t.Fatalf("%v", accepted)
			}
			s.ok(200, "PATCH", path, object{"state": "accepted"}, token(guest, "lobby"))
			s.refused("invitation-settled", "PATCH", path, object{"state": "declined"}, token(guest, "lobby"))
			s.joinsIn("room", object{}, in)
			testkit.Publish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/room/" + guest, Token: in, HTTP: s.http, Net: s.net.Client()})
			alice.told("published", object{"participant": guest})
		}
		if doc := s.ok(200, "GET", "/channels/room", nil, s.admin()); !contains(doc, object{"participants": 3}) {
			s.t.Errorf("%v", doc)
		}
	})
}

func TestR59InvitationsAreDeclinedCancelledAndExpire(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		alice := s.joins(object{"participant": "alice"})
		bob := s.joins(object{"participant": "bob"})
		invite := func() string {
			made := s.ok(201, "POST", "/channels/live/invitations", object{"participant": "alice", "to": "bob", "valid_seconds": 30})
			bob.told("invited", object{"id": made["id"]})
			return "/invitations/" + made["id"].(string)
		}
		declined := invite()
		s.ok(200, "PATCH", declined, object{"state": "declined"})
		alice.told("invitation", object{"state": "declined"})
		cancelled := invite()
		s.ok(204, "DELETE", cancelled, nil)
		s.ok(204, "DELETE", cancelled, nil)
		bob.told("invitation", object{"state": "cancelled"})
		s.refused("invitation-settled", "PATCH", cancelled, object{"state": "accepted"})
		expired := invite()
		alice.toldWithin(40*time.Second, "invitation", object{"state": "expired"})
		s.refused("invitation-settled", "PATCH", expired, object{"state": "accepted"})
		s.refused("participant-unknown", "POST", "/channels/live/invitations", object{"participant": "alice", "to": "nobody"})
	})
}

func TestR57MessagesReachAllMembersOrOne(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		alice := s.joins(object{"participant": "alice", "name": "Alice"})
		bob := s.joins(object{"participant": "bob"})
		carol := s.joins(object{"participant": "carol"})
		said := s.ok(201, "POST", "/channels/live/messages", object{"participant": "alice", "text": "Hello <b>"})
		want := object{"id": said["id"], "from": "alice", "name": "Alice", "text": "Hello <b>"}
		for _, m := range []*member{alice, bob, carol} {
			m.told("message", want)
		}
		s.ok(201, "POST", "/channels/live/messages", object{"participant": "alice", "text": "only you", "to": "bob"})
		bob.told("message", object{"text": "only you", "to": "bob"})
		alice.told("message", object{"text": "only you"})
		<-time.After(time.Second)
		if carol.heardOf("message", object{"text": "only you"}) {
			s.t.Error("carol heard it too")
		}
	})
}

func TestR57MessagesAreBounded(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.joins(object{"participant": "alice"})
		if status, _ := s.rest("POST", "/channels/live/messages", object{"participant": "alice", "text": ""}); status != 400 {
			s.t.Errorf("an empty one: %d", status)
		}
		if status, _ := s.rest("POST", "/channels/live/messages", object{"participant": "alice", "text": strings.Repeat("x", 16385)}); status < 400 {
			s.t.Errorf("a long one: %d", status)
		}
		taken := 0
		for range 20 {
			if status, _ := s.rest("POST", "/channels/live/messages", object{"participant": "alice", "text": "again"}); status == 201 {
				taken++
			}
		}
		if taken < 3 || taken > 6 {
			s.t.Errorf("%d messages at once were taken", taken)
		}
		s.refused("too-many-messages", "POST", "/channels/live/messages", object{"participant": "alice", "text": "again"})
		<-time.After(2 * time.Second)
		s.ok(201, "POST", "/channels/live/messages", object{"participant": "alice", "text": "later"})
	})
}

// Tokens that name nobody let their holders choose a name, but not that of somebody

// who is there.

func TestNobodySpeaksForSomebodyElse(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		token := func(id string) string {
			return sign(s.t, auth.Claims{ID: id, Publish: []string{"live"}, Play: []string{"live"}})
		}
		s.joinsIn("live", object{"participant": "alice"}, token("one"))
		s.joinsIn("live", object{"participant": "bob"}, token("two"))
		said := object{"participant": "alice", "text": "it is me"}
		s.refused("wrong-participant", "POST", "/channels/live/messages", said, token("two"))
		s.ok(201, "POST", "/channels/live/messages", said, token("one"))
		s.refused("wrong-participant", "POST", "/channels/live/invitations", object{"participant": "alice", "to": "bob"}, token("two"))
		made := s.ok(201, "POST", "/channels/live/invitations", object{"participant": "alice", "to": "bob"}, token("one"))
		path := "/invitations/" + made["id"].(string)
		s.refused("wrong-participant", "PATCH", path, object{"state": "accepted"}, token("one"))
		s.refused("wrong-participant", "DELETE", path, nil, token("two"))
		s.refused("wrong-participant", "GET", path, nil, token("three"))
		s.ok(200, "PATCH", path, object{"state": "accepted"}, token("two"))
	})
}
