package negotiate

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// everything offers all codecs, H.264 of High profile on air.
func everything() CounterPolicy {
	p := CounterPolicy{Video: OfferedMedia{Codecs: []router.Codec{video(router.H264, fmtp640032)}, Current: true}}
	for _, name := range everyVideo {
		p.Video.Codecs = append(p.Video.Codecs, router.Codec{Name: name})
	}
	p.Audio.Codecs = []router.Codec{opus("minptime=10;stereo=1")}
	for _, name := range everyAudio {
		p.Audio.Codecs = append(p.Audio.Codecs, router.Codec{Name: name})
	}
	return p
}

func counterOffer(t *testing.T, policy CounterPolicy) *Plan {
	t.Helper()
	p, err := CounterOffer(policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// playerAnswer takes H.264 and VP8 with RTX, and Opus.
const playerAnswer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic: WMS\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:37nK\r\na=ice-pwd:NZH/oQX6FHAl+EmWvpgoPZzC\r\n" +
	"a=fingerprint:sha-256 00:91:87:75:0D:C7:F6:D4:65:4D:9F:1D:EF:52:A1:60:02:8D:E7:67:73:68:B9:78:12:D9:FD:3E:09:F8:BF:3D\r\n" +
	"a=setup:active\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n" +
	"a=candidate:1 1 udp 2122129151 192.0.2.7 56464 typ host\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 98 99 100 101\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:37nK\r\na=ice-pwd:NZH/oQX6FHAl+EmWvpgoPZzC\r\n" +
	"a=fingerprint:sha-256 00:91:87:75:0D:C7:F6:D4:65:4D:9F:1D:EF:52:A1:60:02:8D:E7:67:73:68:B9:78:12:D9:FD:3E:09:F8:BF:3D\r\n" +
	"a=setup:active\r\na=mid:1\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:3/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n" +
	"a=recvonly\r\na=rtcp-mux\r\na=rtpmap:98 H264/90000\r\na=rtcp-fb:98 nack\r\na=rtcp-fb:98 nack pli\r\na=rtcp-fb:98 goog-remb\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n" +
	"a=rtpmap:100 VP8/90000\r\na=rtcp-fb:100 nack\r\na=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\n"

func mustAnswer(t *testing.T, p *Plan, text string) *Answered {
	t.Helper()
	a, err := ParseAnswer([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Answered(a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCounterOfferHasEveryCodecOnce(t *testing.T) {
	p := counterOffer(t, everything())
	const want = "0 opus [111 9 0 8] / 1 H264 [96 97 98 99 100 101 102 103 104 105 106 107] nack pli fir remb"
	if got := describe(p); got != want {
		t.Errorf("W-14: got  %s\nwant %s", got, want)
	}
	if err := checkNumbers(p.Sections); err != nil {
		t.Error(err)
	}
	types := p.Sections[1].PayloadTypes
	if !strings.Contains(types[0].Codec.Fmtp, "profile-level-id=64001f") || types[1].Codec.Fmtp != fmtp42e01f {
		t.Errorf("%q, %q", types[0].Codec.Fmtp, types[1].Codec.Fmtp)
	}
	if f := p.Sections[0].PayloadTypes[0].Codec.Fmtp; !strings.Contains(f, "stereo=1") {
		t.Errorf("Opus: %q", f)
	}
}

func TestCounterOfferLeavesOutWhatIsNotThere(t *testing.T) {
	p := counterOffer(t, CounterPolicy{Video: OfferedMedia{Codecs: []router.Codec{{Name: "vp8"}, {Name: "theora"}, {Name: router.Opus}}}})
	if got := describe(p); got != "0 VP8 [96 97] nack pli fir remb" {
		t.Error(got)
	}
	_, err := CounterOffer(CounterPolicy{})
	wantFault(t, err, ErrNoMedia)
}

func TestCounterOfferOffersTransportCCWhereItIsOfUse(t *testing.T) {
	policy := everything()
	for _, adapts := range []bool{false, true} {
		policy.Adapts = adapts
		p := counterOffer(t, policy)
		if _, ok := p.Sections[1].Extensions[router.ExtTransportCC]; ok != adapts {
			t.Errorf("adapts=%t: extension %t", adapts, ok)
		}
	}
	p := counterOffer(t, policy)
	feedback := "a=rtcp-fb:98 transport-cc\r\na=rtcp-fb:100 transport-cc\r\na=extmap:2 " + router.ExtTransportCC + "\r\n"
	for name, tc := range map[string]struct {
		answer string
		want   bool
	}{
		"agreed":             {playerAnswer + feedback, true},
		"without extension":  {playerAnswer + feedback[:strings.Index(feedback, "a=extmap")], false},
		"for one codec only": {playerAnswer + strings.Replace(feedback, "a=rtcp-fb:100 transport-cc\r\n", "", 1), false},
	} {
		s := mustAnswer(t, p, tc.answer).Plan.Sections[1]
		_, extension := s.Extensions[router.ExtTransportCC]
		f := s.PayloadTypes[0].Feedback
		if extension != tc.want || f.TransportCC != tc.want || f.REMB == tc.want {
			t.Errorf("%s: extension %t, %+v", name, extension, f)
		}
	}
}

func TestAnsweredIsWhatBothSidesSaid(t *testing.T) {
	p := counterOffer(t, everything())
	before := describe(p)
	got := mustAnswer(t, p, playerAnswer)
	if d := describe(got.Plan); d != "0 opus [111] / 1 H264 [98 99 100 101] nack pli remb" {
		t.Errorf("%s", d)
	}
	if e := got.Plan.Sections[1].Extensions; len(e) != 2 || e[router.ExtMID] != 1 || e[router.ExtAbsCaptureTime] != 3 {
		t.Errorf("extensions %v", e)
	}
	if got.Plan.Setup != "active" || describe(p) != before {
		t.Errorf("setup %s, the counter-offer became %s", got.Plan.Setup, describe(p))
	}
	for _, line := range []string{"a=setup:active", "a=recvonly", "a=ice-ufrag:37nK", "a=mid:1", "a=group:BUNDLE 0 1"} {
		for _, text := range []string{got.SDP, got.Plan.SDP} {
			if !hasLine(text, line) {
				t.Errorf("no %q in\n%s", line, text)
			}
		}
	}
	bounded := mustAnswer(t, p, edit(t, playerAnswer, "m=video 9 UDP/TLS/RTP/SAVPF 98 99 100 101\r\nc=IN IP4 0.0.0.0\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 98 99 100 101\r\nc=IN IP4 0.0.0.0\r\nb=TIAS:500000\r\n"))
	if got.Plan.MaxBits != 0 || bounded.Plan.MaxBits < 500_000 {
		t.Errorf("bounds %d and %d", got.Plan.MaxBits, bounded.Plan.MaxBits)
	}
	a, _ := ParseAnswer([]byte(playerAnswer))
	if len(a.Candidates) != 1 || a.Ufrag != "37nK" || a.Setup != "active" {
		t.Errorf("%+v", a)
	}
}

// at moves the transport to session level.
func at(t *testing.T, session bool, text string) string {
	t.Helper()
	if !session {
		return text
	}
	lines := linesWith(text, "a=ice-")[0] + "\r\n" + linesWith(text, "a=ice-pwd")[0] + "\r\n" + linesWith(text, "a=fingerprint")[0] + "\r\na=setup:passive\r\n"
	for _, prefix := range []string{"a=ice-", "a=fingerprint", "a=setup"} {
		text = without(t, text, prefix)
	}
	return strings.Replace(text, "m=audio", lines+"m=audio", 1)
}

func TestAnswersAreTakenInEveryShape(t *testing.T) {
	p := counterOffer(t, everything())
	for name, tc := range map[string]struct{ answer, want string }{
		"transport at session level": {at(t, true, playerAnswer), "0 opus [111] / 1 H264 [98 99 100 101] nack pli remb"},
		"W-13 no sound":              {edit(t, playerAnswer, "m=audio 9", "m=audio 0", "BUNDLE 0 1", "BUNDLE 1"), "0 application=false rejected=true / 1 H264 [98 99 100 101] nack pli remb"},
		"W-13 no sound, as pion says it": {
			edit(t, playerAnswer[:strings.Index(playerAnswer, "m=audio")]+"m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n"+playerAnswer[strings.Index(playerAnswer, "m=video"):], "BUNDLE 0 1", "BUNDLE 1"),
			"0 application=false rejected=true / 1 H264 [98 99 100 101] nack pli remb",
		},
		"no RTX":                {edit(t, playerAnswer, " 98 99 100 101", " 98 100"), "0 opus [111] / 1 H264 [98 100] nack pli remb"},
		"more than was offered": {edit(t, playerAnswer, " 98 99 100 101", " 98 99 120", "a=rtpmap:100 VP8", "a=rtpmap:120 VP8"), "0 opus [111] / 1 H264 [98 99] nack pli remb"},
		"another meaning":       {edit(t, playerAnswer, "a=rtpmap:100 VP8", "a=rtpmap:100 VP9"), "0 opus [111] / 1 H264 [98 99] nack pli remb"},
		"bare newlines":         {strings.ReplaceAll(playerAnswer, "\r\n", "\n"), "0 opus [111] / 1 H264 [98 99 100 101] nack pli remb"},
		"D10 RTP/SAVPF":         {edit(t, playerAnswer, "UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), "0 opus [111] / 1 H264 [98 99 100 101] nack pli remb"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := describe(mustAnswer(t, p, tc.answer).Plan); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	p := counterOffer(t, everything())
	for name, tc := range map[string]struct {
		answer string
		want   *fault.Error
	}{
		"empty":                         {"", ErrBadAnswer},
		"no SDP":                        {"hello", ErrBadAnswer},
		"cut":                           {playerAnswer[:len(playerAnswer)/3], ErrBadAnswer},
		"no ICE":                        {without(t, playerAnswer, "a=ice-ufrag"), ErrBadAnswer},
		"no fingerprint":                {without(t, playerAnswer, "a=fingerprint"), ErrBadAnswer},
		"actpass":                       {edit(t, playerAnswer, "setup:active", "setup:actpass"), ErrBadAnswer},
		"one section":                   {playerAnswer[:strings.Index(playerAnswer, "m=video")], ErrBadAnswer},
		"another order":                 {edit(t, playerAnswer, "a=mid:0", "a=mid:x", "a=mid:1", "a=mid:0", "a=mid:x", "a=mid:1"), ErrBadAnswer},
		"a mid of its own":              {edit(t, playerAnswer, "a=mid:1", "a=mid:video", "BUNDLE 0 1", "BUNDLE 0 video"), ErrBadAnswer},
		"no mid":                        {edit(t, playerAnswer, "a=mid:1\r\n", ""), ErrNoBundle},
		"unencrypted":                   {edit(t, playerAnswer, "m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP"), ErrBadAnswer},
		"W-06 sendonly":                 {edit(t, playerAnswer, "a=recvonly", "a=sendonly"), ErrBadDirection},
		"W-06 sendrecv":                 {edit(t, playerAnswer, "a=recvonly", "a=sendrecv"), ErrBadDirection},
		"W-06 inactive":                 {edit(t, playerAnswer, "a=recvonly", "a=inactive"), ErrBadDirection},
		"no BUNDLE":                     {without(t, playerAnswer, "a=group"), ErrNoBundle},
		"no rtcp-mux":                   {without(t, playerAnswer, "a=rtcp-mux"), ErrNoRTCPMux},
		"without the codec on air":      {edit(t, playerAnswer, "a=rtpmap:98 H264", "a=rtpmap:98 H263"), ErrCodecUnsupported},
		"without any codec of the kind": {edit(t, playerAnswer, "opus/48000/2", "speex/16000"), ErrCodecUnsupported},
		"everything rejected":           {edit(t, playerAnswer, "m=audio 9", "m=audio 0", "m=video 9", "m=video 0"), ErrBadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ParseAnswer([]byte(tc.answer))
			if err == nil {
				_, err = p.Answered(a)
			}
			if got := wantFault(t, err, tc.want); tc.want == ErrBadAnswer && strings.Contains(got.Public, "an offer") {
				t.Errorf("it says %q of an answer", got.Public)
			}
		})
	}
}

// FuzzAnswer wants of every answer that it is refused properly, or agreed to be a
// part of what was offered, in text that can be parsed.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(playerAnswer))
	f.Add([]byte(strings.Replace(playerAnswer, "m=audio 9", "m=audio 0", 1)))
	for _, h := range hostile() {
		if len(h) < 16<<10 {
			f.Add([]byte(h))
		}
	}
	p, err := CounterOffer(everything())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswer(b)
		if err != nil {
			refusedProperly(t, err)
			return
		}
		_ = a.Summary()
		got, err := p.Answered(a)
		if err != nil {
			refusedProperly(t, err)
			return
		}
		parsed(t, got.SDP)
		parsed(t, got.Plan.SDP)
		for i, s := range got.Plan.Sections {
			if !s.Rejected {
				partOf(t, &s, &p.Sections[i])
			}
		}
	})
}

// partOf wants s to hold nothing that was not offered.
func partOf(t *testing.T, s, offered *Section) {
	t.Helper()
	for _, pt := range s.PayloadTypes {
		found := false
		for _, o := range offered.PayloadTypes {
			found = found || o.Number == pt.Number && o.Codec.Name == pt.Codec.Name && (pt.RTX == 0 || pt.RTX == o.RTX)
		}
		if !found {
			t.Fatalf("%+v was not offered", pt)
		}
	}
	for uri, id := range s.Extensions {
		if offered.Extensions[uri] != id {
			t.Fatalf("extension %s=%d was not offered", uri, id)
		}
	}
}
