package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
)

func iceCases() []Case {
	return []Case{
		{ID: "T-60", Level: Must, Clause: rfc9725 + "4.3.2; RFC 8863; OBS", Proves: []string{"N-031", "Q-OBS-1"},
			Title: "A client without candidates that never sends a PATCH connects within 2 s.", check: checkNoCandidates},
		{ID: "T-61", Level: Must, Clause: "RFC 8863 4", Proves: []string{"N-032"},
			Title: "A client that begins its checks 35 s after the 201 still connects.", slow: true, check: checkPatience},
		{ID: "T-137", Level: Must, Clause: "RFC 8122 5; RFC 8827 6.5", Proves: []string{"N-066"},
			Title: "A client whose certificate is not that of the offer gets nowhere.", check: checkFingerprint},
		{ID: "N-067", Level: Must, Clause: "RFC 8827 6.5; RFC 7714", Proves: []string{"N-067"},
			Title: "AES128_CM_HMAC_SHA1_80 works, and AEAD_AES_128_GCM does.", check: checkProfiles},
		{ID: "T-76", Level: Must, Clause: "RFC 8445 7.3.1.3, 8.1.1", Proves: []string{"N-139"},
			Title: "A client that comes from another port goes on there once it nominates it.", check: checkRebinding},
		{ID: "T-77", Level: Advice, Clause: "RFC 6544", Proves: []string{"M-121"},
			Title: "A client without UDP connects by ICE-TCP and media flows.", check: checkTCP},
		{ID: "T-78", Level: Advice, Clause: "RFC 8445 5.1.1; containers", Proves: []string{"M-122", "M-124"},
			Title: "Behind a forwarded port every host candidate shows the public address, and clients connect there.", check: checkForwarded},
	}
}

func checkNoCandidates(ctx context.Context, r *run) error {
	const limit = 2 * time.Second
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		p, err := r.start(ctx, s, script{})
		if err != nil {
			return err
		}
		if err := p.connected(ctx, limit); err != nil {
			return err
		}
		p.close()
	}
	return nil
}

func checkPatience(ctx context.Context, r *run) error {
	p, err := r.start(ctx, r.whip(), script{wait: 35 * time.Second})
	if err != nil {
		return err
	}
	return p.connected(ctx, connectTimeout)
}

// forged changes one byte of a fingerprint.
func forged(offer string) string {
	return editLines(offer, func(line string) []string {
		if !strings.HasPrefix(line, "a=fingerprint:") {
			return []string{line}
		}
		last := "00"
		if strings.HasSuffix(line, last) {
			last = "01"
		}
		return []string{line[:len(line)-2] + last}
	})
}

func checkFingerprint(ctx context.Context, r *run) error {
	p, err := r.start(ctx, r.whip(), script{edit: forged})
	if err != nil {
		return err
	}
	if took, err := p.session.gone(ctx, 10*time.Second); err == nil {
		r.notef("the session ended by itself")
		_ = took // how fast is the server's business
	} else if errors.Is(err, errNever) {
		r.lesserf(Should, "the session is still there after 10 s")
	} else {
		return err
	}
	s, err := r.whep()
	if err != nil {
		return nil //nolint:nilerr // the session's end was seen
	}
	player, err := r.start(ctx, s, script{})
	if err != nil {
		return nil //nolint:nilerr // refused because nobody publishes, as it should be
	}
	if err := errors.Join(player.connected(ctx, connectTimeout), pause(ctx, time.Second)); err != nil {
		return err
	}
	if n := player.watch.seen("video").packets + player.watch.seen("audio").packets; n > 0 {
		r.failf("its media is played: %d packets", n)
	}
	return nil
}

func checkProfiles(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		for name, profile := range map[string]dtls.SRTPProtectionProfile{
			"AES128_CM_HMAC_SHA1_80": dtls.SRTP_AES128_CM_HMAC_SHA1_80,
			"AEAD_AES_128_GCM":       dtls.SRTP_AEAD_AES_128_GCM,
		} {
			if s.publish && r.publisher != nil {
				continue // the channel is in use
			}
			p, err := r.connect(ctx, s, script{profiles: []dtls.SRTPProtectionProfile{profile}})
			if err != nil {
				r.failf("%s, %s: %v", s.name, name, err)
				continue
			}
			if _, err := p.session.delete(ctx); err != nil {
				return err
			}
			p.close()
		}
	}
	return nil
}

// show connects a publisher and a viewer and waits for the picture; without WHEP
// the viewer is nil.
func (r *run) show(ctx context.Context, publisher, viewer script) (*peer, *peer, error) {
	if err := r.liveWith(ctx, publisher); err != nil {
		return nil, nil, err
	}
	s, err := r.whep()
	if err != nil {
		return r.publisher, nil, nil //nolint:nilerr // half of the case can be shown
	}
	player, err := r.connect(ctx, s, viewer)
	if err != nil {
		return nil, nil, err
	}
	return r.publisher, player, player.watch.shows(ctx, 5*time.Second, 5)
}

// nominate sends checks that nominate the pair from the client's own socket.
func (p *peer) nominate() error {
	to, err := mediaAddress(p.session.answer)
	if err != nil {
		return err
	}
	check, err := p.ice().check(true)
	if err != nil {
		return err
	}
	_, err = p.tap.WriteTo(check.Raw, net.UDPAddrFromAddrPort(to))
	return err
}

func checkRebinding(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	ip, err := r.target.localIP()
	if err != nil {
		return err
	}
	movers := []*peer{publisher}
	if player != nil {
		movers = append(movers, player)
	}
	for _, p := range movers {
		if err := p.tap.move(ip); err != nil {
			return err
		}
		before := p.tap.received(classMedia)
		err := eventually(ctx, 5*time.Second, func() (bool, error) {
			if err := p.nominate(); err != nil {
				return false, err
			}
			return p.tap.received(classMedia) > before+2, pause(ctx, 50*time.Millisecond)
		})
		if err != nil {
			r.failf("%s: no RTP or RTCP comes to the new port in 5 s: %v", p.session.side.name, err)
		}
	}
	if player == nil {
		return nil
	}
	return player.watch.shows(ctx, 5*time.Second, 20)
}

func checkTCP(ctx context.Context, r *run) error {
	s := r.whip()
	err := r.with(ctx, s, "a static offer", s.offer, func(sess *session) {
		if !strings.Contains(strings.ToLower(sess.answer), " tcptype passive") {
			r.failf("the answer has no passive TCP candidate")
		}
	})
	if err != nil || len(r.deviations) > 0 {
		return err
	}
	tcp := script{tcp: true, candidates: true}
	_, player, err := r.show(ctx, tcp, tcp)
	if err != nil || player == nil {
		return err
	}
	return player.watch.shows(ctx, 5*time.Second, 20)
}

func checkForwarded(ctx context.Context, r *run) error {
	if r.target.PublicAddress == "" {
		return skipf("the server's public address was not given")
	}
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		p, err := r.start(ctx, s, script{})
		if err != nil {
			return err
		}
		for _, c := range parseDescription(p.session.answer).candidates() {
			f := strings.Fields(c)
			if len(f) > 7 && f[7] == "host" && f[4] != r.target.PublicAddress && f[4]+":"+f[5] != r.target.PublicAddress {
				r.failf("%s: %s does not show %s", s.name, c, r.target.PublicAddress)
			}
		}
		if err := p.connected(ctx, connectTimeout); err != nil {
			return err
		}
		if _, err := p.session.delete(ctx); err != nil {
			return err
		}
		p.close()
	}
	return nil
}

// statusIn reports whether a status is one of list.
func statusIn(status int, list ...int) bool {
	for _, s := range list {
		if s == status {
			return true
		}
	}
	return false
}

// settled waits until a session's PATCHes and checks in flight are over.
func settled(ctx context.Context) error { return pause(ctx, 300*time.Millisecond) }

// restartBody is a restart with made-up credentials and no candidates.
func (s *session) restartBody(name string) string {
	f := s.fragment()
	f.ufrag, f.pwd = name, strings.Repeat(name, 24/len(name)+1)
	return f.String()
}

// restartStatic restarts a session nobody is connected to.
func (s *session) restartStatic(ctx context.Context, ifMatch, name string) (*response, error) {
	res, err := s.patch(ctx, ifMatch, s.restartBody(name))
	if err != nil {
		return nil, err
	}
	if statusIn(res.status, http.StatusUnprocessableEntity, http.StatusMethodNotAllowed, http.StatusNotImplemented) {
		return nil, skipf("the server does not do ICE restarts (%d)", res.status)
	}
	if res.status != http.StatusOK {
		return res, fmt.Errorf("%s: the ICE restart with If-Match: %s was answered %s, want 200", s.side.name, ifMatch, res.summary())
	}
	return res, nil
}
