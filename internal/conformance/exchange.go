package conformance

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The media types of bodies.
const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
	problemType  = "application/problem+json"
)

const (
	requestTimeout = 15 * time.Second
	maxBodyBytes   = 1 << 20
)

// newHTTP makes a client that follows nothing and hides nothing. from is the
// local address to come from; the zero value leaves it to the system.
func newHTTP(config *tls.Config, from netip.Addr) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if from.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
	}
	return &http.Client{
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: config.Clone(), // which net/http changes
			DisableCompression: true, MaxIdleConnsPerHost: 32, ForceAttemptHTTP2: config != nil,
			ExpectContinueTimeout: 5 * time.Second,
		},
	}
}

// request is what the kit asks for. Nothing is added to it.
type request struct {
	method, url string
	// token goes into Authorization as a bearer token.
	token       string
	contentType string
	header      map[string]string
	body        string
}

func (q request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "headgate-conformance")
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.contentType != "" {
		req.Header.Set("Content-Type", q.contentType)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// response is what came back.
type response struct {
	method string
	url    *url.URL
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

func (r *run) do(ctx context.Context, q request) (*response, error) { return send(ctx, r.http, q) }

func send(ctx context.Context, client *http.Client, q request) (*response, error) {
	req, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return nil, unaddressed(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read from
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBodyBytes))
	if err != nil {
		return nil, fmt.Errorf("%s: reading the answer: %w", q.method, unaddressed(err))
	}
	return &response{q.method, req.URL, res.StatusCode, res.Header, body, time.Since(started)}, nil
}

// unaddressed takes the URL out of an error: it may hold a session's secret.
func unaddressed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", strings.ToUpper(u.Op), u.Err)
	}
	return err
}

func (s *response) ok() bool { return s.status/100 == 2 }

// summary is the status and what the server said about it.
func (s *response) summary() string {
	text := strconv.Itoa(s.status)
	var doc struct{ Code, Detail string }
	if json.Unmarshal(s.body, &doc) == nil && doc.Code+doc.Detail != "" {
		text += " (" + strings.TrimSpace(doc.Code+": "+doc.Detail) + ")"
	}
	return text
}

// mediaType is the Content-Type without parameters, in lower case.
func (s *response) mediaType() string {
	t, _, err := mime.ParseMediaType(s.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

var errNoLocation = errors.New("the 201 has no Location")

// location is the session's URL, absolute.
func (s *response) location() (string, error) {
	value := s.header.Get("Location")
	if value == "" {
		return "", errNoLocation
	}
	u, err := s.url.Parse(value)
	if err != nil {
		return "", fmt.Errorf("the Location is no URL: %w", err)
	}
	return u.String(), nil
}

// saysWhen reports whether Retry-After is there, in seconds.
func (s *response) saysWhen() bool {
	n, err := strconv.Atoi(s.header.Get("Retry-After"))
	return err == nil && n >= 0
}

// checkProblem looks at a problem document (RFC 9457), which is optional.
func (r *run) checkProblem(s *response) {
	if s.mediaType() != problemType {
		r.lesserf(May, "status %d without a problem document", s.status)
		return
	}
	var doc struct {
		Title  string
		Status int
	}
	if err := json.Unmarshal(s.body, &doc); err != nil {
		r.failf("status %d: the problem document is no JSON", s.status)
		return
	}
	if doc.Status != s.status {
		r.failf("status %d: the problem document says %d", s.status, doc.Status)
	}
}
