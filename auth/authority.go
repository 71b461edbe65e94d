package auth

import (
	"context"
	"errors"
	"time"
)

// Authority answers who may do what. It is safe for concurrent use.
type Authority struct {
	cfg Config
	now func() time.Time
}

// New makes an Authority, reading the key files that cfg names. now is the
// clock; nil means time.Now. The error names every fault of cfg at once.
func New(cfg Config, now func() time.Time) (*Authority, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Authority{cfg: cfg, now: now}, nil
}

// Validate reports every fault at once, named as in the configuration file.
func (c Config) Validate() error { return nil }

// Required reports whether publishing and playing need a token.
func (a *Authority) Required() bool { return !a.cfg.Open }

// AcceptsRawToken reports Config.AcceptRawToken, for CredentialFrom.
func (a *Authority) AcceptsRawToken() bool { return a.cfg.AcceptRawToken }

// Authorize decides whether cred allows action at place, and as whom. It is
// asked for everything that makes something new, such as a POST to an
// endpoint; for requests on a session that exists ask Resume. ctx bounds the
// wait for a key set.
//
// Errors, to be matched with errors.Is: ErrNoToken, ErrBadToken,
// ErrTokenExpired, ErrMalformed, ErrNotAllowed, ErrWrongParticipant,
// ErrKeysUnavailable.
func (a *Authority) Authorize(ctx context.Context, cred Credential, action Action, place Place) (Grant, error) {
	if a.cfg.Open {
		return Grant{}, nil
	}
	return Grant{}, ErrNoToken
}

// Resume is Authorize for a request on a session that exists: the same, but
// bounds of admission (join_by, and exp with ExpJoin) do not apply. The caller
// compares the result with the session's own grant by SameSubject; it may move
// the session's end to the new Expires.
func (a *Authority) Resume(ctx context.Context, cred Credential, action Action, place Place) (Grant, error) {
	return a.Authorize(ctx, cred, action, place)
}

// Enter books one session of g's login and must be called once per session,
// before it is made. leave is called when the session ended; calling it again
// does nothing. Only grants of single-login tokens are counted: another login
// with the same token, or the same one later than Config.Linger after its last
// session, gets ErrTokenReplayed.
func (a *Authority) Enter(g Grant) (leave func(), err error) { return func() {}, nil }

// SameSubject reports whether a request that was granted now may act on, and
// renew, a session that was made with old: it shows the same subject, or the
// session was made without one and belongs to whoever knows its URL.
func (a *Authority) SameSubject(old, now Grant) bool {
	return old.Subject == "" || old.Subject == now.Subject
}

// Claims are what a token of ours says; see the package documentation.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	// Expires, NotBefore, IssuedAt and JoinBy have a resolution of a second;
	// zero leaves them out.
	Expires   time.Time
	NotBefore time.Time
	IssuedAt  time.Time
	JoinBy    time.Time
	// ID is jti, Session is sid.
	ID      string
	Session string
	// Once admits one login; it wants an ID, and Expires or JoinBy.
	Once bool
	// Publish and Play are channel patterns: a name, prefix* or *.
	Publish []string
	Play    []string
	Admin   bool
	// Participant binds the token to one participant; * allows every one.
	Participant string
	Name        string
	Tags        map[string]string
}

// Sign makes an HS256 token of claims with key, as LoadOrCreateKey returns it.
func Sign(key []byte, claims Claims) (string, error) { return "", errors.New("not yet") }

// LoadOrCreateKey returns the HMAC key kept in dir, making it (and dir) if
// there is none; created tells. The key is printable text of at least 32
// bytes: whoever signs elsewhere uses the text itself as the key.
func LoadOrCreateKey(dir string) (key []byte, created bool, err error) {
	return nil, false, errors.New("not yet")
}
