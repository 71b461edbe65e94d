package auth

import (
	"log/slog"
	"time"
)

// The two readings of a token's exp; see Config.Exp.
const (
	ExpSession = "session"
	ExpJoin    = "join"
)

// Config says who may do what. Start from DefaultConfig.
type Config struct {
	// Open lets everybody publish and play without a token. A good token that
	// is shown all the same tells who somebody is; a bad one is ignored. Admin
	// is open only while no token, key or key set is configured.
	Open bool `yaml:"open"`
	// Tokens are fixed tokens, for example stream keys of encoders.
	Tokens []TokenConfig `yaml:"tokens"`
	// JWT says which signed tokens are believed.
	JWT JWTConfig `yaml:"jwt"`
	// Exp is what the end of a token bounds: ExpSession (default) ends the
	// session with it, ExpJoin bounds admission only, for issuers with short
	// join tokens.
	Exp string `yaml:"exp"`
	// Skew is how far the issuer's clock may be off. It is added to every end
	// and subtracted from every beginning.
	Skew time.Duration `yaml:"skew"`
	// Linger is how long a login with a single-login token may come back after
	// its last session ended.
	Linger time.Duration `yaml:"linger"`
	// AcceptRawToken takes an Authorization header without a scheme for a
	// token (some players send it so); see CredentialFrom.
	AcceptRawToken bool `yaml:"accept_raw_token"`
	// Own is the gateway's own HMAC key, as LoadOrCreateKey returns it: tokens
	// made by Sign with it are believed. Not part of the file.
	Own []byte `yaml:"-"`
	// Log hears of key sets that cannot be fetched; nil is silent. Not part of
	// the file.
	Log *slog.Logger `yaml:"-"`
}

// TokenConfig is one fixed token and what it allows.
type TokenConfig struct {
	// Token is at least 16 characters of RFC 6750's b64token: letters, digits
	// and -._~+/ with = at the end.
	Token Secret `yaml:"token"`
	// Publish and Play allow that on the Channels.
	Publish bool `yaml:"publish"`
	Play    bool `yaml:"play"`
	// Admin allows administration of everything, whatever Channels says.
	Admin bool `yaml:"admin"`
	// Channels are patterns: a name, prefix* or *.
	Channels []string `yaml:"channels"`
	// Participant binds the token to one participant; * allows every one, and
	// empty takes the one the address names.
	Participant string `yaml:"participant"`
	// Name is shown for the participant.
	Name string `yaml:"name"`
	// Expires ends the token, RFC 3339; zero means never.
	Expires time.Time `yaml:"expires"`
}

// JWTConfig says which signed tokens are believed (RFC 7519, RFC 8725).
type JWTConfig struct {
	// Keys verify tokens.
	Keys []KeyConfig `yaml:"keys"`
	// JWKSURL is where a key set is fetched (RFC 7517): https, or http on
	// loopback. Redirects are not followed.
	JWKSURL string `yaml:"jwks_url"`
	// JWKSRefresh is the age at which the key set is fetched again. An unknown
	// key makes it be fetched earlier, but at most every 10 s.
	JWKSRefresh time.Duration `yaml:"jwks_refresh"`
	// Issuer must equal the token's iss; empty takes any.
	Issuer string `yaml:"issuer"`
	// Audience are the names this gateway goes by: one must be in the token's
	// aud. When empty, tokens with an aud are refused (RFC 7519 section 4.1.3).
	Audience []string `yaml:"audience"`
}

// KeyConfig is one key that verifies tokens. Exactly one of the four sources
// is set.
type KeyConfig struct {
	// ID is matched with the token's kid; empty matches every kid.
	ID string `yaml:"id"`
	// Algorithm is HS256, ES256, RS256 or EdDSA; empty takes the one that
	// belongs to the kind of key. A key verifies this algorithm only.
	Algorithm string `yaml:"algorithm"`
	// Secret is an HS256 key of at least 32 bytes; its bytes are the key.
	Secret     Secret `yaml:"secret"`
	SecretFile string `yaml:"secret_file"`
	// PublicKey is a PEM public key or certificate: P-256, RSA of at least 2048
	// bits, or Ed25519.
	PublicKey     string `yaml:"public_key"`
	PublicKeyFile string `yaml:"public_key_file"`
}

// DefaultConfig returns the settings used where the file says nothing: closed,
// and nothing that could be shown.
func DefaultConfig() Config {
	return Config{
		Exp:    ExpSession,
		Skew:   time.Minute,
		Linger: time.Minute,
		JWT:    JWTConfig{JWKSRefresh: 10 * time.Minute},
	}
}
