package gateway_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/internal/api/apitest"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/router"
)

func TestMain(m *testing.M) { leak.Main(m) }

func moving(n int) func(testkit.Seen) bool {
	return func(s testkit.Seen) bool { return s.Frames >= n }
}

func TestPublishThenPlay(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	posted := time.Now()
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	seen := player.Wait(5*time.Second, "picture", moving(20))
	if took := seen.First.Sub(posted); took > 2*time.Second {
		t.Errorf("first picture %v after the POST", took)
	}
	if player.Sounds() == 0 {
		t.Error("no sound")
	}
}

// stage is a gateway on a virtual network, in fake time: nothing depends on how
// busy the machine is.
type stage struct {
	t    *testing.T
	net  *testkit.Internet
	http *http.Client
	g    *gateway.Gateway
}

func inFakeTime(t *testing.T, change func(*gateway.Config), play func(s *stage)) {
	t.Helper()
	sideBySide(t, onStage(change, play))
}

// inFakeTimeAlone is inFakeTime for tests that count what the whole process has.
func inFakeTimeAlone(t *testing.T, change func(*gateway.Config), play func(s *stage)) {
	t.Helper()
	synctest.Test(t, onStage(change, play))
}

// sideBySide runs a test in a fake time of its own, beside others of its kind: such a
// test shares nothing with them, and however busy the machine is, its time does not
// go on before it has nothing left to do. Media in real time comes before and is alone.
func sideBySide(t *testing.T, test func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func onStage(change func(*gateway.Config), play func(s *stage)) func(*testing.T) {
	return func(t *testing.T) {
		s := &stage{t: t, net: testkit.NewInternet(t, 5*time.Millisecond, 0, 1)}
		if change == nil {
			change = func(*gateway.Config) {}
		}
		s.g, s.http = s.net.Gateway(change)
		s.http.Transport = apitest.Transport{T: t, Next: s.http.Transport}
		play(s)
	}
}

func (s *stage) publish(opt testkit.PublisherOptions) *testkit.Publisher {
	s.t.Helper()
	opt.Endpoint, opt.HTTP, opt.Net = "http://127.0.0.1/whip/live", s.http, s.net.Client()
	return testkit.Publish(s.t, opt)
}

func (s *stage) play() *testkit.Player {
	s.t.Helper()
	return testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client()})
}

func TestT90AWaitingViewerIsFedWhenSomebodyPublishes(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Channels.Idle = router.WaitIdle }, func(s *stage) {
		player := s.play()
		s.publish(testkit.PublisherOptions{})
		player.Wait(2*time.Second, "picture", moving(20))
	})
}

func TestT89AnIdleChannelIsRefused(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	_, err := testkit.TryPlay(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	status, ok := errors.AsType[*wish.StatusError](err)
	if !ok || status.Status != 409 || status.Header.Get("Retry-After") != "2" {
		t.Errorf("%v, want 409 with Retry-After 2", err)
	}
}

func TestT121ADeafPublisherIsSeenAtOnceFromTheKeptGroup(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		slow := testkit.Small()
		slow.KeyEvery = 10 * slow.FramesPerSecond
		publisher := s.publish(testkit.PublisherOptions{Picture: slow, Deaf: true})
		first := s.play()
		first.Wait(5*time.Second, "picture three seconds into the group", func(s testkit.Seen) bool { return s.Last >= 75 })
		posted := time.Now()
		late := s.play()
		seen := late.Wait(3*time.Second, "picture", moving(1))
		if took := seen.First.Sub(posted); took > time.Second {
			s.t.Errorf("first picture %v after the POST", took)
		}
		late.Wait(4*time.Second, "live edge", func(s testkit.Seen) bool { return publisher.Frame()-s.Last <= 1 })
		if asked := publisher.KeyFrameRequests(); asked > 6 {
			s.t.Errorf("%d requests for key frames to a deaf publisher", asked)
		}
	})
}

func TestViewersStayWhenThePublisherRestarts(t *testing.T) {
	for name, leave := range map[string]func(*testkit.Publisher){
		"DELETE and new POST":     (*testkit.Publisher).Close,
		"T-88 crash and new POST": (*testkit.Publisher).Vanish,
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				publisher := s.publish(testkit.PublisherOptions{})
				player := s.play()
				before := player.Wait(5*time.Second, "picture", moving(20))
				leave(publisher)
				s.publish(testkit.PublisherOptions{FirstFrame: before.Last + 1000})
				back := time.Now()
				seen := player.Wait(5*time.Second, "picture of the second publisher", func(s testkit.Seen) bool { return s.Last > before.Last+1000 })
				if took := seen.Newest.Sub(back); took > 200*time.Millisecond {
					s.t.Errorf("picture back %v after the publisher, want the first key frame", took)
				}
				player.Wait(5*time.Second, "moving picture", func(s testkit.Seen) bool { return s.Last > before.Last+1020 })
				checkNumbers(s.t, player)
			})
		})
	}
}

// checkNumbers checks what a player may rely on: one SSRC, no number twice,
// timestamps that never go back.
func checkNumbers(t *testing.T, player *testkit.Player) {
	t.Helper()
	headers := player.VideoHeaders()
	for i := 1; i < len(headers); i++ {
		a, b := headers[i-1], headers[i]
		if a.SSRC != b.SSRC {
			t.Fatalf("packet %d changed the SSRC from %d to %d", i, a.SSRC, b.SSRC)
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Fatalf("packet %d has number %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		if int32(b.Timestamp-a.Timestamp) < 0 {
			t.Fatalf("packet %d goes back in time: %d after %d", i, b.Timestamp, a.Timestamp)
		}
	}
}

func TestT122ManyViewersAskForFewKeyFrames(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{})
		s.play().Wait(5*time.Second, "picture", moving(30))
		asked := publisher.KeyFrameRequests()
		var players []*testkit.Player
		for range 10 {
			players = append(players, s.play())
		}
		for _, p := range players {
			p.Wait(2*time.Second, "picture", moving(5))
		}
		if more := publisher.KeyFrameRequests() - asked; more > 4 {
			s.t.Errorf("%d requests for key frames, want them merged", more)
		}
	})
}

func TestShutdownTellsEverybodyAndLeavesNothing(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	publisher := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	player.Wait(5*time.Second, "picture", moving(5))
	started := time.Now()
	g.Close()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	player.Close()
	publisher.Vanish()
}
