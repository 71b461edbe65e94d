package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// rawRequest is a request down to its bytes.
type rawRequest struct {
	method, url, token string
	header             []string // "Name: value"
	body               string
	// unsized leaves Content-Length out.
	unsized bool
	// last asks the server to close the connection afterwards.
	last bool
	// path replaces that of the URL, as it is.
	path string
}

// at returns the request for another path, in exactly this spelling.
func (q rawRequest) at(path string) rawRequest {
	q.path = path
	return q
}

func (q rawRequest) text(u *url.URL) string {
	var b strings.Builder
	path := u.RequestURI()
	if q.path != "" {
		path = q.path
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, path, u.Host)
	if q.token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", q.token)
	}
	for _, line := range q.header {
		b.WriteString(line + "\r\n")
	}
	if q.body != "" && !q.unsized {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.body))
	}
	if q.last {
		b.WriteString("Connection: close\r\n")
	}
	return b.String() + "\r\n" + q.body
}

// dial opens a connection to where an endpoint is.
func (r *run) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme != "https" {
		return conn, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.target.TLS != nil {
		config = r.target.TLS.Clone()
	}
	config.ServerName, config.NextProtos = u.Hostname(), []string{"http/1.1"}
	return tls.Client(conn, config), nil
}

// raw sends requests over one connection without waiting for answers, and
// returns every byte that comes back. The last request closes the connection.
func (r *run) raw(ctx context.Context, requests ...rawRequest) ([]byte, error) {
	u, err := url.Parse(requests[0].url)
	if err != nil {
		return nil, err
	}
	conn, err := r.dial(ctx, u)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the server closes it first
	if err := conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return nil, err
	}
	for i, q := range requests {
		at, err := url.Parse(q.url)
		if err != nil {
			return nil, err
		}
		q.last = i == len(requests)-1
		if _, err := io.WriteString(conn, q.text(at)); err != nil {
			return nil, fmt.Errorf("send the request: %w", err)
		}
	}
	b, err := io.ReadAll(io.LimitReader(conn, maxBodyBytes))
	if err != nil && len(b) == 0 {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return b, nil
}

// rawResponse is one answer of several on a connection.
type rawResponse struct {
	*http.Response
	body []byte
}

// readFinal skips interim answers (1xx).
func readFinal(reader *bufio.Reader, method string) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil || res.StatusCode >= http.StatusOK {
			return res, err
		}
		_ = res.Body.Close() // interim answers have none
	}
}

// split reads the answers to requests with these methods out of b. Bytes that
// belong to none of them are an error.
func split(b []byte, methods ...string) ([]rawResponse, error) {
	reader := bufio.NewReader(bytes.NewReader(b))
	var responses []rawResponse
	for i, method := range methods {
		res, err := readFinal(reader, method)
		if err != nil {
			return nil, fmt.Errorf("answer %d is not where it should begin: %w", i+1, err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // reads from memory
		if err != nil {
			return nil, fmt.Errorf("answer %d: %w", i+1, err)
		}
		responses = append(responses, rawResponse{res, body})
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last answer: %.40q", len(rest), rest)
	}
	return responses, nil
}
