package diagnose

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

var update = flag.Bool("update", false, "write docs/diagnoses.md anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// session is a publisher of an ordinary gateway, ten seconds after its answer.
func session(change func(*Session)) Session {
	s := Session{
		Publish: true, Channel: "live", Client: netip.MustParseAddr("198.51.100.7"), Posted: noon, At: noon.Add(10 * time.Second),
		Offer:   Offer{Video: []string{"H264"}, Audio: []string{"opus"}, HasVideo: true, HasAudio: true, Stereo: true},
		Network: Network{Advertised: []netip.AddrPort{netip.MustParseAddrPort("9.9.9.9:8190")}, Public: true, TCP: true},
		ICE:     ICE{Answered: noon},
	}
	change(&s)
	return s
}

func refusedBy(code string, change ...func(*Session)) Session {
	return session(func(s *Session) {
		s.Refused, s.Ended, s.Reason, s.ICE = true, true, code, ICE{}
		for _, c := range change {
			c(s)
		}
	})
}

// unheardAt is a session with an address of the gateway, of which nothing was heard.
func unheardAt(address string, change ...func(*Session)) Session {
	return session(func(s *Session) {
		s.Network = Network{Advertised: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(address), 8190)}, TCP: true}
		s.Requests = 1
		for _, c := range change {
			c(s)
		}
	})
}

// up is a session that has been connected for 30 s.
func up(change func(*Session)) Session {
	return session(func(s *Session) {
		s.At = noon.Add(30 * time.Second)
		s.ICE = ICE{
			Answered: noon, Checks: 9, FirstCheck: noon, LastCheck: s.At, Replies: 9, Connected: noon, Protocol: "udp",
			Remote: netip.MustParseAddrPort("198.51.100.7:50000"), LastHeard: s.At,
		}
		s.DTLS = DTLS{Started: noon, Connected: noon}
		change(s)
	})
}

// streams is a session that is up with a good picture and good sound.
func streams(change func(video, audio *Layer, s *Session)) Session {
	return up(func(s *Session) {
		video := Layer{
			Kind: "video", Codec: "H264", Packets: 9000, Width: 1280, Height: 720, KeyFrames: 15, LastKeyFrame: s.At.Add(-time.Second),
			KeyInterval: 2 * time.Second, Profile: 66, Level: 31,
		}
		audio := Layer{Kind: "audio", Codec: "opus", Packets: 1500, Sounds: 90, Stereo: 90}
		change(&video, &audio, s)
		s.Publisher = &Publisher{Packets: 10_500, Layers: []Layer{video, audio}}
	})
}

func plays(change func(*Session)) Session {
	return up(func(s *Session) {
		s.Publish, s.Viewer = false, &Viewer{Packets: 9000, OnAir: true}
		change(s)
	})
}

func ends(code string, change ...func(*Session)) Session {
	return up(func(s *Session) {
		s.Ended, s.Reason = true, code
		for _, c := range change {
			c(s)
		}
	})
}

// shaking is a session whose handshake does not get through.
func shaking(change func(*Session)) Session {
	return up(func(s *Session) {
		s.DTLS = DTLS{Started: noon}
		change(s)
	})
}

// examples have what each diagnosis is found by, and nothing else.
var examples = map[string]Session{
	"token-expired-before-post": refusedBy("token-expired", func(s *Session) { s.Token.ExpiredFor = 3 * time.Minute }),
	"token-not-yet-valid":       refusedBy("bad-token", func(s *Session) { s.Token.StartsIn = 5 * time.Minute }),
	"token-missing":             refusedBy("no-token"),
	"token-unknown":             refusedBy("bad-token"),
	"token-wrong-channel":       refusedBy("not-allowed"),
	"token-replayed":            refusedBy("token-replayed"),
	"channel-idle":              refusedBy("channel-idle", func(s *Session) { s.Publish = false }),
	"channel-busy": refusedBy("channel-busy", func(s *Session) {
		s.Holder = Holder{Session: "4mIzkYz0RJ3q", Participant: "main", Since: noon.Add(-time.Hour)}
	}),
	"codec-missing-player":    refusedBy("codec-unsupported", func(s *Session) { s.Publish, s.Wanted = false, []string{"H265"} }),
	"codec-missing-publisher": refusedBy("codec-unsupported", func(s *Session) { s.Wanted = []string{"AV1", "opus"} }),
	"offer-not-usable":        refusedBy("no-bundle"),
	"overloaded":              refusedBy("overloaded"),
	"too-many-sessions":       refusedBy("session-limit"),
	"too-many-half-open":      refusedBy("too-many-half-open"),

	"counter-offer-unanswered": session(func(s *Session) {
		s.Publish, s.Ended, s.Reason, s.ICE, s.At = false, true, "counter-offer-expired", ICE{}, noon.Add(30*time.Second)
	}),
	"only-container-address": unheardAt("172.17.0.2"),
	"loopback-only":          unheardAt("127.0.0.1"),
	"private-address-only":   unheardAt("192.168.1.10"),
	"ice-timeout-late": unheardAt("9.9.9.9", func(s *Session) {
		s.Ended, s.Reason, s.At, s.Late, s.LastLate = true, "ice-failed", noon.Add(40*time.Second), 1, 9*time.Second
	}),
	"abandoned-post":       unheardAt("9.9.9.9", func(s *Session) { s.Ended, s.Reason, s.Requests = true, "ice-failed", 0 }),
	"public-address-wrong": unheardAt("9.9.9.9", func(s *Session) { s.Network.Public = true }),
	"tcp-off":              unheardAt("8.8.8.8", func(s *Session) { s.Network.TCP, s.Offer.Candidates = false, Candidates{Host: 2, TCP: 1} }),
	"mdns-only":            unheardAt("8.8.8.8", func(s *Session) { s.Offer.Candidates.Hidden = 2 }),
	"no-check-arrived":     unheardAt("8.8.8.8", func(s *Session) { s.Offer.Candidates = Candidates{Host: 2, TCP: 1} }),
	"udp-blocked":          unheardAt("8.8.8.8"),
	"checks-one-way": unheardAt("8.8.8.8", func(s *Session) {
		s.ICE.Checks, s.ICE.FirstCheck, s.ICE.From = 31, noon, []netip.AddrPort{netip.MustParseAddrPort("198.51.100.7:50000")}
	}),
	"dtls-fingerprint-mismatch": shaking(func(s *Session) { s.DTLS.Failed, s.DTLS.Certificate, s.DTLS.Mismatch = noon, true, true }),
	"dtls-refused":              shaking(func(s *Session) { s.DTLS.Failed, s.DTLS.Certificate = noon.Add(80*time.Millisecond), true }),
	"dtls-timeout":              shaking(func(s *Session) { s.DTLS.Failed = s.At }),
	"dtls-alert":                shaking(func(s *Session) { s.DTLS.Failed = noon.Add(80 * time.Millisecond) }),

	"consent-lost":      ends("lost", func(s *Session) { s.ICE.LastHeard = noon.Add(12 * time.Second); s.At = noon.Add(42 * time.Second) }),
	"replaced":          ends("replaced"),
	"duplicate-id":      ends("duplicate-id"),
	"token-ended":       ends("token-expired"),
	"publication-ended": ends("idle", func(s *Session) { s.Publish = false }),
	"bitrate-above-cap": ends("bitrate", func(s *Session) { s.Cap = Cap{Most: 1_000_000, Bits: 3_100_000, Span: 8 * time.Second} }),
	"codec-changed":     ends("codec-changed", func(s *Session) { s.Publish = false }),

	"no-media":     up(func(s *Session) { s.Publisher = &Publisher{} }),
	"undecodable":  up(func(s *Session) { s.Publisher = &Publisher{Packets: 700, Unbound: 690} }),
	"no-key-frame": streams(func(v, _ *Layer, _ *Session) { v.KeyFrames = 0 }),
	"no-video": up(func(s *Session) {
		s.Publisher = &Publisher{Packets: 1500, Layers: []Layer{{Kind: "audio", Packets: 1500}}}
	}),
	"no-audio": up(func(s *Session) {
		s.Publisher = &Publisher{Packets: 900, Layers: []Layer{{Kind: "video", Packets: 900, KeyFrames: 9}}}
	}),
	"h264-b-frames":        streams(func(v, _ *Layer, _ *Session) { v.BFrames = true }),
	"h264-profile-unusual": streams(func(v, _ *Layer, _ *Session) { v.Profile = 122 }),
	"h264-level-too-low":   streams(func(v, _ *Layer, _ *Session) { v.Width, v.Height, v.Level = 1920, 1080, 30 }),
	"uplink-loss-high":     streams(func(v, _ *Layer, _ *Session) { v.Missing, v.Lost, v.Repaired = 1500, 60, 1440 }),
	"publisher-clock-broken": streams(func(v, _ *Layer, _ *Session) {
		v.ClockFaults = 12
	}),
	"gateway-too-slow": plays(func(s *Session) { s.Viewer.Saturated = true }),
	"bandwidth-too-low": plays(func(s *Session) {
		s.Viewer.Paused, s.Viewer.Estimate, s.Viewer.Stalls = true, 90_000, 2
	}),
	"viewer-too-slow":  plays(func(s *Session) { s.ICE.Protocol, s.Viewer.Stalls = "tcp", 7 }),
	"viewer-loss-high": plays(func(s *Session) { s.Viewer.FractionLost, s.Viewer.Retransmitted = 0.12, 1100 }),
	"nothing-on-air":   plays(func(s *Session) { *s.Viewer = Viewer{} }),
	"nothing-to-show":  plays(func(s *Session) { s.Viewer.Packets = 0 }),

	"media-over-tcp": up(func(s *Session) { s.ICE.Protocol = "tcp" }),
	"key-frame-interval-long": streams(func(v, _ *Layer, _ *Session) {
		v.KeyInterval, v.Deaf = 10*time.Second, true
	}),
	"simulcast-layer-missing": up(func(s *Session) {
		s.Offer.HasAudio = false
		s.Publisher = &Publisher{
			Packets: 900, RIDs: []string{"q", "h", "f"}, Awaited: []string{"h", "f"},
			Layers: []Layer{{Kind: "video", RID: "q", Packets: 900, KeyFrames: 9}},
		}
	}),
	"opus-mono-in-stereo":  streams(func(_, a *Layer, _ *Session) { a.Stereo = 0 }),
	"stereo-not-signalled": streams(func(_, _ *Layer, s *Session) { s.Offer.Stereo = false }),
}

func TestEveryDiagnosisIsFoundByItsFacts(t *testing.T) {
	for _, code := range Codes() {
		s, ok := examples[code]
		if got := Of(s); !ok || got.Code != code {
			t.Errorf("%s: found %q: %s", code, got.Code, got.Sentence)
		}
	}
	if len(examples) != len(Codes()) {
		t.Errorf("%d examples for %d diagnoses", len(examples), len(Codes()))
	}
}

func TestNothingIsWrongWithAGoodSession(t *testing.T) {
	for name, s := range map[string]Session{
		"a publisher":             streams(func(_, _ *Layer, _ *Session) {}),
		"a player":                plays(func(*Session) {}),
		"ended by its client":     ends("deleted"),
		"ended by shutdown":       ends("server-shutdown"),
		"just answered":           session(func(s *Session) { s.At = noon.Add(time.Second) }),
		"deleted before it began": session(func(s *Session) { s.At, s.Ended, s.Reason = noon.Add(time.Second), true, "deleted" }),
		"layers that may still come": up(func(s *Session) {
			s.At, s.Offer.HasAudio = noon.Add(12*time.Second), false
			s.Publisher = &Publisher{
				Packets: 900, RIDs: []string{"q", "h"}, Awaited: []string{"h"}, Layers: []Layer{{Kind: "video", RID: "q", Packets: 900, KeyFrames: 9}},
			}
		}),
		"a browser, few key frames": streams(func(v, _ *Layer, _ *Session) { v.KeyInterval = time.Minute }),
		"nothing known":             {},
	} {
		if d := Of(s); d.Code != "" {
			t.Errorf("%s: %s: %s", name, d.Code, d.Sentence)
		}
	}
}

func TestSentencesAreForPeople(t *testing.T) {
	for code, s := range examples {
		d := Of(s)
		for _, text := range []string{d.Sentence, d.Remedy} {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "%!") || strings.Contains(text, "  ") || len(text) > 260 ||
				strings.ToUpper(text[:1]) != text[:1] {
				t.Errorf("%s: %q", code, text)
			}
		}
	}
}

const docPath = "../../docs/diagnoses.md"

func TestTheTableOfTheDocument(t *testing.T) {
	const begin, end = "<!-- table -->\n", "<!-- end of table -->\n"
	doc, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(doc), begin)
	got, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/diagnoses.md has no place for the table")
	}
	var want strings.Builder
	want.WriteString("| code | what it says | what to do |\n| --- | --- | --- |\n")
	for _, code := range Codes() {
		d := Of(examples[code])
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", code, cell(d.Sentence), cell(d.Remedy))
	}
	if *update {
		if err := os.WriteFile(docPath, []byte(head+begin+want.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Error("the table is not that of the code: go test ./internal/diagnose -update")
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func TestDurationsAreSaid(t *testing.T) {
	for d, want := range map[time.Duration]string{
		80 * time.Millisecond: "80 milliseconds", time.Second: "1 second", 90 * time.Second: "90 seconds", 3 * time.Minute: "3 minutes",
		3 * time.Hour: "3 hours", 72 * time.Hour: "3 days",
	} {
		if got := took(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestCandidatesAreCounted(t *testing.T) {
	var c Candidates
	c.Count([]string{
		"1 1 udp 2122260223 192.0.2.10 46243 typ host generation 0",
		"1 1 udp 2122260223 6f1d0c1e.local 46243 typ host",
		"1 1 tcp 1518280447 192.0.2.10 9 typ host tcptype active",
		"1 1 udp 1686052607 203.0.113.5 46243 typ srflx raddr 0.0.0.0 rport 0",
		"1 1 udp 41885439 203.0.113.9 50000 typ relay raddr 0.0.0.0 rport 0",
		"nonsense",
	})
	if want := (Candidates{Host: 2, Hidden: 1, Reflexive: 1, Relay: 1, TCP: 1}); c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
}

func TestNumbersOfTheRouterArriveHere(t *testing.T) {
	p := PublisherOf(router.IngestStats{Packets: 7, Unbound: 2, Layers: []router.LayerStats{{
		Kind: router.Video, Codec: router.Codec{Name: "H264"}, Packets: 5, Facts: router.StreamFacts{BFrames: true, Profile: 77},
	}}})
	if l := p.Layers[0]; p.Packets != 7 || p.Unbound != 2 || l.Kind != "video" || l.Codec != "H264" || !l.BFrames || l.Profile != 77 {
		t.Errorf("%+v", p)
	}
}

func TestWhatSTUNSawIsNamed(t *testing.T) {
	s := unheardAt("9.9.9.9", func(s *Session) { s.Network.Untold = []netip.Addr{netip.MustParseAddr("203.0.113.7")} })
	for _, configured := range []bool{false, true} {
		s.Network.Public = configured
		d := Of(s)
		if d.Code != "public-address-wrong" || !strings.Contains(d.Sentence, "9.9.9.9") || !strings.Contains(d.Sentence, "seen at 203.0.113.7") ||
			!strings.Contains(d.Remedy, "--public-ip 203.0.113.7") {
			t.Errorf("%+v", d)
		}
	}
}
