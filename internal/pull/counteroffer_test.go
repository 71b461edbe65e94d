package pull

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/dial"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

func always(c *gateway.Config) { c.Sessions.CounterOffer = "always" }

// TestCounterOffersAreAnswered plays from a gateway that answers no offer (W-04).
func TestCounterOffersAreAnswered(t *testing.T) {
	for _, tc := range []struct {
		name, without, said      string
		wantsVideo, wantsAudio   bool
		bringsVideo, bringsAudio bool
	}{
		{"both", "", "", true, true, true, true},
		{"video only", "", "", true, false, true, false},
		{"audio only", "", "", false, true, false, true},
		{"what is not offered", "video", "the server has no video", true, true, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := testkit.StartGateway(t, always)
			publish(t, g.WHIP("live"), tc.without)
			var said notes
			video, audio := Prefixed(filepath.Join(t.TempDir(), "recording"), nil)
			opt := Options{Options: dial.Options{URL: g.WHEP("live")}, Duration: 500 * time.Millisecond, Notify: said.say}
			if tc.wantsVideo {
				opt.Video = video
			}
			if tc.wantsAudio {
				opt.Audio = audio
			}
			s, err := run(t, opt)
			if err != nil || s.Connections != 1 || s.Lost != 0 {
				t.Errorf("%+v, %v", s, err)
			}
			if (s.Frames > 5) != tc.bringsVideo || (s.AudioPackets > 10) != tc.bringsAudio {
				t.Errorf("%+v", s)
			}
			if !strings.Contains(said.String(), tc.said) {
				t.Errorf("said %q", said.String())
			}
		})
	}
}

// TestACounterOfferWithNothingOfUseIsRefused asks for what the channel lacks and nothing else.
func TestACounterOfferWithNothingOfUseIsRefused(t *testing.T) {
	g := testkit.StartGateway(t, always)
	publish(t, g.WHIP("live"), "video")
	video, _ := Prefixed(filepath.Join(t.TempDir(), "x"), nil)
	_, err := Run(t.Context(), Options{Options: dial.Options{URL: g.WHEP("live")}, Video: video})
	if err == nil {
		t.Error("it plays nothing")
	}
}
