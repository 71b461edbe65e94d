package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
)

// What becomes of viewers when a publisher comes back: they keep session,
// connection and last picture, and go on with the first key frame (M-033, M-043).

const (
	// generation is the distance of the frame numbers of two publishers.
	generation = 100_000
	// frameAndWay is how long the first frame of a connected publisher takes to a
	// viewer in these tests: until it is sent, and twice 5 ms.
	frameAndWay = 60 * time.Millisecond
)

// show is one viewer of one publication over the generations of its publishers.
type show struct {
	*stage
	player     *testkit.Player
	generation uint32
	began      time.Time // of the player's line of timestamps
	first      uint32
}

func (s *stage) show(player *testkit.Player) *show {
	s.t.Helper()
	v := &show{stage: s, player: player}
	v.player.Wait(5*time.Second, "picture", moving(20))
	v.began, v.first = time.Now(), v.newest().Timestamp
	return v
}

func (v *show) newest() rtp.Header { return v.player.NewestVideo() }

// next is what the next publisher's options are.
func (v *show) next(opt testkit.PublisherOptions) testkit.PublisherOptions {
	v.generation++
	opt.FirstFrame = v.generation * generation
	return opt
}

// resumes checks that the picture of the newest generation comes within limit
// of now and goes on, on one line of numbers and of time.
func (v *show) resumes(limit time.Duration) {
	v.t.Helper()
	now, first := time.Now(), v.generation*generation
	seen := v.player.Wait(limit+5*time.Second, "picture of the next publisher", func(s testkit.Seen) bool { return s.Last > first })
	if took := seen.Newest.Sub(now); took > limit {
		v.t.Errorf("the picture is back after %v, want %v", took, limit)
	}
	<-time.After(2 * time.Second)
	if now := v.player.Eye.Seen(); now.Last < seen.Last+45 || now.Last >= first+generation {
		v.t.Errorf("two seconds later the player sees frame %d after %d", now.Last, seen.Last)
	}
	if status := v.answers(v.player.Session().Location); status != http.StatusNoContent {
		v.t.Errorf("the viewer's session answers %d", status)
	}
	checkNumbers(v.t, v.player)
	passed := time.Since(v.began)
	if line := time.Duration(v.newest().Timestamp-v.first) * time.Second / 90000; (line - passed).Abs() > 100*time.Millisecond {
		v.t.Errorf("the timestamps say %v, the clock %v", line, passed)
	}
	if skew, ok := v.player.LipSync(); !ok || skew.Abs() > 5*time.Millisecond {
		v.t.Errorf("the picture is late by %v against the sound (%v)", skew, ok)
	}
}

func TestT88ViewersResumeWhateverTheEncoderCameBackWith(t *testing.T) {
	for name, accent := range map[string]testkit.Accent{
		"the same":         {},
		"payload types":    {VideoType: 97, RTXType: 98, AudioType: 99},
		"those of another": {VideoType: 111, RTXType: 106, AudioType: 107},
		"extension ids":    {Orientation: 9},
		"resolution":       {Large: true},
		"numbers":          {FirstNumber: 65530, FirstTimestamp: 1<<32 - 20000},
		"an hour ahead":    {Ahead: time.Hour},
		"an hour behind":   {Ahead: -time.Hour},
		"all of it":        {VideoType: 97, RTXType: 98, AudioType: 99, Orientation: 9, Large: true, FirstNumber: 30000, FirstTimestamp: 1 << 31, Ahead: time.Hour},
	} {
		for way, leave := range map[string]func(*testkit.Publisher){"DELETE": (*testkit.Publisher).Close, "close": (*testkit.Publisher).Vanish} {
			t.Run(name+" after "+way, func(t *testing.T) {
				inFakeTime(t, nil, func(s *stage) {
					publisher := s.publish(testkit.PublisherOptions{Accent: testkit.Accent{Orientation: 4}})
					v := s.show(testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), Orientation: 6}))
					leave(publisher)
					<-time.After(3 * time.Second)
					s.publish(v.next(testkit.PublisherOptions{Accent: accent}))
					v.resumes(frameAndWay)
					checkOrientation(s.t, v.player, accent)
					if width := s.g.Channels()[0].Publications[0].Width; accent.Large != (width == 1280) {
						s.t.Errorf("the picture is %d wide", width)
					}
				})
			})
		}
	}
}

// checkOrientation checks that the player's own id names the extension.
func checkOrientation(t *testing.T, player *testkit.Player, second testkit.Accent) {
	t.Helper()
	headers := player.VideoHeaders()
	value := func(h rtp.Header) []byte { return h.GetExtension(6) }
	if first := value(headers[0]); len(first) != 1 || first[0] != testkit.OrientationValue {
		t.Errorf("of the first publisher the player got extension 6 = %v", first)
	}
	last := value(headers[len(headers)-1])
	if second.Orientation == 0 && last != nil || second.Orientation != 0 && (len(last) != 1 || last[0] != testkit.OrientationValue) {
		t.Errorf("of the second publisher the player got extension 6 = %v", last)
	}
}

// endCode is why a session ended.
func (s *stage) endCode(location string) string {
	s.t.Helper()
	res, err := s.http.Get(location)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var problem struct{ Code string }
	if res.StatusCode != http.StatusNoContent {
		_ = json.NewDecoder(res.Body).Decode(&problem) // a bad one has no code
	}
	return problem.Code
}

func TestACodecThatASessionLacksEndsItAndSaysSo(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{})
		v := s.show(s.play())
		publisher.Close()
		if code := s.endCode(v.player.Session().Location); code != "" {
			s.t.Fatalf("ended with %s when the publisher left", code)
		}
		s.publish(v.next(testkit.PublisherOptions{Accent: testkit.Accent{VP8: true}}))
		s.gone(v.player.Session().Location, time.Second)
		if code := s.endCode(v.player.Session().Location); code != "codec-changed" {
			s.t.Errorf("the session ended with %q", code)
		}
	})
}

func TestACodecThatASessionHasIsSwitchedToOnTheSameSSRC(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Channels.Idle = router.WaitIdle }, func(s *stage) {
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), VP8: true})
		publisher := s.publish(testkit.PublisherOptions{})
		v := s.show(player)
		for _, vp8 := range []bool{true, false, true} {
			before := v.newest().PayloadType
			publisher.Close()
			publisher = s.publish(v.next(testkit.PublisherOptions{Accent: testkit.Accent{VP8: vp8}}))
			v.resumes(frameAndWay)
			if v.newest().PayloadType == before {
				s.t.Errorf("the payload type is still %d", before)
			}
		}
	})
}

func TestTenRestartsInARow(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Channels.TakeoverHold = 0 }, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{})
		v := s.show(s.play())
		for i := range 10 {
			switch i % 3 {
			case 0:
				publisher.Close()
			case 1:
				publisher.Vanish()
			default: // goes on until it is replaced
			}
			publisher = s.publish(v.next(testkit.PublisherOptions{Deaf: i%2 == 0}))
			if i%4 == 3 {
				continue // and again before anything is seen
			}
			v.resumes(frameAndWay)
		}
	})
}

func TestARestartDuringAReplay(t *testing.T) {
	slow := testkit.Small()
	slow.KeyEvery = 10 * slow.FramesPerSecond
	for _, into := range []time.Duration{20 * time.Millisecond, 150 * time.Millisecond, 500 * time.Millisecond} {
		t.Run(fmt.Sprint(into), func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				publisher := s.publish(testkit.PublisherOptions{Picture: slow, Deaf: true})
				s.play().Wait(10*time.Second, "picture eight seconds into the group", func(s testkit.Seen) bool { return s.Last >= 200 })
				v := &show{stage: s, player: s.play()}
				v.player.Wait(5*time.Second, "picture", moving(1))
				<-time.After(into)
				if replaying := publisher.Frame()-v.player.Eye.Seen().Last > 5; !replaying {
					s.t.Fatal("the replay is over: the test shows nothing")
				}
				publisher.Close()
				s.publish(v.next(testkit.PublisherOptions{}))
				v.began, v.first = time.Now(), v.newest().Timestamp
				v.resumes(frameAndWay)
			})
		})
	}
}

// The publisher leaves between a viewer's POST and its first packet.
func TestARestartWhileAViewerJoins(t *testing.T) {
	for name, leave := range map[string]func(*testkit.Publisher){"DELETE": (*testkit.Publisher).Close, "close": (*testkit.Publisher).Vanish} {
		for _, into := range []time.Duration{time.Millisecond, 25 * time.Millisecond, 45 * time.Millisecond, 60 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " after ", into), func(t *testing.T) {
				inFakeTime(t, nil, func(s *stage) {
					publisher := s.publish(testkit.PublisherOptions{})
					s.play().Wait(5*time.Second, "picture", moving(20))
					v := &show{stage: s}
					back := make(chan struct{})
					go func() {
						defer close(back)
						<-time.After(into)
						leave(publisher)
						s.publish(v.next(testkit.PublisherOptions{}))
					}()
					v.player = s.play()
					<-back
					v.player.Wait(time.Second, "picture of the second publisher", func(seen testkit.Seen) bool { return seen.Last > generation })
					v.began, v.first = time.Now(), v.newest().Timestamp
					v.resumes(frameAndWay)
				})
			})
		}
	}
}

// T-87: never two writers.
func TestTwoPublishersThatSendAtOnce(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publish(testkit.PublisherOptions{}) // goes on until it is told
		v := s.show(testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), Orientation: 6}))
		s.publish(v.next(testkit.PublisherOptions{Accent: testkit.Accent{Orientation: 9}}))
		v.resumes(frameAndWay)
		second := false
		for i, h := range v.player.VideoHeaders() {
			if now := h.GetExtension(6) != nil; second && !now {
				s.t.Fatalf("packet %d is the first publisher's again", i)
			} else {
				second = now
			}
		}
	})
}

func TestAPublisherThatWasKilledAndComesBack(t *testing.T) {
	for _, after := range []time.Duration{500 * time.Millisecond, 5 * time.Second, 20 * time.Second, 40 * time.Second} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				killed := s.net.Client()
				s.publishFrom(killed, testkit.PublisherOptions{})
				v := s.show(s.play())
				s.net.Lose(killed, testkit.Everything)
				<-time.After(after)
				s.publish(v.next(testkit.PublisherOptions{Accent: testkit.Accent{Ahead: time.Hour}}))
				v.resumes(frameAndWay)
			})
		})
	}
}

// publishFrom is publish from a machine the test knows.
func (s *stage) publishFrom(net transport.Net, opt testkit.PublisherOptions) *testkit.Publisher {
	s.t.Helper()
	opt.Endpoint, opt.HTTP, opt.Net = "http://127.0.0.1/whip/live", s.http, net
	return testkit.Publish(s.t, opt)
}
