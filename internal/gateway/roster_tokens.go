package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/names"
)

// errCannotSign refuses to make tokens where nobody would believe them.
var errCannotSign = fault.New(fault.Unprocessable, "cannot-sign",
	"This gateway has no key of its own to sign tokens with; set HEADGATE_KEY, or get tokens where the configuration says they come from.")

// MakeToken makes what administrators ask for.
func (r roster) MakeToken(ctx context.Context, q api.Request, w api.TokenWish) (string, time.Time, error) {
	if err := r.administers(ctx, q); err != nil {
		return "", time.Time{}, err
	}
	now := time.Now()
	claims := auth.Claims{
		ID: NewTokenID(), IssuedAt: now, Expires: now.Add(w.Valid()).Truncate(time.Second), JoinBy: w.JoinBy, Once: w.Once,
		Subject: w.Subject, Participant: w.Participant, Name: w.Name, Tags: w.Tags, Publish: w.Publish, Play: w.Play, Admin: w.Admin,
	}
	token, err := r.SignToken(claims)
	switch {
	case errors.Is(err, errNoOwnKey):
		return "", time.Time{}, errCannotSign
	case err != nil:
		return "", time.Time{}, api.ErrToken(err)
	}
	return token, claims.Expires.UTC(), nil
}

// loggedInFor is how long the token of a login works.
const loggedInFor = 12 * time.Hour

// Login makes a token for one channel out of its password.
func (r roster) Login(ctx context.Context, _ api.Request, l api.Login) (api.LoggedIn, error) {
	if err := r.calls.CheckPassword(ctx, l.Channel, l.Password); err != nil {
		return api.LoggedIn{}, err
	}
	in := api.LoggedIn{Participant: l.Participant}
	if in.Participant == "" {
		in.Participant = names.GuestID()
	}
	if !r.TokenRequired() {
		return in, nil
	}
	now := time.Now()
	expires := now.Add(loggedInFor).Truncate(time.Second).UTC()
	token, err := r.SignToken(auth.Claims{
		ID: NewTokenID(), IssuedAt: now, Expires: expires, Participant: in.Participant, Name: l.Name,
		Publish: []string{l.Channel}, Play: []string{l.Channel},
	})
	if errors.Is(err, errNoOwnKey) {
		return api.LoggedIn{}, errCannotSign
	}
	in.Token, in.Expires = &token, &expires
	return in, err
}
