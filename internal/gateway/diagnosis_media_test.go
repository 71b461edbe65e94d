package gateway_test

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
)

// publishing lets a publisher with a quirk publish for a while.
func publishing(opt testkit.PublisherOptions, words ...string) func(*testing.T) {
	return inScene(lanAddress, nil, func(s *scene) {
		s.publish(opt)
		<-time.After(12 * time.Second)
		s.expect(s.idOf("publish"), words...)
	})
}

func quirk(q testkit.Quirks, words ...string) func(*testing.T) {
	return publishing(testkit.PublisherOptions{Quirks: q}, words...)
}

// sps makes the parameters of 1280x720 say another profile or level.
func sps(profile, level byte) []byte {
	return []byte{0x67, profile, 0xc0, level, 0xda, 0x01, 0x40, 0x16, 0xe4}
}

var mediaDiagnoses = map[string]func(*testing.T){
	"no-media":     quirk(testkit.Quirks{Muted: true}, "connected for 12 seconds", "no packet"),
	"no-key-frame": quirk(testkit.Quirks{NoKeyFrames: true}, "packets of video", "no key frame", "1 or 2 seconds"),
	"no-video":     quirk(testkit.Quirks{NoPicture: true}, "only sound came"),
	"no-audio":     quirk(testkit.Quirks{NoSound: true, Stereo: true}, "only a picture came"),
	"undecodable": quirk(testkit.Quirks{
		EditOffer:  func(sdp string) string { return otherType(sdp, "106", "116") },
		EditAnswer: func(sdp string) string { return otherType(sdp, "116", "106") },
		NoSound:    true,
	}, "payload type or stream"),
	"h264-b-frames":        quirk(testkit.Quirks{BFrames: true}, "B-frames", "bframes=0", "-bf 0"),
	"h264-profile-unusual": quirk(testkit.Quirks{Parameters: unusualProfile()}, "high 4:2:2", "yuv420p"),
	"h264-level-too-low":   quirk(testkit.Quirks{Parameters: sps(66, 30)}, "1280 × 720", "level 3.0"),
	"uplink-loss-high": func(t *testing.T) {
		inLossyScene(0.15, func(s *scene) {
			s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
			<-time.After(12 * time.Second)
			s.expect(s.idOf("publish"), "packets of video", "bit rate")
		})(t)
	},
	"publisher-clock-broken": quirk(testkit.Quirks{BadClock: true}, "reports", "NTP"),
	"media-over-tcp":         overTCP,
	"key-frame-interval-long": inScene(lanAddress, nil, func(s *scene) {
		slow := testkit.Small()
		slow.KeyEvery = 8 * slow.FramesPerSecond
		s.publish(testkit.PublisherOptions{Picture: slow, Deaf: true, Quirks: testkit.Quirks{Stereo: true}})
		s.play()
		<-time.After(3 * time.Second)
		s.play()
		<-time.After(15 * time.Second)
		s.expect(s.idOf("publish"), "8 seconds between key frames", "none when asked")
	}),
	"simulcast-layer-missing": inScene(lanAddress, nil, func(s *scene) {
		layers := testkit.BrowserLayers()
		layers[2].Late = time.Hour
		s.publish(testkit.PublisherOptions{Simulcast: testkit.Simulcast{Layers: layers}, Quirks: testkit.Quirks{Stereo: true}})
		<-time.After(20 * time.Second)
		s.expect(s.idOf("publish"), "1 of 3 announced layers", ": f.", "960 × 540")
	}),
	"opus-mono-in-stereo":  quirk(testkit.Quirks{Stereo: true, Mono: true}, "announced stereo", "mono"),
	"stereo-not-signalled": quirk(testkit.Quirks{}, "sound is stereo", "sprop-stereo=1"),

	"gateway-too-slow": inScene(lanAddress, func(c *gateway.Config) { c.Egress.Workers = 1 }, func(s *scene) {
		s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		for range 3 {
			s.play()
		}
		s.net.Slow(2 * time.Millisecond)
		<-time.After(8 * time.Second)
		s.expect(s.idOf("play"), "processor is full")
	}),
	"viewer-too-slow": tooSlowOverTCP,
	"bandwidth-too-low": inScene(lanAddress, nil, func(s *scene) {
		ladder(&s.stage, true)
		s.behind(90_000)
		<-time.After(20 * time.Second)
		s.expect(s.idOf("play"), "kbit/s", "smallest picture", "simulcast")
	}),
	"viewer-loss-high": func(t *testing.T) {
		inLossyScene(0.2, func(s *scene) {
			s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
			s.play()
			<-time.After(12 * time.Second)
			s.expect(s.idOf("play"), "were sent again")
		})(t)
	},
	"nothing-on-air": inScene(lanAddress, func(c *gateway.Config) { c.Channels.Idle = router.WaitIdle }, func(s *scene) {
		s.play()
		<-time.After(12 * time.Second)
		s.expect(s.idOf("play"), `nobody publishes on channel "live"`)
	}),
	"nothing-to-show": inScene(lanAddress, func(c *gateway.Config) { c.Channels.Idle = router.WaitIdle }, func(s *scene) {
		s.publish(testkit.PublisherOptions{Quirks: testkit.Quirks{Muted: true}})
		s.play()
		<-time.After(12 * time.Second)
		s.expect(s.idOf("play"), "has a publisher", "for 12 seconds")
	}),
}

// unusualProfile is a set of 1280x720 in profile high 4:2:2.
func unusualProfile() []byte {
	return []byte{0x67, 122, 0x00, 31, 0xb6, 0xcd, 0x94, 0x02, 0x80, 0x2d, 0xc8}
}

func inLossyScene(loss float64, play func(*scene)) func(*testing.T) {
	return inScene(lanAddress, nil, func(s *scene) {
		s.net.LoseMedia(loss)
		play(s)
	})
}

// otherType changes a payload type in the text.
func otherType(sdp, from, to string) string {
	return strings.NewReplacer(" "+from+" ", " "+to+" ", ":"+from+" ", ":"+to+" ", " "+from+"\r", " "+to+"\r",
		"apt="+from+"\r", "apt="+to+"\r").Replace(sdp)
}

// overTCP is a publisher whose UDP is blocked, on real sockets.
func overTCP(t *testing.T) {
	s, g := realScene(t)
	testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Quirks: testkit.Quirks{
		Settings: testkit.OverTCP, EditOffer: testkit.WithoutUDP, EditAnswer: testkit.WithoutUDP,
	}})
	s.await(s.idOf("publish"), "goes over TCP", "Open UDP port")
}

// tooSlowOverTCP is a player that reads less than it is sent, on real sockets.
func tooSlowOverTCP(t *testing.T) {
	s, g := realScene(t)
	picture := testkit.HD()
	picture.PacketsPerFrame = 60
	testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Picture: picture})
	road := testkit.SlowRoad(t, g.Media()[0].String(), 200_000)
	testkit.Play(t, testkit.PlayerOptions{
		Endpoint: g.WHEP("live"), Settings: testkit.OverTCP, EditOffer: testkit.WithoutUDP,
		EditAnswer: func(sdp string) string { return movedTo(testkit.WithoutUDP(sdp), g.Media()[0].Port(), road) },
	})
	s.await(s.idOf("play"), "was stopped", "UDP")
}

// movedTo gives the candidates of an answer the port of another address.
func movedTo(sdp string, port uint16, address string) string {
	_, other, _ := strings.Cut(address, ":")
	return strings.ReplaceAll(sdp, fmt.Sprintf(" 127.0.0.1 %d typ", port), " 127.0.0.1 "+other+" typ")
}

// realScene is a gateway with UDP and TCP on loopback.
func realScene(t *testing.T) (*scene, *testkit.Gateway) {
	t.Helper()
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.Media.TCP = true })
	return &scene{stage: stage{t: t, g: g.Gateway, http: &http.Client{Transport: to{g.URL()}}}}, g
}

// await is expect, once there is a diagnosis.
func (s *scene) await(id string, words ...string) {
	s.t.Helper()
	want := path.Base(s.t.Name())
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		if _, _, d := s.ask(id, ""); d.Code == want {
			break
		}
	}
	s.expect(id, words...)
}
