package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
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

// takeDirections wants offers of these directions to be answered in the same way.
func (r *run) takeDirections(ctx context.Context, s side, answered string, offered ...string) error {
	for _, direction := range offered {
		err := r.with(ctx, s, direction, withDirection(s.offer, direction), func(sess *session) {
			r.wantDirections(direction, sess, answered)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseDirections wants offers of these directions to be refused.
func (r *run) refuseDirections(ctx context.Context, s side, offered ...string) error {
	for _, direction := range offered {
		if err := r.refuse(ctx, s, direction, withDirection(s.offer, direction), 400, 422); err != nil {
			return err
		}
	}
	return nil
}

func checkPublishDirections(ctx context.Context, r *run) error {
	return r.takeDirections(ctx, r.whip(), "recvonly", "sendonly", "sendrecv")
}

func checkPublishWrongDirections(ctx context.Context, r *run) error {
	return r.refuseDirections(ctx, r.whip(), "recvonly", "inactive")
}

func checkPlayDirections(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	return r.takeDirections(ctx, s, "sendonly", "recvonly", "sendrecv")
}

func checkPlayWrongDirections(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	return r.refuseDirections(ctx, s, "sendonly", "inactive")
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
