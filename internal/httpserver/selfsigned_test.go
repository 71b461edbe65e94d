package httpserver

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

func mustSelfSigned(t *testing.T, dir string, cfg Config, now func() time.Time) *selfSigned {
	t.Helper()
	s, err := loadSelfSigned(dir, cfg, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSelfSignedIsMadeOnceAndKept(t *testing.T) {
	dir, clock := filepath.Join(t.TempDir(), "state"), newClock()
	cfg := Config{PublicURL: "https://Studio.lan:8443", Hosts: []string{"*", "gateway.lan", "192.0.2.9"}}
	first := mustSelfSigned(t, dir, cfg, clock.now)
	leaf := first.current.Leaf
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "studio.lan", "gateway.lan", "192.0.2.9"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if leaf.NotAfter.Sub(leaf.NotBefore) > 825*24*time.Hour || leaf.IsCA {
		t.Errorf("from %v to %v, CA %v", leaf.NotBefore, leaf.NotAfter, leaf.IsCA)
	}
	info, err := os.Stat(filepath.Join(dir, selfSignedFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(first.fingerprint()) {
		t.Errorf("fingerprint %s", first.fingerprint())
	}
	if again := mustSelfSigned(t, dir, cfg, clock.now); again.fingerprint() != first.fingerprint() {
		t.Error("the second start made another one")
	}
	cfg.Hosts = append(cfg.Hosts, "new.lan")
	if other := mustSelfSigned(t, dir, cfg, clock.now); other.fingerprint() == first.fingerprint() || other.current.Leaf.VerifyHostname("new.lan") != nil {
		t.Error("a name that the certificate lacks makes no new one")
	}
}

func TestSelfSignedIsRenewedBeforeItsEnd(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	s := mustSelfSigned(t, dir, Config{}, clock.now)
	first := s.fingerprint()
	clock.advance(selfSignedFor - renewBefore - 48*time.Hour)
	if _, err := s.get(nil); err != nil || s.fingerprint() != first {
		t.Errorf("renewed too early (%v)", err)
	}
	clock.advance(48 * time.Hour)
	cert, err := s.get(nil)
	if err != nil || s.fingerprint() == first || cert.Leaf.NotAfter.Before(clock.now().Add(selfSignedFor-48*time.Hour)) {
		t.Errorf("not renewed: %v", err)
	}
	if again := mustSelfSigned(t, dir, Config{}, clock.now); again.fingerprint() != s.fingerprint() {
		t.Error("the renewed one was not kept")
	}
	clock.advance(selfSignedFor)
	if at := mustSelfSigned(t, dir, Config{}, clock.now); at.ends(clock.now()) {
		t.Error("an old one is used at the start")
	}
}

func TestSelfSignedThatCannotBeRenewedStays(t *testing.T) {
	dir, clock, log := t.TempDir(), newClock(), &logBuffer{}
	s := mustSelfSigned(t, dir, Config{}, clock.now)
	s.log = slog.New(slog.NewTextHandler(log, nil))
	s.file = filepath.Join(dir, selfSignedFile, "in", "a", "file") // where nothing can be written
	first := s.fingerprint()
	clock.advance(selfSignedFor)
	for range 3 {
		if _, err := s.get(nil); err != nil || s.fingerprint() != first {
			t.Errorf("another one (%v)", err)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log)
	}
}

func TestSelfSignedFileThatIsBroken(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, selfSignedFile), []byte("nonsense"), time.Now())
	_, err := loadSelfSigned(dir, Config{}, time.Now, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "delete "+filepath.Join(dir, selfSignedFile)) {
		t.Errorf("%v", err)
	}
}

func TestServingSelfSigned(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, &wishtest.Backend{}, func(c *Config) {
		c.HTTP, c.HTTPS, c.TLS, c.StateDir = "", "127.0.0.1:0", TLSConfig{SelfSigned: true}, dir
	})
	origin, _ := r.run()
	pool := x509.NewCertPool()
	text, err := os.ReadFile(filepath.Join(dir, selfSignedFile))
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	conn := dialTLS(t, strings.TrimPrefix(origin, "https://"))
	if r.Fingerprint() == "" || conn.ConnectionState().PeerCertificates[0].VerifyHostname("localhost") != nil {
		t.Errorf("fingerprint %q", r.Fingerprint())
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "localhost"}}
	trusted, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(origin, "https://"))
	if err != nil {
		t.Fatalf("who knows the certificate does not trust it: %v", err)
	}
	_ = trusted.Close()
}
