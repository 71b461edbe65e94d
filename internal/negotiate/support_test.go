package negotiate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
	"github.com/pion/sdp/v3"
)

// everyVideo and everyAudio are the default order of preference.
var (
	everyVideo = []string{router.H264, router.VP8, router.AV1, router.VP9, router.H265}
	everyAudio = []string{router.Opus, router.G722, router.PCMU, router.PCMA}

	anyPublisher = PublishPolicy{Video: everyVideo, Audio: everyAudio}
)

const (
	fmtp42e01f = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	fmtp640032 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032"
)

func video(name, fmtp string) router.Codec {
	return router.Codec{Name: name, ClockRate: 90000, Fmtp: fmtp}
}

func opus(fmtp string) router.Codec {
	return router.Codec{Name: router.Opus, ClockRate: 48000, Channels: 2, Fmtp: fmtp}
}

// liveChannel is what a viewer of a plain session gets: H.264 and Opus.
func liveChannel() PlayPolicy {
	return PlayPolicy{
		Video:    MediaChoice{Codecs: []router.Codec{video(router.H264, fmtp42e01f)}},
		Audio:    MediaChoice{Codecs: []router.Codec{opus("minptime=10;useinbandfec=1")}},
		StreamID: "stream",
	}
}

// waitingChannel may be filled by any codec later.
func waitingChannel() PlayPolicy {
	p := PlayPolicy{StreamID: "stream", Video: MediaChoice{All: true}, Audio: MediaChoice{All: true}}
	for _, name := range everyVideo {
		p.Video.Codecs = append(p.Video.Codecs, video(name, ""))
	}
	p.Audio.Codecs = []router.Codec{opus("")}
	return p
}

func mustParse(t *testing.T, text string) *Offer {
	t.Helper()
	o, err := ParseOffer([]byte(text))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return o
}

func mustPublish(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := mustParse(t, text).ForPublish(anyPublisher)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return p
}

func mustPlay(t *testing.T, text string, policy PlayPolicy) *Plan {
	t.Helper()
	p, err := mustParse(t, text).ForPlay(policy)
	if err != nil {
		t.Fatalf("play: %v", err)
	}
	return p
}

// edit replaces every old by the following new, and fails if one is not there:
// a test about a changed line must not pass because the line is gone.
func edit(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the offer has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// without cuts every line that begins with prefix.
func without(t *testing.T, text, prefix string) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\r\n")
	kept := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, prefix) })
	if len(kept) == len(lines) {
		t.Fatalf("the offer has no line %q", prefix)
	}
	return strings.Join(kept, "")
}

// section returns the text of media section i.
func section(t *testing.T, text string, i int) string {
	t.Helper()
	parts := strings.Split("\r\n"+text, "\r\nm=")
	if i+1 >= len(parts) {
		t.Fatalf("there is no section %d in\n%s", i, text)
	}
	return "m=" + parts[i+1] + "\r\n"
}

func hasLine(text, line string) bool {
	return slices.Contains(strings.Split(text, "\r\n"), line)
}

func linesWith(text, prefix string) []string {
	return slices.DeleteFunc(strings.Split(text, "\r\n"), func(l string) bool { return !strings.HasPrefix(l, prefix) })
}

func wantFault(t *testing.T, err error, want *fault.Error) *fault.Error {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %s", err, want.Code)
	}
	got := fault.Of(err)
	if got.Kind != want.Kind || got.Public == "" {
		t.Errorf("got kind %d, sentence %q", got.Kind, got.Public)
	}
	return got
}

func parsed(t *testing.T, text string) *sdp.SessionDescription {
	t.Helper()
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return &desc
}

// two is an offer with one Opus and one H.264 section and nothing special.
func two() string { return offers.Get("ffmpeg9") }

// onlyData disables audio and video and adds a data section on their transport.
func onlyData(t *testing.T, text string) string {
	t.Helper()
	data := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
	for _, prefix := range []string{"a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:", "a=setup:"} {
		data += linesWith(text, prefix)[0] + "\r\n"
	}
	return edit(t, text, "m=audio 9", "m=audio 0", "m=video 9", "m=video 0", "BUNDLE 0 1", "BUNDLE 2") + data
}
