package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
)

// minKeyBytes is the shortest HMAC key (RFC 7518 section 3.2).
const minKeyBytes = 32

// minRSABits is the shortest RSA key (RFC 7518 section 3.3).
const minRSABits = 2048

// key verifies one algorithm only, so that a token cannot choose how its key is
// understood (RFC 8725 section 3.1).
type key struct {
	id       string
	alg      jose.SignatureAlgorithm
	material any
}

// algorithms are those a token may name. There is no "none".
var algorithms = []jose.SignatureAlgorithm{jose.HS256, jose.ES256, jose.RS256, jose.EdDSA}

// fits reports whether the key may have signed a token with this header.
func (k key) fits(alg jose.SignatureAlgorithm, id string) bool {
	return k.alg == alg && (k.id == "" || id == "" || k.id == id)
}

func secretKey(id string, secret []byte) (key, error) {
	switch {
	case len(secret) < minKeyBytes:
		return key{}, fmt.Errorf("must be at least %d bytes; make one with: openssl rand -base64 32", minKeyBytes)
	case bytes.Contains(secret, []byte("-----BEGIN")):
		return key{}, errors.New("is a PEM file; a public key belongs into public_key")
	}
	return key{id: id, alg: jose.HS256, material: secret}, nil
}

// publicKey takes a key that is public for good, in the strengths of RFC 7518.
func publicKey(id string, material any) (key, error) {
	switch k := material.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return key{}, errors.New("is on another curve than P-256, which ES256 needs")
		}
		return key{id: id, alg: jose.ES256, material: k}, nil
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return key{}, fmt.Errorf("is an RSA key of %d bits; at least %d are wanted", k.N.BitLen(), minRSABits)
		}
		return key{id: id, alg: jose.RS256, material: k}, nil
	case ed25519.PublicKey:
		return key{id: id, alg: jose.EdDSA, material: k}, nil
	}
	return key{}, errors.New("is not a P-256, RSA or Ed25519 public key")
}

// pemKey reads a PEM public key or certificate.
func pemKey(id string, text []byte) (key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return key{}, errors.New("is not PEM")
	}
	var material any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		material, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		material, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			material = cert.PublicKey
		}
	default:
		return key{}, fmt.Errorf("has a PEM block %q; a PUBLIC KEY is wanted here", block.Type)
	}
	if err != nil {
		return key{}, errors.New("has a PEM block that cannot be read")
	}
	return publicKey(id, material)
}

// isFile reports whether the key comes from a file.
func (c KeyConfig) isFile() bool { return c.SecretFile != "" || c.PublicKeyFile != "" }

// sources counts what is set.
func (c KeyConfig) sources() int {
	n := 0
	for _, s := range []string{string(c.Secret), c.SecretFile, c.PublicKey, c.PublicKeyFile} {
		if s != "" {
			n++
		}
	}
	return n
}

// load makes the key; errors begin with the field's name and never show a
// secret.
func (c KeyConfig) load() (key, error) {
	if c.sources() != 1 {
		return key{}, errors.New("secret: set exactly one of secret, secret_file, public_key and public_key_file")
	}
	field, k, err := c.read()
	if err != nil {
		return key{}, fmt.Errorf("%s: %w", field, err)
	}
	if c.Algorithm != "" && c.Algorithm != string(k.alg) {
		return key{}, fmt.Errorf("algorithm: this key is for %s, not %q", k.alg, c.Algorithm)
	}
	return k, nil
}

func (c KeyConfig) read() (field string, k key, err error) {
	switch {
	case c.Secret != "":
		k, err = secretKey(c.ID, []byte(c.Secret))
		return "secret", k, err
	case c.PublicKey != "":
		k, err = pemKey(c.ID, []byte(c.PublicKey))
		return "public_key", k, err
	case c.SecretFile != "":
		k, err = fileKey(c.SecretFile, func(text []byte) (key, error) { return secretKey(c.ID, bytes.TrimSpace(text)) })
		return "secret_file", k, err
	}
	k, err = fileKey(c.PublicKeyFile, func(text []byte) (key, error) { return pemKey(c.ID, text) })
	return "public_key_file", k, err
}

func fileKey(path string, parse func([]byte) (key, error)) (key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return key{}, err
	}
	return parse(text)
}
