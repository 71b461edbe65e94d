package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// twice repeats the first section of a kind under another mid.
func twice(offer, kind string) string {
	d := parseDescription(offer)
	for _, m := range d.media {
		if m.kind() == kind {
			again := slices.Clone(m)
			for i, l := range again {
				if strings.HasPrefix(l, "a=mid:") {
					again[i] = "a=mid:again"
				}
			}
			again = slices.DeleteFunc(again, func(l string) bool { return strings.HasPrefix(l, "a=ssrc") })
			d.media = append(d.media, again)
			break
		}
	}
	return d.regrouped().String()
}

func checkTooMany(ctx context.Context, r *run) error {
	s := r.whip()
	if err := r.refuse(ctx, s, "two video sections", twice(s.offer, "video"), 400, 422); err != nil {
		return err
	}
	n := 0
	streams := editLines(s.offer, func(line string) []string {
		if !strings.HasPrefix(line, "a=msid:") {
			return []string{line}
		}
		n++
		return []string{fmt.Sprintf("a=msid:stream%d track%d", n, n)}
	})
	streams = editLines(streams, func(line string) []string {
		if strings.HasPrefix(line, "a=ssrc:") && strings.Contains(line, " msid:") {
			return nil
		}
		return []string{line}
	})
	return r.refuse(ctx, s, "two streams", streams, 400, 422)
}

// withVideoCodec replaces the video codecs by a single one.
func withVideoCodec(offer, name string) string {
	d := parseDescription(offer)
	for i, m := range d.media {
		if m.kind() != "video" {
			continue
		}
		f := m.fields()
		kept := section{fmt.Sprintf("m=%s %s %s 96", f[0], f[1], f[2])}
		for _, l := range m[1:] {
			isCodec := strings.HasPrefix(l, "a=rtpmap:") || strings.HasPrefix(l, "a=fmtp:") || strings.HasPrefix(l, "a=rtcp-fb:") || strings.HasPrefix(l, "a=ssrc")
			if !isCodec {
				kept = append(kept, l)
			}
		}
		d.media[i] = append(kept, "a=rtpmap:96 "+name+"/90000")
	}
	return d.String()
}

func checkNoStreamLines(ctx context.Context, r *run) error {
	s := r.whip()
	return r.with(ctx, s, "no msid, no ssrc", removeLines(s.offer, "a=msid", "a=ssrc"), func(sess *session) {
		r.wantDirections("no msid, no ssrc", sess, "recvonly")
	})
}

func checkDataSection(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		d := parseDescription(s.offer)
		lines := section{"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:data"}
		for _, name := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "setup"} {
			lines = append(lines, "a="+name+":"+d.transport(name))
		}
		d.media = append(d.media, append(lines, "a=sctp-port:5000", "a=max-message-size:262144"))
		sess, err := r.mayRefuse(ctx, s, s.name+" with data", d.regrouped().String())
		if err != nil {
			return err
		}
		if sess != nil {
			r.judgeData(s, sess)
		}
	}
	return nil
}

func (r *run) judgeData(s side, sess *session) {
	answer := parseDescription(sess.answer)
	last := answer.media[len(answer.media)-1]
	switch {
	case last.kind() != "application":
		r.failf("%s: the last section of the answer is %s", s.name, last.kind())
	case last.rejected() && s.publish:
		r.lesserf(Should, "WHIP: the data section alone was refused")
	case last.rejected():
		r.notef("%s answers it with port 0", s.name)
	default:
		r.notef("%s negotiates it", s.name)
	}
}

func checkCodecMismatch(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	offer := onlySections(withVideoCodec(s.offer, "VP8"), "video")
	res, err := r.postOffer(ctx, s, offer)
	if err != nil {
		return err
	}
	switch sess, err := r.adopt(s, offer, res); {
	case res.status == http.StatusNotAcceptable && isOffer(res):
		r.notef("the server makes a counter-offer")
	case err == nil && slices.Contains(parseDescription(sess.answer).media[0].codecs(), "vp8"):
		return skipf("the session may be refilled with the codec later, or the server transcodes")
	case err == nil:
		r.failf("a session was made that cannot play anything")
	case res.status != http.StatusUnprocessableEntity && res.status != http.StatusBadRequest:
		r.failf("%s, want 422", res.summary())
	case res.took > 2*time.Second:
		r.failf("refused after %v only", res.took.Round(time.Millisecond))
	default:
		r.checkProblem(res)
	}
	return nil
}
