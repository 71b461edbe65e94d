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
