package audience

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha1" // hashes that an answer may name (RFC 8122)
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// identity is the certificate that all viewers of an audience share.
type identity struct {
	certificate tls.Certificate
	fingerprint string // SHA-256, as in SDP
}

func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &identity{
		certificate: tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key},
		fingerprint: fingerprintOf(crypto.SHA256, raw),
	}, nil
}

// fingerprintOf writes a fingerprint as SDP does: AB:CD:….
func fingerprintOf(hash crypto.Hash, raw []byte) string {
	h := hash.New()
	h.Write(raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", h.Sum(nil)), " ", ":")
}

// hashes are the names of RFC 8122 section 5 that are still met.
var hashes = map[string]crypto.Hash{
	"sha-1": crypto.SHA1, "sha-224": crypto.SHA224, "sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512,
}

var errWrongCertificate = errors.New("the server's certificate has none of the answer's fingerprints")

// verifier accepts a certificate that has one of the fingerprints.
func verifier(prints []fingerprint) func([][]byte, [][]*x509.Certificate) error {
	return func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 {
			return errWrongCertificate
		}
		for _, p := range prints {
			if hash, known := hashes[p.hash]; known && fingerprintOf(hash, raw[0]) == p.value {
				return nil
			}
		}
		return errWrongCertificate
	}
}
