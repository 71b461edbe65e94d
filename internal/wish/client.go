package wish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/headgate/headgate/internal/linkhdr"
	"github.com/headgate/headgate/internal/signaling"
)

// maxAnswerBytes bounds what a client reads of a server's answer.
const maxAnswerBytes = 256 << 10

// maxRedirects bounds how often a POST is sent on.
const maxRedirects = 5

// Client is the client's side of WHIP and WHEP over plain text: it knows no
// media. The zero value works and is safe for concurrent use.
type Client struct {
	// HTTP does the requests; nil means http.DefaultClient. Its CheckRedirect is
	// replaced.
	HTTP *http.Client
	// UserAgent is sent if not empty.
	UserAgent string
	// CounterOffers takes a 406 with an offer for a session (the playback draft,
	// section 4.2.2): CounterOffer of the Session is to be answered then.
	CounterOffers bool
}

// Session is a session that a POST made.
type Session struct {
	// Location is the session's absolute URL.
	Location string
	// ETag is the entity-tag of the current ICE generation, with its quotes;
	// empty if the server told none. Restart changes it, so Restart must not run
	// beside other methods; these may run beside each other.
	ETag string
	// Answer is the session description of the server.
	Answer string
	// CounterOffer is what the server offers instead of answering; empty, unless
	// Client.CounterOffers was set. AnswerOffer answers it.
	CounterOffer string
	// ICEServers are those of the Link headers.
	ICEServers []signaling.ICEServer

	links  []linkhdr.Link
	client Client
	token  string
}

// StatusError is an answer that refuses.
type StatusError struct {
	Method string
	Status int
	Header http.Header
	// Code and Detail are those of a problem document (RFC 9457), if there was
	// one.
	Code   string
	Detail string
}

// Error tells the status and what the server said about it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %d %s", e.Method, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Detail != "" {
		text += ": " + strings.TrimSuffix(e.Detail, ".") // sentences may go on behind an error
	}
	return text
}

// Post sends an offer to an endpoint (RFC 9725 section 4.2) and returns the
// session. token may be empty. Redirects with 307 and 308 are followed; the token
// goes along only within the origin of endpoint. The error is a *StatusError if
// the server refused.
func (c Client) Post(ctx context.Context, endpoint, token, offer string) (*Session, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(offer))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", SDPType)
	req.Header.Set("Accept", SDPType)
	res, err := c.do(req, token)
	if err != nil {
		return nil, err
	}
	counters := c.counters(res)
	if res.StatusCode != http.StatusCreated && !counters {
		return nil, refusal(res)
	}
	location, err := res.Location() // against the URL that answered
	if err != nil {
		return nil, fmt.Errorf("the answer of %s has no usable Location: %w", res.Request.URL.Redacted(), err)
	}
	if res.Request.Header.Get("Authorization") == "" {
		token = "" // it was left behind at a redirect
	}
	s := &Session{
		Location: location.String(), ETag: res.Header.Get(headerETag), Answer: string(res.body),
		ICEServers: readLinks(res.Header), links: extensions(res.Response), client: c, token: token,
	}
	if counters {
		s.CounterOffer, s.Answer = s.Answer, ""
	}
	return s, nil
}

// Options asks an endpoint for its ICE servers before an offer is made (RFC 9725
// section 4.6). None is no error.
func (c Client) Options(ctx context.Context, endpoint, token string) ([]signaling.ICEServer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, endpoint, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.do(req, token)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		return nil, refusal(res)
	}
	return readLinks(res.Header), nil
}

// Trickle sends candidates, as a trickle-ice-sdpfrag (RFC 9725 section 4.3.2).
func (s *Session) Trickle(ctx context.Context, fragment string) error {
	res, err := s.patch(ctx, s.ETag, fragment)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusOK {
		return refusal(res)
	}
	return nil
}

// Restart sends the credentials of a new ICE generation and returns the server's
// fragment (RFC 9725 section 4.3.3).
func (s *Session) Restart(ctx context.Context, fragment string) (string, error) {
	res, err := s.patch(ctx, "*", fragment)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", refusal(res)
	}
	s.ETag = res.Header.Get(headerETag)
	return string(res.body), nil
}

func (s *Session) patch(ctx context.Context, ifMatch, fragment string) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.Location, strings.NewReader(fragment))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", FragmentType)
	if ifMatch != "" {
		req.Header.Set("If-Match", ifMatch)
	}
	return s.client.do(req, s.token)
}

// Look asks whether the session is there; a *StatusError says why it is not.
func (s *Session) Look(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Location, nil)
	if err != nil {
		return err
	}
	res, err := s.client.do(req, s.token)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return refusal(res)
	}
	return nil
}

// Delete ends the session. That it has already ended is no error.
func (s *Session) Delete(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, s.Location, nil)
	if err != nil {
		return err
	}
	res, err := s.client.do(req, s.token)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 && res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusGone {
		return refusal(res)
	}
	return nil
}

// reply is an answer that was read and closed.
type reply struct {
	*http.Response
	body []byte
}

func (c Client) do(req *http.Request, token string) (*reply, error) {
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	var client http.Client
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = checkRedirect
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes+1))
	if err == nil && len(body) > maxAnswerBytes {
		err = errors.New("the answer is absurdly large")
	}
	return &reply{res, body}, err
}

// checkRedirect follows what keeps the method and body (307, 308), and hands the
// answer back for anything else: RFC 9725 section 4.5 forbids 301 and 302 for
// POST. The token stays within the origin it was meant for, subdomains included,
// which net/http by itself would trust.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	switch req.Response.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return http.ErrUseLastResponse
	}
	if !sameOrigin(req.URL, via[0].URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

func refusal(res *reply) error {
	e := &StatusError{Method: res.Request.Method, Status: res.StatusCode, Header: res.Header}
	var doc struct{ Code, Detail string }
	if json.Unmarshal(res.body, &doc) == nil {
		e.Code, e.Detail = doc.Code, doc.Detail
	}
	return e
}

// readLinks returns the ICE servers among the Link fields. What is not
// well-formed is skipped: some servers' are not.
func readLinks(h http.Header) []signaling.ICEServer {
	links, _ := linkhdr.Parse(h.Values(headerLink)) // the good ones come back beside an error
	var servers []signaling.ICEServer
	for _, l := range links {
		if l.Has(relICEServer) {
			servers = append(servers, signaling.ICEServer{
				URL: l.URI, Username: l.Param("username"), Credential: l.Param("credential"),
			})
		}
	}
	return servers
}
