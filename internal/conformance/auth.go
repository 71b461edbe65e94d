package conformance

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const rfc6750 = "RFC 6750 "

func authCases() []Case {
	return []Case{
		{ID: "T-20", Level: Must, Clause: rfc9725 + "4.7" + both + "4.8; " + rfc6750 + "3", Proves: []string{"N-190", "N-191"},
			Title: "Without a token a POST is answered 401 with a Bearer challenge that has no error code.", check: checkNoToken},
		{ID: "T-21", Level: Must, Clause: rfc6750 + "3.1", Proves: []string{"N-192"},
			Title: "A wrong and an expired token are answered 401, invalid_token.", check: checkBadTokens},
		{ID: "T-22", Level: Should, Clause: rfc6750 + "3.1", Proves: []string{"N-195", "N-192"},
			Title: "A token for playing does not publish, and one for publishing does not play: 403, insufficient_scope.", check: checkScopes},
		{ID: "T-23", Level: Advice, Clause: rfc9725 + "4.7", Proves: []string{"N-196", "N-158"},
			Title: "A session obeys nobody but those who could have made it.", check: checkForeignTokens},
		{ID: "T-24", Level: Must, Clause: rfc9110 + "11.1", Proves: []string{"N-193"},
			Title: "The scheme Bearer is written in any case.", check: checkLowerCase},
		{ID: "T-25", Level: Advice, Clause: "Eyevinn SDK without a key", Proves: []string{"N-200"},
			Title: "An open server takes no offence at Bearer undefined.", check: checkUndefined},
		{ID: "T-26", Level: Advice, Clause: "no oracle for names", Proves: []string{"N-036"},
			Title: "Without a token nobody learns whether a channel exists.", check: checkUnknownChannel},
		{ID: "N-190", Level: Must, Clause: rfc9725 + "4.7" + both + "4.8", Proves: []string{"N-190"},
			Title: "Every method that does something on a session wants the token, and a preflight does not.", check: checkEveryMethod},
		{ID: "N-192", Level: Should, Clause: rfc6750 + "3.1", Proves: []string{"N-192"},
			Title: "An Authorization header that is no bearer credential is answered 400, invalid_request, or 401.", check: checkMalformed},
		{ID: "N-201", Level: Must, Clause: "RFC 8725 2.1, 3.1", Proves: []string{"N-201"},
			Title: "A signed token is refused without its signature, with another one, and with other claims.", check: checkForgery},
	}
}

// challenged reports whether the answer has a Bearer challenge, and its error.
func challenged(res *response) (bearer bool, code string) {
	for _, value := range res.header.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		if _, after, ok := strings.Cut(rest, `error="`); ok {
			code, _, _ = strings.Cut(after, `"`)
		}
		return true, code
	}
	return false, ""
}

func checkNoToken(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	for _, s := range r.sides() {
		s.token = ""
		res, err := r.postOffer(ctx, s, s.offer)
		if err != nil {
			return err
		}
		if _, err := r.adopt(s, s.offer, res); err == nil {
			r.failf("%s: a session was made without a token", s.name)
			continue
		}
		bearer, code := challenged(res)
		if res.status != http.StatusUnauthorized || !bearer || code != "" {
			r.failf("%s: %s with WWW-Authenticate %q, want 401 with Bearer and no error", s.name, res.summary(), res.header.Get("WWW-Authenticate"))
		}
	}
	return nil
}

func checkBadTokens(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	tokens := map[string]string{"a wrong token": badToken}
	if r.target.ExpiredToken != "" {
		tokens["an expired token"] = r.target.ExpiredToken
	} else {
		r.lack("an expired token")
	}
	for _, s := range r.sides() {
		for what, token := range tokens {
			s.token = token
			res, err := r.postOffer(ctx, s, s.offer)
			if err != nil {
				return err
			}
			if _, err := r.adopt(s, s.offer, res); err == nil || res.status != http.StatusUnauthorized {
				r.failf("%s, %s: %s, want 401", s.name, what, res.summary())
			} else if _, code := challenged(res); code != "invalid_token" {
				r.lesserf(Should, "%s, %s: WWW-Authenticate %q without invalid_token", s.name, what, res.header.Get("WWW-Authenticate"))
			}
		}
	}
	return nil
}

func checkScopes(ctx context.Context, r *run) error {
	if r.target.Token == "" || r.target.PlayToken == "" {
		return skipf("needs one token that publishes only and one that plays only")
	}
	publish := r.whip()
	publish.token = r.target.PlayToken
	if err := r.wantScope(ctx, publish); err != nil {
		return err
	}
	play, err := r.whep()
	if err != nil {
		return nil //nolint:nilerr // one of the two was shown
	}
	play.token = r.target.Token
	return r.wantScope(ctx, play)
}

func (r *run) wantScope(ctx context.Context, s side) error {
	res, err := r.postOffer(ctx, s, s.offer)
	if err != nil {
		return err
	}
	if _, err := r.adopt(s, s.offer, res); err == nil {
		r.lesserf(Must, "%s: the token of the other action made a session", s.name)
		return nil
	}
	if _, code := challenged(res); res.status != http.StatusForbidden || code != "insufficient_scope" {
		r.failf("%s: %s with WWW-Authenticate %q, want 403 with insufficient_scope", s.name, res.summary(), res.header.Get("WWW-Authenticate"))
	}
	return nil
}

func checkForeignTokens(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	sess, err := r.openStatic(ctx, r.whip())
	if err != nil {
		return err
	}
	shown := map[string][]int{"": {http.StatusUnauthorized}, badToken: {http.StatusUnauthorized}}
	for _, foreign := range []string{r.target.OtherToken, r.target.RivalToken} {
		if foreign != "" {
			shown[foreign] = []int{http.StatusForbidden, http.StatusNotFound}
		}
	}
	if r.target.OtherToken == "" {
		r.lack("a token of another channel")
	}
	for token, want := range shown {
		for _, method := range []string{"PATCH", "GET", "DELETE"} {
			req := sess.request(method)
			req.token = token
			if method == "PATCH" {
				req.contentType, req.body, req.header = fragmentType, fragmentOf(sess.offer), map[string]string{"If-Match": sess.etag}
			}
			res, err := r.do(ctx, req)
			if err != nil {
				return err
			}
			if !slices.Contains(want, res.status) {
				r.failf("%s with %s: %s, want one of %v", method, described(token), res.summary(), want)
			}
		}
	}
	return sess.alive(ctx, "requests with foreign tokens")
}

func described(token string) string {
	switch token {
	case "":
		return "no token"
	case badToken:
		return "a wrong token"
	}
	return "a token of somebody else"
}

func checkLowerCase(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	s := r.whip()
	b, err := r.raw(ctx, rawRequest{method: "POST", url: s.url, body: s.offer, header: []string{
		"content-type: " + sdpType, "authorization: bearer " + s.token}})
	if err != nil {
		return err
	}
	responses, err := split(b, "POST")
	if err != nil {
		return err
	}
	at, err := url.Parse(s.url)
	if err != nil {
		return err
	}
	_, err = r.adopt(s, s.offer, &response{method: "POST", url: at, status: responses[0].StatusCode, header: responses[0].Header, body: responses[0].body})
	return err
}

func checkUndefined(ctx context.Context, r *run) error {
	if r.target.Token != "" {
		return skipf("the server wants tokens")
	}
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		s.token = "undefined"
		if _, err := r.post(ctx, s, s.offer); err != nil {
			return err
		}
	}
	return nil
}

const (
	timingRounds = 15
	// timingSlack is what load of the machine may make of equal work.
	timingSlack = 20 * time.Millisecond
)

func checkUnknownChannel(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	for _, s := range r.sides() {
		s.token = ""
		known, knownTime, err := r.sample(ctx, s)
		if err != nil {
			return err
		}
		s.url = s.url[:strings.LastIndexByte(s.url, '/')+1] + "no-such-channel-anywhere"
		unknown, unknownTime, err := r.sample(ctx, s)
		if err != nil {
			return err
		}
		if known.status != unknown.status || !bytes.Equal(known.body, unknown.body) {
			r.failf("%s: %s for a channel that is live, %s for one that is not there, or different bodies", s.name, known.summary(), unknown.summary())
		}
		if difference := (knownTime - unknownTime).Abs(); difference > timingSlack {
			r.failf("%s: the answers differ by %v", s.name, difference)
		}
	}
	return nil
}

// sample asks several times and returns an answer and the shortest of the times.
func (r *run) sample(ctx context.Context, s side) (*response, time.Duration, error) {
	var last *response
	times := make([]time.Duration, 0, timingRounds)
	for range timingRounds {
		res, err := r.postOffer(ctx, s, s.offer)
		if err != nil {
			return nil, 0, err
		}
		last, times = res, append(times, res.took)
	}
	slices.Sort(times)
	return last, times[0], nil // the quickest: whatever else the machine does only adds
}

func checkEveryMethod(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		for _, method := range []string{"GET", "HEAD", "PATCH", "DELETE"} {
			req := request{method: method, url: sess.url}
			if method == "PATCH" {
				req.contentType, req.body, req.header = fragmentType, fragmentOf(s.offer), map[string]string{"If-Match": sess.etag}
			}
			without, err := r.do(ctx, req)
			if err != nil {
				return err
			}
			if without.status != http.StatusUnauthorized {
				r.failf("%s %s without a token: %s, want 401", s.name, method, without.summary())
			}
			req.token = s.token
			with, err := r.do(ctx, req)
			if err != nil {
				return err
			}
			if !with.ok() {
				r.failf("%s %s with the token: %s, want 2xx", s.name, method, with.summary())
			}
		}
	}
	return nil
}

func checkMalformed(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	s := r.whip()
	for _, value := range []string{"Bearer", "Bearer a b", "Basic dXNlcjpwYXNz", "Bearer ü"} {
		res, err := r.do(ctx, request{method: "POST", url: s.url, contentType: sdpType, body: s.offer, header: map[string]string{"Authorization": value}})
		if err != nil {
			return err
		}
		if _, err := r.adopt(s, s.offer, res); err == nil {
			r.lesserf(Must, "Authorization: %s made a session", value)
			continue
		}
		_, code := challenged(res)
		invalid := res.status == http.StatusBadRequest && code == "invalid_request"
		if bearer, _ := challenged(res); !invalid && (res.status != http.StatusUnauthorized || !bearer) {
			r.failf("Authorization: %s: %s with WWW-Authenticate %q", value, res.summary(), res.header.Get("WWW-Authenticate"))
		}
	}
	return nil
}

func checkForgery(ctx context.Context, r *run) error {
	if err := r.needAuth(); err != nil {
		return err
	}
	forged, err := forgeries(r.target.Token)
	if err != nil {
		return skipf("the token is no JWT")
	}
	for what, token := range forged {
		s := r.whip()
		s.token = token
		res, err := r.postOffer(ctx, s, s.offer)
		if err != nil {
			return err
		}
		if _, err := r.adopt(s, s.offer, res); err == nil || res.status != http.StatusUnauthorized {
			r.failf("%s: %s, want 401", what, res.summary())
		}
	}
	return nil
}

// forgeries makes tokens out of a good one that nobody signed.
func forgeries(token string) (map[string]string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%d parts", len(parts))
	}
	encode := base64.RawURLEncoding.EncodeToString
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, err
	}
	claims["exp"] = time.Now().Add(100 * time.Hour).Unix()
	changed, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	none := encode([]byte(`{"alg":"none","typ":"JWT"}`))
	return map[string]string{
		"alg none":             none + "." + parts[1] + ".",
		"alg None":             encode([]byte(`{"alg":"None","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2],
		"no signature":         parts[0] + "." + parts[1] + ".",
		"another signature":    parts[0] + "." + parts[1] + "." + encode(make([]byte, 32)),
		"other claims":         parts[0] + "." + encode(changed) + "." + parts[2],
		"alg none, new claims": none + "." + encode(changed) + ".",
	}, nil
}
