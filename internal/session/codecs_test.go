package session

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// answered are the codecs of the video sections of an answer, each once.
func answered(created signaling.Created) (names []string) {
	for line := range strings.Lines(string(created.SDP)) {
		_, codec, ok := strings.Cut(line, " ")
		if name, video := strings.CutSuffix(strings.TrimSpace(codec), "/90000"); strings.HasPrefix(line, "a=rtpmap:") && ok && video && name != "rtx" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// TestCodecsOfAChannel: a channel's own codecs hold for publishers and for viewers who
// may be refilled; a call has H.264 and VP8.
func TestCodecsOfAChannel(t *testing.T) {
	for name, tc := range map[string]struct {
		settings          *call.Settings
		publisher, viewer string
	}{
		"as configured": {nil, "H264", "H264 VP8 AV1 VP9 H265"},
		"VP9 first":     {&call.Settings{Video: []string{"VP9", "VP8"}}, "VP9", "VP9 VP8"},
		"a call":        {&call.Settings{Kind: call.Call}, "H264", "H264 VP8"},
		"a call in AV1": {&call.Settings{Kind: call.Call, Video: []string{"AV1"}}, "AV1", "AV1"},
		"G.711":         {&call.Settings{Audio: []string{"PCMU"}}, "H264", "H264 VP8 AV1 VP9 H265"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(_ *Config, _ *auth.Config, r *router.Config) { r.Idle = router.WaitIdle })
			if tc.settings != nil {
				_, err := b.parts.Calls.Provision("live", *tc.settings)
				must(t, err)
			}
			waits, err := b.Play(t.Context(), offerOf("chrome-play", ""))
			must(t, err)
			if got := strings.Join(answered(waits), " "); got != tc.viewer {
				t.Errorf("a viewer is answered %q, want %q", got, tc.viewer)
			}
			sends, err := b.Publish(t.Context(), offerOf("chrome-publish", ""))
			must(t, err)
			if got := strings.Join(answered(sends), " "); got != tc.publisher {
				t.Errorf("a publisher is answered %q, want %q", got, tc.publisher)
			}
			if pcmu := strings.Contains(string(sends.SDP), "PCMU"); pcmu != (name == "G.711") {
				t.Errorf("sound:\n%s", sends.SDP)
			}
		})
	}
	b := newBench(t, nil)
	_, err := b.parts.Calls.Provision("live", call.Settings{Video: []string{"VP8"}})
	must(t, err)
	_, err = b.Publish(t.Context(), offerOf("obs", ""))
	expect(t, err, "codec-unsupported")
}
