package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

const acmeName = "live.example.com"

// acmeRig is a gateway that gets its certificate from ca, which reaches it.
func acmeRig(t *testing.T, ca *fakeCA, dir string, change func(*Config)) *rig {
	t.Helper()
	r := newRig(t, &wishtest.Backend{}, func(c *Config) {
		c.HTTP, c.HTTPS, c.StateDir = "", "127.0.0.1:0", dir
		c.TLS = TLSConfig{ACME: ACMEConfig{Domains: []string{acmeName, "Second.example.com"}, Email: "me@example.com", DirectoryURL: ca.url()}}
		if change != nil {
			change(c)
		}
	})
	r.onListen = func() {
		for _, u := range r.URLs() {
			if address, ok := strings.CutPrefix(u, "https://"); ok {
				ca.lead(443, address)
			} else {
				ca.lead(80, strings.TrimPrefix(u, "http://"))
			}
		}
	}
	return r
}

// handshake names a host and returns the certificate's issuer.
func handshake(t *testing.T, origin, name string, protocols ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: protocols}}
	conn, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(origin, "https://"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if name != "" {
		err = leaf.VerifyHostname(name)
	}
	return leaf.Issuer.CommonName, err
}

func TestACMEByTLSALPN(t *testing.T) {
	ca, dir := newFakeCA(t), t.TempDir()
	r := acmeRig(t, ca, dir, nil)
	origin, stop := r.run()
	for _, name := range []string{acmeName, "second.example.com", ""} {
		if issuer, err := handshake(t, origin, name); err != nil || issuer != fakeCAName {
			t.Errorf("%q: issuer %q, %v", name, issuer, err)
		}
	}
	if _, err := handshake(t, origin, "other.example.com"); err == nil {
		t.Error("a name that is not configured gets a certificate")
	}
	if rec := r.ask("198.51.100.7", "GET", "https://x/healthz", "", "Host", acmeName); rec.Code != http.StatusOK {
		t.Errorf("the domain is not among the hosts: %d", rec.Code)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := ca.done(); fmt.Sprint(got) != "[tls-alpn-01 tls-alpn-01]" {
		t.Errorf("proved by %v", got)
	}

	again := acmeRig(t, ca, dir, nil) // from the cache, without the authority
	origin, _ = again.run()
	if issuer, err := handshake(t, origin, acmeName); err != nil || issuer != fakeCAName {
		t.Errorf("issuer %q, %v", issuer, err)
	}
	if n := len(ca.done()); n != 2 {
		t.Errorf("%d orders after a second start", n)
	}
	info, err := os.Stat(filepath.Join(dir, "acme"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestACMEByHTTP(t *testing.T) {
	ca := newFakeCA(t)
	ca.refuse["tls-alpn-01"] = acmeProblem{Type: "urn:ietf:params:acme:error:connection", Detail: "refused"}
	r := acmeRig(t, ca, t.TempDir(), func(c *Config) { c.HTTP, c.TLS.ACME.Domains = "127.0.0.1:0", []string{acmeName} })
	_, _ = r.run()
	if issuer, err := handshake(t, r.URLs()[1], acmeName); err != nil || issuer != fakeCAName {
		t.Errorf("issuer %q, %v", issuer, err)
	}
	if got := ca.done(); fmt.Sprint(got) != "[http-01]" {
		t.Errorf("proved by %v", got)
	}
	rec := r.ask("198.51.100.7", "GET", "http://x"+challengePath+"nonsense", "", "Host", acmeName)
	if rec.Code != http.StatusNotFound {
		t.Errorf("an unknown token: %d", rec.Code)
	}
}

// Without plain HTTP there is no HTTP-01, and with other sources neither.
func TestNoChallengesWithoutACME(t *testing.T) {
	r := newRig(t, nil, nil)
	if rec := r.ask("127.0.0.1", "GET", challengePath+"x", ""); rec.Code != http.StatusNotFound {
		t.Errorf("%d", rec.Code)
	}
}

func TestACMEFailuresAreExplained(t *testing.T) {
	ca := newFakeCA(t)
	ca.refuse["tls-alpn-01"] = acmeProblem{Type: "urn:ietf:params:acme:error:dns", Detail: "NXDOMAIN"}
	r := acmeRig(t, ca, t.TempDir(), func(c *Config) {
		c.TLS.ACME.Domains, c.ReadHeaderTimeout = []string{acmeName}, 100*time.Millisecond
	})
	origin, stop := r.run()
	waitUntil(t, func() bool { return strings.Contains(r.log.String(), "level=WARN") })
	if log := r.log.String(); !strings.Contains(log, acmeName+": the authority finds no address for the name: create an A or AAAA record") || !strings.Contains(log, "it says: NXDOMAIN") || !strings.Contains(log, "next_try=5m0s") {
		t.Errorf("%s", log)
	}
	if _, err := handshake(t, origin, acmeName); err == nil {
		t.Error("a handshake without a certificate")
	}
	begin := time.Now()
	if err := stop(); err != nil || time.Since(begin) > patience/2 {
		t.Errorf("Serve = %v after %v", err, time.Since(begin))
	}
}

// An authority that never answers does not hold the end up.
func TestACMEStopsInTime(t *testing.T) {
	ca := newFakeCA(t)
	ca.pending = true
	r := acmeRig(t, ca, t.TempDir(), nil)
	_, stop := r.run()
	waitUntil(t, func() bool { return ca.polled() > 0 })
	begin := time.Now()
	if err := stop(); err != nil || time.Since(begin) > patience {
		t.Errorf("Serve = %v after %v", err, time.Since(begin))
	}
}

func TestExplainACME(t *testing.T) {
	refused := func(kind string) error {
		return &acme.Error{ProblemType: "urn:ietf:params:acme:error:" + kind, Detail: "so"}
	}
	for _, tc := range []struct {
		err     error
		problem acmeProblem
		want    string
	}{
		{refused("rateLimited"), acmeProblem{}, "a.example: the authority has had too many requests"},
		{refused("invalidContact"), acmeProblem{}, "correct http.tls.acme.email (it says: so)"},
		{refused("rejectedIdentifier"), acmeProblem{}, "self_signed: true"},
		{refused("externalAccountRequired"), acmeProblem{}, "http.tls.acme.directory_url"},
		{refused("badCSR"), acmeProblem{}, "the authority refuses: so (badCSR)"},
		{errors.New("no viable challenge type found"), acmeProblem{Type: "urn:ietf:params:acme:error:caa"}, "a CAA record of the name forbids"},
		{errors.New("no viable challenge type found"), acmeProblem{Type: "urn:ietf:params:acme:error:unauthorized", Detail: "404"}, "somebody else answers"},
		{errors.New("no viable challenge type found"), acmeProblem{Type: "urn:ietf:params:acme:error:connection", Detail: "timeout"}, "lead port 443 to http.https"},
		{context.DeadlineExceeded, acmeProblem{}, "within five minutes"},
		{errors.New("dial tcp: no route"), acmeProblem{}, "let this machine connect to it"},
		{nil, acmeProblem{}, "could not be reached"},
	} {
		if got := explainACME(tc.err, tc.problem, "a.example").Error(); !strings.Contains(got, tc.want) || strings.Contains(got, "\n") {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
}

func TestACMECacheMustBeWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil, time.Now())
	for name, change := range map[string]func(*Config){
		"a file":        func(c *Config) { c.TLS.ACME.Cache = file },
		"nothing named": func(c *Config) { c.StateDir = "" },
	} {
		cfg := DefaultConfig()
		cfg.HTTPS, cfg.TLS.ACME.Domains = "127.0.0.1:0", []string{acmeName}
		change(&cfg)
		if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "acme.cache") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthorityPausesAreShort(t *testing.T) {
	for value, want := range map[string]string{"": "", "2": "2", "3600": "3", "Wed, 21 Oct 2099 07:28:00 GMT": "3"} {
		rec := httptest.NewRecorder()
		if value != "" {
			rec.Header().Set("Retry-After", value)
		}
		res := rec.Result()
		shortenPause(res)
		_ = res.Body.Close()
		if got := res.Header.Get("Retry-After"); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
	a := newAuthority("")
	res := &http.Response{StatusCode: http.StatusServiceUnavailable}
	if a.backoff(1, nil, res) <= 0 || a.backoff(answerRetries+1, nil, res) >= 0 || a.backoff(1, nil, &http.Response{StatusCode: http.StatusTooManyRequests}) >= 0 {
		t.Error("backoff")
	}
	a.stop()
	if a.backoff(1, nil, res) >= 0 {
		t.Error("backoff after the end")
	}
}
