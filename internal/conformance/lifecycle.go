package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pion/webrtc/v4"
)

func lifecycleCases() []Case {
	return []Case{
		{ID: "T-80", Level: Must, Clause: rfc9725 + "4.2" + both + "4.3; RFC 7675 5.2", Proves: []string{"N-150", "N-151", "N-154"},
			Title: "DELETE is answered 200 and ends DTLS, ICE and the publication at once.", check: checkDelete},
		{ID: "T-81", Level: Must, Clause: rfc9725 + "4.3.1", Proves: []string{"N-152"},
			Title: "DELETE takes no notice of If-Match.", check: checkDeleteWithTag},
		{ID: "T-82", Level: Must, Clause: rfc9110 + "9.2.2, 15.5.5", Proves: []string{"N-153", "N-118"},
			Title: "A session that was deleted is not found any more.", check: checkDeleted},
		{ID: "T-83", Level: Advice, Clause: "OBS", Proves: []string{"Q-OBS-5"},
			Title: "DELETE is answered 200 also when the client hung up a second before.", check: checkLateDelete},
		{ID: "N-159", Level: Advice, Clause: "RFC 8842 5; OBS that crashed half", Proves: []string{"N-159"},
			Title: "A client that hangs up ends its session without DELETE.", check: checkHangUp},
		{ID: "T-84", Level: Must, Clause: "RFC 7675 5.1; " + rfc9725 + "4.2", Proves: []string{"N-155"},
			Title: "A client that vanishes loses its session within a minute, and its place is free.", slow: true, check: checkVanished},
		{ID: "T-85", Level: Advice, Clause: "FFmpeg 8.0", Proves: []string{"N-156", "Q-FF-4"},
			Title: "A publisher that sends media but never answers a check goes on for two minutes.", slow: true, check: checkDeafToChecks},
		{ID: "T-86", Level: Should, Clause: rfc9725 + "5" + both + "5", Proves: []string{"N-037", "N-157"},
			Title: "Sessions that never connect are gone after a minute.", slow: true, check: checkAbandoned},
		{ID: "T-87", Level: Advice, Clause: "one writer for a channel", Proves: []string{"N-035"},
			Title: "A second publisher is refused with 409 or takes over, and there are never two.", check: checkSecondPublisher},
		{ID: "T-88", Level: Advice, Clause: "publishers crash", Proves: []string{"N-035", "M-033", "M-043"},
			Title: "A publisher that comes back after a crash is taken, and viewers see it without reconnecting.", check: checkComeback},
		{ID: "T-89", Level: Must, Clause: "WHEP 4.2.8", Proves: []string{"N-034", "W-20"},
			Title: "Where a live publisher is required, an idle channel is answered 409 with Retry-After.", check: checkIdle},
		{ID: "T-90", Level: Advice, Clause: "WHEP 4.2.8", Proves: []string{"W-21"},
			Title: "Where viewers may wait, the picture starts with the publisher, without renegotiation.", check: checkWaiting},
	}
}

func checkDelete(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	if player != nil {
		if err := r.checkEnd(ctx, player); err != nil {
			return err
		}
	}
	if err := r.checkEnd(ctx, publisher); err != nil {
		return err
	}
	s, err := r.whep()
	if err != nil {
		return nil //nolint:nilerr // the rest was shown
	}
	var res *response
	err = eventually(ctx, time.Second, func() (bool, error) {
		if res, err = r.postOffer(ctx, s, s.offer); err != nil {
			return false, err
		}
		if sess, err := r.adopt(s, s.offer, res); err == nil {
			sess.discard()
		}
		return res.status == http.StatusConflict || res.status == http.StatusNotFound, nil
	})
	if errors.Is(err, errNever) {
		r.lack("the end on WHEP, which waits for publishers")
		return nil
	}
	return err
}

// checkEnd deletes a session that is in use and watches its transport end.
func (r *run) checkEnd(ctx context.Context, p *peer) error {
	name := p.session.side.name
	if err := p.stillAnswered(ctx); err != nil {
		return fmt.Errorf("%s, before DELETE: %w", name, err)
	}
	alerts := p.tap.received(classAlert)
	res, err := p.session.delete(ctx)
	if err != nil {
		return err
	}
	switch {
	case !res.ok():
		r.failf("%s DELETE: %s, want 200", name, res.summary())
	case res.status != http.StatusOK:
		r.lesserf(Advice, "%s DELETE: %d; OBS takes everything but 200 for a failure", name, res.status)
	}
	// The client's stack closes the connection on close_notify.
	if err := p.reaches(ctx, 2*time.Second, webrtc.PeerConnectionStateClosed); err != nil && p.tap.received(classAlert) == alerts {
		r.failf("%s: no close_notify came after DELETE", name)
	}
	conn, to, err := p.prober()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	err = eventually(ctx, time.Second, func() (bool, error) {
		return errors.Is(p.ice().probe(ctx, conn, to, false, 200*time.Millisecond), errNoSTUN), nil
	})
	if err != nil {
		r.failf("%s: checks are still answered a second after DELETE", name)
	}
	return nil
}

func checkDeleteWithTag(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		req := sess.request("DELETE")
		req.header = map[string]string{"If-Match": `"wrong"`}
		res, err := r.do(ctx, req)
		if err != nil {
			return err
		}
		if !res.ok() {
			r.failf("%s: %s, want 200", sess.side.name, res.summary())
		}
		return nil
	})
}

func checkDeleted(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		if _, err := sess.delete(ctx); err != nil {
			return err
		}
		again, err := sess.delete(ctx)
		if err != nil {
			return err
		}
		if !statusIn(again.status, 200, 404, 410) {
			r.failf("%s DELETE again: %s, want 404 or 200", sess.side.name, again.summary())
		}
		patched, err := sess.patch(ctx, sess.etag, sess.fragment(aimless).String())
		if err != nil {
			return err
		}
		got, err := sess.get(ctx)
		if err != nil {
			return err
		}
		for what, res := range map[string]*response{"PATCH": patched, "GET": got} {
			if !statusIn(res.status, 404, 410) {
				r.failf("%s %s after DELETE: %s, want 404", sess.side.name, what, res.summary())
			}
		}
		return nil
	})
}

func checkLateDelete(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		p, err := r.connect(ctx, s, script{})
		if err != nil {
			return err
		}
		p.hangUp()
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		res, err := p.session.delete(ctx)
		if err != nil {
			return err
		}
		if res.status != http.StatusOK {
			r.failf("%s: %s, want 200", s.name, res.summary())
		}
	}
	return nil
}

func checkHangUp(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		p, err := r.connect(ctx, s, script{})
		if err != nil {
			return err
		}
		p.hangUp()
		if _, err := p.session.gone(ctx, 5*time.Second); errors.Is(err, errNever) {
			r.failf("%s: the session is still there 5 s after close_notify", s.name)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func checkVanished(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	if err := r.wantExpiry(ctx, publisher); err != nil {
		return err
	}
	if player != nil {
		if err := player.session.alive(ctx, "the publisher's end"); err != nil {
			return err
		}
	}
	again, err := r.connect(ctx, r.whip(), script{})
	if err != nil {
		return fmt.Errorf("the place is not free: %w", err)
	}
	again.close()
	return nil
}

func checkDeafToChecks(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	publisher.tap.losing(func(_ bool, b []byte) bool { return classify(b) == classSTUN })
	if err := pause(ctx, 2*time.Minute); err != nil {
		return err
	}
	if err := publisher.session.alive(ctx, "two minutes without checks"); err != nil {
		return err
	}
	if player == nil {
		return nil
	}
	return player.watch.shows(ctx, 3*time.Second, 20)
}

// abandonedSessions is how many a black box may ask for without being taken for
// an attack.
const abandonedSessions = 20

func checkAbandoned(ctx context.Context, r *run) error {
	s := r.whip()
	var sessions []*session
	for i := range abandonedSessions {
		at := s
		at.url = r.elsewhere(i)
		if i > 0 && at.url == s.url {
			break // each would take the channel over from the last
		}
		sess, err := r.post(ctx, at, s.offer)
		if err != nil {
			return err
		}
		sessions = append(sessions, sess)
	}
	started := time.Now()
	for _, sess := range sessions {
		if _, err := sess.gone(ctx, time.Minute-time.Since(started)); errors.Is(err, errNever) {
			r.failf("a session is still there after a minute")
			break
		} else if err != nil {
			return err
		}
	}
	r.notef("%d sessions were gone after %v", len(sessions), time.Since(started).Round(5*time.Second))
	return nil
}

func checkSecondPublisher(ctx context.Context, r *run) error {
	first, err := r.connect(ctx, r.whip(), script{})
	if err != nil {
		return err
	}
	if r.target.RivalToken != "" {
		rival := r.whip()
		rival.token = r.target.RivalToken
		if err := r.refuse(ctx, rival, "somebody else", rival.offer, http.StatusConflict); err != nil {
			return err
		}
		if err := first.session.alive(ctx, "somebody else's attempt"); err != nil {
			return err
		}
	} else {
		r.lack("a token of somebody else for the same place")
	}
	s := r.whip()
	res, err := r.postOffer(ctx, s, s.offer)
	if err != nil {
		return err
	}
	if _, err := r.adopt(s, s.offer, res); err != nil {
		if res.status != http.StatusConflict {
			r.failf("the same client again: %s, want 201 or 409", res.summary())
		}
		r.notef("the same client again: refused with %d", res.status)
		return first.session.alive(ctx, "the refusal")
	}
	r.notef("the same client again: takes over")
	if _, err := first.session.gone(ctx, 2*time.Second); errors.Is(err, errNever) {
		r.failf("there are two publishers")
	} else if err != nil {
		return err
	}
	return nil
}

func checkComeback(ctx context.Context, r *run) error {
	first, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	first.vanish()
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	var second *peer
	const window = 12 * time.Second
	err = eventually(ctx, window, func() (bool, error) {
		p, err := r.connect(ctx, r.whip(), script{})
		second = p
		if refusal, ok := errors.AsType[refusedError](err); ok && refusal.res.status == http.StatusConflict {
			return false, nil
		}
		return err == nil, err
	})
	if errors.Is(err, errNever) {
		r.failf("the publisher was not taken back in %v", window)
		return nil
	}
	if err != nil || player == nil {
		return err
	}
	if err := player.watch.shows(ctx, 5*time.Second, 40); err != nil {
		return fmt.Errorf("the viewer, after the publisher came back: %w", err)
	}
	r.judgeContinuity("the publisher's return", player, 0)
	_, err = second.session.delete(ctx)
	return err
}

func checkIdle(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	res, err := r.postOffer(ctx, s, s.offer)
	if err != nil {
		return err
	}
	if _, err := r.adopt(s, s.offer, res); err == nil {
		return skipf("viewers may wait on an idle channel here")
	}
	if res.status != http.StatusConflict || !res.saysWhen() {
		r.failf("%s with Retry-After %q, want 409 with seconds", res.summary(), res.header.Get("Retry-After"))
	}
	return nil
}

func checkWaiting(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	player, err := r.start(ctx, s, script{})
	if refusal, ok := errors.AsType[refusedError](err); ok && statusIn(refusal.res.status, 404, 409) {
		return skipf("an idle channel is refused here (%d)", refusal.res.status)
	}
	if err != nil {
		return err
	}
	if err := player.connected(ctx, connectTimeout); err != nil {
		return err
	}
	if _, err := r.connect(ctx, r.whip(), script{}); err != nil {
		return err
	}
	if err := player.watch.shows(ctx, 5*time.Second, 20); err != nil {
		return err
	}
	return player.session.alive(ctx, "the start of the publisher")
}
