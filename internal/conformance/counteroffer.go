package conformance

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

// Cases about counter-offers: the server answers a player's offer with one of its
// own. They are shown on servers that do so for an ordinary offer.

func counterOfferCases() []Case {
	const clause = "WHEP 4.2.2"
	return []Case{
		{ID: "T-100", Level: Must, Clause: clause + ", 4.2.5; RFC 8842 5.2; RFC 9110 5.6.7", Proves: []string{"W-01", "W-02", "W-03", "N-057"},
			Title: "A counter-offer is a 406 with an SDP offer, actpass and sendonly, a Location, and a date in the future or none.", check: checkCounterOffer},
		{ID: "T-101", Level: Must, Clause: clause, Proves: []string{"W-04", "W-06"},
			Title: "The answer to a counter-offer is PATCHed, answered 204, and media flows.", check: checkCounterAnswer},
		{ID: "T-102", Level: Must, Clause: clause, Proves: []string{"W-05"},
			Title: "A malformed answer is refused, and a good one may follow.", check: checkWrongAnswers},
		{ID: "T-103", Level: Advice, Clause: clause + "; branch clarity-around-error-codes", Proves: []string{"W-08"},
			Title: "A second answer is refused with 422 and changes nothing.", check: checkSecondAnswer},
		{ID: "T-104", Level: Advice, Clause: clause, Proves: []string{"W-07"},
			Title: "A counter-offer that was not answered in time is gone.", check: checkCounterExpiry},
		{ID: "W-09", Level: Advice, Clause: clause + ", 4.4.2", Proves: []string{"W-09"},
			Title: "Candidates are taken before and after the answer to a counter-offer.", check: checkCounterTrickle},
		{ID: "W-10", Level: Advice, Clause: clause + ", 4.3", Proves: []string{"W-10"},
			Title: "A counter-offer that is not answered yet may be deleted.", check: checkCounterDelete},
	}
}

// counterOffer POSTs an ordinary offer and wants a counter-offer; the answer of the
// session is the server's offer. Where the offer is taken the case is skipped.
func (r *run) counterOffer(ctx context.Context) (*session, error) {
	s, err := r.whep()
	if err != nil {
		return nil, err
	}
	if err := r.live(ctx); err != nil {
		return nil, err
	}
	res, err := r.postOffer(ctx, s, s.offer)
	if err != nil {
		return nil, err
	}
	if _, err := r.adopt(s, s.offer, res); err == nil {
		return nil, skipf("the server answers this offer, it makes no counter-offer")
	}
	return r.adoptCounter(s, res)
}

// adoptCounter makes a session of a counter-offer.
func (r *run) adoptCounter(s side, res *response) (*session, error) {
	if res.status != http.StatusNotAcceptable {
		return nil, refusedError{s.name, res}
	}
	location, err := res.location()
	if err != nil {
		return nil, fmt.Errorf("the 406 has no usable Location: %w", err)
	}
	sess := &session{run: r, side: s, url: location, etag: res.header.Get("ETag"), answer: string(res.body), head: res.header, took: res.took}
	r.later(sess.discard)
	if res.mediaType() != sdpType || !strings.HasPrefix(sess.answer, "v=0") {
		return nil, fmt.Errorf("the 406 is no counter-offer: Content-Type %q", res.header.Get("Content-Type"))
	}
	return sess, nil
}

// validUntil is how long the counter-offer may be answered: 30 s if it does not say.
func (s *session) validUntil() (time.Time, error) {
	_, parameters, err := mime.ParseMediaType(s.head.Get("Content-Type"))
	if err != nil {
		return time.Time{}, fmt.Errorf("Content-Type %q: %w", s.head.Get("Content-Type"), err)
	}
	value, ok := parameters["valid-until"]
	if !ok {
		return time.Now().Add(30 * time.Second), nil
	}
	return http.ParseTime(value)
}

func checkCounterOffer(ctx context.Context, r *run) error {
	sess, err := r.counterOffer(ctx)
	if err != nil {
		return err
	}
	if until, err := sess.validUntil(); err != nil {
		r.failf("valid-until is no HTTP-date: %v", err)
	} else if !until.After(time.Now()) {
		r.failf("valid-until is over already: %v", until)
	}
	if !listed(sess.head, "Cache-Control", "no-store") {
		r.lesserf(Advice, "the 406 may be stored by caches (N-013)")
	}
	d := parseDescription(sess.answer)
	for _, m := range d.media {
		r.checkOfferedSection(d, m)
	}
	if len(d.media) == 0 {
		r.failf("the counter-offer has no media section")
	}
	if len(d.candidates()) == 0 {
		r.failf("the counter-offer has no candidate, and there is no later way to tell one (N-030)")
	}
	return nil
}

func (r *run) checkOfferedSection(d description, m section) {
	either := func(name string) string {
		if v := append(m.values(name), values(d.session, name)...); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	if setup := either("setup"); setup != "actpass" {
		r.failf("%s: a=setup:%s in an offer, want actpass (RFC 8842 5.2)", m.kind(), setup)
	}
	if d := m.direction(); m.isMedia() && d != "sendonly" && d != "sendrecv" {
		r.failf("%s: %s, want sendonly", m.kind(), d)
	}
	for _, name := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "mid"} {
		if either(name) == "" {
			r.failf("%s: no a=%s", m.kind(), name)
		}
	}
	if m.isMedia() && !m.has("rtcp-mux") {
		r.failf("%s: no a=rtcp-mux", m.kind())
	}
}

// answerer makes a client that answers a counter-offer; nothing is sent.
func (r *run) answerer(ctx context.Context, sess *session) (*peer, error) {
	p, err := r.prepare(sess.side, script{})
	if err != nil {
		return nil, err
	}
	p.session = sess
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sess.answer}); err != nil {
		return nil, fmt.Errorf("the client cannot use the counter-offer: %w", err)
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(answer); err != nil {
		return nil, err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.offer = p.pc.LocalDescription().SDP // the client's own description
	sess.offer = p.offer
	return p, nil
}

// patchAnswer sends an answer; whatever comes back is returned.
func (s *session) patchAnswer(ctx context.Context, answer string) (*response, error) {
	req := s.request("PATCH")
	req.contentType, req.body = sdpType, answer
	return s.run.do(ctx, req)
}

// agrees has the client answer, and waits until it is connected.
func (p *peer) agrees(ctx context.Context, answer string) error {
	res, err := p.session.patchAnswer(ctx, answer)
	if err != nil {
		return err
	}
	if !res.ok() {
		return fmt.Errorf("the answer to the counter-offer was answered %s, want 204", res.summary())
	}
	if res.status != http.StatusNoContent {
		p.run.failf("the answer to the counter-offer was answered %d, want 204", res.status)
	}
	if etag := res.header.Get("ETag"); etag != "" {
		p.session.etag = etag
	}
	return p.connected(ctx, connectTimeout)
}

// counterOffered is a client with a counter-offer that it has not answered.
func (r *run) counterOffered(ctx context.Context) (*peer, error) {
	sess, err := r.counterOffer(ctx)
	if err != nil {
		return nil, err
	}
	return r.answerer(ctx, sess)
}

func checkCounterAnswer(ctx context.Context, r *run) error {
	p, err := r.counterOffered(ctx)
	if err != nil {
		return err
	}
	if err := p.agrees(ctx, p.offer); err != nil {
		return err
	}
	return p.watch.shows(ctx, 5*time.Second, 5)
}

// wrongAnswers are no answers to a counter-offer.
func wrongAnswers(answer string) map[string]string {
	return map[string]string{
		"no SDP": "hello", "an answer cut off": answer[:len(answer)/3] + "\x00", "no ICE user name": removeLines(answer, "a=ice-ufrag:"),
		"no fingerprint": removeLines(answer, "a=fingerprint:"), "sendonly": withDirection(answer, "sendonly"),
		"actpass": replaceLine(answer, "a=setup:", "a=setup:actpass"), "no media section": description{session: parseDescription(answer).session}.String(),
	}
}

func checkWrongAnswers(ctx context.Context, r *run) error {
	p, err := r.counterOffered(ctx)
	if err != nil {
		return err
	}
	for what, answer := range wrongAnswers(p.offer) {
		res, err := p.session.patchAnswer(ctx, answer)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if res.status/100 != 4 {
			r.failf("%s: %s, want 4xx", what, res.summary())
			return nil
		}
	}
	if err := p.agrees(ctx, p.offer); err != nil {
		return fmt.Errorf("after wrong ones: %w", err)
	}
	return p.watch.shows(ctx, 5*time.Second, 5)
}

func checkSecondAnswer(ctx context.Context, r *run) error {
	p, err := r.counterOffered(ctx)
	if err != nil {
		return err
	}
	if err := p.agrees(ctx, p.offer); err != nil {
		return err
	}
	res, err := p.session.patchAnswer(ctx, p.offer)
	if err != nil {
		return err
	}
	if res.status != http.StatusUnprocessableEntity {
		r.failf("the second answer: %s, want 422", res.summary())
	}
	if err := p.session.alive(ctx, "a second answer"); err != nil {
		return err
	}
	return p.watch.shows(ctx, 5*time.Second, 5)
}

// longestWait is how long a case waits for a counter-offer to expire where the
// server's timeouts are not waited for.
const longestWait = 5 * time.Second

func checkCounterExpiry(ctx context.Context, r *run) error {
	sess, err := r.counterOffer(ctx)
	if err != nil {
		return err
	}
	until, err := sess.validUntil()
	if err != nil {
		return err
	}
	wait := time.Until(until)
	if wait > longestWait && !r.target.Slow || wait > caseTimeout/2 {
		return skipf("the counter-offer is valid for %v", wait.Round(time.Second))
	}
	if err := pause(ctx, wait); err != nil {
		return err
	}
	if _, err := sess.gone(ctx, 5*time.Second); errors.Is(err, errNever) {
		r.failf("the session is still there 5 s after its counter-offer expired")
	} else if err != nil {
		return err
	}
	res, err := sess.patchAnswer(ctx, sess.answer)
	if err != nil {
		return err
	}
	if !statusIn(res.status, http.StatusNotFound, http.StatusGone) {
		r.failf("an answer that came too late: %s, want 404 or 410", res.summary())
	}
	return nil
}

func checkCounterTrickle(ctx context.Context, r *run) error {
	for _, early := range []bool{true, false} {
		p, err := r.counterOffered(ctx)
		if err != nil {
			return err
		}
		trickle := func() error {
			return p.session.wantPatch(ctx, fmt.Sprintf("candidates, before the answer: %t", early), p.session.etag, fragmentOf(p.offer), http.StatusNoContent)
		}
		if early {
			if err := trickle(); err != nil {
				return err
			}
		}
		if err := p.agrees(ctx, removeLines(p.offer, "a=candidate:", "a=end-of-candidates")); err != nil {
			return err
		}
		if !early {
			if err := trickle(); err != nil {
				return err
			}
		}
		if err := p.watch.shows(ctx, 5*time.Second, 5); err != nil {
			return err
		}
	}
	return nil
}

func checkCounterDelete(ctx context.Context, r *run) error {
	sess, err := r.counterOffer(ctx)
	if err != nil {
		return err
	}
	res, err := sess.delete(ctx)
	if err != nil {
		return err
	}
	if !res.ok() {
		r.failf("DELETE of a session that waits for an answer: %s, want 200", res.summary())
	}
	again, err := sess.patchAnswer(ctx, sess.answer)
	if err != nil {
		return err
	}
	if !slices.Contains([]int{http.StatusNotFound, http.StatusGone}, again.status) {
		r.failf("an answer after DELETE: %s, want 404", again.summary())
	}
	return nil
}
