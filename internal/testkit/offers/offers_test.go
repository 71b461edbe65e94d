package offers

import (
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestEveryOfferIsWellFormed(t *testing.T) {
	if len(Names()) != 15 {
		t.Fatalf("%d offers: %v", len(Names()), Names())
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			text := Get(name)
			if strings.Count(text, "\n") != strings.Count(text, "\r\n") || !strings.HasSuffix(text, "\r\n") {
				t.Error("lines do not end in CRLF")
			}
			var desc sdp.SessionDescription
			if err := desc.UnmarshalString(text); err != nil {
				t.Fatal(err)
			}
			checkFormats(t, &desc)
		})
	}
}

// checkFormats finds payload types that were forgotten on one side.
func checkFormats(t *testing.T, desc *sdp.SessionDescription) {
	t.Helper()
	for _, m := range desc.MediaDescriptions {
		mapped := make(map[string]bool)
		for _, a := range m.Attributes {
			if a.Key == "rtpmap" {
				pt, _, _ := strings.Cut(a.Value, " ")
				mapped[pt] = true
			}
		}
		if len(mapped) != len(m.MediaName.Formats) {
			t.Errorf("%s: %d formats, %d rtpmap lines", m.MediaName.Media, len(m.MediaName.Formats), len(mapped))
		}
		for _, f := range m.MediaName.Formats {
			if !mapped[f] {
				t.Errorf("%s: payload type %s has no rtpmap", m.MediaName.Media, f)
			}
		}
	}
}

func TestGetPanicsOnAnUnknownName(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Get("netscape")
}
