package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
)

// The cases of the conformance kit that wait for the timeouts of a server, in
// fake time.

// answers GETs a session and returns the status.
func (s *stage) answers(location string) int {
	s.t.Helper()
	res, err := s.http.Get(location)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// gone waits until a session is not found any more.
func (s *stage) gone(location string, limit time.Duration) time.Duration {
	s.t.Helper()
	started := time.Now()
	for s.answers(location) != http.StatusNotFound {
		if time.Since(started) > limit {
			s.t.Fatalf("the session is still there after %v", limit)
		}
		<-time.After(100 * time.Millisecond)
	}
	return time.Since(started)
}

// N-032: RFC 8863 section 4 gives a client 39.5 s.
func TestT61ChecksMayBegin35SecondsAfterTheAnswer(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{Hesitates: 35 * time.Second})
		player := s.play()
		player.Wait(2*time.Second, "picture", moving(5))
		if status := s.answers(publisher.Session().Location); status != http.StatusNoContent {
			s.t.Errorf("GET = %d", status)
		}
	})
}

// N-155: consent expires 30 s after the last sign of life (RFC 7675 section 5.1).
func TestT84ThePlaceOfAPublisherThatVanishedIsFree(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		net := s.net.Client()
		publisher := testkit.Publish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/live", HTTP: s.http, Net: net})
		player := s.play()
		before := player.Wait(2*time.Second, "picture", moving(5))
		s.net.Lose(net, testkit.Everything)
		<-time.After(7 * time.Second)
		if state := s.g.Channels()[0].Publications[0].State; state != "interrupted" {
			s.t.Errorf("after 7 s of silence the publication is %s", state)
		}
		took := s.gone(publisher.Session().Location, time.Minute) + 7*time.Second
		if took < 25*time.Second || took > 40*time.Second {
			s.t.Errorf("the session ended after %v, want 25 to 40 s", took)
		}
		if status := s.answers(player.Session().Location); status != http.StatusNoContent {
			s.t.Errorf("the viewer's session answers %d", status)
		}
		s.publish(testkit.PublisherOptions{FirstFrame: before.Last + 1000})
		player.Wait(2*time.Second, "picture of the next publisher", func(seen testkit.Seen) bool { return seen.Last > before.Last+1000 })
	})
}

func TestT84AViewerThatVanishedIsForgotten(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		net := s.net.Client()
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: net})
		player.Wait(2*time.Second, "picture", moving(5))
		s.net.Lose(net, testkit.Everything)
		if took := s.gone(player.Session().Location, time.Minute); took < 25*time.Second || took > 40*time.Second {
			s.t.Errorf("the session ended after %v, want 25 to 40 s", took)
		}
	})
}

// N-156, Q-FF-4: media is life, too.
func TestT85APublisherThatNeverAnswersChecksGoesOn(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		net := s.net.Client()
		publisher := testkit.Publish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/live", HTTP: s.http, Net: net})
		player := s.play()
		player.Wait(2*time.Second, "picture", moving(5))
		s.net.Lose(net, testkit.Checks)
		<-time.After(2 * time.Minute)
		if status := s.answers(publisher.Session().Location); status != http.StatusNoContent {
			s.t.Errorf("GET = %d after two minutes without checks", status)
		}
		seen := player.Eye.Seen()
		player.Wait(time.Second, "moving picture", func(now testkit.Seen) bool { return now.Last > seen.Last+10 })
	})
}

// N-037, N-157.
func TestT86AbandonedPostsLeaveNothing(t *testing.T) {
	const n = 500
	inFakeTimeAlone(t, nil, func(s *stage) {
		before := runtime.NumGoroutine()
		for i := range n {
			post, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
				fmt.Sprintf("http://127.0.0.1/whip/abandoned%d", i), strings.NewReader(offers.Get("obs")))
			if err != nil {
				s.t.Fatal(err)
			}
			post.Header.Set("Content-Type", "application/sdp")
			res, err := s.http.Do(post)
			if err != nil || res.StatusCode != http.StatusCreated {
				s.t.Fatalf("POST %d: %v, %v", i, res, err)
			}
		}
		if live := len(s.g.Sessions()); live != n {
			s.t.Fatalf("%d sessions", live)
		}
		<-time.After(time.Minute)
		if live := len(s.g.Sessions()); live != 0 {
			s.t.Errorf("%d sessions are still there after a minute", live)
		}
		if channels := s.g.Channels(); len(channels) != 0 {
			s.t.Errorf("%d channels are still there", len(channels))
		}
		if after := runtime.NumGoroutine(); after > before {
			s.t.Errorf("%d goroutines, %d before", after, before)
		}
	})
}

func TestN136ASessionEndsWhenConsentExpiresAfterAFailedRestart(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		net := s.net.Client()
		publisher := testkit.Publish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/live", HTTP: s.http, Net: net})
		if _, err := publisher.Session().Restart(s.t.Context(), "a=ice-ufrag:fresh\r\na=ice-pwd:abc\r\n"); err == nil {
			s.t.Fatal("a restart with a password of 3 is accepted")
		}
		<-time.After(10 * time.Second)
		if status := s.answers(publisher.Session().Location); status != http.StatusNoContent {
			s.t.Fatalf("after the failed restart GET = %d", status)
		}
		s.net.Lose(net, testkit.Everything)
		if took := s.gone(publisher.Session().Location, time.Minute); took < 25*time.Second || took > 40*time.Second {
			s.t.Errorf("the session ended after %v, want 25 to 40 s", took)
		}
	})
}
