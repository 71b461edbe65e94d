package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/internal/wish"
)

// post asks for a session and returns the answer; one that is made never connects.
func (s *stage) post(path string) (status int, header http.Header) {
	s.t.Helper()
	_, err := wish.Client{HTTP: s.http}.Post(s.t.Context(), "http://127.0.0.1"+path, "", offers.Get("obs"))
	if refused, ok := errors.AsType[*wish.StatusError](err); ok {
		if !strings.Contains(refused.Error(), "overloaded") {
			s.t.Errorf("POST %s: %v", path, refused)
		}
		return refused.Status, refused.Header
	}
	if err != nil {
		s.t.Fatalf("POST %s: %v", path, err)
	}
	return http.StatusCreated, nil
}

// A gateway whose processor is too slow for its viewers sheds pictures, keeps sound,
// and does not fall behind. It takes no more viewers, but those whom others wait for.
func TestAnOverloadedGatewayDoesNotFallBehind(t *testing.T) {
	change := func(c *gateway.Config) { c.Egress.Workers = 1 }
	inFakeTime(t, change, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		viewers := []*watcher{s.watcher(), s.watcher(), s.watcher()}
		s.net.Slow(2 * time.Millisecond) // a second of 3 × 320 packets takes two
		<-time.After(2 * time.Second)
		const d = 20 * time.Second
		sounds := viewers[0].Sounds()
		for _, v := range viewers {
			v.Eye.Reset()
		}
		latest, last := time.Duration(0), uint32(0)
		for end := time.Now().Add(d); time.Now().Before(end); <-time.After(time.Millisecond) {
			if seen := viewers[0].Eye.Seen(); seen.Last != last {
				last = seen.Last
				latest = max(latest, time.Duration(publisher.Frame()-last)*testkit.HD().Period())
			}
		}
		seen := viewers[0].Eye.Seen()
		t.Logf("%d frames, %d sounds, up to %v late", seen.Frames, viewers[0].Sounds()-sounds, latest)
		const batch = 230 * 2 * time.Millisecond // as many packets as a worker's arena holds
		if most := 500*time.Millisecond + batch + 2*testkit.HD().Period(); latest > most || latest < 100*time.Millisecond {
			t.Errorf("up to %v late, want at most %v, but not in time either", latest, most)
		}
		if got := viewers[0].Sounds() - sounds; got < int(d/(20*time.Millisecond))-30 {
			t.Errorf("%d sounds in %v", got, d)
		}
		if seen.Frames < 100 || seen.Frames > 500 {
			t.Errorf("%d frames in %v, want some", seen.Frames, d)
		}
		s.refusesViewers()
		s.net.Slow(0)
		<-time.After(5 * time.Second)
		s.watcher()
		for _, v := range viewers {
			v.Wait(time.Second, "live picture", func(s testkit.Seen) bool { return publisher.Frame()-s.Last <= 1 })
			checkNumbers(t, v.Player)
		}
	})
}

func (s *stage) refusesViewers() {
	s.t.Helper()
	status, header := s.post("/whep/live")
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		s.t.Errorf("a viewer gets %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	if status, _ := s.post("/whip/another"); status != http.StatusServiceUnavailable {
		s.t.Errorf("a publisher of another channel gets %d", status)
	}
	if status, _ := s.post("/whip/live/guest"); status != http.StatusCreated {
		s.t.Errorf("a publisher of the channel in use gets %d", status)
	}
}
