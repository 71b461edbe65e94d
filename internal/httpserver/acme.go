package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	// firstOrderRetry is the pause after a failed order; it doubles up to
	// lastOrderRetry. Authorities count failures: Let's Encrypt takes five an hour.
	firstOrderRetry, lastOrderRetry = 5 * time.Minute, time.Hour
	// renewalCheck is how often it is looked whether renewal works, and
	// renewalLate what is left of a certificate when it plainly does not: it should
	// happen with a third of its life to go.
	renewalCheck, renewalLate = 12 * time.Hour, 14 * 24 * time.Hour
	// answerRetries is how often one request to the authority is repeated.
	answerRetries = 3
	// earlyWait is how long a handshake waits for the first certificate, where its
	// listener sets no limit of its own.
	earlyWait = 10 * time.Second
)

// challengePath is where HTTP-01 challenges are asked for (RFC 8555 section 8.3).
const challengePath = "/.well-known/acme-challenge/"

func isChallenge(path string) bool { return strings.HasPrefix(path, challengePath) }

var (
	errStrangeName  = errors.New("no certificate for that name: it is not among http.tls.acme.domains")
	errNotOrdered   = errors.New("the certificate has not come yet")
	errCacheMissing = errors.New("http.tls.acme.cache: name a directory")
)

// acmeCertificates are those of a certification authority (RFC 8555). They are
// ordered in advance and one after the other, never by a handshake: strangers
// cannot cause orders, and clients that come too early wait no longer than a
// handshake may take.
//
// Ownership: keep orders until its context ends; renewal runs on timers of the
// library.
type acmeCertificates struct {
	manager   *autocert.Manager
	authority *authority
	names     []string
	byName    map[string]*ordered
	challenge http.Handler // HTTP-01; nil without plain HTTP
	now       func() time.Time
	log       *slog.Logger
}

// ordered is the certificate of a name.
type ordered struct {
	ready chan struct{} // closed once there is one
	once  sync.Once
}

// newACME prepares orders. Without http01 names are proved by TLS-ALPN-01 alone.
func newACME(cfg ACMEConfig, stateDir string, http01 bool, now func() time.Time, log *slog.Logger) (*acmeCertificates, error) {
	cache, err := acmeCache(cfg.Cache, stateDir)
	if err != nil {
		return nil, err
	}
	directory := cfg.DirectoryURL
	if directory == "" {
		directory = autocert.DefaultACMEDirectory
	}
	a := &acmeCertificates{authority: newAuthority(directory), byName: make(map[string]*ordered), now: now, log: log}
	for _, d := range cfg.Domains {
		name, _ := parseHost(d)
		a.names = append(a.names, name)
		a.byName[name] = &ordered{ready: make(chan struct{})}
	}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cache), HostPolicy: autocert.HostWhitelist(a.names...), Email: cfg.Email,
		Client: &acme.Client{DirectoryURL: directory, HTTPClient: &http.Client{Transport: a.authority}, RetryBackoff: a.authority.backoff, UserAgent: "headgate"},
	}
	if http01 {
		a.challenge = a.manager.HTTPHandler(http.NotFoundHandler())
	}
	return a, nil
}

// acmeCache makes sure that certificates can be kept: ordered anew at each start
// they would soon be refused.
func acmeCache(dir, stateDir string) (string, error) {
	if dir == "" {
		if stateDir == "" {
			return "", errCacheMissing
		}
		dir = filepath.Join(stateDir, "acme")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("acme.cache: %w", err)
	}
	f, err := os.CreateTemp(dir, "try-*")
	if err != nil {
		return "", fmt.Errorf("acme.cache: the gateway must be able to write there: %w", err)
	}
	return dir, errors.Join(f.Close(), os.Remove(f.Name()))
}

// get is tls.Config.GetCertificate. Clients that name no host get the first one.
func (a *acmeCertificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acmeProtocol {
		return a.manager.GetCertificate(hello)
	}
	name, _ := parseHost(hello.ServerName)
	if hello.ServerName == "" {
		name = a.names[0]
	}
	o := a.byName[name]
	if o == nil {
		return nil, errStrangeName
	}
	ctx, cancel := context.WithTimeout(hello.Context(), earlyWait)
	defer cancel()
	select {
	case <-o.ready:
		return a.manager.GetCertificate(helloFor(name))
	case <-ctx.Done():
		return nil, errNotOrdered
	}
}

// helloFor asks for the one kind of certificate we use, whatever the client
// prefers: every client since 2014 takes ECDSA.
func helloFor(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// keep orders what is missing and watches over renewal until ctx ends.
func (a *acmeCertificates) keep(ctx context.Context) {
	end := context.AfterFunc(ctx, a.authority.stop)
	defer end()
	defer a.authority.stop()
	var working sync.WaitGroup
	var turn sync.Mutex
	for _, name := range a.names {
		working.Go(func() { a.keepName(ctx, name, &turn) })
	}
	working.Wait()
}

func (a *acmeCertificates) keepName(ctx context.Context, name string, turn *sync.Mutex) {
	retry := firstOrderRetry
	for ctx.Err() == nil {
		turn.Lock()
		err := a.order(ctx, name)
		turn.Unlock()
		wait := renewalCheck
		if err == nil {
			retry = firstOrderRetry
		} else if ctx.Err() == nil {
			wait, retry = retry, min(2*retry, lastOrderRetry)
			a.log.Warn("no TLS certificate from the certification authority", "domain", name, "why", err.Error(), "next_try", wait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// order gets the certificate of name from the cache or the authority. The error
// is a sentence for the operator.
func (a *acmeCertificates) order(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	a.authority.forget()
	cert, err := a.manager.GetCertificate(helloFor(name))
	if err != nil {
		return explainACME(err, a.authority.last(), name)
	}
	o := a.byName[name]
	o.once.Do(func() {
		a.log.Info("TLS certificate in use", "domain", name, "until", cert.Leaf.NotAfter)
		close(o.ready)
	})
	if left := cert.Leaf.NotAfter.Sub(a.now()); left < renewalLate && left < cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore)/4 {
		return fmt.Errorf("the certificate ends on %s and was not renewed; %w",
			cert.Leaf.NotAfter.Format(time.DateOnly), explainACME(nil, a.authority.last(), name))
	}
	return nil
}

// registerChallenge answers HTTP-01 challenges.
func (s *Server) registerChallenge(e *echo.Echo) {
	if a, ok := s.cert.(*acmeCertificates); ok && a.challenge != nil {
		e.GET(challengePath+":token", func(c echo.Context) error {
			r := c.Request()
			r.Host, _ = parseHost(r.Host) // the library takes a port for a part of the name
			a.challenge.ServeHTTP(c.Response(), r)
			return nil
		})
	}
}
