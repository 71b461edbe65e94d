package gateway_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// isMedia tells RTP from everything else.
func isMedia(b []byte) bool {
	return len(b) > 1 && b[0] >= 128 && b[0] < 192 && (b[1] < 192 || b[1] > 223)
}

// scores is the quality of alice and bob that a member was told last.
func (m *member) scores() (up, down any) {
	told := search(m.heard(), "quality", nil)
	all, _ := told["participants"].(object)
	alice, _ := all["alice"].(object)
	bob, _ := all["bob"].(object)
	return alice["up"], bob["down"]
}

// Each direction has a score of its own, which follows what happens on the network.
func TestQualityFollowsTheNetwork(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		bob := s.joins(object{"participant": "bob"})
		s.publishesAs("alice", testkit.PublisherOptions{})
		player := testkit.Play(s.t, testkit.PlayerOptions{
			Endpoint: "http://127.0.0.1/whep/live/alice?participant=bob", OneReporter: true, HTTP: s.http, Net: s.net.Client(),
		})
		becomes := func(what string, fits func(up, down any) bool) {
			s.t.Helper()
			bob.waits(15*time.Second, what, func([]event) bool { return fits(bob.scores()) })
		}
		becomes("both are best", func(up, down any) bool { return up == 5. && down == 5. })
		if doc := s.ok(200, "GET", "/channels/live/participants/alice", nil); !contains(doc, object{"quality": object{"up": 5}}) {
			s.t.Errorf("%v", doc)
		}
		var n atomic.Int64
		lose := func(ofGateway bool) {
			s.net.Unroute(func(fromGateway bool, b []byte) bool {
				return fromGateway == ofGateway && isMedia(b) && n.Add(1)%10 == 0
			})
		}
		lose(false)
		becomes("alice's way up is bad, bob's down is not", func(up, down any) bool { return low(up) && !low(down) })
		lose(true)
		becomes("bob's way down is bad, alice's up is not", func(up, down any) bool { return !low(up) && low(down) })
		s.net.Unroute(func(bool, []byte) bool { return false })
		becomes("both are best again", func(up, down any) bool { return up == 5. && down == 5. })
		s.net.Unroute(func(bool, []byte) bool { return true })
		becomes("both are silent", func(up, down any) bool { return up == 0. && down == 0. })
		s.net.Unroute(func(bool, []byte) bool { return false })
		player.Wait(5*time.Second, "picture", moving(20))
	})
}

// Who gets a lower layer than there is, because the line carries no more, has a lower
// score; who gets everything has not.
func TestQualityTellsOfAShortage(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		bob := s.joins(object{"participant": "bob"})
		s.joins(object{"participant": "carol"})
		ladder(s, false)
		for who, bits := range map[string]int{"bob": 300_000, "carol": 20_000_000} {
			network, _ := s.net.NarrowClient(bits, 400*time.Millisecond)
			testkit.Play(s.t, testkit.PlayerOptions{
				Endpoint: "http://127.0.0.1/whep/live?participant=" + who, HTTP: s.http, Net: network, TransportCC: true,
			})
		}
		<-time.After(20 * time.Second)
		bob.forgets()
		<-time.After(3 * time.Second)
		told := bob.told("quality", object{"participants": object{"carol": object{"down": 5}}})
		people, _ := told["participants"].(object)
		if score, _ := people["bob"].(object); !low(score["down"]) {
			s.t.Errorf("bob has %v", people)
		}
	})
}

// A member whose publisher connects and then sends nothing has the lowest score, after
// a while.
func TestQualityOfAPublisherThatSendsNothing(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		alice := s.joins(object{"participant": "alice"})
		s.publishesAs("alice", testkit.PublisherOptions{Quirks: testkit.Quirks{Muted: true}})
		alice.toldWithin(3*time.Second, "quality", object{"participants": object{"alice": object{"up": 5}}})
		alice.toldWithin(8*time.Second, "quality", object{"participants": object{"alice": object{"up": 0}}})
	})
}
