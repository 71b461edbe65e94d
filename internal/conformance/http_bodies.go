package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/linkhdr"
)

// checkNothingAfter204 sends another request behind a PATCH: if anything follows
// the head of the 204, the second answer is not where it should be.
func checkNothingAfter204(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		b, err := r.raw(ctx,
			rawRequest{method: "PATCH", url: sess.url, token: s.token, body: fragmentOf(s.offer),
				header: []string{"Content-Type: " + fragmentType, "If-Match: " + sess.etag}},
			rawRequest{method: "GET", url: sess.url, token: s.token})
		if err != nil {
			return err
		}
		responses, err := split(b, "PATCH", "GET")
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		patched := responses[0]
		switch {
		case patched.StatusCode == http.StatusUnprocessableEntity:
			return skipf("the server does not do trickle ICE")
		case patched.StatusCode != http.StatusNoContent:
			r.failf("%s PATCH: %d, want 204", s.name, patched.StatusCode)
		case patched.ContentLength > 0 || len(patched.body) > 0:
			r.failf("%s PATCH: the 204 has a body", s.name)
		}
	}
	return nil
}

func checkChunks(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		half := len(s.offer) / 2
		chunks := fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, s.offer[:half], len(s.offer)-half, s.offer[half:])
		b, err := r.raw(ctx, rawRequest{method: "POST", url: s.url, token: s.token, body: chunks, unsized: true,
			header: []string{"Content-Type: " + sdpType, "Transfer-Encoding: chunked"}})
		if err != nil {
			return err
		}
		responses, err := split(b, "POST")
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		req, err := request{method: "POST", url: s.url}.build(ctx)
		if err != nil {
			return err
		}
		chunked := &response{method: "POST", url: req.URL, status: responses[0].StatusCode, header: responses[0].Header, body: responses[0].body}
		if sess, err := r.adopt(s, s.offer, chunked); err != nil {
			r.failf("in chunks: %v", err)
		} else {
			sess.discard()
		}
		res, err := r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: s.offer,
			header: map[string]string{"Expect": "100-continue"}})
		if err != nil {
			return err
		}
		if _, err := r.adopt(s, s.offer, res); err != nil {
			r.failf("after 100-continue: %v", err)
		}
	}
	return nil
}

func checkNoStore(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		patched, err := sess.patch(ctx, sess.etag, fragmentOf(s.offer))
		if err != nil {
			return err
		}
		deleted, err := sess.delete(ctx)
		if err != nil {
			return err
		}
		for what, header := range map[string]http.Header{"POST": sess.head, "PATCH": patched.header, "DELETE": deleted.header} {
			if !listed(header, "Cache-Control", "no-store") {
				r.failf("%s %s: Cache-Control is %q, without no-store", s.name, what, header.Get("Cache-Control"))
			}
		}
	}
	return nil
}

func checkSpellings(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		u, err := url.Parse(s.url)
		if err != nil {
			return err
		}
		origin, path := u.Scheme+"://"+u.Host, u.EscapedPath()
		cut := strings.LastIndexByte(path, '/') + 1
		dir, name := path[:cut], path[cut:]
		for _, spelling := range []string{
			path + "/", dir + "/" + name, dir + "../" + strings.Trim(dir, "/") + "/" + name, dir + "%2e%2e/" + name,
			dir + "x%2F..%2F" + name, dir + "x/../" + name, dir + name + "%2F", dir + name + "%00", dir + name + "%", dir + name + ";x",
			dir + "%252e%252e/" + name, dir + ".", dir + "..", dir + "%ff",
		} {
			b, err := r.raw(ctx, rawRequest{method: "POST", url: s.url, header: []string{"Content-Type: " + sdpType}, body: s.offer}.at(spelling))
			if err != nil {
				return err
			}
			responses, err := split(b, "POST")
			if err != nil {
				return fmt.Errorf("%s %s: %w", s.name, spelling, err)
			}
			r.judgeSpelling(s, origin, spelling, responses[0])
		}
	}
	return nil
}

func (r *run) judgeSpelling(s side, origin, spelling string, raw rawResponse) {
	at, err := url.Parse(origin)
	if err != nil {
		return
	}
	res := &response{method: "POST", url: at, status: raw.StatusCode, header: raw.Header, body: raw.body}
	_, err = r.adopt(s, s.offer, res)
	switch {
	case res.status >= http.StatusInternalServerError:
		r.failf("%s POST %s: %s", s.name, spelling, res.summary())
	case err == nil && r.target.Token != "":
		r.lesserf(Must, "%s POST %s without a token made a session", s.name, spelling)
	}
}

var iceURI = regexp.MustCompile(`^(stuns?|turns?):[^/?#\s,;]+(\?transport=(udp|tcp))?$`)

func checkICEServers(ctx context.Context, r *run) error {
	told := 0
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		secure := false
		for _, line := range sess.head.Values("Link") {
			links, err := linkhdr.Parse([]string{line})
			if err != nil {
				r.failf("%s: Link %q is not well-formed", s.name, line)
			}
			servers := 0
			for _, link := range links {
				if link.Has("ice-server") {
					servers++
					r.judgeServer(s.name, link)
				}
			}
			if servers > 0 && len(links) > 1 {
				r.lesserf(Advice, "%s: one Link line tells several; OBS reads the first one only", s.name)
			}
			isSecure := strings.HasPrefix(line, "<stuns:") || strings.HasPrefix(line, "<turns:")
			if secure && !isSecure && servers > 0 {
				r.lesserf(Advice, "%s: stun and turn should come before stuns and turns; OBS stops there", s.name)
			}
			secure = secure || isSecure
			told += servers
		}
	}
	if told == 0 {
		return skipf("the server tells no ICE servers")
	}
	return nil
}

// judgeServer looks at one Link of an ICE server.
func (r *run) judgeServer(what string, link linkhdr.Link) {
	if !iceURI.MatchString(link.URI) {
		r.failf("%s: %q is no stun or turn URI", what, link.URI)
	}
	turn := strings.HasPrefix(link.URI, "turn")
	username, credential := link.Param("username"), link.Param("credential")
	if turn != (username != "") || turn != (credential != "") {
		r.failf("%s: %s with user name %t and credential %t", what, link.URI, username != "", credential != "")
	}
	if strings.ContainsAny(username+credential, ",;") {
		r.lesserf(Advice, "%s: commas or semicolons in a credential; OBS splits there", what)
	}
	for i, p := range link.Params {
		if order := []string{"username", "credential", "credential-type"}; i < len(order) && p.Name != order[i] {
			r.lesserf(Advice, "%s: the parameters are not in the order username, credential, credential-type", what)
		}
	}
	if expiry, _, timed := strings.Cut(username, ":"); timed {
		seconds, err := strconv.ParseInt(expiry, 10, 64)
		if err == nil && time.Until(time.Unix(seconds, 0)) <= 0 {
			r.failf("%s: the credential expired", what)
		}
	}
}

// known extension URNs of the drafts.
const extensionURNs = "urn:ietf:params:whep:ext:core:server-sent-events urn:ietf:params:whep:ext:core:layer"

func checkExtensionLinks(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		links, err := linkhdr.Parse(sess.head.Values("Link"))
		if err != nil {
			r.failf("%s: a Link is not well-formed", s.name)
		}
		for _, link := range links {
			for rel := range strings.FieldsSeq(link.Rel) {
				urn := strings.HasPrefix(strings.ToLower(rel), "urn:ietf:")
				if urn && !strings.Contains(extensionURNs, rel) {
					r.failf("%s: %s is no extension the IETF named", s.name, rel)
				}
				if u, err := sess.resolve(link.URI); urn && (err != nil || u.Host == "") {
					r.failf("%s: the target of %s cannot be resolved", s.name, rel)
				}
			}
		}
		if _, err := sess.patch(ctx, sess.etag, fragmentOf(s.offer)); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) resolve(reference string) (*url.URL, error) {
	base, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	return base.Parse(reference)
}
