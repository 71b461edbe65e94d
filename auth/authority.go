package auth

import (
	"context"
	"time"
)

// Authority answers who may do what. It is safe for concurrent use and starts
// no goroutines.
type Authority struct {
	cfg      Config
	now      func() time.Time
	fixed    []fixedToken
	verifier *verifier
	logins   *logins
}

// New makes an Authority, reading the key files that cfg names. now is the
// clock; nil means time.Now. The error names every fault of cfg at once.
func New(cfg Config, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	v, err := newVerifier(cfg, now)
	if err != nil {
		return nil, err
	}
	return &Authority{
		cfg:      cfg,
		now:      now,
		fixed:    fixedTokens(cfg.Tokens),
		verifier: v,
		logins:   newLogins(cfg.Linger, now),
	}, nil
}

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
	return a.decide(ctx, cred, action, place, true)
}

// Resume is Authorize for a request on a session that exists: the same, but
// bounds of admission (join_by, and exp with ExpJoin) do not apply. The caller
// compares the result with the session's own grant by SameSubject; it may move
// the session's end to the new Expires.
func (a *Authority) Resume(ctx context.Context, cred Credential, action Action, place Place) (Grant, error) {
	return a.decide(ctx, cred, action, place, false)
}

// Permits tells where cred allows action, for lists: the credential is looked at once.
// Bounds of admission do not apply, and nothing is said of participants. Errors are
// those of Authorize but for ErrNotAllowed and ErrWrongParticipant.
func (a *Authority) Permits(ctx context.Context, cred Credential, action Action) (func(Place) bool, error) {
	id, err := a.identify(ctx, cred)
	if err == nil {
		err = a.checkLife(id)
	}
	switch {
	case a.isOpenFor(action):
		return func(Place) bool { return true }, nil
	case err != nil:
		return nil, err
	}
	return func(p Place) bool { return id.allows(action, p) }, nil
}

// SameSubject reports whether a request that was granted now may act on, and
// renew, a session that was made with old: it shows the same subject, or the
// session was made without one and belongs to whoever knows its URL.
func (a *Authority) SameSubject(old, now Grant) bool {
	return old.Subject == "" || old.Subject == now.Subject
}

// decide ignores in open mode whatever cannot be granted by the token: clients
// send "Bearer undefined" and the like where nothing is asked of them.
func (a *Authority) decide(ctx context.Context, cred Credential, action Action, place Place, admission bool) (Grant, error) {
	grant, err := a.grant(ctx, cred, action, place, admission)
	switch {
	case err == nil:
		return grant, nil
	case a.isOpenFor(action):
		return anonymous(action, place), nil
	}
	return Grant{}, err
}

// isOpenFor reports whether action needs no token. Whoever configured a token
// does not want strangers to administer.
func (a *Authority) isOpenFor(action Action) bool {
	switch action {
	case Publish, Play, Join:
		return a.cfg.Open
	case Admin:
		return a.cfg.Open && !a.cfg.hasCredentials()
	}
	return false
}

func (a *Authority) grant(ctx context.Context, cred Credential, action Action, place Place, admission bool) (Grant, error) {
	id, err := a.identify(ctx, cred)
	if err != nil {
		return Grant{}, err
	}
	if err := a.checkLife(id); err != nil {
		return Grant{}, err
	}
	if !id.allows(action, place) {
		return Grant{}, notAllowed(action)
	}
	participant, err := id.participantAt(action, place)
	if err != nil {
		return Grant{}, err
	}
	grant := a.grantTo(id, participant)
	if admission && !a.logins.isIn(grant) {
		return grant, a.checkAdmission(id)
	}
	return grant, nil
}

// identify finds out what the credential says. Fixed tokens come first: they
// cost the least.
func (a *Authority) identify(ctx context.Context, cred Credential) (identity, error) {
	switch {
	case cred.Malformed:
		return identity{}, ErrMalformed
	case cred.Token == "":
		return identity{}, ErrNoToken
	case len(cred.Token) > MaxTokenBytes:
		return identity{}, ErrBadToken.Because("The token is longer than %d bytes; ask for a shorter one.", MaxTokenBytes)
	}
	if id, ok := findFixed(a.fixed, cred.Token); ok {
		return id, nil
	}
	return a.verifier.verify(ctx, cred.Token)
}

func (a *Authority) grantTo(id identity, participant string) Grant {
	g := Grant{
		Subject:     id.subjectKey(),
		Participant: participant,
		Claimed:     participant != id.own(),
		Login:       id.loginKey(participant),
		DisplayName: id.name,
		Tags:        id.tags,
	}
	if a.cfg.Exp != ExpJoin && !id.ends.IsZero() {
		g.Expires = id.ends.Add(a.cfg.Skew)
	}
	if id.once {
		g.Once, g.admits = id.tokenKey(), earliest(id.ends, id.joinBy).Add(a.cfg.Skew)
	}
	return g
}

func anonymous(action Action, place Place) Grant {
	participant := ""
	if action == Publish || action == Join {
		participant, _ = identity{}.participantAt(action, place)
	}
	return Grant{Participant: participant, Claimed: participant != "", Login: digest("login "+participant, "open")}
}

func notAllowed(action Action) error {
	if action == Admin {
		return ErrNotAllowed
	}
	return ErrNotAllowed.Because("The token does not allow to %s on this channel; ask for one that does.", string(action))
}
