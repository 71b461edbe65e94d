package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
)

// capAt caps the publishers of the channel live.
func capAt(bits int) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Channels.MaxBitrate = 64_000 // of other channels
		c.Channels.MaxBitrates = []router.BitrateCap{{Channels: []string{"li*"}, MaxBitrate: bits}}
	}
}

// warnings counts those about the bit rate in the timelines of all publishers.
func (s *stage) warnings() (n int) {
	for _, info := range s.g.Sessions() {
		n += len(slices.DeleteFunc(info.Facts, func(f session.Fact) bool { return f.Kind != session.FactBitrate }))
	}
	return n
}

func TestAPublisherThatKeepsItsCapStays(t *testing.T) {
	inFakeTime(t, capAt(2_500_000), func(s *stage) {
		p := s.publish(testkit.PublisherOptions{Picture: testkit.HD()}) // 2.4 Mbit/s
		<-time.After(5 * time.Minute)
		if code := s.endCode(p.Session().Location); code != "" || s.warnings() != 0 {
			t.Errorf("ended with %q, %d warnings", code, s.warnings())
		}
		for _, line := range []string{"\r\nb=AS:", "\r\nb=TIAS:2372000\r\n", "\r\nb=TIAS:128000\r\n"} {
			if !strings.Contains(p.Session().Answer, line) {
				t.Errorf("no %q in\n%s", line, p.Session().Answer)
			}
		}
	})
}

func TestAPublisherThatIgnoresItsCapIsEnded(t *testing.T) {
	inFakeTime(t, capAt(1_000_000), func(s *stage) {
		p := s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		location := p.Session().Location
		<-time.After(9 * time.Second)
		if code := s.endCode(location); code != "" || s.warnings() != 1 {
			t.Fatalf("after 9 s: ended with %q, %d warnings", code, s.warnings())
		}
		if after := s.gone(location, 20*time.Second); after > 10*time.Second {
			t.Errorf("ended %v later", after)
		}
		if code := s.endCode(location); code != "bitrate" {
			t.Errorf("GET says %q", code)
		}
		if code := s.patchCode(location); code != "bitrate" {
			t.Errorf("PATCH says %q", code)
		}
		if err := p.Session().Delete(context.Background()); err != nil {
			t.Errorf("DELETE: %v", err)
		}
		if text := s.metrics(); !strings.Contains(text, `headgate_sessions_ended_total{action="publish",outcome="bitrate"} 1`) {
			t.Errorf("the metrics do not say so:\n%s", text)
		}
		again := s.publish(testkit.PublisherOptions{}) // as it should be
		<-time.After(30 * time.Second)
		if code := s.endCode(again.Session().Location); code != "" {
			t.Errorf("the next publisher ended with %q", code)
		}
	})
}

// With a fifth of all packets lost, what comes again is no reason to end a publisher.
func TestRepairsAreNotHeldAgainstAPublisher(t *testing.T) {
	for name, opt := range map[string]testkit.PublisherOptions{
		"RTX": {Picture: testkit.HD()}, "duplicates": {Picture: testkit.HD(), NoRTX: true},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, capAt(2_400_000), func(s *stage) {
				p := s.publish(opt)
				s.net.LoseMedia(0.2)
				<-time.After(2 * time.Minute)
				if code := s.endCode(p.Session().Location); code != "" || s.warnings() != 0 {
					t.Errorf("ended with %q, %d warnings", code, s.warnings())
				}
			})
		})
	}
}

func (s *stage) patchCode(location string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPatch, location, strings.NewReader("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"))
	must(s.t, err)
	req.Header.Set("Content-Type", "application/trickle-ice-sdpfrag")
	req.Header.Set("If-Match", "*")
	res, err := s.http.Do(req)
	must(s.t, err)
	defer func() { _ = res.Body.Close() }()
	var problem struct{ Code string }
	must(s.t, json.NewDecoder(res.Body).Decode(&problem))
	return problem.Code
}

// metrics is what /metrics says.
func (s *stage) metrics() string {
	s.t.Helper()
	res, err := s.http.Get("http://127.0.0.1/metrics")
	must(s.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(s.t, err)
	return string(text)
}
