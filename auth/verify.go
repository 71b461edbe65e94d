package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// verifier believes signed tokens.
type verifier struct {
	keys     []key
	set      *keySet // nil without a URL
	issuer   string
	audience []string
}

func newVerifier(cfg Config, now func() time.Time) (*verifier, error) {
	v := &verifier{issuer: cfg.JWT.Issuer, audience: cfg.JWT.Audience}
	var errs []error
	for i, c := range cfg.JWT.Keys {
		k, err := c.load()
		if err != nil {
			errs = append(errs, fmt.Errorf("auth.jwt.keys[%d].%w", i, err))
			continue
		}
		v.keys = append(v.keys, k)
	}
	if len(cfg.Own) > 0 {
		v.keys = append(v.keys, key{alg: jose.HS256, material: cfg.Own})
	}
	if cfg.JWT.JWKSURL != "" {
		v.set = newKeySet(cfg.JWT.JWKSURL, cfg.JWT.JWKSRefresh, cfg.Log, now)
	}
	return v, errors.Join(errs...)
}

var errUnknown = ErrBadToken.Because("The token is not known here; look for a typing mistake, or ask for another.")

// verify reads a signed token (RFC 7515 compact form) and everything that does
// not depend on the clock.
func (v *verifier) verify(ctx context.Context, token string) (identity, error) {
	payload, err := v.payload(ctx, token)
	if err != nil {
		return identity{}, err
	}
	claims, err := decodeClaims(payload)
	if err != nil {
		return identity{}, err
	}
	if err := claims.checkFor(v.issuer, v.audience); err != nil {
		return identity{}, err
	}
	if err := claims.check(); err != nil {
		return identity{}, err
	}
	return claims.identity(payload), nil
}

// payload checks the signature. What the header says about keys (jwk, jku, x5c)
// is never believed.
func (v *verifier) payload(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return nil, errUnknown
	}
	header := signed.Signatures[0].Protected
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, ok := header.ExtraHeaders[name]; ok { // RFC 7797 section 7: not in a JWT
			return nil, ErrBadToken.Because("The token has a header %q, which is not understood here; ask for one without.", string(name))
		}
	}
	if payload, ok := tryKeys(signed, v.keys); ok {
		return payload, nil
	}
	if v.set == nil || header.Algorithm == string(jose.HS256) {
		return nil, errUnknown
	}
	return v.fromSet(ctx, signed)
}

// fromSet tries the key set as it is and, when none of its keys did it, a newer
// one: the issuer may have changed keys.
func (v *verifier) fromSet(ctx context.Context, signed *jose.JSONWebSignature) ([]byte, error) {
	for _, missed := range []bool{false, true} {
		keys, err := v.set.keys(ctx, missed)
		if err != nil {
			return nil, err
		}
		if payload, ok := tryKeys(signed, keys); ok {
			return payload, nil
		}
	}
	return nil, errUnknown
}

func tryKeys(signed *jose.JSONWebSignature, keys []key) ([]byte, bool) {
	header := signed.Signatures[0].Protected
	for _, k := range keys {
		if !k.fits(jose.SignatureAlgorithm(header.Algorithm), header.KeyID) {
			continue
		}
		if payload, err := signed.Verify(k.material); err == nil {
			return payload, true
		}
	}
	return nil, false
}
