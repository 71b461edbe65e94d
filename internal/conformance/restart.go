package conformance

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

func restartCases() []Case {
	return []Case{
		{ID: "T-72", Level: Must, Clause: rfc9725 + "4.3.3", Proves: []string{"N-100", "N-130", "N-131", "N-132", "N-133", "N-137", "N-139"},
			Title: "An ICE restart is answered with new credentials, candidates and tag, and changes nothing but ICE while media goes on.", check: checkRestart},
		{ID: "T-73", Level: Must, Clause: rfc9725 + "4.3.1, 4.3.3", Proves: []string{"N-132"},
			Title: "After a restart the old tag is refused and the new one good.", check: checkTagAfterRestart},
		{ID: "T-74", Level: Must, Clause: rfc9725 + "4.3.3; RFC 8839 5.4", Proves: []string{"N-135", "N-102"},
			Title: "A restart that is refused leaves the old ICE session and its media alone.", check: checkRefusedRestart},
		{ID: "T-75", Level: Advice, Clause: rfc9725 + "4.3.3", Proves: []string{"N-138"},
			Title: "Of two restarts the last one counts.", check: checkTwoRestarts},
		{ID: "N-102", Level: Must, Clause: rfc9725 + "4.3.1", Proves: []string{"N-102"},
			Title: "Of trickle and restart, what is not supported is answered 422.", check: checkUnsupportedKind},
		{ID: "N-130", Level: Advice, Clause: rfc9725 + "4.3.2 and 4.3.3, figures 2 to 4", Proves: []string{"N-130", "D4"},
			Title: "It is another user name that makes a restart, not another password.", check: checkWhatRestarts},
		{ID: "N-131", Level: Must, Clause: rfc9725 + "4.3.1, 4.3.3", Proves: []string{"N-131", "D2"},
			Title: "A restart takes the wildcard in both spellings and the current tag, and refuses a stale one.", check: checkRestartTags},
		{ID: "N-134", Level: Must, Clause: rfc9725 + "4.3.3", Proves: []string{"N-134"},
			Title: "A restart replaces the client's candidates.", check: checkReplacedCandidates},
		{ID: "N-140", Level: Advice, Clause: rfc9725 + "5", Proves: []string{"N-140"},
			Title: "A restart opens no new ports.", check: checkSamePorts},
		{ID: "N-136", Level: Must, Clause: rfc9725 + "4.3.3; RFC 7675 5.1", Proves: []string{"N-136"},
			Title: "When consent expires after a restart that failed, the session ends.", slow: true, check: checkConsentAfterRestart},
	}
}

// checkRestart restarts the publisher while a viewer watches, then the viewer.
func checkRestart(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	for _, p := range []*peer{publisher, player} {
		if p == nil {
			continue
		}
		before := parseDescription(p.session.answer)
		tag, hellos := p.session.etag, p.hellos()
		if player != nil {
			player.watch.forget("video")
		}
		res, err := p.restart(ctx)
		if err != nil {
			return err
		}
		r.judgeRestart(p.session.side.name, before, res, tag)
		if err := p.connected(ctx, connectTimeout); err != nil {
			return err
		}
		if player != nil {
			if err := player.watch.shows(ctx, 5*time.Second, 40); err != nil {
				return err
			}
			r.judgeContinuity(p.session.side.name+" restart", player, time.Second)
		}
		if p.hellos() != hellos {
			r.failf("%s: a new DTLS handshake began", p.session.side.name)
		}
	}
	return nil
}

// hellos counts the ClientHellos of both directions.
func (p *peer) hellos() int { return p.tap.sent(classClientHello) + p.tap.received(classClientHello) }

// judgeRestart looks at the answer to a restart.
func (r *run) judgeRestart(what string, before description, res *response, oldTag string) {
	after := parseDescription(string(res.body))
	if res.mediaType() != fragmentType {
		r.failf("%s: the answer has Content-Type %q", what, res.header.Get("Content-Type"))
	}
	for _, name := range []string{"ice-ufrag", "ice-pwd"} {
		if v := after.transport(name); v == "" || v == before.transport(name) {
			r.failf("%s: %s did not change", what, name)
		}
	}
	if len(after.candidates()) == 0 {
		r.failf("%s: no candidates", what)
	}
	r.wantTag(what, res.header)
	if res.header.Get("ETag") == oldTag {
		r.failf("%s: the ETag did not change", what)
	}
	for _, name := range []string{"ice-options", "ice-lite", "ice-pacing"} {
		if !slices.Equal(everywhere(before, name), everywhere(after, name)) {
			r.failf("%s: %s was %q and is %q", what, name, everywhere(before, name), everywhere(after, name))
		}
	}
	if !strings.HasSuffix(string(res.body), "\r\n") || strings.HasPrefix(string(res.body), "v=") {
		r.lesserf(Advice, "%s: the fragment is SDP or its last line is not ended", what)
	}
}

// everywhere collects the different values of an attribute.
func everywhere(d description, name string) []string {
	all := values(d.session, name)
	for _, m := range d.media {
		all = append(all, m.values(name)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// judgeContinuity wants what the viewer saw to be one unbroken stream.
func (r *run) judgeContinuity(what string, player *peer, longest time.Duration) {
	s := player.watch.seen("video")
	if s.jumps > 0 {
		r.failf("%s: the viewer's sequence numbers jumped", what)
	}
	if s.backwards > 0 {
		r.failf("%s: the viewer's timestamps went back", what)
	}
	if longest > 0 && s.longest > longest {
		r.failf("%s: the viewer got nothing for %v", what, s.longest.Round(time.Millisecond))
	}
	if declared := parseDescription(player.session.answer).video().values("ssrc"); len(declared) > 0 && s.packets > 0 {
		if !slices.ContainsFunc(declared, func(v string) bool { return strings.HasPrefix(v, strconv.FormatUint(uint64(s.ssrc), 10)+" ") }) {
			r.failf("%s: the viewer gets an SSRC that the answer did not declare", what)
		}
	}
}

func checkTagAfterRestart(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		res, err := sess.restartStatic(ctx, "*", "newname")
		if err != nil {
			return err
		}
		trickle := sess.restartBody("newname") + "a=candidate:" + aimless + "\r\n"
		old, err := sess.patch(ctx, sess.etag, trickle)
		if err != nil {
			return err
		}
		if old.status != http.StatusPreconditionFailed {
			r.failf("%s: the old tag: %s, want 412", sess.side.name, old.summary())
		}
		return sess.wantPatch(ctx, "the new tag", res.header.Get("ETag"), trickle, http.StatusNoContent)
	})
}

func checkRefusedRestart(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	f := publisher.session.fragment()
	for what, body := range map[string]fragment{
		"a password of 3":  {ufrag: "fresh", pwd: "abc", media: f.media, mid: f.mid},
		"a user name of 3": {ufrag: "abc", pwd: strings.Repeat("p", 24), media: f.media, mid: f.mid},
	} {
		res, err := publisher.session.patch(ctx, "*", body.String())
		if err != nil {
			return err
		}
		if res.status/100 != 4 {
			r.failf("%s: %s, want 4xx", what, res.summary())
		} else if res.status != http.StatusBadRequest && res.status != http.StatusUnprocessableEntity {
			r.lesserf(Advice, "%s: %s, want 400", what, res.summary())
		}
	}
	if err := publisher.stillAnswered(ctx); err != nil {
		r.failf("after a refused restart: %v", err)
	}
	if player == nil {
		return nil
	}
	return player.watch.shows(ctx, 3*time.Second, 20)
}

// stillAnswered probes the client's ICE session from a socket of its own.
func (p *peer) stillAnswered(ctx context.Context) error {
	conn, to, err := p.prober()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	return p.ice().probe(ctx, conn, to, false, 2*time.Second)
}

// prober opens a socket to send checks from, and tells where to.
func (p *peer) prober() (conn net.PacketConn, to netip.AddrPort, err error) {
	if to, err = mediaAddress(p.session.answer); err != nil {
		return nil, to, err
	}
	ip, err := p.run.target.localIP()
	if err != nil {
		return nil, to, err
	}
	conn, err = listenUDP(ip)
	return conn, to, err
}

func checkTwoRestarts(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	if _, err := publisher.session.restartStatic(ctx, "*", "abandoned"); err != nil {
		return err
	}
	if _, err := publisher.restart(ctx); err != nil {
		return err
	}
	if err := publisher.connected(ctx, connectTimeout); err != nil {
		return err
	}
	if player == nil {
		return nil
	}
	return player.watch.shows(ctx, 5*time.Second, 20)
}

func checkUnsupportedKind(ctx context.Context, r *run) error {
	refused := 0
	err := r.onSessions(ctx, func(sess *session) error {
		trickled, err := sess.patch(ctx, sess.etag, sess.fragment(aimless).String())
		if err != nil {
			return err
		}
		restarted, err := sess.patch(ctx, "*", sess.restartBody("newname"))
		if err != nil {
			return err
		}
		for what, res := range map[string]*response{"trickle": trickled, "restart": restarted} {
			switch {
			case res.status == http.StatusUnprocessableEntity:
				refused++
				r.notef("%s is answered 422", what)
			case !res.ok():
				refused++
				r.failf("%s: %s answered %s, want 422", sess.side.name, what, res.summary())
			}
		}
		return sess.alive(ctx, "a PATCH of a kind that is not supported")
	})
	if err == nil && refused == 0 {
		return skipf("the server does both trickle and restarts")
	}
	return err
}

func checkWhatRestarts(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		f := sess.fragment(aimless)
		f.pwd = "anotherPasswordOf24Chars"
		if err := sess.wantPatch(ctx, "another password", sess.etag, f.String(), http.StatusNoContent); err != nil {
			return err
		}
		_, err := sess.restartStatic(ctx, "*", "newname")
		return err
	})
}

func checkRestartTags(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		tag := sess.etag
		for i, wildcard := range []string{"*", `"*"`} {
			res, err := sess.restartStatic(ctx, wildcard, "wildcard"+string(rune('a'+i)))
			if err != nil {
				return err
			}
			tag = res.header.Get("ETag")
		}
		if _, err := sess.restartStatic(ctx, tag, "concrete"); err != nil {
			return err
		}
		res, err := sess.patch(ctx, tag, sess.restartBody("staletag"))
		if err != nil {
			return err
		}
		if res.status != http.StatusPreconditionFailed {
			r.failf("%s: a restart with a stale tag: %s, want 412", sess.side.name, res.summary())
		}
		return nil
	})
}

func checkReplacedCandidates(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		if lite(sess.answer) {
			return skipf("a lite agent checks nothing")
		}
		old, err := r.canary(parseDescription(sess.offer).transport("ice-ufrag"))
		if err != nil {
			return err
		}
		told := sess.fragment(r.candidatesOf(old, sess.answer)...).String()
		if err := sess.wantPatch(ctx, "trickle", sess.etag, told, http.StatusNoContent); err != nil {
			return err
		}
		if err := allHit(ctx, 5*time.Second, old); err != nil {
			return skipf("the server does not check candidates before the client does")
		}
		if _, err := sess.restartStatic(ctx, "*", "newname"); err != nil {
			return err
		}
		if err := settled(ctx); err != nil {
			return err
		}
		before := old.any.Load()
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		if n := old.any.Load() - before; n > 0 {
			r.failf("%s: a candidate of before the restart was checked %d times afterwards", sess.side.name, n)
		}
		return nil
	})
}

func checkSamePorts(ctx context.Context, r *run) error {
	ports := func(d description) []string {
		var all []string
		for _, c := range d.candidates() {
			if f := strings.Fields(c); len(f) > 5 {
				all = append(all, f[2]+" "+f[5])
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return r.onSessions(ctx, func(sess *session) error {
		res, err := sess.restartStatic(ctx, "*", "newname")
		if err != nil {
			return err
		}
		before, after := ports(parseDescription(sess.answer)), ports(parseDescription(string(res.body)))
		if !slices.Equal(before, after) {
			r.failf("%s: the ports were %v and are %v", sess.side.name, before, after)
		}
		return nil
	})
}

func checkConsentAfterRestart(ctx context.Context, r *run) error {
	publisher, err := r.connect(ctx, r.whip(), script{})
	if err != nil {
		return err
	}
	res, err := publisher.session.patch(ctx, "*", fragment{ufrag: "fresh", pwd: "abc"}.String())
	if err != nil {
		return err
	}
	if res.status/100 != 4 {
		r.failf("a restart with a password of 3: %s, want 4xx", res.summary())
	}
	return r.wantExpiry(ctx, publisher)
}

// wantExpiry makes the client vanish and wants its session to end by itself in
// time (RFC 7675 section 5.1: 30 s, and some margin).
func (r *run) wantExpiry(ctx context.Context, p *peer) error {
	const earliest, latest = 5 * time.Second, 50 * time.Second
	p.vanish()
	took, err := p.session.gone(ctx, latest)
	switch {
	case errors.Is(err, errNever):
		r.failf("%s: the session is still there %v after the client vanished", p.session.side.name, latest)
		return nil
	case err != nil:
		return err
	case took < earliest:
		r.lesserf(Should, "%s: the session ended %v after the client vanished, too soon for a bad network", p.session.side.name, took.Round(time.Second))
	}
	return nil
}
