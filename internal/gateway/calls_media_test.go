package gateway_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/testkit"
)

func TestR24PublishingEndsAndTheMemberStays(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.joins(object{"participant": "alice"})
		publisher := s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice"})
		s.ok(200, "DELETE", publisher.Session().Location, nil)
		watcher.told("unpublished", object{"participant": "alice"})
		<-time.After(time.Second)
		if watcher.heardOf("left", object{"participant": "alice"}) {
			s.t.Error("she has left")
		}
		roster := s.ok(200, "GET", "/channels/live/participants", nil)["participants"]
		if len(all(roster, object{"participant": "alice", "sources": []string{}})) != 1 {
			s.t.Errorf("the roster: %v", roster)
		}
		s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice"})
	})
}

func TestR25APublicationIsToldWithAllAViewerNeeds(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.publishesAs("alice/camera", testkit.PublisherOptions{Simulcast: testkit.Simulcast{Layers: testkit.BrowserLayers()}})
		told := watcher.told("published", object{"participant": "alice", "source": "camera", "video": "H264", "audio": "opus", "whep": "http://127.0.0.1/whep/live/alice/camera"})
		watcher.waits(5*time.Second, "its layers and its size", func(list []event) bool {
			told = search(list, "published", object{"participant": "alice"})
			layers, _ := told["layers"].([]any)
			return len(layers) == 3 && told["width"] != nil && told["height"] != nil
		})
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: told["whep"].(string), HTTP: s.http, Net: s.net.Client()})
		player.Wait(5*time.Second, "picture", moving(5))
	})
}

func TestR26TheSizeComesFromTheBitstreamAndIsToldAgain(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.publishesAs("alice", testkit.PublisherOptions{})
		watcher.told("published", object{"participant": "alice", "width": 640, "height": 360})
		watcher.forgets()
		s.publishesAs("alice", testkit.PublisherOptions{Accent: testkit.Accent{Large: true}, FirstFrame: 1000}) // as a camera that gives way to a screen
		watcher.told("published", object{"participant": "alice", "width": 1280, "height": 720, "changed": true})
		if watcher.heardOf("unpublished", nil) {
			s.t.Error("it was gone in between")
		}
	})
}

func TestR27WhoIsPlayedIsChosenByAddress(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		s.publishesAs("bob", testkit.PublisherOptions{FirstFrame: 20_000})
		s.publishesAs("bob/screen", testkit.PublisherOptions{FirstFrame: 30_000, NoAudio: true})
		for place, first := range map[string]uint32{"live/alice": 10_000, "live/bob": 20_000, "live/bob/screen": 30_000} {
			player := s.plays(place)
			seen := player.Wait(5*time.Second, place, moving(20))
			if seen.Last < first || seen.Last > first+9000 {
				s.t.Errorf("%s shows picture %d", place, seen.Last)
			}
			s.ok(200, "DELETE", player.Session().Location, nil)
		}
	})
}

func TestR29SourcesOfOneParticipantAreApart(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.publishesAs("alice/camera", testkit.PublisherOptions{})
		screen := s.publishesAs("alice/screen", testkit.PublisherOptions{NoAudio: true})
		watcher.told("published", object{"participant": "alice", "source": "camera"})
		watcher.told("published", object{"participant": "alice", "source": "screen"})
		roster := s.ok(200, "GET", "/channels/live/participants/alice", nil)
		if !contains(roster, object{"sources": []string{"camera", "screen"}}) {
			s.t.Errorf("%v", roster)
		}
		s.ok(200, "DELETE", screen.Session().Location, nil)
		watcher.told("unpublished", object{"participant": "alice", "source": "screen"})
		<-time.After(time.Second)
		if watcher.heardOf("left", nil) {
			s.t.Error("she has left with her screen")
		}
	})
}

func TestR30ThePublicationSaysWhatItIsMadeOf(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.publishesAs("sound", testkit.PublisherOptions{NoVideo: true})
		s.publishesAs("picture", testkit.PublisherOptions{NoAudio: true})
		if told := watcher.told("published", object{"participant": "sound", "audio": "opus"}); told["video"] != nil {
			s.t.Errorf("%v", told)
		}
		if told := watcher.told("published", object{"participant": "picture", "video": "H264"}); told["audio"] != nil {
			s.t.Errorf("%v", told)
		}
	})
}

// low tells that a score is there and is not good.

func low(score any) bool {
	n, ok := score.(float64)
	return ok && n <= 3
}

func TestR56ASessionTellsWhatWasNegotiated(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publishesAs("alice", testkit.PublisherOptions{})
		player := s.plays("live/alice")
		player.Wait(5*time.Second, "picture", moving(20))
		list := all(s.ok(200, "GET", "/channels/live/publications", nil)["publications"], object{"video": "H264", "audio": "opus", "width": 640, "height": 360})
		if len(list) != 1 {
			s.t.Fatal("no publication with codecs and size")
		}
		doc := s.ok(200, "GET", "/sessions/"+list[0]["session"].(string), nil)
		if doc["diagnosis"] == nil && doc["timeline"] == nil {
			s.t.Errorf("%v", doc)
		}
		viewers, _ := s.ok(200, "GET", "/channels/live/viewers", nil)["viewers"].([]any)
		if len(viewers) != 1 || viewers[0].(object)["connected"] != true {
			s.t.Fatalf("viewers %v", viewers)
		}
		id := viewers[0].(object)["id"].(string)
		s.ok(200, "GET", "/sessions/"+id, nil)
		s.ok(204, "DELETE", "/channels/live/viewers/"+id, nil)
		s.refused("kicked", "GET", player.Session().Location, nil)
	})
}

func TestR32ThePlayersOfferSaysWhatItTakes(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publishesAs("alice", testkit.PublisherOptions{})
		s.publishesAs("alice/translation", testkit.PublisherOptions{NoVideo: true}) // a second sound
		sound := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live/alice", Only: "audio", HTTP: s.http, Net: s.net.Client()})
		second := s.plays("live/alice/translation")
		picture := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live/alice", Only: "video", HTTP: s.http, Net: s.net.Client()})
		picture.Wait(5*time.Second, "picture", moving(20))
		<-time.After(time.Second)
		if sound.Sounds() < 40 || sound.Eye.Seen().Frames != 0 || picture.Sounds() != 0 || second.Sounds() < 40 {
			s.t.Errorf("sound alone: %d sounds, %d pictures; picture alone: %d sounds; second sound: %d sounds",
				sound.Sounds(), sound.Eye.Seen().Frames, picture.Sounds(), second.Sounds())
		}
	})
}

func TestR37AMuteOfTheServerStopsWhatOthersGet(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.publishesAs("alice", testkit.PublisherOptions{})
		player := s.plays("live/alice")
		player.Wait(5*time.Second, "picture", moving(20))
		s.ok(200, "PUT", "/channels/live/publications/alice/main/mute", object{"audio": true, "video": true})
		watcher.told("muted", object{"participant": "alice", "source": "main", "audio": true, "video": true})
		<-time.After(500 * time.Millisecond)
		sounds, pictures := player.Sounds(), player.Eye.Seen().Frames
		<-time.After(2 * time.Second)
		if player.Sounds() != sounds || player.Eye.Seen().Frames != pictures {
			s.t.Errorf("%d sounds and %d pictures came all the same", player.Sounds()-sounds, player.Eye.Seen().Frames-pictures)
		}
		if list := all(s.ok(200, "GET", "/channels/live/publications", nil)["publications"], object{"muted": object{"audio": true, "video": true}}); len(list) != 1 {
			s.t.Error("the list does not say so")
		}
		s.ok(204, "DELETE", "/channels/live/publications/alice/main/mute", nil)
		watcher.told("muted", object{"participant": "alice", "audio": false, "video": false})
		player.Wait(5*time.Second, "picture again", moving(pictures+20))
		if player.Sounds() == sounds {
			s.t.Error("no sound came again")
		}
		s.refused("publication-unknown", "PUT", "/channels/live/publications/nobody/main/mute", object{"audio": true})
	})
}

func TestR37AMuteOfOnesOwnIsTold(t *testing.T) {
	inFakeTime(t, withTokens, func(s *stage) {
		login := func(session string) string {
			return sign(s.t, auth.Claims{Participant: "alice", Session: session, Publish: []string{"live"}, Play: []string{"live"}})
		}
		const own, server = "/channels/live/publications/alice/main/self-mute", "/channels/live/publications/alice/main/mute"
		off, on := object{"audio": true, "video": false}, object{"audio": false, "video": false}
		watcher := s.joins(object{}, s.admin())
		s.refused("publication-unknown", "PUT", own, off, login("one"))
		first := s.publishesAs("alice", testkit.PublisherOptions{Token: login("one")})
		watcher.told("published", object{"participant": "alice", "self_muted": on})
		s.ok(200, "PUT", own, off, login("one"))
		watcher.told("muted", object{"participant": "alice", "source": "main", "audio": false, "video": false, "self_muted": off, "by": "self"})
		if list := all(s.ok(200, "GET", "/channels/live/publications", nil, s.admin())["publications"], object{"muted": on, "self_muted": off}); len(list) != 1 {
			s.t.Error("the list of publications does not say so")
		}
		if list := all(s.ok(200, "GET", "/channels/live/participants", nil, s.admin())["participants"], object{"self_muted": object{"main": off}}); len(list) != 1 {
			s.t.Error("the roster does not say so")
		}
		late := s.joins(object{}, s.admin())
		if len(all(late.told("snapshot", nil)["publications"], object{"participant": "alice", "self_muted": off})) != 1 {
			s.t.Errorf("a newcomer is not told: %v", late.heard())
		}

		s.refused("publication-unknown", "DELETE", own, nil, login("two"))
		s.refused("wrong-participant", "DELETE", own, nil, sign(s.t, auth.Claims{Participant: "bob", Publish: []string{"live"}, Play: []string{"live"}}))
		s.refused("no-token", "DELETE", own, nil)
		s.refused("not-allowed", "DELETE", server, nil, login("one"))

		s.ok(200, "PUT", server, off, s.admin())
		watcher.told("muted", object{"audio": true, "self_muted": off, "by": "administrator"})
		s.ok(204, "DELETE", own, nil, login("one"))
		watcher.told("muted", object{"audio": true, "self_muted": on, "by": "self"})
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", Token: s.admin(), HTTP: s.http, Net: s.net.Client()})
		player.Wait(5*time.Second, "picture", moving(20))
		if player.Sounds() != 0 {
			s.t.Error("alice undid what an administrator muted")
		}
		s.ok(204, "DELETE", server, nil, s.admin())

		s.ok(200, "PUT", own, off, login("one"))
		<-time.After(2 * time.Second)
		if player.Sounds() < 40 { // it is but a word
			s.t.Errorf("%d sounds", player.Sounds())
		}
		s.ok(200, "DELETE", first.Session().Location, nil, login("one"))
		watcher.told("unpublished", object{"participant": "alice"})
		watcher.forgets()
		s.publishesAs("alice", testkit.PublisherOptions{Token: login("one")})
		watcher.told("published", object{"participant": "alice", "self_muted": on})
	})
}

func TestR37WhoSpeaksIsTold(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.ok(201, "PUT", "/channels/live", object{"kind": "call"})
		watcher := s.joins(object{"participant": "watcher"})
		alice := s.publishesAs("alice", testkit.PublisherOptions{Levels: true})
		bob := s.publishesAs("bob", testkit.PublisherOptions{Levels: true, NoVideo: true})
		watcher.told("published", object{"participant": "bob"})
		alice.Loud(20)
		watcher.told("speaking", object{"participant": "alice", "speaking": true})
		watcher.told("speaker", object{"participant": "alice"})
		alice.Loud(127)
		bob.Loud(20)
		watcher.told("speaking", object{"participant": "alice", "speaking": false})
		watcher.told("speaker", object{"participant": "bob"})
		program := s.ok(200, "GET", "/channels/live/program", nil)
		if !contains(program, object{"audio": object{"participant": "bob"}, "video": object{"participant": "alice"}, "pinned": nil}) {
			s.t.Errorf("bob has no picture, and the program is %v", program)
		}
	})
}

func TestR51QualityIsToldToEverybodyEveryTwoSeconds(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		watcher := s.joins(object{"participant": "watcher"})
		s.publishesAs("alice", testkit.PublisherOptions{})
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live?participant=watcher", TransportCC: true, HTTP: s.http, Net: s.net.Client()})
		player.Wait(5*time.Second, "picture", moving(20))
		watcher.toldWithin(10*time.Second, "quality", object{"participants": object{"alice": object{"up": 5}}})
		watcher.forgets()
		<-time.After(6100 * time.Millisecond)
		times := 0
		for _, e := range watcher.heard() {
			if e.name == "quality" {
				times++
			}
		}
		if times != 3 {
			s.t.Errorf("told %d times in six seconds", times)
		}
		s.net.LoseMedia(0.2)
		watcher.waits(20*time.Second, "a lower score both ways", func(list []event) bool {
			told := search(list, "quality", nil)
			of, _ := told["participants"].(object)
			up, _ := of["alice"].(object)
			down, _ := of["watcher"].(object)
			return up != nil && down != nil && low(up["up"]) && low(down["down"])
		})
	})
}
