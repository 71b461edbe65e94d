package httpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
)

// maxAuthorityBody bounds an answer of the authority, in bytes.
const maxAuthorityBody = 1 << 20

// maxPoll is the longest pause between two questions whether an order is ready.
const maxPoll = 3 * time.Second

// authority is the way to the certification authority. It makes up for what the
// library that orders lacks: it remembers why the last proof of a name failed,
// names an order's address in answers that do not, and ends everything under way
// on stop.
type authority struct {
	directory string
	transport *http.Transport
	ctx       context.Context //nolint:containedctx // ends requests of a library that has its own contexts
	stop      func()

	mu      sync.Mutex
	problem acmeProblem
	orders  map[string]string // addresses of orders by those that finalize them
}

// maxOrders bounds the addresses that are remembered.
const maxOrders = 100

// acmeProblem is what an authority says went wrong (RFC 8555 section 6.7).
type acmeProblem struct {
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

func newAuthority(directory string) *authority {
	ctx, cancel := context.WithCancel(context.Background())
	a := &authority{directory: directory, transport: http.DefaultTransport.(*http.Transport).Clone(), ctx: ctx, orders: make(map[string]string)}
	a.stop = func() { cancel(); a.transport.CloseIdleConnections() }
	return a
}

// RoundTrip implements http.RoundTripper.
func (a *authority) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel() // the body is whole by then
	defer context.AfterFunc(a.ctx, cancel)()
	if a.ctx.Err() != nil {
		return nil, a.ctx.Err()
	}
	res, err := a.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAuthorityBody))
	if err != nil {
		return nil, err
	}
	a.note(body, res.Header)
	shortenPause(res)
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// note looks for a problem in an authorization (RFC 8555 section 7.1.4), and adds
// the address to an order that lacks it: when it is finalized RFC 8555 section 7.4
// wants none, but the library polls there.
func (a *authority) note(body []byte, header http.Header) {
	var found struct {
		Finalize   string `json:"finalize"`
		Challenges []struct {
			Error *acmeProblem `json:"error"`
		} `json:"challenges"`
	}
	if json.Unmarshal(body, &found) != nil {
		return // certificates and empty answers
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range found.Challenges {
		if c.Error != nil {
			a.problem = *c.Error
		}
	}
	switch location := header.Get("Location"); {
	case found.Finalize == "":
	case location == "" && a.orders[found.Finalize] != "":
		header.Set("Location", a.orders[found.Finalize])
	case location != "" && len(a.orders) < maxOrders:
		a.orders[found.Finalize] = location
	case location != "":
		a.orders = map[string]string{found.Finalize: location}
	}
}

func (a *authority) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.problem = acmeProblem{}
}

func (a *authority) last() acmeProblem {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.problem
}

// shortenPause bounds how long the library sleeps between two questions: nothing
// could wake it up at the end of the program.
func shortenPause(res *http.Response) {
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if res.StatusCode < 300 && (err != nil || seconds > int(maxPoll.Seconds())) && res.Header.Get("Retry-After") != "" {
		res.Header.Set("Retry-After", strconv.Itoa(int(maxPoll.Seconds())))
	}
}

// backoff is acme.Client.RetryBackoff: few and short pauses, because the whole
// order is tried again later.
func (a *authority) backoff(n int, _ *http.Request, res *http.Response) time.Duration {
	if a.ctx.Err() != nil || n > answerRetries || res.StatusCode == http.StatusTooManyRequests {
		return -1
	}
	return time.Duration(n) * time.Second
}

// acmeRemedies say what a kind of problem means and what to do (RFC 8555 section
// 6.7).
var acmeRemedies = map[string]string{
	"dns":               "the authority finds no address for the name: create an A or AAAA record that leads to this gateway",
	"connection":        "the authority cannot connect to the name's address: lead port 443 to http.https (or port 80 to http.http) through firewall and router",
	"tls":               "somebody else answers at the name's address: let its DNS records lead to this gateway, and port 443 to http.https without a proxy that ends TLS",
	"incorrectResponse": "somebody else answers at the name's address: let its DNS records, all of them, lead to this gateway",
	"unauthorized":      "somebody else answers at the name's address: let its DNS records, all of them, lead to this gateway",
	"caa":               "a CAA record of the name forbids this authority: add the authority to it, or remove the record",
	"rateLimited":       "the authority has had too many requests for this name or address: wait as long as it says, and keep http.tls.acme.cache from one start to the next",
	"rejectedIdentifier": "the authority gives no certificate for this name: use a public name of your own, " +
		"or self_signed: true",
	"unsupportedIdentifier":   "the authority gives no certificate for this kind of name: use a public DNS name",
	"invalidContact":          "the authority does not accept the address of mail: correct http.tls.acme.email",
	"unsupportedContact":      "the authority does not accept the address of mail: correct http.tls.acme.email",
	"externalAccountRequired": "the authority wants an account that was made with it: choose another one in http.tls.acme.directory_url, or use cert and key",
	"userActionRequired":      "the authority has new terms of service: visit the address it names",
	"serverInternal":          "the authority has trouble of its own: nothing to do but wait",
}

// explainACME turns what went wrong into one sentence for the operator. err may
// be nil where a renewal failed in the background.
func explainACME(err error, p acmeProblem, name string) error {
	if said, ok := errors.AsType[*acme.Error](err); ok && p.Type == "" {
		p = acmeProblem{Type: said.ProblemType, Detail: said.Detail}
	}
	kind := p.Type[strings.LastIndex(p.Type, ":")+1:]
	remedy, known := acmeRemedies[kind]
	switch {
	case known && p.Detail != "":
		return fmt.Errorf("%s: %s (it says: %s)", name, remedy, p.Detail)
	case known:
		return fmt.Errorf("%s: %s", name, remedy)
	case p.Type != "":
		return fmt.Errorf("%s: the authority refuses: %s (%s)", name, p.Detail, kind)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: the authority did not finish within five minutes: nothing to do but wait", name)
	case err == nil:
		return fmt.Errorf("%s: the authority could not be reached, or has not been asked yet: let this machine connect to it", name)
	}
	return fmt.Errorf("%s: the authority cannot be used: let this machine connect to it, and check its clock and http.tls.acme.directory_url (%w)", name, err)
}
