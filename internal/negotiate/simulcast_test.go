package negotiate

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// N-210, N-212: no stream is left out, because OBS gives up where one is.
func TestSimulcastIsAnsweredWhole(t *testing.T) {
	cases := map[string][]string{"obs-simulcast": {"0", "1", "2"}, "chrome-simulcast": {"q", "h", "f"}, "obs": nil, "chrome-publish": nil}
	for name, want := range cases {
		s := mustPublish(t, offers.Get(name)).Sections[1]
		if !slices.Equal(s.RIDs, want) {
			t.Errorf("N-210 %s: %q", name, s.RIDs)
		}
		_, rid := s.Extensions[router.ExtRID]
		if rid != (want != nil) {
			t.Errorf("Q-OBS-11 %s: extension for RIDs kept: %v", name, rid)
		}
	}
}

func TestSimulcastVariants(t *testing.T) {
	obs := offers.Get("obs-simulcast")
	line := "a=simulcast:send 0;1;2"
	cases := []struct{ name, offer, want string }{
		{"T-43 two lines", edit(t, obs, line, line+"\r\na=simulcast:send 0;1;2"), ""},
		{"T-43 at session level", edit(t, obs, "t=0 0\r\n", "t=0 0\r\na=simulcast:send 0;1;2\r\n"), ""},
		{"8851 rid without simulcast", without(t, obs, "a=simulcast"), ""},
		{"N-213 paused", edit(t, obs, line, "a=simulcast:send 0;~1;~2"), "0 1 2"},
		{"N-213 alternatives", edit(t, obs, line, "a=simulcast:send 0,1;2"), "0 2"},
		{"N-213 paused alternatives", edit(t, obs, line, "a=simulcast:send ~0,~1;2"), "0 2"},
		{"N-213 spaces", edit(t, obs, line, "a=simulcast:  send  0;1;2 "), "0 1 2"},
		{"N-213 both directions", edit(t, obs, line, "a=simulcast:recv 7;8 send 2;1;0"), "2 1 0"},
		{"N-213 receiving only", edit(t, obs, line, "a=simulcast:recv 0;1;2"), ""},
		{"N-213 nothing behind send", edit(t, obs, line, "a=simulcast:send"), ""},
		{"Q-FFX-3 old Firefox", edit(t, obs, line, "a=simulcast: send rid=0;1"), "0 1"},
		{"N-211 a stream without a=rid", edit(t, obs, line, "a=simulcast:send 0;1;9"), "0 1"},
		{"N-211 the same stream twice", edit(t, obs, line, "a=simulcast:send 0;0;1"), "0 1"},
		{"8851 rid of the other direction", edit(t, obs, "a=rid:1 send", "a=rid:1 recv"), "0 2"},
		{"8851 rid for another payload type", edit(t, obs, "a=rid:1 send", "a=rid:1 send pt=97,98"), "0 2"},
		{"8851 rid for this payload type", edit(t, obs, "a=rid:1 send", "a=rid:1 send max-width=640;pt=97,96"), "0 1 2"},
		{"N-214 long names with - and _", edit(t, obs, "a=rid:1 ", "a=rid:mid-size_2 ", line, "a=simulcast:send 0;mid-size_2;2"), "0 mid-size_2 2"},
		{"N-214 a name that is no RID", edit(t, obs, "a=rid:1 ", "a=rid:m.1 ", line, "a=simulcast:send 0;m.1;2"), "0 2"},
		{"N-214 a name of 17 bytes", edit(t, obs, "a=rid:1 ", "a=rid:12345678901234567 ", line, "a=simulcast:send 0;12345678901234567;2"), "0 2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := mustPublish(t, c.offer)
			if got := strings.Join(p.Sections[1].RIDs, " "); got != c.want {
				t.Errorf("%q", got)
			}
			if c.want == "" && (strings.Contains(p.SDP, "a=rid") || strings.Contains(p.SDP, "a=simulcast")) {
				t.Errorf("the stack sees simulcast:\n%s", p.SDP)
			}
		})
	}
}

func TestSimulcastStreamsAreBounded(t *testing.T) {
	var rids, list []string
	for _, c := range "abcdefghijklmnop" {
		rids = append(rids, "a=rid:"+string(c)+" send\r\n")
		list = append(list, string(c))
	}
	text := edit(t, offers.Get("obs-simulcast"), "a=rid:0 send\r\n", strings.Join(rids, ""), "send 0;1;2", "send "+strings.Join(list, ";"))
	if got := mustPublish(t, text).Sections[1].RIDs; len(got) != maxRIDs {
		t.Errorf("%d streams", len(got))
	}
}

func TestFirefoxSimulcastDeclaresBoth(t *testing.T) {
	text := offers.Get("firefox-publish") + "a=rid:hi send\r\na=rid:lo send\r\na=simulcast:send hi;lo\r\n" +
		"a=ssrc:77 cname:x\r\na=ssrc:78 cname:x\r\na=ssrc-group:FID 77 78\r\n"
	s := mustPublish(t, text).Sections[1]
	if !slices.Equal(s.RIDs, []string{"hi", "lo"}) || s.SSRCs != nil {
		t.Errorf("Q-FFX-3: %q %v", s.RIDs, s.SSRCs)
	}
}
