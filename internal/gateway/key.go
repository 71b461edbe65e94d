package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/headgate/headgate/auth"
)

// errNoOwnKey is returned where tokens come from somebody else's issuer.
var errNoOwnKey = errors.New("this gateway has no signing key of its own; ask your token issuer, or set HEADGATE_KEY")

// OwnKey returns the key that a gateway with this configuration signs tokens
// with: the one it was given, else the one in its state directory, made if need
// be.
func OwnKey(cfg Config) ([]byte, error) {
	if len(cfg.Auth.Own) > 0 {
		return cfg.Auth.Own, nil
	}
	dir, err := cfg.stateDir()
	if err != nil {
		return nil, err
	}
	key, _, err := auth.LoadOrCreateKey(dir)
	if err != nil {
		return nil, fmt.Errorf("the gateway's own key: %w", err)
	}
	return key, nil
}

// NewTokenID returns a token id nobody has used.
func NewTokenID() string { return rand.Text() }

// SignToken makes a token this gateway believes.
func (g *Gateway) SignToken(claims auth.Claims) (string, error) {
	if len(g.cfg.Auth.Own) == 0 {
		return "", errNoOwnKey
	}
	return auth.Sign(g.cfg.Auth.Own, claims)
}
