package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/headgate/headgate/auth"
)

var (
	// errNoOwnKey is returned where tokens come from somebody else's issuer.
	errNoOwnKey = errors.New("this gateway has no signing key of its own; ask your token issuer, or set HEADGATE_KEY")
	// errNoTokenNeeded is returned where a token would be ignored.
	errNoTokenNeeded = errors.New("this gateway is open and needs no token")
)

// OwnKey returns the key that a gateway with this configuration signs tokens
// with: the one it was given, else the one in its state directory, made if need
// be; madeIn is that directory when the key was made now. It fails where the
// gateway would not believe such a token: with other credentials configured the
// state directory is not looked at.
func OwnKey(cfg Config) (key []byte, madeIn string, err error) {
	switch {
	case len(cfg.Auth.Own) > 0:
		return cfg.Auth.Own, "", nil
	case cfg.openElsewhere():
	case cfg.Auth.Open:
		return nil, "", errNoTokenNeeded
	case !cfg.noAuth():
		return nil, "", errNoOwnKey
	}
	return cfg.ownKey()
}

// ownKey is the key in the state directory, made if need be.
func (c Config) ownKey() (key []byte, madeIn string, err error) {
	dir, err := c.stateDir()
	if err != nil {
		return nil, "", err
	}
	key, made, err := auth.LoadOrCreateKey(dir)
	if err != nil {
		return nil, "", fmt.Errorf("the gateway's own key: %w", err)
	}
	if made {
		madeIn = dir
	}
	return key, madeIn, nil
}

// NewTokenID returns a token id nobody has used.
func NewTokenID() string { return rand.Text() }

// SignToken makes a token this gateway believes.
func (g *Gateway) SignToken(claims auth.Claims) (string, error) {
	if len(g.cfg.Auth.Own) == 0 {
		return "", errNoOwnKey
	}
	claims.Issuer, claims.Audience = g.cfg.Auth.JWT.Issuer, g.cfg.Auth.JWT.Audience // as wanted of all tokens
	return auth.Sign(g.cfg.Auth.Own, claims)
}
