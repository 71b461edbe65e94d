package httpserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/wholefile"
)

const (
	// selfSignedFile holds certificate and key in the state directory.
	selfSignedFile = "tls-self-signed.pem"
	// selfSignedFor is the longest validity that Apple's systems take.
	selfSignedFor = 825 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is made anew, and
	// renewRetry the pause after a failure.
	renewBefore = 30 * 24 * time.Hour
	renewRetry  = time.Hour
)

// selfSigned is a certificate that the gateway made for itself, for networks
// where nobody can prove a name to a certification authority. Safe for concurrent
// use.
type selfSigned struct {
	file string
	// names are those the configuration knows; the machine's own are added.
	names []string
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	retryAt time.Time
}

// loadSelfSigned reads the certificate in dir, or makes it: at first, near its
// end, and when the configuration names a host that it lacks.
func loadSelfSigned(dir string, cfg Config, now func() time.Time, log *slog.Logger) (*selfSigned, error) {
	s := &selfSigned{file: filepath.Join(dir, selfSignedFile), names: configuredNames(cfg), now: now, log: log}
	pair, err := tls.LoadX509KeyPair(s.file, s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = s.renew()
	case err != nil:
		return nil, fmt.Errorf("the self-signed certificate cannot be read (delete %s and a new one is made): %w", s.file, err)
	case !s.good(pair.Leaf):
		err = s.renew()
	default:
		s.current = &pair
	}
	if err != nil {
		return nil, fmt.Errorf("make a self-signed certificate: %w", err)
	}
	log.Info("self-signed TLS certificate in use", "until", s.current.Leaf.NotAfter, "sha256", s.fingerprint())
	return s, nil
}

// get is tls.Config.GetCertificate.
func (s *selfSigned) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.ends(now) && !now.Before(s.retryAt) {
		s.retryAt = now.Add(renewRetry)
		if err := s.renew(); err != nil {
			s.log.Warn("the self-signed certificate cannot be renewed, the old one stays", "err", err)
		}
	}
	return s.current, nil
}

func (s *selfSigned) ends(now time.Time) bool {
	return now.Add(renewBefore).After(s.current.Leaf.NotAfter)
}

// good tells whether leaf may go on being used.
func (s *selfSigned) good(leaf *x509.Certificate) bool {
	if s.now().Add(renewBefore).After(leaf.NotAfter) || s.now().Before(leaf.NotBefore) {
		return false
	}
	for _, name := range s.names {
		if leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	return true
}

// fingerprint is the SHA-256 one as browsers show it.
func (s *selfSigned) fingerprint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(s.current.Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

func (s *selfSigned) renew() error {
	text, err := makeSelfSigned(append(machineNames(), s.names...), s.now())
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return err
	}
	if err := writePrivate(s.file, text); err != nil {
		return err
	}
	s.current = &pair
	return nil
}

// makeSelfSigned returns certificate and key for names and addresses as PEM.
func makeSelfSigned(names []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Headgate, self-signed"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(selfSignedFor - 24*time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	addNames(template, names)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

func addNames(to *x509.Certificate, names []string) {
	seen := make(map[string]bool)
	for _, name := range names {
		if name = strings.ToLower(name); seen[name] {
			continue
		}
		seen[name] = true
		if addr, err := netip.ParseAddr(name); err == nil {
			to.IPAddresses = append(to.IPAddresses, addr.AsSlice())
		} else {
			to.DNSNames = append(to.DNSNames, name)
		}
	}
}

// configuredNames are the hosts that clients use according to cfg.
func configuredNames(cfg Config) (names []string) {
	if u, err := url.Parse(cfg.PublicURL); err == nil && u.Host != "" {
		names = append(names, u.Hostname())
	}
	for _, h := range cfg.Hosts {
		if h != "*" {
			names = append(names, h)
		}
	}
	return names
}

// machineNames are what this machine can be addressed by: localhost, its name,
// also in the local network (RFC 6762), and its addresses.
func machineNames() []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil && isName(strings.ToLower(host)) {
		names = append(names, host)
		if !strings.Contains(host, ".") {
			names = append(names, host+".local")
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return names // the names have to do
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			names = append(names, p.Addr().Unmap().String())
		}
	}
	return names
}

// writePrivate makes a file that only we can read appear with all its content or
// not at all.
func writePrivate(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return wholefile.Write(name, content)
}
