package negotiate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// ids shows extensions as "id name" sorted by id.
func ids(e router.Extensions) string {
	var out []string
	for _, uri := range slices.SortedFunc(maps.Keys(e), func(a, b string) int { return int(e[a]) - int(e[b]) }) {
		name := uri[strings.LastIndexAny(uri, "/:#")+1:]
		out = append(out, fmt.Sprintf("%d %s", e[uri], name))
	}
	return strings.Join(out, ", ")
}

func TestExtensionsOfPublishers(t *testing.T) {
	cases := map[string][]string{
		"chrome-publish":    {"1 ssrc-audio-level, 3 draft-holmer-rmcat-transport-wide-cc-extensions-01, 4 mid", "3 draft-holmer-rmcat-transport-wide-cc-extensions-01, 4 mid, 5 playout-delay, 8 color-space, 13 video-orientation"},
		"chrome-simulcast":  {"1 ssrc-audio-level, 3 draft-holmer-rmcat-transport-wide-cc-extensions-01, 4 mid", "3 draft-holmer-rmcat-transport-wide-cc-extensions-01, 4 mid, 5 playout-delay, 8 color-space, 10 rtp-stream-id, 11 repaired-rtp-stream-id, 13 video-orientation"},
		"firefox-publish":   {"1 ssrc-audio-level, 3 mid", "3 mid, 7 draft-holmer-rmcat-transport-wide-cc-extensions-01"},
		"obs":               {"", "1 mid"},
		"obs-simulcast":     {"", "1 mid, 2 rtp-stream-id"},
		"ffmpeg9":           {"", ""},
		"gstreamer-publish": {"1 draft-holmer-rmcat-transport-wide-cc-extensions-01", "1 draft-holmer-rmcat-transport-wide-cc-extensions-01"},
	}
	for name, want := range cases {
		for i, s := range mustPublish(t, offers.Get(name)).Sections {
			if got := ids(s.Extensions); got != want[i] {
				t.Errorf("M-084 %s section %d: %s", name, i, got)
			}
		}
	}
}

func TestExtensionsOfViewers(t *testing.T) {
	cases := map[string][]string{
		"chrome-play":    {"1 ssrc-audio-level, 4 mid", "4 mid, 5 playout-delay, 8 color-space, 13 video-orientation"},
		"firefox-play":   {"1 ssrc-audio-level, 3 mid", "3 mid, 6 playout-delay"},
		"gstreamer-play": {"", ""},
	}
	for name, want := range cases {
		for i, s := range mustPlay(t, offers.Get(name), liveChannel()).Sections {
			if got := ids(s.Extensions); got != want[i] {
				t.Errorf("M-084 %s section %d: %s", name, i, got)
			}
		}
	}
}

func TestExtensionLines(t *testing.T) {
	cases := []struct {
		name, value   string
		publish, play bool
		id            uint8
		answer        string
	}{
		{"no direction", "4 " + router.ExtMID, true, true, 4, "4 " + router.ExtMID},
		{"M-082 offerer sends", "4/sendonly " + router.ExtMID, true, false, 4, "4/recvonly " + router.ExtMID},
		{"M-082 offerer receives", "4/recvonly " + router.ExtMID, false, true, 4, "4/sendonly " + router.ExtMID},
		{"M-082 both", "4/sendrecv " + router.ExtMID, true, true, 4, "4/sendrecv " + router.ExtMID},
		{"M-082 neither", "4/inactive " + router.ExtMID, false, false, 4, ""},
		{"attributes", "6 " + router.ExtAudioLevel + " vad=on", true, true, 6, "6 " + router.ExtAudioLevel},
		{"M-081 two-byte id", "16 " + router.ExtMID, true, false, 16, "16 " + router.ExtMID},
		{"M-081 reserved id", "15 " + router.ExtMID, false, false, 0, ""},
		{"M-081 id 0", "0 " + router.ExtMID, false, false, 0, ""},
		{"id beyond the stack's", "250 " + router.ExtMID, false, false, 0, ""},
		{"id is no number", "x " + router.ExtMID, false, false, 0, ""},
		{"M-085 encrypted", "4 urn:ietf:params:rtp-hdrext:encrypt " + router.ExtMID, false, false, 0, ""},
		{"unknown", "4 urn:example:other", false, false, 0, ""},
		{"M-084 never forwarded", "2 " + router.ExtAbsSendTime, false, false, 0, ""},
		{"cut", "4", false, false, 0, ""},
		{"transport-cc is not for viewers", "3 " + router.ExtTransportCC, true, false, 3, "3 " + router.ExtTransportCC},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &offered{mid: "0", extensions: appendExtension(nil, c.value)}
			publish, play := s.publishExtensions(router.VP8, true, true), s.playExtensions(false, false)
			if len(publish) == 1 != c.publish || len(play) == 1 != c.play {
				t.Fatalf("publish %v, play %v", publish, play)
			}
			for _, e := range append(publish, play...) {
				if e.id != c.id || e.answer() != c.answer {
					t.Errorf("id %d, answer %q", e.id, e.answer())
				}
			}
		})
	}
}

// TestDependencyDescriptors M-048: the descriptor is for AV1, and for viewers that take both forms of extensions in one stream.
func TestDependencyDescriptors(t *testing.T) {
	for codec, want := range map[string]bool{router.AV1: true, router.VP8: false, router.VP9: false, router.H264: false} {
		o, err := ParseOffer([]byte(offers.Get("chrome-publish")))
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.ForPublish(PublishPolicy{Video: []string{codec}, Audio: everyAudio})
		if err != nil {
			t.Fatal(err)
		}
		if got := describesFrames(p); got != want {
			t.Errorf("publisher of %s: %v", codec, got)
		}
	}
	all := liveChannel()
	all.Video.Codecs, all.Video.All = []router.Codec{{Name: router.H264}, {Name: router.AV1}}, true
	play := offers.Get("chrome-play")
	if !describesFrames(mustPlay(t, play, all)) {
		t.Error("not for a viewer that offers it")
	}
	if describesFrames(mustPlay(t, edit(t, play, "a=extmap-allow-mixed\r\n", ""), all)) {
		t.Error("for a viewer that takes one form only")
	}
	all.Video.Codecs = all.Video.Codecs[:1]
	if describesFrames(mustPlay(t, play, all)) {
		t.Error("for a viewer that is sent no AV1")
	}
}

func describesFrames(p *Plan) bool {
	return slices.ContainsFunc(p.Sections, func(s Section) bool { return s.Extensions[router.ExtDependencyDescr] != 0 })
}

func TestExtensionConflicts(t *testing.T) {
	list := appendExtension(nil, "4 "+router.ExtMID)
	list = appendExtension(list, "4 "+router.ExtAudioLevel)
	list = appendExtension(list, "5 "+router.ExtMID)
	if len(list) != 1 {
		t.Errorf("M-083: %v", list)
	}
}

func TestLongMidsAreNotSentToViewers(t *testing.T) {
	long := strings.Repeat("m", 17)
	text := edit(t, offers.Get("chrome-play"), "a=mid:1", "a=mid:"+long, "BUNDLE 0 1", "BUNDLE 0 "+long)
	if _, ok := mustPlay(t, text, liveChannel()).Sections[1].Extensions[router.ExtMID]; ok {
		t.Error("M-081 a value of 17 bytes does not fit the one-byte form")
	}
}
