package gateway_test

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/router"
)

func counterOffers(when string) func(*gateway.Config) {
	return func(c *gateway.Config) { c.Sessions.CounterOffer = when }
}

const (
	channelURL = "http://127.0.0.1/whep/live"
	askingURL  = channelURL + "?offer=server"
)

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *stage) request(method, url, contentType, body string, header ...string) reply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// offered POSTs a browser's offer and wants a counter-offer.
func (s *stage) offered(url string) reply {
	s.t.Helper()
	r := s.request("POST", url, wish.SDPType, offers.Get("chrome-play"))
	if r.status != http.StatusNotAcceptable {
		s.t.Fatalf("POST = %d %s", r.status, r.body)
	}
	return r
}

func (s *stage) watch(url string, how testkit.CounterStyle) *testkit.Player {
	s.t.Helper()
	return testkit.Play(s.t, testkit.PlayerOptions{Endpoint: url, HTTP: s.http, Net: s.net.Client(), Counter: &how})
}

// T-100, W-02, W-03, N-057.
func TestT100ACounterOfferIsComplete(t *testing.T) {
	inFakeTime(t, counterOffers(session.CounterAlways), func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		s.live()
		r := s.offered(channelURL)
		kind, parameters, err := mime.ParseMediaType(r.header.Get("Content-Type"))
		until, err2 := http.ParseTime(parameters["valid-until"])
		if valid := time.Until(until); err != nil || err2 != nil || kind != wish.SDPType || valid < 29*time.Second || valid > 31*time.Second {
			s.t.Errorf("Content-Type %q: %v, %v, valid for %v", r.header.Get("Content-Type"), err, err2, time.Until(until))
		}
		if !strings.Contains(r.header.Get("Content-Type"), `; valid-until="`) {
			s.t.Errorf("W-03: no quotes in %q", r.header.Get("Content-Type"))
		}
		for name, want := range map[string]string{"Location": "http", "ETag": `"`, "Cache-Control": "no-store", "Accept-Patch": wish.SDPType, "Headgate-Session": ""} {
			if got := r.header.Get(name); got == "" || !strings.HasPrefix(got, want) {
				s.t.Errorf("%s: %q", name, got)
			}
		}
		for _, line := range []string{"a=setup:actpass", "a=sendonly", "a=group:BUNDLE 0 1", "a=rtcp-mux-only", "a=end-of-candidates", "m=audio 9", "m=video 9", "AV1/90000"} {
			if !strings.Contains(r.body, line) {
				s.t.Errorf("no %q in\n%s", line, r.body)
			}
		}
		if h264, vp8 := strings.Index(r.body, "H264/90000"), strings.Index(r.body, "VP8/90000"); h264 < 0 || vp8 < h264 {
			s.t.Errorf("what is on air does not come first:\n%s", r.body)
		}
	})
}

// live waits until the channel is live.
func (s *stage) live() {
	s.t.Helper()
	for s.request("POST", "http://127.0.0.1/whep/live", wish.SDPType, offers.Get("chrome-play")).status == http.StatusConflict {
		<-time.After(50 * time.Millisecond)
	}
}

// T-101, W-04, W-09: the ways of the players that know counter-offers.
func TestT101PlayersAnswerCounterOffers(t *testing.T) {
	for name, tc := range map[string]struct {
		when, url string
		how       testkit.CounterStyle
	}{
		"whepclientsrc":              {session.CounterAlways, channelURL, testkit.CounterStyle{}},
		"simple-whep-client":         {session.CounterAlways, channelURL, testkit.CounterStyle{Trickles: true}},
		"candidates come first":      {session.CounterAlways, channelURL, testkit.CounterStyle{Early: true}},
		"candidates come both times": {session.CounterAlways, channelURL, testkit.CounterStyle{Early: true, Trickles: true}},
		"DTLS server":                {session.CounterAlways, channelURL, testkit.CounterStyle{Passive: true}},
		"asked for":                  {session.CounterAsked, askingURL, testkit.CounterStyle{}},
		"answered late":              {session.CounterAsked, askingURL, testkit.CounterStyle{Waits: 29 * time.Second}},
		"sound unwanted": {session.CounterAsked, askingURL, testkit.CounterStyle{Answer: func(answer string) string {
			return strings.Replace(strings.Replace(answer, "m=audio 9", "m=audio 0", 1), "BUNDLE 0 1", "BUNDLE 1", 1)
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, counterOffers(tc.when), func(s *stage) {
				s.publish(testkit.PublisherOptions{})
				player := s.watch(tc.url, tc.how)
				player.Wait(3*time.Second, "picture", moving(30))
				if silent := player.Sounds() == 0; silent != (name == "sound unwanted") {
					s.t.Errorf("%d sounds", player.Sounds())
				}
				first := player.VideoHeaders()[0]
				if !strings.Contains(player.Session().CounterOffer, fmt.Sprintf("a=ssrc:%d ", first.SSRC)) {
					s.t.Errorf("SSRC %d was not offered", first.SSRC)
				}
				if err := player.Session().Delete(s.t.Context()); err != nil {
					s.t.Error(err)
				}
			})
		})
	}
}

// T-102, W-05: what is refused changes nothing.
func TestT102ARightAnswerAfterWrongOnes(t *testing.T) {
	inFakeTime(t, counterOffers(session.CounterAlways), func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		wrong := []string{"garbage", "v=0\r\n", "no ICE", "actpass", "sendonly", "no codec"}
		refusals := 0
		var how testkit.CounterStyle
		var good string
		how.Answer = func(answer string) string { good = answer; return spoilt(good, wrong[0]) }
		how.Refused = func(_ string, err error) string {
			status, ok := errors.AsType[*wish.StatusError](err)
			if !ok || status.Status/100 != 4 {
				s.t.Errorf("%s: %v", wrong[refusals], err)
				return ""
			}
			refusals++
			if refusals == len(wrong) {
				return good
			}
			return spoilt(good, wrong[refusals])
		}
		player := s.watch(channelURL, how)
		player.Wait(2*time.Second, "picture", moving(10))
		if refusals != len(wrong) {
			s.t.Errorf("%d of %d were refused", refusals, len(wrong))
		}
	})
}

func spoilt(answer, how string) string {
	switch how {
	case "no ICE":
		return strings.ReplaceAll(answer, "a=ice-ufrag", "a=x")
	case "actpass":
		return strings.ReplaceAll(answer, "a=setup:active", "a=setup:actpass")
	case "sendonly":
		return strings.ReplaceAll(answer, "a=recvonly", "a=sendonly")
	case "no codec":
		return strings.ReplaceAll(answer, "H264", "H263")
	}
	return how
}

// T-103, W-08: the second answer is refused and changes nothing; W-12: so is any on a
// session that had no counter-offer.
func TestT103AnswersNobodyWaitsFor(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{})
		var answer string
		player := s.watch(askingURL, testkit.CounterStyle{Answer: func(a string) string { answer = a; return a }})
		player.Wait(2*time.Second, "picture", moving(10))
		plain := s.play()
		for what, location := range map[string]string{
			"answered already": player.Session().Location, "WHEP": plain.Session().Location, "WHIP": publisher.Session().Location,
		} {
			r := s.request("PATCH", location, wish.SDPType, answer)
			if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "no-counter-offer") {
				s.t.Errorf("%s: %d %s", what, r.status, r.body)
			}
		}
		for _, p := range []*testkit.Player{player, plain} {
			frames := p.Eye.Seen().Frames
			p.Wait(time.Second, "the picture to go on", moving(frames+20))
		}
	})
}

// T-104, W-07: a counter-offer that nobody answers is gone, and nothing of it is left.
func TestT104UnansweredCounterOffersExpire(t *testing.T) {
	inFakeTimeAlone(t, counterOffers(session.CounterAlways), func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		s.live()
		<-time.After(40 * time.Second) // what live() left
		s.settled(1)
		goroutines := runtime.NumGoroutine()
		locations := make([]string, 20)
		for i := range locations {
			locations[i] = s.offered(channelURL).header.Get("Location")
		}
		<-time.After(29 * time.Second)
		if n := len(s.g.Sessions()); n != 21 {
			s.t.Errorf("%d sessions after 29 s", n)
		}
		<-time.After(3 * time.Second)
		s.settled(1)
		for _, location := range locations {
			r := s.request("PATCH", location, wish.SDPType, "v=0\r\n")
			if r.status != http.StatusNotFound || !strings.Contains(r.body, "counter-offer-expired") {
				s.t.Fatalf("PATCH = %d %s", r.status, r.body)
			}
		}
		if n := runtime.NumGoroutine(); n > goroutines+5 {
			s.t.Errorf("%d goroutines, before %d", n, goroutines)
		}
	})
}

// settled waits until there are n sessions, and nothing more goes on.
func (s *stage) settled(n int) {
	s.t.Helper()
	for range 100 {
		if len(s.g.Sessions()) == n {
			<-time.After(time.Second)
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	s.t.Fatalf("%d sessions, want %d", len(s.g.Sessions()), n)
}

// The sweeper looks once a second; an answer that comes later than was told is
// refused all the same.
func TestAnAnswerBetweenExpiryAndSweepIsRefused(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) {
		c.Sessions.CounterOffer, c.Sessions.SweepEvery = session.CounterAlways, time.Minute
	}, func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		s.live()
		location := s.offered(channelURL).header.Get("Location")
		<-time.After(31 * time.Second)
		for range 2 {
			if r := s.request("PATCH", location, wish.SDPType, "v=0\r\n"); r.status != http.StatusNotFound || !strings.Contains(r.body, "counter-offer-expired") {
				s.t.Errorf("PATCH = %d %s", r.status, r.body)
			}
		}
	})
}

// W-10, W-09: what else may be done with a session that waits for its answer.
func TestAPendingSessionIsDeletedLookedAtAndTrickledTo(t *testing.T) {
	inFakeTime(t, counterOffers(session.CounterAlways), func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		s.live()
		r := s.offered(channelURL)
		location, fragment := r.header.Get("Location"), "a=ice-ufrag:early\r\na=ice-pwd:0123456789abcdef01234567\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
		for _, step := range []struct {
			method, kind, body, ifMatch string
			status                      int
		}{
			{"GET", "", "", "", 204}, {"PATCH", wish.FragmentType, fragment, "", 204}, {"PATCH", wish.FragmentType, fragment, r.header.Get("ETag"), 204},
			{"PATCH", wish.FragmentType, fragment, `"other"`, 412}, {"PATCH", wish.SDPType, "v=0\r\n", `"other"`, 412}, {"PATCH", wish.SDPType, "", "", 400},
			{"DELETE", "", "", "", 200}, {"DELETE", "", "", "", 200}, {"PATCH", wish.SDPType, "v=0\r\n", "", 404},
		} {
			var header []string
			if step.ifMatch != "" {
				header = []string{"If-Match", step.ifMatch}
			}
			if got := s.request(step.method, location, step.kind, step.body, header...); got.status != step.status {
				s.t.Errorf("%s %s If-Match %q = %d %s, want %d", step.method, step.kind, step.ifMatch, got.status, got.body, step.status)
			}
		}
	})
}

// T-105, D7, W-11: nobody gets a 406 who did not ask, and nobody at all where it is
// switched off.
func TestT105NobodyGets406Unasked(t *testing.T) {
	noMedia := offers.Get("chrome-play")
	noMedia = noMedia[:strings.Index(noMedia, "m=")] + dataSection(noMedia)
	noMedia = strings.Replace(noMedia, "a=group:BUNDLE 0 1", "a=group:BUNDLE 2", 1)
	for when, tc := range map[string]struct{ plain, asked, data int }{
		session.CounterNever:  {201, 201, 422},
		session.CounterAsked:  {201, 406, 406},
		session.CounterAlways: {406, 406, 406},
	} {
		t.Run(when, func(t *testing.T) {
			inFakeTime(t, counterOffers(when), func(s *stage) {
				s.publish(testkit.PublisherOptions{})
				s.live()
				chrome := offers.Get("chrome-play")
				for what, c := range map[string]struct {
					url, offer string
					status     int
				}{
					"plain": {channelURL, chrome, tc.plain}, "asked": {askingURL, chrome, tc.asked}, "no media": {channelURL, noMedia, tc.data},
					"other question": {channelURL + "?offer=client", chrome, tc.plain}, "garbage": {askingURL, "hello", 400}, "empty": {askingURL, "", 400},
				} {
					if r := s.request("POST", c.url, wish.SDPType, c.offer); r.status != c.status {
						s.t.Errorf("%s = %d %s, want %d", what, r.status, r.body, c.status)
					}
				}
				r := s.request("OPTIONS", "http://127.0.0.1/session/x", "", "")
				if told := strings.Contains(r.header.Get("Accept-Patch"), wish.SDPType); told != (when != session.CounterNever) {
					s.t.Errorf("N-082: Accept-Patch %q", r.header.Get("Accept-Patch"))
				}
			})
		})
	}
}

// dataSection is a data section with the transport of an offer.
func dataSection(offer string) string {
	data := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
	for _, prefix := range []string{"a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:", "a=setup:"} {
		_, value, _ := strings.Cut(offer, prefix)
		value, _, _ = strings.Cut(value, "\r\n")
		data += prefix + value + "\r\n"
	}
	return data
}

// N-037: who never answers is bounded like who never connects.
func TestPendingCounterOffersAreHalfOpen(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) {
		c.Sessions.CounterOffer, c.Sessions.MaxHalfOpen, c.Channels.Idle = session.CounterAlways, 3, router.WaitIdle
		c.HTTP.LimitLoopback = true
	}, func(s *stage) {
		for range 3 {
			s.offered(channelURL)
		}
		if r := s.request("POST", channelURL, wish.SDPType, offers.Get("chrome-play")); r.status != http.StatusTooManyRequests {
			s.t.Errorf("the fourth: %d %s", r.status, r.body)
		}
		<-time.After(32 * time.Second)
		s.offered(channelURL)
	})
}

// T-72 after a counter-offer: ICE restarts as in any session, and the picture goes on.
func TestT72RestartAfterACounterOffer(t *testing.T) {
	inFakeTime(t, counterOffers(session.CounterAlways), func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		player := s.watch(channelURL, testkit.CounterStyle{})
		player.Wait(2*time.Second, "picture", moving(10))
		etag, pc := player.Session().ETag, player.Connection()
		offer, err := pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
		if err != nil {
			s.t.Fatal(err)
		}
		if err := pc.SetLocalDescription(offer); err != nil {
			s.t.Fatal(err)
		}
		fragment, err := player.Session().Restart(s.t.Context(), testkit.FragmentOf(offer.SDP))
		if err != nil || player.Session().ETag == etag {
			s.t.Fatalf("%q, %v", fragment, err)
		}
		answer := strings.ReplaceAll(player.Session().CounterOffer, "a=setup:actpass", "a=setup:passive")
		for _, name := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
			_, value, _ := strings.Cut(fragment, name)
			value, _, _ = strings.Cut(value, "\r\n")
			if strings.Contains(answer, name+value) {
				s.t.Errorf("%s%s is the old one", name, value)
			}
			answer = regexp.MustCompile(name+`.*\r`).ReplaceAllString(answer, name+value+"\r")
		}
		if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
			s.t.Fatal(err)
		}
		frames := player.Eye.Seen().Frames
		player.Wait(3*time.Second, "the picture to go on", moving(frames+40))
	})
}

// A viewer that waits, in a codec that nobody knew at the time of the offer.
func TestACounterOfferFitsWhoeverPublishesLater(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) {
		c.Sessions.CounterOffer, c.Channels.Idle = session.CounterAlways, router.WaitIdle
	}, func(s *stage) {
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: channelURL, HTTP: s.http, Net: s.net.Client(), VP8: true, Counter: &testkit.CounterStyle{}})
		s.publish(testkit.PublisherOptions{})
		player.Wait(3*time.Second, "picture", moving(20))
	})
}
