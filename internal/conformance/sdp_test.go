package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
)

func TestDescriptionsSurviveBeingTakenApart(t *testing.T) {
	for _, name := range offers.Names() {
		if text := offers.Get(name); parseDescription(text).String() != text {
			t.Errorf("%s changed", name)
		}
	}
}

func TestDescriptionIsRead(t *testing.T) {
	d := parseDescription(offers.Get("obs"))
	if !slices.Equal(d.bundle(), []string{"0", "1"}) {
		t.Errorf("BUNDLE %v: LS is another group", d.bundle())
	}
	if d.transport("ice-ufrag") != "o8s1" || d.transport("setup") != "actpass" {
		t.Error("attributes of the session level are not found")
	}
	video := d.video()
	if video.direction() != "sendonly" || video.mid() != "1" || !slices.Equal(video.codecs(), []string{"h264"}) {
		t.Errorf("video is %s, mid %s, %v", video.direction(), video.mid(), video.codecs())
	}
	if f := video.fmtpOf("h264"); !strings.Contains(f, "packetization-mode=1") {
		t.Errorf("fmtp %q", f)
	}
	if m := (section{"m=video 0 UDP/TLS/RTP/SAVPF 96"}); !m.rejected() || m.direction() != "sendrecv" || !m.isMedia() {
		t.Error("a refused section is not recognised")
	}
	if parseDescription("").video().kind() != "" {
		t.Error("nothing is a video section")
	}
}

func TestEditors(t *testing.T) {
	offer := static("chrome-publish")
	if strings.Contains(offer, "a=candidate:") {
		t.Error("a static offer has candidates")
	}
	turned := withDirection(offer, "inactive")
	if strings.Contains(turned, "a=sendonly") || strings.Count(turned, "a=inactive") != len(parseDescription(offer).media) {
		t.Error("not every section was turned")
	}
	lone := parseDescription(onlySections(offer, "video"))
	if len(lone.media) != 1 || len(lone.bundle()) != 1 {
		t.Errorf("%d sections in BUNDLE %v", len(lone.media), lone.bundle())
	}
	two := parseDescription(twice(offer, "video"))
	if len(two.media) != 3 || !slices.Contains(two.bundle(), "again") {
		t.Errorf("%d sections in BUNDLE %v", len(two.media), two.bundle())
	}
	if codecs := parseDescription(withVideoCodec(offer, "NETSCAPE")).video().codecs(); !slices.Equal(codecs, []string{"netscape"}) {
		t.Errorf("codecs %v", codecs)
	}
	forgery := forged(offer)
	if forgery == offer || len(forgery) != len(offer) {
		t.Error("the fingerprint was not forged in place")
	}
	for what, broken := range brokenOffers(offer) {
		if broken == offer {
			t.Errorf("%s: nothing is broken", what)
		}
	}
}

func TestWithICE(t *testing.T) {
	answer := "v=0\r\nm=audio 9 x 0\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\na=candidate:1\r\na=candidate:2\r\nm=video 9 x 0\r\na=ice-ufrag:old\r\n"
	got := withICE(answer, "new", "newer", []string{"3"})
	want := "v=0\r\nm=audio 9 x 0\r\na=ice-ufrag:new\r\na=ice-pwd:newer\r\na=candidate:3\r\nm=video 9 x 0\r\na=ice-ufrag:new\r\n"
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestCompareFindsWhatAnAnswerMustNotDo(t *testing.T) {
	offer := parseDescription(static("chrome-play"))
	good := strings.ReplaceAll(withDirection(offer.String(), "sendonly"), "a=setup:actpass", "a=setup:passive")
	if differences := compare(offer, parseDescription(good)); len(differences) > 0 {
		t.Fatalf("a good answer: %v", differences)
	}
	for name, change := range map[string]struct{ old, by, found string }{
		"another mid":        {"a=mid:1", "a=mid:video", "mid"},
		"another profile":    {"UDP/TLS/RTP/SAVPF 96", "RTP/AVP 96", "RTP/AVP"},
		"a new payload type": {"SAVPF 96 97", "SAVPF 120 96 97", ""},
		"a foreign number":   {"SAVPF 96 97", "SAVPF 61 96 97", "61"},
		"another codec":      {"a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000", "rtpmap:96"},
		"a new extension":    {"a=extmap:13 ", "a=extmap:15 ", "extmap:15"},
		"new feedback":       {"a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 nack sli", "nack sli"},
		"feedback twice":     {"a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 nack pli", "twice"},
		"actpass":            {"a=setup:passive", "a=setup:actpass", "setup"},
	} {
		text := strings.Replace(good, change.old, change.by, 1)
		if change.found == "setup" {
			text = strings.ReplaceAll(good, change.old, change.by)
		}
		differences := strings.Join(compare(offer, parseDescription(text)), "; ")
		if (differences == "") != (change.found == "") || !strings.Contains(differences, change.found) {
			t.Errorf("%s: found %q, want %q in it", name, differences, change.found)
		}
	}
	if compare(offer, parseDescription("v=0\r\n")) == nil {
		t.Error("missing sections are not found")
	}
}

func TestAnswersMayNameADirectionOfAnExtensionAndExpandFeedback(t *testing.T) {
	if !wasOffered("extmap", "3 urn:x", []string{"3/recvonly urn:x"}) || !wasOffered("rtcp-fb", "96 nack", []string{"* nack"}) {
		t.Error("legal repetitions are taken for inventions")
	}
	if wasOffered("extmap", "3 urn:y", []string{"3 urn:x"}) || wasOffered("rtcp-fb", "96 nack", []string{"* nack pli"}) {
		t.Error("inventions are taken for repetitions")
	}
}

func TestFragmentsOfSessions(t *testing.T) {
	s := &session{offer: static("chrome-publish")}
	text := s.fragment(aimless).String()
	for _, line := range []string{"a=ice-ufrag:", "a=ice-pwd:", "m=audio ", "a=mid:0\r\n", "a=candidate:" + aimless + "\r\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("%q has no %q", text, line)
		}
	}
	if len(s.shapes()) < 8 {
		t.Errorf("%d shapes", len(s.shapes()))
	}
	ended := fragment{ufrag: "u", end: true}.String()
	if ended != "a=ice-ufrag:u\r\na=end-of-candidates\r\n" {
		t.Errorf("got %q", ended)
	}
}
