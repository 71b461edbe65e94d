package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

func limitCases() []Case {
	return []Case{
		{ID: "T-27", Level: Advice, Clause: "guessing", Proves: []string{"N-197"}, alone: true,
			Title: "Many wrong tokens from one address are answered 429, while others are served.", check: checkGuessing},
		{ID: "T-93", Level: Should, Clause: rfc9725 + "5" + both + "5; RFC 6585 4", Proves: []string{"N-037"}, alone: true,
			Title: "Many POSTs from one address are answered 429 with Retry-After, while others are served.", check: checkPostRate},
		{ID: "N-117", Level: Should, Clause: rfc9725 + "5" + both + "5", Proves: []string{"N-117"}, alone: true,
			Title: "Many PATCHes of a session are answered 429, and too many candidates do no harm.", check: checkPatchRate},
		{ID: "N-199", Level: Should, Clause: rfc9725 + "5", Proves: []string{"N-199"}, alone: true,
			Title: "Guessing session URLs is answered 429.", check: checkDeleteRate},
		{ID: "T-92", Level: Must, Clause: rfc9725 + "4.5" + both + "4.6; Fetch", Proves: []string{"N-170", "N-171", "N-089"}, alone: true,
			Title: "A POST is redirected by 307 to an absolute address that takes it, and OPTIONS is not.", check: checkRedirect},
		{ID: "T-91", Level: Advice, Clause: rfc9725 + "4.5; RFC 7675 5.2", Proves: []string{"N-172", "N-154"}, alone: true,
			Title: "A server that is shut down refuses new sessions with 503 and says close_notify to those it has.", check: checkDrain},
	}
}

func (r *run) needLimits() error {
	if !r.target.Limited {
		return skipf("would ask for too much of a server that is not known to count this machine")
	}
	return nil
}

// another returns a client that comes from another address of this machine, if
// it has one that reaches the server.
func (r *run) another(last byte) (*http.Client, bool) {
	if !r.target.onLoopback() {
		return r.http, false
	}
	from := netip.AddrFrom4([4]byte{127, 0, 0, last})
	probe, err := net.Listen("tcp4", netip.AddrPortFrom(from, 0).String())
	if err != nil {
		return r.http, false // not every system has the whole of 127.0.0.0/8
	}
	_ = probe.Close() // it was there
	client := newHTTP(r.target.TLS, from)
	r.later(client.CloseIdleConnections)
	return client, true
}

// flood sends n requests from a client, some at once, and counts statuses. The
// first 429 is kept.
func flood(ctx context.Context, client *http.Client, n int, make func(i int) request) (counts map[int]int, limited *response, made []*response, err error) {
	const workers = 8
	counts = map[int]int{}
	var mu sync.Mutex
	err = together(workers, func(w int) error {
		for i := w; i < n; i += workers {
			res, err := send(ctx, client, make(i))
			if err != nil {
				return err
			}
			mu.Lock()
			counts[res.status]++
			if res.status == http.StatusTooManyRequests && limited == nil {
				limited = res
			}
			if res.status == http.StatusCreated {
				made = append(made, res)
			}
			mu.Unlock()
		}
		return nil
	})
	return counts, limited, made, err
}

// wantLimited judges a flood.
func (r *run) wantLimited(what string, counts map[int]int, limited *response) {
	if limited == nil {
		r.failf("%s: no 429 among %v", what, counts)
		return
	}
	if !limited.saysWhen() {
		r.failf("%s: 429 without Retry-After", what)
	}
	for status := range counts {
		if status >= 500 {
			r.failf("%s: %d times %d", what, counts[status], status)
		}
	}
}

// wantServed wants a good offer from another address to be taken.
func (r *run) wantServed(ctx context.Context, last byte) error {
	client, other := r.another(last)
	if !other {
		r.lack("a second address to come from")
		return nil
	}
	s := r.whip()
	s.url = r.elsewhere(1)
	res, err := send(ctx, client, request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: s.offer})
	if err != nil {
		return err
	}
	_, err = r.adopt(s, s.offer, res)
	return err
}

func checkGuessing(ctx context.Context, r *run) error {
	if err := errors.Join(r.needAuth(), r.needLimits()); err != nil {
		return skipf("needs a token, and a server whose limits count this machine")
	}
	s := r.whip()
	client, _ := r.another(27)
	counts, limited, _, err := flood(ctx, client, 200, func(i int) request {
		return request{method: "POST", url: s.url, token: fmt.Sprintf("%s-%d", badToken, i), contentType: sdpType, body: s.offer}
	})
	if err != nil {
		return err
	}
	r.wantLimited("200 wrong tokens", counts, limited)
	if counts[http.StatusCreated] > 0 {
		r.lesserf(Must, "a wrong token made a session")
	}
	return r.wantServed(ctx, 127)
}

func checkPostRate(ctx context.Context, r *run) error {
	if err := r.needLimits(); err != nil {
		return err
	}
	s := r.whip()
	client, _ := r.another(93)
	counts, limited, made, err := flood(ctx, client, 100, func(int) request {
		return request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: s.offer}
	})
	if err != nil {
		return err
	}
	for _, res := range made {
		if _, err := r.adopt(s, s.offer, res); err != nil {
			return err
		}
	}
	r.wantLimited("100 POSTs", counts, limited)
	return r.wantServed(ctx, 193)
}

func checkPatchRate(ctx context.Context, r *run) error {
	if err := r.needLimits(); err != nil {
		return err
	}
	sess, err := r.openStatic(ctx, r.whip())
	if err != nil {
		return err
	}
	client, _ := r.another(117)
	counts, limited, _, err := flood(ctx, client, 300, func(i int) request {
		candidate := strings.Replace(aimless, "50000", fmt.Sprint(20000+i), 1)
		return request{method: "PATCH", url: sess.url, token: sess.side.token, contentType: fragmentType,
			body: sess.fragment(candidate).String(), header: map[string]string{"If-Match": sess.etag}}
	})
	if err != nil {
		return err
	}
	r.wantLimited("300 PATCHes", counts, limited)
	return sess.alive(ctx, "300 PATCHes")
}

func checkDeleteRate(ctx context.Context, r *run) error {
	if err := r.needLimits(); err != nil {
		return err
	}
	sess, err := r.openStatic(ctx, r.whip())
	if err != nil {
		return err
	}
	dir := sess.url[:strings.LastIndexByte(sess.url, '/')+1]
	client, _ := r.another(199)
	counts, limited, _, err := flood(ctx, client, 200, func(int) request {
		return request{method: "DELETE", url: dir + strings.ToLower(rand.Text()), token: sess.side.token}
	})
	if err != nil {
		return err
	}
	r.wantLimited("200 guesses", counts, limited)
	res, err := send(ctx, client, sess.request("DELETE"))
	if err != nil {
		return err
	}
	if !res.ok() {
		r.failf("after the guesses the owner's DELETE is answered %s", res.summary())
	}
	return nil
}

func checkRedirect(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.postOffer(ctx, s, s.offer)
		if err != nil {
			return err
		}
		if _, err := r.adopt(s, s.offer, res); err == nil || res.status/100 != 3 {
			return skipf("the server redirects nobody")
		}
		if err := r.followRedirect(ctx, s, res); err != nil {
			return err
		}
		for what, req := range map[string]request{
			"OPTIONS": {method: "OPTIONS", url: s.url, token: s.token},
			"preflight": {method: "OPTIONS", url: s.url, header: map[string]string{
				"Origin": r.target.origin(), "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}},
		} {
			res, err := r.do(ctx, req)
			if err != nil {
				return err
			}
			if !res.ok() {
				r.failf("%s %s: %s, want 2xx here and no redirect", s.name, what, res.summary())
			}
		}
	}
	return nil
}

// followRedirect POSTs again where the server said.
func (r *run) followRedirect(ctx context.Context, s side, res *response) error {
	if res.status != http.StatusTemporaryRedirect {
		level := Must
		if res.status == http.StatusPermanentRedirect {
			level = Advice // simple-whip-client does not follow it
		}
		r.lesserf(level, "%s: redirected by %d, want 307", s.name, res.status)
	}
	location := res.header.Get("Location")
	target, err := url.Parse(location)
	if err != nil || !target.IsAbs() {
		r.failf("%s: redirected to %q, which is not absolute", s.name, location)
		return nil
	}
	there := s
	there.url = location
	if !s.publish {
		return nil // its channel is idle there
	}
	second, err := r.postOffer(ctx, there, s.offer)
	if err != nil {
		return err
	}
	sess, err := r.adopt(there, s.offer, second)
	if err != nil {
		return fmt.Errorf("at the redirect's target: %w", err)
	}
	if !strings.HasPrefix(second.header.Get("Location"), target.Scheme+"://"+target.Host) {
		r.failf("%s: the session's Location is %q, want an absolute one at %s", s.name, second.header.Get("Location"), target.Host)
	}
	return sess.alive(ctx, "the redirect")
}

func checkDrain(ctx context.Context, r *run) error {
	if r.target.Drain == nil {
		return skipf("nobody said how to shut the server down")
	}
	p, err := r.connect(ctx, r.whip(), script{})
	if err != nil {
		return err
	}
	alerts := p.tap.received(classAlert)
	if err := r.target.Drain(ctx); err != nil {
		return fmt.Errorf("shut the server down: %w", err)
	}
	res, err := r.postOffer(ctx, r.whip(), r.whip().offer)
	switch {
	case err != nil:
		r.notef("503, or no answer any more")
	case res.status != http.StatusServiceUnavailable:
		r.failf("a POST to a draining server: %s, want 503", res.summary())
	default:
		r.notef("503, or no answer any more")
		if !res.saysWhen() {
			r.failf("503 without Retry-After")
		}
	}
	err = eventually(ctx, 20*time.Second, func() (bool, error) { return p.tap.received(classAlert) > alerts, nil })
	if err != nil {
		r.failf("no close_notify came in 20 s")
	}
	return nil
}
