package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// issuer signs certificates for tests.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate signed by by, or by itself; from and days say when it
// is valid, relative to someTime.
func issue(t *testing.T, by *issuer, name string, authority bool, from, days int) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: authority, BasicConstraintsValid: true,
		NotBefore: someTime.AddDate(0, 0, from), NotAfter: someTime.AddDate(0, 0, from+days), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	parent := &issuer{template, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{cert, key}
}

func TestCertificateChains(t *testing.T) {
	root := issue(t, nil, "root", true, -100, 4000)
	between := issue(t, root, "between", true, -100, 4000)
	leaf := func(from, days int) *issuer { return issue(t, between, "live.example", false, from, days) }
	self := issue(t, nil, "live.example", false, -1, 100)
	good := leaf(-1, 90)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	tests := []struct {
		name  string
		chain []*x509.Certificate
		host  string
		roots *x509.CertPool
		want  string
	}{
		{"good", []*x509.Certificate{good.cert, between.cert}, "live.example", roots, "certificate-good"},
		{"any name", []*x509.Certificate{good.cert, between.cert}, "", roots, "certificate-good"},
		{"another name", []*x509.Certificate{good.cert, between.cert}, "other.example", roots, "certificate-name"},
		{"expired", []*x509.Certificate{leaf(-90, 80).cert, between.cert}, "live.example", roots, "certificate-expired"},
		{"soon", []*x509.Certificate{leaf(-80, 90).cert, between.cert}, "live.example", roots, "certificate-expiring"},
		{"not yet", []*x509.Certificate{leaf(2, 90).cert, between.cert}, "live.example", roots, "certificate-early"},
		{"alone", []*x509.Certificate{good.cert}, "live.example", roots, "certificate-alone"},
		{"self-signed", []*x509.Certificate{self.cert}, "live.example", roots, "certificate-self-signed"},
		{"a root of their own", []*x509.Certificate{good.cert, between.cert}, "live.example", x509.NewCertPool(), "certificate-untrusted"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, judgeChain(tc.chain, tc.host, someTime, tc.roots), tc.want) })
	}
}

func TestCertificateFiles(t *testing.T) {
	self := issue(t, nil, "live.example", false, -1, 100)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(self.key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: self.cert.Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := Setup{Cert: cert, Key: key, PublicURL: "https://other.example/x"}
	expect(t, certificate(s, someTime), "certificate-name certificate-self-signed")
	expect(t, certificate(Setup{Cert: key, Key: cert}, someTime), "certificate-unusable")
	expect(t, certificate(Setup{LoopbackOnly: true}, someTime), "certificate-not-needed")
	expect(t, certificate(Setup{PublicURL: "https://proxy.example"}, someTime), "certificate-not-needed")
	expect(t, certificate(Setup{HTTPS: ":443"}, someTime), "certificate-by-itself")
	expect(t, certificate(Setup{}, someTime), "certificate-none")
	if age(36*time.Hour) != "1 day" {
		t.Error(age(36 * time.Hour))
	}
}
