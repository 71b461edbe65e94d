package audience

import (
	"fmt"
	"strings"
)

// The header extensions of both sections, with their ids.
const (
	absSendTimeURI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	transportCCURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	midURI         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	// videoMID is also the number of the first video section.
	videoMID = "1"
)

func (f Feedback) offersTransport() bool { return f == FeedbackLibwebrtc || f == FeedbackNone }
func (f Feedback) offersREMB() bool      { return f != FeedbackReports }

func (f Feedback) extensions() string {
	lines := "a=extmap:2 " + absSendTimeURI + "\r\n"
	if f.offersTransport() {
		lines += "a=extmap:3 " + transportCCURI + "\r\n"
	}
	return lines + "a=extmap:4 " + midURI + "\r\n"
}

// videoCodecs are offered in this order; each has its RTX at the next number.
var videoCodecs = []struct {
	number     int
	name, fmtp string
}{
	{96, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	{98, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f"},
	{100, "VP8", ""},
	{102, "VP9", "profile-id=0"},
	{104, "AV1", "level-idx=5;profile=0;tier=0"},
	{106, "H265", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"},
}

// audioLines and videoLines are the parts of a section that are the same for
// everybody, without its mid.
func audioLines(f Feedback) string {
	transport := ""
	if f.offersTransport() {
		transport = "a=rtcp-fb:111 transport-cc\r\n"
	}
	return f.extensions() + "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n" +
		"a=rtpmap:111 opus/48000/2\r\n" + transport + "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
}

func videoLines(f Feedback) string {
	feedbacks := []string{"ccm fir", "nack", "nack pli"}
	if f.offersTransport() {
		feedbacks = append([]string{"transport-cc"}, feedbacks...)
	}
	if f.offersREMB() {
		feedbacks = append([]string{"goog-remb"}, feedbacks...)
	}
	var b strings.Builder
	b.WriteString(f.extensions() + "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n")
	for _, c := range videoCodecs {
		fmt.Fprintf(&b, "a=rtpmap:%d %s/90000\r\n", c.number, c.name)
		for _, feedback := range feedbacks {
			fmt.Fprintf(&b, "a=rtcp-fb:%d %s\r\n", c.number, feedback)
		}
		if c.fmtp != "" {
			fmt.Fprintf(&b, "a=fmtp:%d %s\r\n", c.number, c.fmtp)
		}
		fmt.Fprintf(&b, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", c.number+1, c.number+1, c.number)
	}
	return b.String()
}

func videoNumbers() string {
	var b strings.Builder
	for _, c := range videoCodecs {
		fmt.Fprintf(&b, " %d %d", c.number, c.number+1)
	}
	return b.String()
}

// offers writes the offers of an audience: a browser's viewer with one audio and one
// video section, or with one of each for every slot, without candidates, because
// whoever is reached by our checks learns our address from them.
type offers struct {
	fingerprint, audio, video, videoNumbers string
	slots                                   int
}

func newOffers(fingerprint string, f Feedback, slots int) offers {
	return offers{fingerprint: fingerprint, audio: audioLines(f), video: videoLines(f), videoNumbers: videoNumbers(), slots: max(slots, 1)}
}

func (o offers) text(id uint64, ufrag, pwd string) string {
	transport := "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + pwd +
		"\r\na=ice-options:trickle\r\na=fingerprint:sha-256 " + o.fingerprint + "\r\na=setup:actpass\r\n"
	var bundle, sections strings.Builder
	for slot := range o.slots {
		fmt.Fprintf(&bundle, " %d %d", 2*slot, 2*slot+1)
		fmt.Fprintf(&sections, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n%sa=mid:%d\r\n%s", transport, 2*slot, o.audio)
		fmt.Fprintf(&sections, "m=video 9 UDP/TLS/RTP/SAVPF%s\r\n%sa=mid:%d\r\n%s", o.videoNumbers, transport, 2*slot+1, o.video)
	}
	return fmt.Sprintf("v=0\r\no=- %d 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE%s\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n", id>>1, &bundle) +
		sections.String()
}
