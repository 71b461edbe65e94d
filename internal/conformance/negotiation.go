package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func offerCases() []Case {
	return []Case{
		{ID: "T-30", Level: Must, Clause: rfc9725 + "4.2", Proves: []string{"N-023", "N-024"},
			Title: "WHIP offers that are sendonly or sendrecv are answered recvonly.", check: checkPublishDirections},
		{ID: "T-31", Level: Must, Clause: rfc9725 + "4.2", Proves: []string{"N-023"},
			Title: "WHIP offers that are recvonly or inactive are refused.", check: checkPublishWrongDirections},
		{ID: "T-32", Level: Must, Clause: "WHEP 4.2.5", Proves: []string{"N-025", "N-026"},
			Title: "WHEP offers that are recvonly or sendrecv are answered sendonly.", check: checkPlayDirections},
		{ID: "T-33", Level: Must, Clause: "WHEP 4.2.5", Proves: []string{"N-025"},
			Title: "WHEP offers that are sendonly or inactive are refused.", check: checkPlayWrongDirections},
		{ID: "T-34", Level: Must, Clause: rfc9725 + "figure 2; RFC 9143 7.2", Proves: []string{"D6", "P-01"},
			Title: "The example offer of RFC 9725, with its bundle-only section, is accepted whole.", check: checkFigure2},
		{ID: "T-35", Level: Must, Clause: "RFC 9143 7.3.1; RFC 8842 5.3; FFmpeg 8.0", Proves: []string{"N-052", "N-056", "M-094"},
			Title: "A BUNDLE tag without a section, setup:passive and a profile of seven digits do not stop FFmpeg.", check: checkFFmpeg8},
		{ID: "T-36", Level: Must, Clause: rfc9725 + "4.4.4; RFC 8842 5.3", Proves: []string{"N-055"},
			Title: "setup:active is answered passive, or refused; actpass is answered active or passive.", check: checkSetup},
		{ID: "T-37", Level: Must, Clause: rfc9725 + "4.4.2", Proves: []string{"N-027"},
			Title: "More tracks or streams than are taken refuse the POST.", check: checkTooMany},
		{ID: "T-38", Level: Should, Clause: rfc9725 + "4.4.3", Proves: []string{"N-028"},
			Title: "A WHIP offer is taken whole or not at all.", check: checkAllOrNothing},
		{ID: "T-39", Level: Must, Clause: rfc9725 + "4.4.1", Proves: []string{"N-051", "N-053"},
			Title: "Offers without rtcp-mux, or with two sections and no BUNDLE, are refused.", check: checkNoMux},
		{ID: "T-40", Level: Must, Clause: "RFC 8839 5.4; RFC 8122 5; OBS", Proves: []string{"Q-OBS-13"},
			Title: "Transport attributes may stand at session level, and other groups beside BUNDLE.", check: checkOBS},
		{ID: "T-41", Level: Advice, Clause: "WHEP 4.5.2 and browsers", Proves: []string{"D5"},
			Title: "A WHIP offer needs neither msid nor ssrc lines.", check: checkNoStreamLines},
		{ID: "T-42", Level: Must, Clause: rfc9725 + "4.8; RFC 8853 5.3.2", Proves: []string{"N-210", "Q-OBS-7", "Q-OBS-8"},
			Title: "Simulcast is answered layer by layer with the offered names, or left out.", check: checkSimulcast},
		{ID: "T-43", Level: Must, Clause: "RFC 8853 5.3.2", Proves: []string{"N-211"},
			Title: "Two simulcast lines in a section, or one at session level, are answered without simulcast.", check: checkBadSimulcast},
		{ID: "N-213", Level: Must, Clause: "RFC 8853 5.1, 5.3.2; RFC 8852 3", Proves: []string{"N-213", "N-214", "N-211"},
			Title: "Paused streams, alternatives and other spellings of simulcast are understood; no stream is added.", check: checkSimulcastGrammar},
		{ID: "T-47", Level: Advice, Clause: rfc9725 + "3, 4.4.3", Proves: []string{"N-220", "N-221"},
			Title: "A data section is negotiated or refused, but not ignored.", check: checkDataSection},
		{ID: "T-48", Level: Advice, Clause: "WHEP 4.2.4", Proves: []string{"M-097", "W-11"},
			Title: "A player without the channel's codec is refused at once, and told why.", check: checkCodecMismatch},
		{ID: "T-105", Level: Must, Clause: "WHEP 4.2.2", Proves: []string{"D7"},
			Title: "406 is a counter-offer and nothing else.", check: checkNo406},
	}
}

// with makes a session, lets look look at it and deletes it.
func (r *run) with(ctx context.Context, s side, what, offer string, look func(*session)) error {
	sess, err := r.open(ctx, s, offer)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	look(sess)
	_, err = sess.delete(ctx)
	return err
}

// wantDirections wants every accepted audio and video section to be direction.
func (r *run) wantDirections(what string, sess *session, direction string) {
	for i, m := range parseDescription(sess.answer).media {
		if m.isMedia() && !m.rejected() && m.direction() != direction {
			r.failf("%s: section %d is answered %s, want %s", what, i, m.direction(), direction)
		}
	}
}

func checkPublishDirections(ctx context.Context, r *run) error {
	s := r.whip()
	for _, direction := range []string{"sendonly", "sendrecv"} {
		err := r.with(ctx, s, direction, withDirection(s.offer, direction), func(sess *session) {
			r.wantDirections(direction, sess, "recvonly")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func checkPublishWrongDirections(ctx context.Context, r *run) error {
	s := r.whip()
	for _, direction := range []string{"recvonly", "inactive"} {
		if err := r.refuse(ctx, s, direction, withDirection(s.offer, direction), 400, 422); err != nil {
			return err
		}
	}
	return nil
}

func checkPlayDirections(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	for _, direction := range []string{"recvonly", "sendrecv"} {
		err := r.with(ctx, s, direction, withDirection(s.offer, direction), func(sess *session) {
			r.wantDirections(direction, sess, "sendonly")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func checkPlayWrongDirections(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	for _, direction := range []string{"sendonly", "inactive"} {
		if err := r.refuse(ctx, s, direction, withDirection(s.offer, direction), 400, 422); err != nil {
			return err
		}
	}
	return nil
}

func checkFigure2(ctx context.Context, r *run) error {
	return r.with(ctx, r.whip(), "figure 2", static("rfc9725"), func(sess *session) {
		answer := parseDescription(sess.answer)
		if len(answer.media) != 2 || answer.media[1].rejected() {
			r.failf("the video section is not accepted")
		}
		r.wantBundle("figure 2", answer, "0", "1")
	})
}

func (r *run) wantBundle(what string, answer description, tags ...string) {
	if !slices.Equal(answer.bundle(), tags) {
		r.failf("%s: the answer has BUNDLE %v, want %v", what, answer.bundle(), tags)
	}
}

func checkFFmpeg8(ctx context.Context, r *run) error {
	return r.with(ctx, r.whip(), "FFmpeg 8.0", static("ffmpeg8-video-only"), func(sess *session) {
		answer := parseDescription(sess.answer)
		if setup := answer.transport("setup"); setup != "active" {
			r.failf("setup:passive is answered setup:%s", setup)
		}
		r.wantBundle("FFmpeg 8.0", answer, "1")
	})
}

func checkSetup(ctx context.Context, r *run) error {
	s := r.whip()
	err := r.with(ctx, s, "setup:actpass", s.offer, func(sess *session) {
		if setup := parseDescription(sess.answer).transport("setup"); setup != "active" && setup != "passive" {
			r.failf("setup:actpass is answered setup:%s", setup)
		}
	})
	if err != nil {
		return err
	}
	offer := replaceLine(s.offer, "a=setup:", "a=setup:active")
	res, err := r.postOffer(ctx, s, offer)
	if err != nil {
		return err
	}
	sess, err := r.adopt(s, offer, res)
	if err != nil {
		if res.status != 400 && res.status != 422 {
			r.failf("setup:active: %s, want 201, 400 or 422", res.summary())
		}
		r.notef("setup:active is refused")
		return nil
	}
	if setup := parseDescription(sess.answer).transport("setup"); setup != "passive" {
		r.failf("setup:active is answered setup:%s", setup)
	}
	return nil
}

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

func checkAllOrNothing(ctx context.Context, r *run) error {
	s := r.whip()
	if err := r.refuse(ctx, s, "audio with an unknown video codec", withVideoCodec(s.offer, "NETSCAPE"), 400, 422); err != nil {
		return err
	}
	play, err := r.whep()
	if err != nil {
		return nil //nolint:nilerr // nothing more to see without WHEP
	}
	res, err := r.postOffer(ctx, play, play.offer)
	if err != nil {
		return err
	}
	if _, err := r.adopt(play, play.offer, res); err == nil {
		r.lack("whether audio was published, since WHEP waits for publishers")
	} else if res.status != http.StatusConflict && res.status != http.StatusNotFound {
		r.failf("after the refusal WHEP says %s, want 409 as on an idle channel", res.summary())
	}
	return nil
}

func checkNoMux(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		if err := r.refuse(ctx, s, "no rtcp-mux", removeLines(s.offer, "a=rtcp-mux"), 400, 422); err != nil {
			return err
		}
		if err := r.refuse(ctx, s, "no BUNDLE", removeLines(s.offer, "a=group:BUNDLE"), 400, 422); err != nil {
			return err
		}
	}
	return nil
}

func checkOBS(ctx context.Context, r *run) error {
	return r.with(ctx, r.whip(), "OBS", static("obs"), func(sess *session) {
		answer := parseDescription(sess.answer)
		r.wantBundle("OBS", answer, "0", "1")
		for _, name := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
			if answer.transport(name) == "" {
				r.failf("OBS: the answer has no %s", name)
			}
		}
	})
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
		offer := d.regrouped().String()
		res, err := r.postOffer(ctx, s, offer)
		if err != nil {
			return err
		}
		sess, err := r.adopt(s, offer, res)
		if err != nil {
			if res.status != 400 && res.status != 422 {
				r.failf("%s: %s, want 201, 400 or 422", s.name, res.summary())
			}
			r.notef("%s refuses it", s.name)
			continue
		}
		r.judgeData(s, sess)
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

// isOffer tells a counter-offer from a plain error (WHEP 4.2.2).
func isOffer(res *response) bool {
	return res.mediaType() == sdpType && strings.HasPrefix(string(res.body), "v=0") && res.header.Get("Location") != ""
}

func checkNo406(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		offers := brokenOffers(s.offer)
		offers["an unknown codec"] = withVideoCodec(s.offer, "NETSCAPE")
		offers["a wrong direction"] = withDirection(s.offer, "inactive")
		offers["a good offer"] = s.offer
		for what, offer := range offers {
			res, err := r.postOffer(ctx, s, offer)
			if err != nil {
				return err
			}
			if sess, err := r.adopt(s, offer, res); err == nil {
				sess.discard()
			}
			if res.status != http.StatusNotAcceptable {
				continue
			}
			if s.publish || !isOffer(res) {
				r.failf("%s, %s: 406 without an offer", s.name, what)
			} else if _, err := r.adoptCounter(s, res); err != nil {
				return err
			}
		}
	}
	return nil
}
