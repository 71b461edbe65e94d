package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// tenSeconds is a stream of 2.5 Mbit/s whose key frames, six times as large as
// others, are ten seconds apart.
func tenSeconds() testkit.Picture {
	p := testkit.HD()
	p.KeyEvery, p.KeyPackets = 10*p.FramesPerSecond, 55
	return p
}

// lateJoin is what somebody saw who joined a publisher that is deaf to requests,
// while somebody else had been watching.
type lateJoin struct {
	joined      time.Time
	first, late []testkit.Showing
	player      *testkit.Player
}

// joinAt has a player join when the key frame is age old, and watch.
func joinAt(t *testing.T, s *stage, age, watch time.Duration, opt testkit.PlayerOptions) lateJoin {
	t.Helper()
	s.publish(testkit.PublisherOptions{Picture: tenSeconds(), Deaf: true})
	first := s.play()
	first.Wait(12*time.Second, "the second key frame", func(s testkit.Seen) bool { return s.KeyFrames == 2 })
	key := first.Eye.Seen().Newest
	// Connecting takes 22 ms in this network.
	first.Wait(10*time.Second, "the time to join", func(testkit.Seen) bool { return time.Since(key) >= age-30*time.Millisecond })
	opt.Endpoint, opt.HTTP = "http://127.0.0.1/whep/live", s.http
	late := testkit.Play(t, opt)
	j := lateJoin{joined: time.Now(), player: late}
	late.Wait(2*watch, "the end", func(testkit.Seen) bool { return time.Since(j.joined) >= watch })
	j.first, j.late = first.Eye.Showings(), late.Eye.Showings()
	return j
}

// behind is how much later than the first one the late one saw a frame.
func (j *lateJoin) behind() map[uint32]time.Duration {
	had := map[uint32]time.Time{}
	for _, f := range j.first {
		had[f.Frame] = f.At
	}
	behind := map[uint32]time.Duration{}
	for _, f := range j.late {
		if at, ok := had[f.Frame]; ok {
			behind[f.Frame] = f.At.Sub(at)
		}
	}
	return behind
}

// live is when the late one had caught up for good: from then on it saw every
// frame at most bound later than the first.
func (j *lateJoin) live(bound time.Duration) time.Duration {
	behind := j.behind()
	from := len(j.late)
	for from > 0 && behind[j.late[from-1].Frame] <= bound {
		from--
	}
	if from == len(j.late) {
		return time.Hour
	}
	return j.late[from].At.Sub(j.joined)
}

// T-121, M-031, M-032: whoever joins a publisher that never answers requests has a
// picture within one round trip of being connected, reaches the live edge within
// three seconds, and stays there.
func TestT121AJoinerOfADeafPublisherLandsOnTheLiveEdge(t *testing.T) {
	for _, age := range []time.Duration{200, 5000, 9000} {
		t.Run(fmt.Sprint(age*time.Millisecond, " into the group"), func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				j := joinAt(s.t, s, age*time.Millisecond, 6*time.Second, testkit.PlayerOptions{Net: s.net.Client()})
				if got := j.late[0].At.Sub(j.joined); got > 100*time.Millisecond {
					s.t.Errorf("first picture %v after being connected", got)
				}
				if got := j.live(20 * time.Millisecond); got > 3*time.Second {
					s.t.Errorf("on the live edge after %v", got)
				}
				checkNumbers(s.t, j.player)
			})
		})
	}
}

// The same over lossy networks: repairs take a round trip.
func TestAJoinerOfADeafPublisherOverALossyNetwork(t *testing.T) {
	for _, loss := range []float64{0.01, 0.05} {
		for seed := range uint64(1) {
			t.Run(fmt.Sprint(loss, " lost, seed ", seed), func(t *testing.T) {
				sideBySide(t, func(t *testing.T) {
					s := &stage{t: t, net: testkit.NewInternet(t, 5*time.Millisecond, loss, seed)}
					s.g, s.http = s.net.Gateway()
					j := joinAt(t, s, 4*time.Second, 6*time.Second, testkit.PlayerOptions{Net: s.net.Client()})
					if got := j.late[0].At.Sub(j.joined); got > 300*time.Millisecond {
						t.Errorf("first picture %v after being connected", got)
					}
					if got := j.live(300 * time.Millisecond); got > 3500*time.Millisecond {
						t.Errorf("on the live edge after %v", got)
					}
				})
			})
		}
	}
}

// A line of 4 Mbit/s for a stream of 2.5: the key frame is there within 500 ms,
// and nothing is lost.
func TestAJoinerOfADeafPublisherOnASlowLine(t *testing.T) {
	for _, age := range []time.Duration{200, 3000} {
		for _, queue := range []time.Duration{150, 200} {
			t.Run(fmt.Sprint(age*time.Millisecond, " into the group, queue ", queue*time.Millisecond), func(t *testing.T) {
				inFakeTime(t, nil, func(s *stage) {
					client, line := s.net.NarrowClient(4_000_000, queue*time.Millisecond)
					j := joinAt(s.t, s, age*time.Millisecond, 11*time.Second-age*time.Millisecond, testkit.PlayerOptions{Net: client})
					if got := j.late[0].At.Sub(j.joined); got > 300*time.Millisecond {
						s.t.Errorf("first picture %v after being connected", got)
					} else {
						s.t.Logf("first picture %v after being connected, %d datagrams dropped", got, line.Dropped())
					}
					if got := line.Dropped(); got > 0 {
						s.t.Errorf("%d datagrams dropped", got)
					}
					next := 10*time.Second - age*time.Millisecond
					if got := j.live(250 * time.Millisecond); got > next+250*time.Millisecond {
						s.t.Errorf("on the live edge after %v, the next key frame came after %v", got, next)
					}
					checkNumbers(s.t, j.player)
				})
			})
		}
	}
}
