package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/wish"
)

func keepStandbys(c *gateway.Config) { c.Channels.Standby = []string{"live"} }

// duo is a publisher on air, one that stands by, and a viewer.
type duo struct {
	*show
	first, second *testkit.Publisher
}

func (s *stage) duo(first, second testkit.PublisherOptions) *duo {
	s.t.Helper()
	d := &duo{first: s.publish(first)}
	d.show = s.show(s.play())
	d.second = s.publish(d.next(second))
	<-time.After(3 * time.Second)
	if on, in := s.onAir(); on == "" || len(in) != 1 {
		s.t.Fatalf("on air %q, in line %q", on, in)
	}
	return d
}

// onAir returns the public ids of who is on air and of who stands by, as the API
// tells them.
func (s *stage) onAir() (session string, standbys []string) {
	s.t.Helper()
	res, err := s.http.Get("http://127.0.0.1/api/v1/channels")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var list struct{ Channels []api.Channel }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range list.Channels {
		for _, p := range c.Publications {
			return p.Session, p.Standbys
		}
	}
	return "", nil
}

// group is a picture with a key frame every so many seconds.
func group(seconds int) testkit.Picture {
	p := testkit.Small()
	p.KeyEvery = seconds * p.FramesPerSecond
	return p
}

// standbys are publishers that stand by.
func standbys() map[string]testkit.PublisherOptions {
	slow := testkit.Picture{FramesPerSecond: 5, PacketsPerFrame: 2, KeyEvery: 10, PacketBytes: 200}
	other := testkit.Accent{VideoType: 97, RTXType: 98, AudioType: 99, Large: true, Ahead: time.Hour}
	return map[string]testkit.PublisherOptions{
		"a group of 1 s":                 {Picture: group(1)},
		"10 s":                           {Picture: group(10)},
		"2 s, deaf":                      {Picture: group(2), Deaf: true},
		"10 s, deaf, no RTX":             {Picture: group(10), Deaf: true, NoRTX: true},
		"other numbers":                  {Accent: other},
		"5 frames a second and no audio": {Picture: slow, NoAudio: true},
	}
}

// standbyIsSeen ends the first publisher some time into the second one's group and
// checks how long the viewer's picture stands still.
func (d *duo) standbyIsSeen(end func(*duo), limit time.Duration) {
	d.t.Helper()
	d.player.Eye.Reset()
	end(d)
	seen := d.player.Wait(2*time.Second, "picture of the standby", func(s testkit.Seen) bool { return s.Last > generation })
	if seen.LongestFreeze > limit {
		d.t.Errorf("the picture stood still for %v, want at most %v", seen.LongestFreeze, limit)
	}
	d.settles()
}

// The time from the first publisher's last packet to the viewer's first one of
// the standby, with pictures.
func TestAStandbyIsSeenWithinHalfASecondOfSilence(t *testing.T) {
	killed := func(d *duo) { d.net.Lose(d.first.Net(), testkit.Everything) }
	for name, standby := range standbys() {
		for _, into := range []time.Duration{0, 700 * time.Millisecond, 1600 * time.Millisecond} {
			t.Run(fmt.Sprint(name, ", ", into), func(t *testing.T) {
				inFakeTime(t, keepStandbys, func(s *stage) {
					d := s.duo(testkit.PublisherOptions{}, standby)
					<-time.After(into)
					d.standbyIsSeen(killed, 500*time.Millisecond)
				})
			})
		}
	}
}

func TestAStandbyIsSeenAtOnceAfterAGoodbye(t *testing.T) {
	closed := map[string]func(d *duo){
		"DELETE": func(d *duo) { go d.first.Close() },
		"close":  func(d *duo) { go d.first.Vanish() },
	}
	for name, standby := range standbys() {
		for how, end := range closed {
			t.Run(how+", "+name, func(t *testing.T) {
				inFakeTime(t, keepStandbys, func(s *stage) {
					d := s.duo(testkit.PublisherOptions{}, standby)
					<-time.After(700 * time.Millisecond)
					limit := 120 * time.Millisecond
					if standby.NoAudio {
						limit = 300 * time.Millisecond // its next frame
					}
					d.standbyIsSeen(end, limit)
				})
			})
		}
	}
}

// A publisher that is paused answers checks and sends reports.
func TestAStandbyIsSeenWhenThePublisherIsPaused(t *testing.T) {
	inFakeTime(t, keepStandbys, func(s *stage) {
		d := s.duo(testkit.PublisherOptions{}, testkit.PublisherOptions{})
		d.standbyIsSeen(func(d *duo) { d.first.Mute(true) }, 500*time.Millisecond)
	})
}

// settles checks that some seconds later the viewer is at the live edge of the
// second publisher, on one line of numbers and time.
func (d *duo) settles() {
	d.t.Helper()
	<-time.After(4 * time.Second)
	if behind := int(d.second.Frame() - d.player.Eye.Seen().Last); behind > 2 {
		d.t.Errorf("the viewer is %d frames behind", behind)
	}
	checkNumbers(d.t, d.player)
	passed := time.Since(d.began)
	if line := time.Duration(d.newest().Timestamp-d.show.first) * time.Second / 90000; (line - passed).Abs() > 250*time.Millisecond {
		d.t.Errorf("the timestamps say %v, the clock %v", line, passed)
	}
}

func TestAPublisherThatComesBackStandsBy(t *testing.T) {
	inFakeTime(t, keepStandbys, func(s *stage) {
		d := s.duo(testkit.PublisherOptions{}, testkit.PublisherOptions{})
		before, line := s.onAir()
		d.first.Mute(true)
		<-time.After(time.Second)
		d.first.Mute(false)
		for range 20 {
			<-time.After(time.Second)
			if on, in := s.onAir(); on != line[0] || !slices.Equal(in, []string{before}) {
				s.t.Fatalf("on air %q, in line %q", on, in)
			}
		}
		d.first.Skip(5 * generation)
		<-time.After(1100 * time.Millisecond) // until a group has the new numbers
		d.player.Eye.Reset()
		d.second.Close()
		seen := d.player.Wait(time.Second, "picture of the first publisher", func(s testkit.Seen) bool { return s.Last > 5*generation })
		if seen.LongestFreeze > 120*time.Millisecond {
			s.t.Errorf("the picture stood still for %v", seen.LongestFreeze)
		}
		if on, in := s.onAir(); on != before || len(in) != 0 {
			s.t.Errorf("on air %q, in line %q", on, in)
		}
	})
}

func TestOneStandbyIsEnough(t *testing.T) {
	inFakeTime(t, keepStandbys, func(s *stage) {
		d := s.duo(testkit.PublisherOptions{}, testkit.PublisherOptions{})
		_, err := testkit.TryPublish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/live", HTTP: s.http, Net: s.net.Client()})
		status, ok := errors.AsType[*wish.StatusError](err)
		if !ok || status.Status != 409 || status.Header.Get("Retry-After") == "" {
			s.t.Errorf("%v, want 409 with Retry-After", err)
		}
		d.second.Close()
		d.second = s.publish(d.next(testkit.PublisherOptions{}))
		if _, in := s.onAir(); len(in) != 1 {
			s.t.Errorf("in line %q", in)
		}
	})
}

func TestTheSilenceOfSpeechIsNoReasonToSwitch(t *testing.T) {
	inFakeTime(t, keepStandbys, func(s *stage) {
		voice := testkit.PublisherOptions{NoVideo: true, SoundEvery: 400 * time.Millisecond}
		s.publish(voice)
		<-time.After(3 * time.Second)
		before, _ := s.onAir()
		s.publish(voice)
		for range 60 {
			<-time.After(time.Second)
			if on, in := s.onAir(); on != before || len(in) != 1 {
				s.t.Fatalf("on air %q, in line %q", on, in)
			}
		}
	})
}

func TestAStandbyWithAnotherCodecIsSeenByWhoeverCanPlayIt(t *testing.T) {
	inFakeTime(t, keepStandbys, func(s *stage) {
		first := s.publish(testkit.PublisherOptions{})
		early := s.show(s.play())
		s.publish(early.next(testkit.PublisherOptions{Accent: testkit.Accent{VP8: true}}))
		<-time.After(time.Second)
		late := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), VP8: true})
		late.Wait(time.Second, "picture", moving(5))
		first.Mute(true)
		late.Wait(time.Second, "picture of the standby", func(s testkit.Seen) bool { return s.Last > generation })
		if code := s.endCode(early.player.Session().Location); code != "codec-changed" {
			s.t.Errorf("the session of a player that knows only H.264 ended with %q", code)
		}
	})
}

func TestLossIsNoReasonToSwitch(t *testing.T) {
	sideBySide(t, func(t *testing.T) {
		s := &stage{t: t, net: testkit.NewInternet(t, 40*time.Millisecond, 0.2, 1)}
		s.g, s.http = s.net.Gateway(keepStandbys)
		s.publish(testkit.PublisherOptions{})
		<-time.After(time.Second)
		before, _ := s.onAir()
		s.publish(testkit.PublisherOptions{})
		for range 60 {
			<-time.After(time.Second)
			if on, in := s.onAir(); on != before || len(in) != 1 {
				t.Fatalf("on air %q, in line %q", on, in)
			}
		}
	})
}
