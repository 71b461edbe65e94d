package gateway_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit"
)

// TestAKindThatAppearsLaterAsksToReconnect: a section that was answered inactive is never filled, so the player is asked to come
// again, and goes on until it does.
func TestAKindThatAppearsLaterAsksToReconnect(t *testing.T) {
	for name, tc := range map[string]struct {
		second  testkit.PublisherOptions
		only    string
		counter *testkit.CounterStyle
		when    string
		want    []string
	}{
		"sound":                   {want: []string{"active", "inactive", "active", "reconnect"}},
		"by a counter-offer":      {when: session.CounterAlways, counter: &testkit.CounterStyle{}, want: []string{"active", "inactive", "active", "reconnect"}},
		"still none":              {second: testkit.PublisherOptions{NoAudio: true}, want: []string{"active", "inactive", "active"}},
		"unwanted":                {only: "video", want: []string{"active", "inactive", "active"}},
		"unwanted, counter-offer": {only: "video", when: session.CounterAlways, counter: &testkit.CounterStyle{}, want: []string{"active", "inactive", "active"}},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, counterOffers(cmp.Or(tc.when, session.CounterAsked)), func(s *stage) {
				first := s.publish(testkit.PublisherOptions{NoAudio: true})
				player := testkit.Play(s.t, testkit.PlayerOptions{
					Endpoint: channelURL, HTTP: s.http, Net: s.net.Client(), Counter: tc.counter, Only: tc.only,
				})
				l, _ := s.listen(player, "active", "inactive", "reconnect")
				first.Close()
				tc.second.FirstFrame = 5000
				s.publish(tc.second)
				l.waits(5*time.Second, "what is wanted", has(tc.want...))
				player.Wait(10*time.Second, "pictures go on", func(s testkit.Seen) bool { return s.Last > 5100 })
				if got := l.names(); !slices.Equal(got, tc.want) {
					s.t.Errorf("heard %q, want %q", got, tc.want)
				}
				later, _ := s.listen(player, "reconnect")
				<-time.After(time.Second)
				if got, want := len(later.heard()) == 1, slices.Contains(tc.want, "reconnect"); got != want {
					s.t.Errorf("a later stream was told %v", later.heard())
				}
			})
		})
	}
}
