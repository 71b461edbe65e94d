package testkit

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/router"
)

// CounterStyle is how a player answers a counter-offer (406). The zero value puts
// its candidates into the answer, as GStreamer's whepclientsrc does.
type CounterStyle struct {
	// Trickles sends the candidates by PATCH after the answer, as simple-whep-client
	// does; Early sends them before.
	Trickles, Early bool
	// Passive makes the player the DTLS server.
	Passive bool
	// Answer changes the answer on its way; Refused is told of each answer that was
	// refused, and returns the one to try next, or "" to give up. Both may be nil.
	Answer  func(answer string) string
	Refused func(answer string, err error) string
	// Waits is how long the player takes for its answer.
	Waits time.Duration
}

// answer makes the connection that the server offers: a new one, since the first
// has made an offer already.
func (p *Player) answer(ctx context.Context, opt PlayerOptions) error {
	how := opt.Counter
	forsaken := localOf(p.pc)
	if err := p.pc.GracefulClose(); err != nil {
		return err
	}
	settings := opt.Settings
	opt.Settings = func(s *webrtc.SettingEngine) {
		if settings != nil {
			settings(s)
		}
		if how.Passive {
			_ = s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) // fails for other values only
		}
	}
	p.pc = p.newPeer(opt)
	connected := whenConnected(p.pc)
	p.receiver.offered = true
	p.receiver.open(p.session.CounterOffer)
	p.work.Go(func() { p.receiver.run(ctx, max(opt.Patience, 200*time.Millisecond)) })
	text, err := p.describeAnswer(how)
	if err != nil {
		return err
	}
	if how.Waits > 0 {
		<-time.After(how.Waits)
	}
	if err := p.deliver(ctx, how, forsaken, text); err != nil {
		return err
	}
	select {
	case <-connected:
		return nil
	case <-time.After(20 * time.Second):
		return fmt.Errorf("the player is not connected 20 s after its answer; it is %s", p.pc.ConnectionState())
	}
}

// describeAnswer gathers, and returns the answer.
func (p *Player) describeAnswer(how *CounterStyle) (string, error) {
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: p.session.CounterOffer}); err != nil {
		return "", fmt.Errorf("the counter-offer: %w\n%s", err, p.session.CounterOffer)
	}
	a, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(a); err != nil {
		return "", err
	}
	<-gathered
	text := localOf(p.pc)
	if how.Answer != nil {
		text = how.Answer(text)
	}
	return text, nil
}

func localOf(pc *webrtc.PeerConnection) string { return pc.LocalDescription().SDP }

// deliver sends the answer, and candidates in a PATCH of their own where the style
// wants that: those of the connection that was given up, too.
func (p *Player) deliver(ctx context.Context, how *CounterStyle, forsaken, text string) error {
	answer := text
	if how.Trickles || how.Early {
		answer = withoutCandidates(text)
	}
	if how.Early {
		if err := p.trickle(ctx, forsaken, text); err != nil {
			return err
		}
	}
	for {
		err := p.session.AnswerOffer(ctx, answer)
		if err == nil {
			break
		}
		next := ""
		if how.Refused != nil {
			next = how.Refused(text, err)
		}
		if next == "" {
			return err
		}
		answer = next
	}
	if how.Trickles {
		return p.trickle(ctx, forsaken, text)
	}
	return nil
}

// trickle sends the candidates of descriptions, a PATCH for each.
func (p *Player) trickle(ctx context.Context, descriptions ...string) error {
	for _, sdp := range descriptions {
		if err := p.session.Trickle(ctx, FragmentOf(sdp)); err != nil {
			return err
		}
	}
	return nil
}

// FragmentOf returns ICE credentials and candidates of a description as a
// trickle-ice-sdpfrag, in the shape of simple-whep-client.
func FragmentOf(sdp string) string {
	var b strings.Builder
	for _, prefix := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
		_, value, _ := strings.Cut(sdp, prefix)
		value, _, _ = strings.Cut(value, "\r\n")
		b.WriteString(prefix + value + "\r\n")
	}
	b.WriteString("m=audio 9 RTP/AVP 0\r\na=mid:0\r\n")
	for line := range strings.Lines(sdp) {
		if strings.HasPrefix(line, "a=candidate:") {
			b.WriteString(line)
		}
	}
	b.WriteString("a=end-of-candidates\r\n")
	return b.String()
}

var rtpmapLine = regexp.MustCompile(`a=rtpmap:(\d+) (H264|VP8)/90000`)

// offeredVideo reads the payload types of H.264 and VP8 in a video section.
func offeredVideo(section string) (types []router.PayloadType) {
	for _, m := range rtpmapLine.FindAllStringSubmatch(section, -1) {
		pt := h264()
		if m[2] == "VP8" {
			pt = vp8()
		}
		n, _ := strconv.ParseUint(m[1], 10, 7) // digits, as matched
		pt.Number, pt.RTX = uint8(n), 0
		if rtx := regexp.MustCompile(`a=fmtp:(\d+) apt=` + m[1] + `\r`).FindStringSubmatch(section); rtx != nil {
			n, _ := strconv.ParseUint(rtx[1], 10, 7)
			pt.RTX = uint8(n)
		}
		types = append(types, pt)
	}
	return types
}
