package httpserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a fresh certificate for localhost, last changed at modified.
func writePair(t *testing.T, files TLSConfig, serial int64, modified time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), modified)
	writeFile(t, files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), modified)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func writeFile(t *testing.T, name string, content []byte, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, modified, modified); err != nil {
		t.Fatal(err)
	}
}

func pairIn(dir string) TLSConfig {
	return TLSConfig{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
}

func TestCertificateReload(t *testing.T) {
	files, clock, log := pairIn(t.TempDir()), newClock(), &logBuffer{}
	start := clock.now()
	writePair(t, files, 1, start)
	c, err := loadCertificate(files, clock.now, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		cert, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf.SerialNumber.Int64()
	}
	expect := func(what string, want int64) {
		t.Helper()
		if got := serial(); got != want {
			t.Errorf("%s: certificate %d, want %d", what, got, want)
		}
	}
	expect("at first", 1)
	writePair(t, files, 2, start.Add(time.Minute))
	expect("within the second", 1)
	clock.advance(recheckEvery)
	expect("after the second", 2)

	writeFile(t, files.Cert, []byte("half written"), start.Add(2*time.Minute))
	for range 5 {
		clock.advance(recheckEvery)
		expect("while broken", 2)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("told %d times that the files are broken:\n%s", n, log)
	}
	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	clock.advance(recheckEvery)
	expect("while missing", 2)
	writePair(t, files, 3, start.Add(3*time.Minute))
	clock.advance(recheckEvery)
	expect("mended", 3)
	if n := strings.Count(log.String(), "level=INFO"); n != 2 {
		t.Errorf("told %d times of a new certificate:\n%s", n, log)
	}
}

func TestCertificateMustLoadAtStart(t *testing.T) {
	cfg := DefaultConfig()
	cfg.HTTPS, cfg.TLS = "127.0.0.1:0", pairIn(t.TempDir())
	if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "http.tls") {
		t.Errorf("New = %v", err)
	}
}
