package conformance

import (
	"context"
	"net/http"
	"strings"
)

const (
	rfc9725 = "RFC 9725 "
	rfc9110 = "RFC 9110 "
	both    = "; WHEP " // separates the clauses of the two protocols
)

func httpCases() []Case {
	return []Case{
		{ID: "T-01", Level: Must, Clause: rfc9725 + "4.1" + both + "4.1", Proves: []string{"N-001"},
			Title: "GET on the endpoint succeeds without a body.", check: checkGetEndpoint},
		{ID: "T-02", Level: Must, Clause: rfc9725 + "4.1" + both + "4.1", Proves: []string{"N-001", "N-002"},
			Title: "GET and HEAD on a session succeed without a body.", check: checkGetSession},
		{ID: "T-03", Level: Should, Clause: "WHEP editor's copy, URL discoverability", Proves: []string{"N-003", "W-22"},
			Title: "HEAD on the WHEP endpoint tells application/sdp.", check: checkHeadWHEP},
		{ID: "T-04", Level: Must, Clause: rfc9110 + "15.5.6", Proves: []string{"N-004"},
			Title: "Methods an endpoint does not take are answered 405 with Allow.", check: checkEndpointMethods},
		{ID: "T-05", Level: Must, Clause: rfc9110 + "15.5.6", Proves: []string{"N-004"},
			Title: "Methods a session does not take are answered 405 with Allow and do it no harm.", check: checkSessionMethods},
		{ID: "N-005", Level: Should, Clause: rfc9110 + "9.1", Proves: []string{"N-005"},
			Title: "A method nobody knows is answered 501 or 405.", check: checkUnknownMethod},
		{ID: "N-008", Level: Must, Clause: rfc9725 + "5" + both + "5", Proves: []string{"N-008"},
			Title: "The endpoint works over TLS 1.2 or newer.", check: checkTLS},
		{ID: "T-13", Level: Must, Clause: rfc9725 + "4.2" + both + "4.2", Proves: []string{"N-020"},
			Title: "A POST of another type than application/sdp is refused and makes no session.", check: checkPostTypes},
		{ID: "T-14", Level: Must, Clause: rfc9110 + "8.3.1", Proves: []string{"N-010"},
			Title: "Media types compare without regard to case and parameters.", check: checkTypeSpelling},
		{ID: "T-15", Level: Must, Clause: rfc9725 + "4.2" + both + "4.2.4; RFC 9457", Proves: []string{"N-021", "N-006", "N-009"},
			Title: "What is no offer is refused with 400, what is too large with 413.", check: checkGarbage},
		{ID: "T-16", Level: Must, Clause: rfc9725 + "4.2, 4.3.1; RFC 8866 9", Proves: []string{"N-022", "N-033", "N-039"},
			Title: "Success is 201 with the answer, byte for byte SDP, a Location and a strong ETag.", check: checkCreated},
		{ID: "T-17", Level: Advice, Clause: "OBS gives up after 8 s", Proves: []string{"N-038"},
			Title: "A STUN server that does not answer delays nobody's POST.", check: checkDeadSTUN},
		{ID: "N-038", Level: Advice, Clause: "OBS gives up after 8 s", Proves: []string{"N-038"},
			Title: "A POST is answered within 8 s.", check: checkPostTime},
		{ID: "T-18", Level: Should, Clause: rfc9725 + "5; RFC 4086", Proves: []string{"N-198"},
			Title: "Session URLs cannot be guessed and tell nothing.", check: checkLocations},
		{ID: "N-011", Level: Must, Clause: rfc9110 + "6.4.1, 15.3.5", Proves: []string{"N-011", "N-106"},
			Title: "Nothing follows the head of a 204.", check: checkNothingAfter204},
		{ID: "N-012", Level: Must, Clause: rfc9110 + "10.1.1; RFC 9112 7.1", Proves: []string{"N-012"},
			Title: "Bodies may come in chunks and after 100-continue.", check: checkChunks},
		{ID: "N-013", Level: Advice, Clause: "RFC 9111 5.2.2.5", Proves: []string{"N-013"},
			Title: "What holds ICE secrets is not to be stored by caches.", check: checkNoStore},
		{ID: "N-014", Level: Advice, Clause: "RFC 3986 6.2.2", Proves: []string{"N-014"},
			Title: "No spelling of an address is answered by a mistake of the server or gets around the token.", check: checkSpellings},
		{ID: "N-033", Level: Must, Clause: rfc9725 + "4.3.1", Proves: []string{"N-033"},
			Title: "Every ICE session has an entity-tag of its own.", check: checkTagsDiffer},
		{ID: "N-180", Level: Must, Clause: rfc9725 + "4.6; RFC 8288; RFC 7064; RFC 7065", Proves: []string{"N-180", "N-181", "N-182", "N-183", "N-184"},
			Title: "ICE servers are told in well-formed Links that known clients can read.", check: checkICEServers},
		{ID: "N-230", Level: Must, Clause: rfc9725 + "4.9, 6" + both + "4.9, 6", Proves: []string{"N-230", "N-231", "N-232"},
			Title: "Extensions are announced by Links, with IETF names only for what the IETF named.", check: checkExtensionLinks},
	}
}

func checkGetEndpoint(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.do(ctx, request{method: "GET", url: s.url, token: s.token})
		if err != nil {
			return err
		}
		r.wantEmpty(s.name+" GET", res)
	}
	return nil
}

// wantEmpty wants success without a body.
func (r *run) wantEmpty(what string, res *response) {
	if !res.ok() || len(res.body) > 0 {
		r.failf("%s: %s with %d bytes, want 2xx with none", what, res.summary(), len(res.body))
	}
}

func checkGetSession(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		for _, method := range []string{"GET", "HEAD"} {
			res, err := r.do(ctx, sess.request(method))
			if err != nil {
				return err
			}
			r.wantEmpty(s.name+" "+method+" on the session", res)
		}
	}
	return nil
}

func checkHeadWHEP(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	res, err := r.do(ctx, request{method: "HEAD", url: s.url, token: s.token})
	if err != nil {
		return err
	}
	if res.status != http.StatusOK || res.mediaType() != sdpType {
		r.failf("HEAD: %d with Content-Type %q, want 200 with %s", res.status, res.header.Get("Content-Type"), sdpType)
	}
	return nil
}

func checkEndpointMethods(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		for _, method := range []string{"PUT", "DELETE", "PATCH"} {
			res, err := r.do(ctx, request{method: method, url: s.url, token: s.token})
			if err != nil {
				return err
			}
			r.wantNotAllowed(s.name+" "+method, res, "POST", "OPTIONS")
		}
	}
	return nil
}

func (r *run) wantNotAllowed(what string, res *response, allowed ...string) {
	if res.status != http.StatusMethodNotAllowed {
		r.failf("%s: %s, want 405", what, res.summary())
		return
	}
	for _, method := range allowed {
		if !listed(res.header, "Allow", method) {
			r.failf("%s: Allow is %q, without %s", what, res.header.Get("Allow"), method)
		}
	}
}

func checkSessionMethods(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		for _, method := range []string{"POST", "PUT"} {
			req := sess.request(method)
			req.contentType, req.body = sdpType, s.offer
			res, err := r.do(ctx, req)
			if err != nil {
				return err
			}
			r.wantNotAllowed(s.name+" "+method+" on the session", res, "PATCH", "DELETE")
		}
		if err := sess.alive(ctx, "POST and PUT"); err != nil {
			return err
		}
	}
	return nil
}

func checkUnknownMethod(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.do(ctx, request{method: "BREW", url: s.url, token: s.token})
		if err != nil {
			return err
		}
		if res.status != http.StatusNotImplemented && res.status != http.StatusMethodNotAllowed {
			r.failf("%s BREW: %s, want 501 or 405", s.name, res.summary())
		}
	}
	return nil
}

func checkTLS(ctx context.Context, r *run) error {
	s := r.whip()
	if !strings.HasPrefix(s.url, "https:") {
		return skipf("the endpoint given is not https")
	}
	req, err := request{method: "OPTIONS", url: s.url}.build(ctx)
	if err != nil {
		return err
	}
	res, err := r.http.Do(req)
	if err != nil {
		return unaddressed(err)
	}
	_ = res.Body.Close() // only the handshake matters
	const tls12 = 0x0303
	if res.TLS == nil || res.TLS.Version < tls12 {
		r.failf("TLS is older than 1.2")
	}
	return nil
}
