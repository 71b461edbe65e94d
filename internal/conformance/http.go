package conformance

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
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

func checkPostTypes(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		for _, contentType := range []string{"application/json", "", "text/plain"} {
			res, err := r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: contentType, body: s.offer})
			if err != nil {
				return err
			}
			what := fmt.Sprintf("%s POST of type %q", s.name, contentType)
			switch _, err := r.adopt(s, s.offer, res); {
			case err == nil || res.header.Get("Location") != "":
				r.failf("%s: a session was made", what)
			case res.status/100 != 4:
				r.failf("%s: %s, want 4xx", what, res.summary())
			case res.status != http.StatusUnsupportedMediaType || !listed(res.header, "Accept-Post", sdpType):
				r.lesserf(Should, "%s: %s, want 415 with Accept-Post: %s", what, res.summary(), sdpType)
			}
		}
	}
	return nil
}

func checkTypeSpelling(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		res, err := r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: "APPLICATION/SDP;charset=UTF-8", body: s.offer})
		if err != nil {
			return err
		}
		sess, err := r.adopt(s, s.offer, res)
		if err != nil {
			return err
		}
		req := sess.request("PATCH")
		req.contentType, req.body = "Application/Trickle-ICE-SDPfrag; charset=utf-8", fragmentOf(s.offer)
		req.header = map[string]string{"If-Match": sess.etag}
		patched, err := r.do(ctx, req)
		if err != nil {
			return err
		}
		if patched.status == http.StatusUnsupportedMediaType {
			r.failf("%s PATCH of type %s: %s", s.name, req.contentType, patched.summary())
		}
	}
	return nil
}

// ready makes the channel live where the side needs that.
func (r *run) ready(ctx context.Context, s side) error {
	if s.publish {
		return nil
	}
	return r.live(ctx)
}

func checkGarbage(ctx context.Context, r *run) error {
	const big = 1 << 20
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		for what, body := range brokenOffers(s.offer) {
			res, err := r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: body})
			if err != nil {
				return fmt.Errorf("%s %s: %w", s.name, what, err)
			}
			switch _, err := r.adopt(s, body, res); {
			case err == nil || res.status/100 != 4:
				r.failf("%s %s: %s, want 400", s.name, what, res.summary())
				continue
			case res.status != http.StatusBadRequest:
				r.lesserf(Advice, "%s %s: %s, want 400", s.name, what, res.summary())
			}
			r.checkProblem(res)
		}
		body := strings.Repeat("a=x\r\n", big/5)
		res, err := r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: body})
		if err != nil {
			r.lesserf(Advice, "%s 1 MiB: %v, want 413", s.name, err)
		} else if res.status != http.StatusRequestEntityTooLarge {
			r.lesserf(Advice, "%s 1 MiB: %s, want 413", s.name, res.summary())
		}
		if _, err := r.do(ctx, request{method: "GET", url: s.url, token: s.token}); err != nil {
			return fmt.Errorf("after all this: %w", err)
		}
	}
	return nil
}

// brokenOffers are bodies of the right type that are no usable offers.
func brokenOffers(offer string) map[string]string {
	d := parseDescription(offer)
	return map[string]string{
		"empty body":          "",
		"hello":               "hello",
		"offer cut off":       offer[:len(offer)/3] + "\x00",
		"no media section":    description{session: d.session}.String(),
		"no ICE user name":    removeLines(offer, "a=ice-ufrag:"),
		"no ICE password":     removeLines(offer, "a=ice-pwd:"),
		"no fingerprint":      removeLines(offer, "a=fingerprint:"),
		"another document":    `{"type":"offer","sdp":"v=0"}`,
		"ICE password of 3":   replaceLine(offer, "a=ice-pwd:", "a=ice-pwd:abc"),
		"binary":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"version 1":           replaceLine(offer, "v=", "v=1"),
		"two sections, 1 mid": replaceLine(offer, "a=mid:", "a=mid:0"),
	}
}

var strongTag = regexp.MustCompile(`^"[\x21\x23-\x7e\x80-\xff]+"$`)

func checkCreated(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		b, err := r.raw(ctx, rawRequest{method: "POST", url: s.url, token: s.token, header: []string{"Content-Type: " + sdpType}, body: s.offer})
		if err != nil {
			return err
		}
		responses, err := split(b, "POST")
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		raw := responses[0]
		req, err := request{method: "POST", url: s.url}.build(ctx)
		if err != nil {
			return err
		}
		res := &response{method: "POST", url: req.URL, status: raw.StatusCode, header: raw.Header, body: raw.body}
		sess, err := r.adopt(s, s.offer, res)
		if err != nil {
			return err
		}
		r.wantSDP(s.name, res)
		r.wantTag(s.name, res.header)
		if u, err := req.URL.Parse(res.header.Get("Location")); err != nil || u.Host == "" {
			r.failf("%s: Location %q cannot be resolved", s.name, res.header.Get("Location"))
		}
		if !strings.HasPrefix(res.header.Get("Location"), "http") {
			r.lesserf(Advice, "%s: the Location is relative, which several clients resolve wrongly", s.name)
		}
		if err := sess.alive(ctx, "the POST"); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) wantSDP(what string, res *response) {
	body := string(res.body)
	if res.mediaType() != sdpType {
		r.failf("%s: the answer has Content-Type %q", what, res.header.Get("Content-Type"))
	}
	if res.header.Get("Content-Type") != sdpType {
		r.lesserf(Advice, "%s: simple-whip-client wants the Content-Type to be exactly %s", what, sdpType)
	}
	if !strings.HasPrefix(body, "v=0\r\n") || !strings.HasSuffix(body, "\r\n") {
		r.failf("%s: the answer does not begin with v=0 and end with a line end", what)
	}
	if strings.Count(body, "\n") != strings.Count(body, "\r\n") || strings.Count(body, "\r") != strings.Count(body, "\r\n") {
		r.failf("%s: the answer has line ends other than CRLF", what)
	}
}

// wantTag wants a strong entity-tag that is not the wildcard.
func (r *run) wantTag(what string, header http.Header) {
	switch tag := header.Get("ETag"); {
	case tag == "":
		r.failf("%s: no ETag (needed where ICE restarts are supported)", what)
	case !strongTag.MatchString(tag) || tag == `"*"`:
		r.failf("%s: ETag %s is not a strong entity-tag", what, tag)
	}
}

func checkDeadSTUN(ctx context.Context, r *run) error {
	if !r.target.DeadSTUN {
		return skipf("the server is not known to be configured with a STUN server that does not answer")
	}
	return checkPostTime(ctx, r)
}

func checkPostTime(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		if sess.took > 8*time.Second {
			r.failf("%s: answered after %v", s.name, sess.took.Round(time.Millisecond))
		}
	}
	return nil
}

func checkTagsDiffer(ctx context.Context, r *run) error {
	s := r.whip()
	var tags []string
	for range 2 {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		r.wantTag(s.name, sess.head)
		tags = append(tags, sess.etag)
		if _, err := sess.delete(ctx); err != nil {
			return err
		}
	}
	if tags[0] == tags[1] {
		r.failf("two sessions have the same ETag %s", tags[0])
	}
	return nil
}

const (
	entropySessions = 12
	// entropyBits is that of a random UUID, the least of what RFC 9562 calls
	// unguessable.
	entropyBits = 122
)

func checkLocations(ctx context.Context, r *run) error {
	s := r.whip()
	var all []string
	for range entropySessions {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		if slices.Contains(all, sess.url) {
			r.failf("two sessions have the same URL")
		}
		all = append(all, sess.url)
		if _, err := sess.delete(ctx); err != nil {
			return err
		}
	}
	if bits := randomBits(all); bits < entropyBits {
		r.failf("session URLs have about %.0f random bits, want %d", bits, entropyBits)
	}
	for _, u := range all {
		if s.token != "" && strings.Contains(u, s.token) {
			r.failf("the session URL holds the token")
		}
	}
	return nil
}

// randomBits estimates the entropy of what differs among URLs: the places that
// are not the same in all, each worth what its alphabet allows.
func randomBits(urls []string) float64 {
	shortest := slices.MinFunc(urls, func(a, b string) int { return len(a) - len(b) })
	hex, lower, varying := true, true, 0
	for i := range shortest {
		same := true
		for _, u := range urls {
			same = same && u[i] == shortest[i]
		}
		if same {
			continue
		}
		varying++
		for _, u := range urls {
			hex = hex && strings.IndexByte("0123456789abcdefABCDEF-", u[i]) >= 0
			lower = lower && (u[i] < 'A' || u[i] > 'Z')
		}
	}
	switch {
	case hex:
		return 4 * float64(varying)
	case lower:
		return 5 * float64(varying)
	}
	return math.Log2(64) * float64(varying)
}
