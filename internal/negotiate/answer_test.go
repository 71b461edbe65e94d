package negotiate

import (
	"errors"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

func TestAnswerStaysUnderItsLimit(t *testing.T) {
	plan := mustPublish(t, offers.Get("obs-video-only"))
	whole, err := plan.Finish(localDescription(200), AnswerOptions{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(whole), "a=candidate"); n != 200 {
		t.Fatalf("%d candidates without a limit", n)
	}
	cut, err := plan.Finish(localDescription(200), AnswerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Count(string(cut), "a=candidate")
	if len(cut) > DefaultMaxAnswerBytes || len(cut) < DefaultMaxAnswerBytes-100 || n < 10 {
		t.Errorf("N-063 %d bytes, %d candidates", len(cut), n)
	}
	if got := linesWith(string(cut), "a=candidate")[0]; got != linesWith(string(whole), "a=candidate")[0] {
		t.Errorf("the first candidate went: %q", got)
	}
	if !hasLine(string(cut), "a=end-of-candidates") {
		t.Error("N-060")
	}
	tiny, err := plan.Finish(localDescription(3), AnswerOptions{MaxBytes: 10})
	if err != nil || strings.Count(string(tiny), "a=candidate") != 1 {
		t.Errorf("never the first: %v\n%s", err, tiny)
	}
}

func TestAnswerOfEightInterfacesToChrome(t *testing.T) {
	plan := mustPlay(t, offers.Get("chrome-play"), waitingChannel())
	local := answer(t, newStack(t).open(t), plan, plan.SDP)
	line := linesWith(local, "a=candidate:")[0]
	var more []string
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:7", "2001:db8:1:2:3:4:5:8", "2001:db8:1:2:3:4:5:9"} {
		udp := strings.Replace(line, "127.0.0.1", address, 1)
		more = append(more, udp, strings.Replace(udp, " udp ", " tcp ", 1)+" tcptype passive")
	}
	text, err := plan.Finish(strings.Replace(local, line, strings.Join(more, "\r\n"), 1), DefaultAnswerOptions())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); len(text) >= 8192 || strings.Count(got, "a=candidate:") != 16 || !strings.Contains(linesWith(got, "a=candidate:")[0], "192.0.2.1 ") {
		t.Errorf("T-46 %d bytes, candidates %q", len(text), linesWith(got, "a=candidate:"))
	}
}

func TestFinishHoldsTheStackAgainstThePlan(t *testing.T) {
	cases := map[string][]string{
		"not SDP":                 {"v=0", "x"},
		"no credentials":          {"a=ice-pwd:", "a=x-pwd:"},
		"no fingerprint":          {"a=fingerprint:", "a=x:"},
		"actpass in an answer":    {"a=setup:active", "a=setup:actpass"},
		"no role":                 {"a=setup:active", "a=x"},
		"section missing":         {"a=mid:1", "a=mid:7"},
		"section rejected":        {"m=video 9", "m=video 0"},
		"P-04 other direction":    {"a=recvonly", "a=sendonly"},
		"T2 codec not accepted":   {"SAVPF 96", "SAVPF 97"},
		"same role as the client": {"a=setup:active", "a=setup:passive"},
	}
	for name, edits := range cases {
		t.Run(name, func(t *testing.T) {
			offer := offers.Get("obs-video-only")
			if name == "same role as the client" {
				offer = edit(t, offer, "a=setup:actpass", "a=setup:passive")
			}
			_, err := mustPublish(t, offer).Finish(localDescription(1, edits...), DefaultAnswerOptions())
			if err == nil || fault.Of(err).Kind != fault.Internal {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestFinishWantsATrackToSend(t *testing.T) {
	plan := mustPlay(t, offers.Get("gstreamer-play"), liveChannel())
	local := answer(t, newStack(t).open(t), plan, plan.SDP)
	if _, err := plan.Finish(without(t, local, "a=msid:"), DefaultAnswerOptions()); err == nil || fault.Of(err).Kind != fault.Internal {
		t.Errorf("N-061: %v", err)
	}
}

func TestNoCandidatesIsAnError(t *testing.T) {
	plan := mustPublish(t, offers.Get("obs-video-only"))
	_, err := plan.Finish(localDescription(0), DefaultAnswerOptions())
	if !errors.Is(err, ErrNoCandidates) || fault.Of(err).Kind != fault.Unavailable {
		t.Errorf("N-030: %v", err)
	}
	opt := DefaultAnswerOptions()
	opt.Candidates = func(string) bool { return false }
	if _, err = plan.Finish(localDescription(2), opt); !errors.Is(err, ErrNoCandidates) {
		t.Errorf("all filtered: %v", err)
	}
	if _, err = plan.RestartFragment(localDescription(0), opt); !errors.Is(err, ErrNoCandidates) {
		t.Errorf("restart: %v", err)
	}
}

func TestAnswerKeepsTheStacksOrigin(t *testing.T) {
	text, err := mustPublish(t, offers.Get("obs-video-only")).Finish(localDescription(1), DefaultAnswerOptions())
	if err != nil || !hasLine(string(text), "o=- 77 3 IN IP4 0.0.0.0") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestForeignRTXIsNotAnnounced(t *testing.T) {
	lines := []string{"ssrc-group:FID 1 2", "ssrc:1 cname:x", "ssrc:1 mslabel:x", "ssrc:1 msid:x y", "ssrc:2 cname:x", "ssrc:2 msid:x y"}
	var kept, cut text
	kept.ssrcLines(lines, true)
	cut.ssrcLines(lines, false)
	if kept.String() != "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:x\r\na=ssrc:1 msid:x y\r\na=ssrc:2 cname:x\r\na=ssrc:2 msid:x y\r\n" {
		t.Errorf("with RTX: %q", kept.String())
	}
	if cut.String() != "a=ssrc:1 cname:x\r\na=ssrc:1 msid:x y\r\n" {
		t.Errorf("T8: %q", cut.String())
	}
}

func TestForeignRTXIsTrimmedFromOffers(t *testing.T) {
	// RTX for VP8 only, H264 chosen
	offer := edit(t, offers.Get("chrome-play"), "a=fmtp:114 apt=109", "a=fmtp:114 apt=99")
	text := finished(t, mustPlay(t, offer, liveChannel()), DefaultAnswerOptions())
	if strings.Contains(text, "FID") || strings.Contains(text, "rtx") {
		t.Errorf("T8:\n%s", text)
	}
}

func TestPlanDoesNotShowTheClientsText(t *testing.T) {
	offer := edit(t, offers.Get("chrome-publish"), "s=-", "s=secret", "a=msid-semantic", "a=x-evil:1\r\na=msid-semantic", "a=rtcp-mux", "a=rtcp-mux\r\na=x-evil:2")
	sdp := mustPublish(t, offer).SDP
	for _, foreign := range []string{"secret", "x-evil", "a=candidate", "192.0.2.10", "red/48000", "telephone", "ulpfec", "VP8", "abs-send-time"} {
		if strings.Contains(sdp, foreign) {
			t.Errorf("%q in\n%s", foreign, sdp)
		}
	}
	if len(sdp) > len(offer)/3 {
		t.Errorf("T1: %d of %d bytes are left", len(sdp), len(offer))
	}
}

func TestPlanForTheStack(t *testing.T) {
	cases := []struct {
		name string
		plan *Plan
		want []string
	}{
		{"T14 publisher", mustPublish(t, edit(t, offers.Get("obs"), "a=sendonly", "a=sendrecv")), []string{"a=sendonly"}},
		{"T14 viewer", mustPlay(t, edit(t, offers.Get("chrome-play"), "a=recvonly", "a=sendrecv"), liveChannel()), []string{"a=recvonly"}},
		{"T5 simulcast without msid", mustPublish(t, without(t, offers.Get("obs-simulcast"), "a=msid:")), []string{"a=msid:kQ3vGZ7mX2LbT0aP 0", "a=msid:- 1", "a=simulcast:send 0;1;2"}},
		{"ice-lite client", mustPublish(t, edit(t, offers.Get("obs"), "a=ice-options", "a=ice-lite\r\na=ice-options")), []string{"a=ice-lite", "a=ice-options:ice2 trickle"}},
		{"D6 bundle-only", mustPublish(t, offers.Get("rfc9725")), []string{"m=video 9 UDP/TLS/RTP/SAVPF 96 97"}},
	}
	for _, c := range cases {
		wantLines(t, c.plan.SDP, c.want...)
		if both := hasLine(c.plan.SDP, "a=sendrecv"); both {
			t.Errorf("%s:\n%s", c.name, c.plan.SDP)
		}
	}
}

func TestEngineParametersMatchExactly(t *testing.T) {
	cases := map[router.Codec]string{
		video(router.H264, "packetization-mode=1;profile-level-id=6e0028"): fmtp42e01f,
		video(router.H264, ""): "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
		video(router.VP9, ""):  "profile-id=0", video(router.VP9, "profile-id=2"): "profile-id=2", video(router.VP9, "profile-id=1"): "profile-id=0",
		video(router.AV1, "profile=1"): "", video(router.VP8, "max-fr=30"): "",
		opus("stereo=1"): "minptime=10;useinbandfec=1",
	}
	for c, want := range cases {
		if got := engineParameters(c); got != want {
			t.Errorf("T2 %v: %q", c, got)
		}
	}
}

func TestSeveralCodecsSurviveTheStack(t *testing.T) {
	// one exact and one partial match: pion would answer VP8 alone
	offer := edit(t, offers.Get("gstreamer-play"), "profile-level-id=42e01f", "profile-level-id=6e001f")
	text := finished(t, mustPlay(t, offer, waitingChannel()), DefaultAnswerOptions())
	wantLines(t, text, "m=video 9 UDP/TLS/RTP/SAVPF 102 101 103 104", "a=fmtp:102 packetization-mode=1;profile-level-id=6e001f;level-asymmetry-allowed=1")
}
