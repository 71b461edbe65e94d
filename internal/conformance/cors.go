package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const fetch = "Fetch, CORS protocol"

func corsCases() []Case {
	return []Case{
		{ID: "T-06", Level: Should, Clause: rfc9725 + "4.2" + both + "4.3", Proves: []string{"N-080", "N-081"},
			Title: "OPTIONS on the endpoint is answered 200 with Accept-Post.", check: checkOptions},
		{ID: "T-07", Level: Should, Clause: "RFC 5789 3.1", Proves: []string{"N-082"},
			Title: "OPTIONS on a session tells the PATCH type.", check: checkSessionOptions},
		{ID: "T-08", Level: Must, Clause: rfc9725 + "4.2" + both + "4.3; " + fetch, Proves: []string{"N-080", "N-081", "N-083", "N-084", "N-085", "N-088", "N-089", "N-090"},
			Title: "A preflight for POST succeeds without a token, names what may be sent, and costs no TURN credential.", check: checkPreflightPost},
		{ID: "T-09", Level: Must, Clause: fetch, Proves: []string{"N-083", "N-084", "N-085"},
			Title: "A preflight for PATCH on a session names every header a client sends.", check: checkPreflightPatch},
		{ID: "T-10", Level: Advice, Clause: fetch, Proves: []string{"N-084"},
			Title: "A preflight for an explicit OPTIONS succeeds.", check: checkPreflightOptions},
		{ID: "T-11", Level: Must, Clause: rfc9725 + "4.2" + both + "4.3; " + fetch, Proves: []string{"N-086"},
			Title: "A page of another origin can read Location, ETag and Link of the 201.", check: checkExposed},
		{ID: "T-12", Level: Should, Clause: fetch + "; RFC 6750 3", Proves: []string{"N-087", "N-191"},
			Title: "A refusal for a bad token can be read by pages, too.", check: checkRefusalCORS},
		{ID: "N-087", Level: Should, Clause: fetch, Proves: []string{"N-087"},
			Title: "Every refusal can be read by pages.", check: checkAllRefusalsCORS},
		{ID: "N-088", Level: Should, Clause: fetch, Proves: []string{"N-088"},
			Title: "Origins are allowed without credentials, or one by one with Vary.", check: checkOriginPolicy},
		{ID: "N-090", Level: Should, Clause: rfc9725 + "4.6", Proves: []string{"N-090", "N-184"},
			Title: "ICE servers are told to an authorised OPTIONS at most, never to a preflight.", check: checkOptionsServers},
		{ID: "N-091", Level: Advice, Clause: fetch, Proves: []string{"N-091"},
			Title: "The outcome of a preflight may be kept.", check: checkMaxAge},
	}
}

func checkOptions(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.do(ctx, request{method: "OPTIONS", url: s.url, token: s.token})
		if err != nil {
			return err
		}
		if res.status != http.StatusOK {
			r.failf("%s OPTIONS: %s, want 200", s.name, res.summary())
		}
		r.wantListed(s.name+" OPTIONS", res, "Accept-Post", sdpType)
	}
	return nil
}

// wantListed wants an element in a header that holds a list.
func (r *run) wantListed(what string, res *response, header, element string) {
	if !listed(res.header, header, element) {
		r.failf("%s: %s is %q, without %s", what, header, strings.Join(res.header.Values(header), ", "), element)
	}
}

func checkSessionOptions(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		res, err := r.do(ctx, sess.request("OPTIONS"))
		if err != nil {
			return err
		}
		if !res.ok() {
			r.failf("%s OPTIONS on the session: %s, want 200", s.name, res.summary())
		}
		r.wantListed(s.name+" OPTIONS on the session", res, "Accept-Patch", fragmentType)
	}
	return nil
}

// preflight asks as a browser does before a request of a page.
func (r *run) preflight(ctx context.Context, url, method, headers string) (*response, error) {
	return r.do(ctx, request{method: "OPTIONS", url: url, header: map[string]string{
		"Origin": r.target.origin(), "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers,
	}})
}

// wantPreflight judges the answer as a browser would (Fetch, CORS-preflight
// fetch), with the wildcard meaning nothing to Authorization.
func (r *run) wantPreflight(what string, res *response, method, headers string) {
	if !res.ok() {
		r.failf("%s: %s, want 2xx and no redirect", what, res.summary())
		return
	}
	r.wantOrigin(what, res)
	r.wantListed(what, res, "Access-Control-Allow-Methods", method)
	for h := range strings.SplitSeq(headers, ",") {
		r.wantListed(what, res, "Access-Control-Allow-Headers", h)
	}
	for _, link := range res.header.Values("Link") {
		if strings.Contains(link, "ice-server") {
			r.lesserf(Should, "%s: ICE servers are told to a preflight", what)
		}
	}
}

// wantOrigin wants the page's origin to be allowed.
func (r *run) wantOrigin(what string, res *response) {
	if got := res.header.Get("Access-Control-Allow-Origin"); got != "*" && got != r.target.origin() {
		r.failf("%s (%d): Access-Control-Allow-Origin is %q for a page of %s", what, res.status, got, r.target.origin())
	}
}

func checkPreflightPost(ctx context.Context, r *run) error {
	const headers = "authorization,content-type"
	for _, s := range r.sides() {
		res, err := r.preflight(ctx, s.url, "POST", headers)
		if err != nil {
			return err
		}
		r.wantPreflight(s.name+" preflight", res, "POST", headers)
		if !listed(res.header, "Accept-Post", sdpType) {
			r.lesserf(Should, "%s preflight: no Accept-Post, which belongs to every OPTIONS", s.name)
		}
	}
	return nil
}

func checkPreflightPatch(ctx context.Context, r *run) error {
	const headers = "if-match,content-type,authorization,etag"
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		for _, method := range []string{"PATCH", "DELETE"} {
			res, err := r.preflight(ctx, sess.url, method, headers)
			if err != nil {
				return err
			}
			r.wantPreflight(s.name+" preflight for "+method, res, method, headers)
		}
	}
	return nil
}

func checkPreflightOptions(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.preflight(ctx, s.url, "OPTIONS", "authorization")
		if err != nil {
			return err
		}
		r.wantPreflight(s.name+" preflight", res, "OPTIONS", "authorization")
	}
	return nil
}

func checkExposed(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		if r.target.Browser != nil {
			if err := r.publishInBrowser(ctx, s); err != nil {
				return err
			}
			continue
		}
		res, err := r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: s.offer,
			header: map[string]string{"Origin": r.target.origin()}})
		if err != nil {
			return err
		}
		if _, err := r.adopt(s, s.offer, res); err != nil {
			return err
		}
		r.wantOrigin(s.name+" POST", res)
		for _, name := range []string{"Location", "ETag", "Link"} {
			r.wantListed(s.name+" POST", res, "Access-Control-Expose-Headers", name)
		}
		r.notef("judged by the rules of Fetch; in a browser by the project's tests")
	}
	return nil
}

// publishInBrowser POSTs from a page and reports what its script can read. The
// page then deletes the session itself.
func (r *run) publishInBrowser(ctx context.Context, s side) error {
	quoted := func(v string) string { b, _ := json.Marshal(v); return string(b) } //nolint:errchkjson // strings always marshal
	headers := map[string]string{"Content-Type": sdpType}
	if s.token != "" {
		headers["Authorization"] = "Bearer " + s.token
	}
	h, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	expression := fmt.Sprintf(`(async () => {
		const answer = await fetch(%s, {method: 'POST', headers: %s, body: %s});
		const seen = {status: answer.status, location: answer.headers.get('Location'), etag: answer.headers.get('ETag'), link: answer.headers.get('Link')};
		if (seen.location) await fetch(new URL(seen.location, answer.url), {method: 'DELETE', headers: %s});
		return seen;
	})()`, quoted(s.url), h, quoted(s.offer), h)
	text, err := r.target.Browser(ctx, expression)
	if err != nil {
		return fmt.Errorf("%s in a browser: %w", s.name, err)
	}
	var seen struct {
		Status               int
		Location, ETag, Link string
	}
	if err := json.Unmarshal([]byte(text), &seen); err != nil {
		return fmt.Errorf("the browser returned %.100s: %w", text, err)
	}
	if seen.Status != http.StatusCreated || seen.Location == "" || seen.ETag == "" {
		r.failf("%s in a browser: status %d, the script reads Location %t, ETag %t", s.name, seen.Status, seen.Location != "", seen.ETag != "")
	}
	r.notef("seen in a browser")
	return nil
}

// badToken is of the right form and nobody's.
const badToken = "conformance-bad-token-0123456789"

func checkRefusalCORS(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	for _, s := range r.sides() {
		res, err := r.do(ctx, request{method: "POST", url: s.url, token: badToken, contentType: sdpType, body: s.offer,
			header: map[string]string{"Origin": r.target.origin()}})
		if err != nil {
			return err
		}
		if res.status != http.StatusUnauthorized || res.header.Get("WWW-Authenticate") == "" {
			r.failf("%s: %s, want 401 with WWW-Authenticate", s.name, res.summary())
		}
		r.wantOrigin(s.name, res)
	}
	return nil
}

func checkAllRefusalsCORS(ctx context.Context, r *run) error {
	s := r.whip()
	sess, err := r.openStatic(ctx, s)
	if err != nil {
		return err
	}
	origin := map[string]string{"Origin": r.target.origin()}
	stale := map[string]string{"Origin": r.target.origin(), "If-Match": `"nope"`}
	for what, req := range map[string]request{
		"a bad offer":               {method: "POST", url: s.url, token: s.token, contentType: sdpType, body: "hello", header: origin},
		"a wrong type":              {method: "POST", url: s.url, token: s.token, contentType: "text/plain", body: "hello", header: origin},
		"a method not taken":        {method: "PUT", url: s.url, token: s.token, header: origin},
		"a PATCH without If-Match":  {method: "PATCH", url: sess.url, token: s.token, contentType: fragmentType, body: fragmentOf(s.offer), header: origin},
		"a PATCH with a stale tag":  {method: "PATCH", url: sess.url, token: s.token, contentType: fragmentType, body: fragmentOf(s.offer), header: stale},
		"a session that is not his": {method: "GET", url: sess.url + "x", token: s.token, header: origin},
	} {
		res, err := r.do(ctx, req)
		if err != nil {
			return err
		}
		if res.status/100 != 4 {
			r.failf("%s: %s, want 4xx", what, res.summary())
		}
		r.wantOrigin(what, res)
	}
	return nil
}

func checkOriginPolicy(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.do(ctx, request{method: "OPTIONS", url: s.url, header: map[string]string{"Origin": r.target.origin()}})
		if err != nil {
			return err
		}
		origin := res.header.Get("Access-Control-Allow-Origin")
		switch {
		case res.header.Get("Access-Control-Allow-Credentials") == "true":
			r.failf("%s: pages may send credentials of the browser", s.name)
		case origin == "*":
			r.notef("%s: every origin", s.name)
		case origin == r.target.origin() && !listed(res.header, "Vary", "Origin"):
			r.failf("%s: the origin is echoed without Vary: Origin", s.name)
		case origin == r.target.origin():
			r.notef("%s: origins one by one", s.name)
		default:
			r.failf("%s: Access-Control-Allow-Origin is %q", s.name, origin)
		}
	}
	return nil
}

func hasServers(res *response) bool {
	return strings.Contains(strings.Join(res.header.Values("Link"), ","), "ice-server")
}

func checkOptionsServers(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		plain, err := r.do(ctx, request{method: "OPTIONS", url: s.url, token: s.token})
		if err != nil {
			return err
		}
		asked, err := r.preflight(ctx, s.url, "POST", "authorization,content-type")
		if err != nil {
			return err
		}
		if hasServers(asked) {
			r.failf("%s: ICE servers are told to a preflight", s.name)
		}
		if s.token != "" {
			anybody, err := r.do(ctx, request{method: "OPTIONS", url: s.url})
			if err != nil {
				return err
			}
			if strings.Contains(strings.Join(anybody.header.Values("Link"), ","), "credential=") {
				r.failf("%s: TURN credentials are told without a token", s.name)
			}
		}
		r.notef("%s: plain OPTIONS tells ICE servers: %t", s.name, hasServers(plain))
	}
	return nil
}

func checkMaxAge(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		res, err := r.preflight(ctx, s.url, "POST", "content-type")
		if err != nil {
			return err
		}
		if res.header.Get("Access-Control-Max-Age") == "" {
			r.failf("%s: no Access-Control-Max-Age", s.name)
		}
	}
	return nil
}
