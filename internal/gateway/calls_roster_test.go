package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

func TestR13ChannelsAreMadeByUseOrAhead(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.refused("channel-unknown", "GET", "/channels/live", nil)
		s.joins(object{"participant": "alice", "kind": "call"})
		if doc := s.ok(200, "GET", "/channels/live", nil); !contains(doc, object{"kind": "call", "provisioned": false, "participants": 1}) {
			s.t.Errorf("made by use: %v", doc)
		}
		settings := object{"kind": "call", "title": "Weekly", "video": []string{"VP8"}, "max_members": 2}
		s.ok(201, "PUT", "/channels/ahead", settings)
		s.ok(200, "PUT", "/channels/ahead", settings)
		if doc := s.ok(200, "GET", "/channels/ahead", nil); !contains(doc, object{"kind": "call", "provisioned": true}) {
			s.t.Errorf("made ahead: %v", doc)
		}
		s.joinsIn("ahead", object{"participant": "a"})
		s.joinsIn("ahead", object{"participant": "b"})
		if status, doc := s.rest("POST", "/channels/ahead/events", object{"participant": "c"}); status < 400 {
			s.t.Errorf("a third member of two: %d %v", status, doc)
		}
		_, err := testkit.TryPublish(s.t, testkit.PublisherOptions{Endpoint: "http://127.0.0.1/whip/ahead/a", HTTP: s.http, Net: s.net.Client()})
		if code := refusalOf(err); code != "codec-unsupported" {
			s.t.Errorf("H.264 where VP8 was asked for: %q", code)
		}
		s.ok(204, "DELETE", "/channels/ahead", nil)
		s.refused("channel-unknown", "GET", "/channels/ahead", nil)
	})
}

func TestR13ChannelsMayHaveToBeMadeAhead(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Calls.Create = call.CreateProvisioned }, func(s *stage) {
		s.refused("channel-unknown", "POST", "/channels/live/events", object{"participant": "alice"})
		if code := s.triesToPublish("alice", ""); code != "channel-unknown" {
			s.t.Errorf("publishing: %q", code)
		}
		s.ok(201, "PUT", "/channels/live", object{})
		s.joins(object{"participant": "alice"})
		s.publishesAs("alice", testkit.PublisherOptions{})
	})
}

func TestR16JoiningAndLeavingAreActs(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		alice := s.joins(object{"participant": "alice"})
		watcher.told("joined", object{"participant": "alice"})
		s.ok(200, "DELETE", alice.url, nil)
		watcher.told("left", object{"participant": "alice"})
		s.ok(200, "DELETE", alice.url, nil)
		s.refused("left", "GET", alice.url, nil)

		publisher := s.publishesAs("bob", testkit.PublisherOptions{}) // by the POST alone
		watcher.told("joined", object{"participant": "bob", "sources": []string{"main"}})
		publisher.Close()
		watcher.told("left", object{"participant": "bob"})
	})
}

func TestR17EverythingIsTold(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publishesAs("early", testkit.PublisherOptions{})
		<-time.After(time.Second) // its first packet is here
		s.joins(object{"participant": "reader", "name": "Reader"})
		alice := s.joins(object{"participant": "alice"})
		snapshot := alice.told("snapshot", object{"channel": "live", "self": "alice"})
		for _, who := range []string{"early", "reader", "alice"} {
			if len(all(snapshot["participants"], object{"participant": who})) != 1 {
				s.t.Errorf("%s is not in %v", who, snapshot["participants"])
			}
		}
		if len(all(snapshot["publications"], object{"participant": "early", "state": "live"})) != 1 {
			s.t.Errorf("publications %v", snapshot["publications"])
		}

		seen := alice.lastID()
		alice.stop()
		<-alice.done
		late := s.joins(object{"participant": "late"})
		alice.reads(seen)
		alice.told("joined", object{"participant": "late"}) // while nobody read
		if alice.heardOf("snapshot", nil) {
			s.t.Error("it begins anew, though nothing was missed")
		}
		s.ok(200, "DELETE", late.url, nil)
		alice.told("left", object{"participant": "late"})
		alice.stop()
		<-alice.done
		alice.reads("999999")
		alice.told("snapshot", object{"self": "alice"})
	})
}

func TestR16AMemberWhoseReaderIsGoneHasLeft(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		alice := s.joins(object{"participant": "alice"})
		watcher.told("joined", object{"participant": "alice"})
		alice.stop()
		<-alice.done
		gone := time.Now()
		watcher.toldWithin(30*time.Second, "left", object{"participant": "alice"})
		if took := time.Since(gone); took < 9*time.Second || took > 12*time.Second {
			s.t.Errorf("noticed after %v", took)
		}
	})
}

func TestR19AnAdministratorPutsSomebodyOut(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		alice := s.joins(object{"participant": "alice"})
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice"})
		s.ok(204, "DELETE", "/channels/live/participants/alice", object{"reason": "shouting", "ban_seconds": 60})
		alice.told("kicked", object{"reason": "kicked", "detail": "shouting"})
		watcher.told("left", object{"participant": "alice", "reason": "kicked"})
		s.refused("kicked", "GET", alice.url, nil)
		s.refused("kicked", "GET", publisher.Session().Location, nil)
		s.refused("banned", "POST", "/channels/live/events", object{"participant": "alice"})
		if code := s.triesToPublish("alice", ""); code != "banned" {
			s.t.Errorf("publishing: %q", code)
		}
		if bans := all(s.ok(200, "GET", "/channels/live/bans", nil)["bans"], object{"participant": "alice", "reason": "shouting"}); len(bans) != 1 {
			s.t.Errorf("bans %v", bans)
		}
		s.ok(204, "DELETE", "/channels/live/bans/alice", nil)
		s.joins(object{"participant": "alice"})
		s.refused("participant-unknown", "DELETE", "/channels/live/participants/nobody", nil)
	})
}

func TestR19ABanEnds(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.ok(204, "DELETE", "/channels/live/participants/alice", object{"ban_seconds": 60})
		s.refused("banned", "POST", "/channels/live/events", object{"participant": "alice"})
		<-time.After(61 * time.Second)
		s.joins(object{"participant": "alice"})
	})
}

func TestR20AChannelIsDissolved(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		alice := s.joins(object{"participant": "alice"})
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		viewer := s.plays("live/alice")
		s.ok(204, "DELETE", "/channels/live", nil)
		alice.told("closed", object{"reason": "disbanded"})
		s.refused("disbanded", "GET", alice.url, nil)
		s.refused("disbanded", "GET", publisher.Session().Location, nil)
		s.refused("disbanded", "GET", viewer.Session().Location, nil)
		s.refused("channel-unknown", "GET", "/channels/live", nil)
		s.ok(204, "DELETE", "/channels/live", nil)
	})
}

func TestR22ALeaveIsSeenAtOnce(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice"})
		s.ok(200, "DELETE", publisher.Session().Location, nil)
		gone := time.Now()
		watcher.told("unpublished", object{"participant": "alice", "source": "main"})
		watcher.told("left", object{"participant": "alice"})
		if took := time.Since(gone); took > 200*time.Millisecond {
			s.t.Errorf("told after %v", took)
		}
	})
}

func TestR22APulledCableIsToldInTwoSteps(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice"})
		s.net.Lose(publisher.Net(), testkit.Everything)
		pulled := time.Now()
		for _, step := range []struct {
			event string
			at    time.Duration
		}{{"interrupted", 6 * time.Second}, {"unpublished", 30 * time.Second}, {"left", 30 * time.Second}} {
			watcher.toldWithin(40*time.Second, step.event, object{"participant": "alice"})
			if took := time.Since(pulled); took < step.at-time.Second || took > step.at+2*time.Second {
				s.t.Errorf("%s after %v, want %v", step.event, took, step.at)
			}
		}
	})
}

func TestR49AnInterruptionThatEndsIsTold(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice"})
		var mended atomic.Bool
		s.net.Lose(publisher.Net(), func([]byte) bool { return !mended.Load() })
		watcher.toldWithin(10*time.Second, "interrupted", object{"participant": "alice", "source": "main"})
		mended.Store(true)
		watcher.told("resumed", object{"participant": "alice", "source": "main"})
	})
}

func TestR23WhoLeftMayComeAgain(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		for range 3 {
			alice := s.joins(object{"participant": "alice"})
			publisher := s.publishesAs("alice", testkit.PublisherOptions{})
			watcher.told("published", object{"participant": "alice"})
			s.ok(200, "DELETE", publisher.Session().Location, nil)
			s.ok(200, "DELETE", publisher.Session().Location, nil)
			s.ok(200, "DELETE", alice.url, nil)
			watcher.told("left", object{"participant": "alice"})
			watcher.forgets()
		}
	})
}

func TestR21TheEndOfTheGatewayIsTold(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	do := func(method, url, body string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	made := do("POST", g.URL()+"/api/v1/channels/live/events", `{"participant":"alice"}`)
	stream := do("GET", made.Header.Get("Location"), "")
	g.Close()
	text, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(text), "event: closed\ndata: {\"reason\":\"server-shutdown\"") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestR21WhoWatchesNobodyLearnsWhyItEnds(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Channels.ViewerLinger = 20 * time.Second }, func(s *stage) {
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		player := s.plays("live/alice")
		player.Wait(5*time.Second, "picture", moving(5))
		publisher.Close()
		<-time.After(50 * time.Second)
		s.refused("idle", "GET", player.Session().Location, nil)
	})
}
