package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
	"pgregory.net/rapid"
)

// capped is anyPublisher with a cap.
func capped(bits int) PublishPolicy {
	p := anyPublisher
	p.MaxBits = bits
	return p
}

func TestTheCapIsSplitBetweenSoundAndPicture(t *testing.T) {
	pcmu := func() PublishPolicy { p := capped(6_000_000); p.Audio = []string{router.PCMU}; return p }()
	cases := map[string]struct {
		offer        string
		policy       PublishPolicy
		audio, video int
	}{
		"no cap":                          {"obs", capped(0), 0, 0},
		"sound has what stereo needs":     {"obs", capped(6_000_000), 128_000, 5_872_000},
		"less of a small cap":             {"obs", capped(1_000_000), 62_500, 937_500},
		"but not less than speech needs":  {"obs", capped(200_000), 32_000, 168_000},
		"and never more than half":        {"obs", capped(50_000), 25_000, 25_000},
		"a picture alone has everything":  {"obs-video-only", capped(1_000_000), 0, 1_000_000},
		"all layers together":             {"obs-simulcast", capped(6_000_000), 128_000, 5_872_000},
		"G.711 has a rate that is fixed":  {"chrome-publish", pcmu, otherSoundBits, 6_000_000 - otherSoundBits},
		"browsers":                        {"firefox-publish", capped(2_000_000), 125_000, 1_875_000},
		"more than int32 of kilobits":     {"obs", capped(5_000_000_000), 128_000, 4_999_872_000},
		"ffmpeg":                          {"ffmpeg9", capped(1_600_000), 100_000, 1_500_000},
		"the RFC's own example":           {"rfc9725", capped(1_600_000), 100_000, 1_500_000},
		"sound alone is not made to grow": {"sound", capped(6_000_000), 128_000, 0},
		"sound alone with a small cap":    {"sound", capped(20_000), 20_000, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var text string
			if tc.offer == "sound" {
				text = soundOnly(t)
			} else {
				text = offers.Get(tc.offer)
			}
			plan, err := mustParse(t, text).ForPublish(tc.policy)
			if err != nil {
				t.Fatal(err)
			}
			got := map[router.Kind]int{}
			for _, s := range plan.Sections {
				got[s.Kind] += s.Bandwidth
			}
			if plan.MaxBits != tc.policy.MaxBits || got[router.Audio] != tc.audio || got[router.Video] != tc.video {
				t.Errorf("cap %d, audio %d, video %d", plan.MaxBits, got[router.Audio], got[router.Video])
			}
		})
	}
}

// soundOnly is the offer of OBS without its picture.
func soundOnly(t *testing.T) string {
	t.Helper()
	text := offers.Get("obs")
	at := strings.Index(text, "m=video")
	next := strings.Index(text[at+1:], "m=audio")
	if next >= 0 {
		text = text[:at] + text[at+1+next:]
	} else {
		text = text[:at]
	}
	group := linesWith(text, "a=group:BUNDLE")[0]
	return edit(t, text, group, "a=group:BUNDLE "+strings.TrimPrefix(linesWith(text, "a=mid:")[0], "a=mid:"))
}

func TestSharesAddUpToTheCap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		most := rapid.IntRange(2, 1<<40).Draw(r, "cap")
		sections := []Section{
			{Kind: router.Audio, Answer: recvonly}, {Kind: router.Video, Answer: recvonly},
			{Kind: router.Video, Answer: inactive, Rejected: true}, {Application: true},
		}
		share(sections, most)
		if sections[0].Bandwidth < 1 || sections[1].Bandwidth < most/2 || sections[0].Bandwidth+sections[1].Bandwidth != most {
			r.Fatalf("%d: %d and %d", most, sections[0].Bandwidth, sections[1].Bandwidth)
		}
		if sections[2].Bandwidth+sections[3].Bandwidth != 0 {
			r.Fatal("nothing for sections without media")
		}
	})
}

func TestTheAnswerTellsTheCap(t *testing.T) {
	plan, err := mustParse(t, offers.Get("obs-video-only")).ForPublish(capped(2_000_000))
	if err != nil {
		t.Fatal(err)
	}
	text, err := plan.Finish(localDescription(1), DefaultAnswerOptions())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\r\n")
	at := slices.Index(lines, "b=AS:2122") // (2 000 000 + 16 000) / 950
	if at < 0 || lines[at-1] != "c=IN IP4 0.0.0.0" || lines[at+1] != "b=TIAS:2000000" || !strings.HasPrefix(lines[at+2], "a=") {
		t.Errorf("RFC 8866 section 5 puts b= between c= and a=:\n%s", text)
	}
	back := mustParse(t, string(text)) // read as RFC 8829 section 5.9 wants it
	if back.sections[0].maxBits != 2_000_000 {
		t.Errorf("read back: %d", back.sections[0].maxBits)
	}
	onlyAS := mustParse(t, without(t, string(text), "b=TIAS")).sections[0].maxBits
	if onlyAS > 2_000_000 || onlyAS < 1_999_000 {
		t.Errorf("read back from AS: %d", onlyAS)
	}
	text, err = mustPublish(t, offers.Get("obs-video-only")).Finish(localDescription(1), DefaultAnswerOptions())
	if err != nil || strings.Contains(string(text), "\r\nb=") {
		t.Errorf("without a cap: %v\n%s", err, text)
	}
}

// TestPlayersBoundWhatTheyAreSent is M-104.
func TestPlayersBoundWhatTheyAreSent(t *testing.T) {
	good := offers.Get("chrome-play")
	session := func(lines string) func(string) string {
		return func(s string) string { return strings.Replace(s, "t=0 0\r\n", lines+"t=0 0\r\n", 1) }
	}
	section := func(kind, lines string) func(string) string {
		return func(s string) string {
			at := strings.Index(s, "m="+kind)
			return s[:at] + strings.Replace(s[at:], "c=IN IP4 0.0.0.0\r\n", "c=IN IP4 0.0.0.0\r\n"+lines, 1)
		}
	}
	cases := map[string]struct {
		edits             []func(string) string
		all, audio, video int
	}{
		"nothing said":               {nil, 0, 0, 0},
		"TIAS of the picture":        {[]func(string) string{section("video", "b=TIAS:500000\r\n")}, 628_000, 0, 500_000},
		"AS is converted":            {[]func(string) string{section("video", "b=AS:500\r\n")}, 587_000, 0, 459_000},
		"TIAS goes before AS":        {[]func(string) string{section("video", "b=TIAS:500000\r\nb=AS:100\r\n")}, 628_000, 0, 500_000},
		"in either order":            {[]func(string) string{section("video", "b=AS:100\r\nb=TIAS:500000\r\n")}, 628_000, 0, 500_000},
		"both sections":              {[]func(string) string{section("video", "b=TIAS:500000\r\n"), section("audio", "b=TIAS:40000\r\n")}, 540_000, 40_000, 500_000},
		"sound alone bounds nothing": {[]func(string) string{section("audio", "b=TIAS:40000\r\n")}, 0, 40_000, 0},
		"the session":                {[]func(string) string{session("b=AS:1000\r\n")}, 934_000, 0, 0},
		"the session, tighter":       {[]func(string) string{session("b=TIAS:300000\r\n"), section("video", "b=TIAS:500000\r\n")}, 300_000, 0, 500_000},
		"the session, looser":        {[]func(string) string{session("b=TIAS:900000\r\n"), section("video", "b=TIAS:500000\r\n")}, 628_000, 0, 500_000},
		"other types":                {[]func(string) string{section("video", "b=CT:5\r\nb=RS:800\r\nb=RR:2400\r\nb=X-AS:5\r\n")}, 0, 0, 0},
		"0 is no bound":              {[]func(string) string{section("video", "b=AS:0\r\nb=TIAS:0\r\n")}, 0, 0, 0},
		"too large to mean anything": {[]func(string) string{section("video", "b=AS:18446744073709551615\r\nb=TIAS:18446744073709551615\r\n")}, 0, 0, 0},
		"too small for the headers":  {[]func(string) string{section("video", "b=AS:1\r\n")}, 128_001, 0, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			text := good
			for _, edit := range tc.edits {
				text = edit(text)
			}
			plan := mustPlay(t, text, liveChannel())
			got := map[router.Kind]int{}
			for _, s := range plan.Sections {
				got[s.Kind] += s.Bandwidth
			}
			if plan.MaxBits != tc.all || got[router.Audio] != tc.audio || got[router.Video] != tc.video {
				t.Errorf("all %d, audio %d, video %d", plan.MaxBits, got[router.Audio], got[router.Video])
			}
		})
	}
}

// TestBandwidthSurvivesTheWay writes a bound and reads it.
func TestBandwidthSurvivesTheWay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bits := rapid.IntRange(1, mostBits).Draw(r, "bits")
		var w text
		w.bandwidth(bits)
		body := strings.Replace(offers.Get("obs-video-only"), "c=IN IP4 0.0.0.0\r\n", "c=IN IP4 0.0.0.0\r\n"+w.String(), 1)
		o, err := ParseOffer([]byte(body))
		if err != nil {
			r.Fatal(err)
		}
		if got := fmt.Sprint(o.sections[0].maxBits); got != fmt.Sprint(bits) {
			r.Fatalf("%d became %s in %q", bits, got, w.String())
		}
	})
}
