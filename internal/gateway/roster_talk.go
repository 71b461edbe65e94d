package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/names"
)

// errNobody refuses words that nobody says.
var errNobody = names.ErrBad.Because("Neither the token nor the body says who you are; put the participant you joined as into the body.")

// errSomebodyElse refuses to speak for somebody who is there: any token that says no
// name could do so otherwise.
var errSomebodyElse = auth.ErrWrongParticipant.Because(
	"This participant is in the channel with another login; use the token it joined with, or another name.")

// speaker authorises somebody who says something, and must be somebody.
func (r roster) speaker(ctx context.Context, q api.Request, channel, named string) (auth.Grant, error) {
	grant, err := r.as(ctx, q, channel, named)
	switch {
	case err != nil:
		return grant, err
	case grant.Participant == "":
		return grant, errNobody
	case grant.Claimed && r.calls.Occupied(channel, grant.Participant) && !r.calls.In(channel, grant.Participant, grant.Login):
		return grant, errSomebodyElse
	}
	return grant, nil
}

func (r roster) Say(ctx context.Context, q api.Request, channel string, s api.Saying) (api.Message, error) {
	grant, err := r.speaker(ctx, q, channel, s.Participant)
	if err != nil {
		return api.Message{}, err
	}
	said, err := r.calls.Say(channel, grant.Login, call.Message{From: grant.Participant, Name: grant.DisplayName, Text: s.Text, To: s.To})
	return api.Message(said), err
}

func (r roster) Invite(ctx context.Context, q api.Request, channel string, i api.Inviting) (api.Invitation, error) {
	grant, err := r.speaker(ctx, q, channel, i.Participant)
	if err != nil {
		return api.Invitation{}, err
	}
	wanted := call.Invitation{
		Channel: channel, From: grant.Participant, To: i.To, In: i.In, Message: i.Message,
		Publish: r.may(ctx, q, auth.Publish, channel) == nil, Play: r.may(ctx, q, auth.Play, channel) == nil, Until: grant.Expires,
	}
	if i.In != channel {
		if _, err := r.as(ctx, q, i.In, grant.Participant); err != nil {
			return api.Invitation{}, err
		}
	}
	made, err := r.calls.Invite(wanted, i.Valid())
	return invitationView(made), err
}

func invitationView(i call.Invitation) api.Invitation {
	return api.Invitation{
		ID: i.ID, Channel: i.Channel, From: i.From, To: i.To, In: i.In, Message: i.Message,
		State: i.State, Created: i.Created, Expires: i.Expires,
	}
}

// invitee and inviter authorise the two whom an invitation concerns.
func (r roster) invitee(ctx context.Context, q api.Request, i call.Invitation) error {
	grant, err := r.as(ctx, q, i.In, i.To)
	return r.known(grant, i.In, err)
}

// known refuses somebody whose name is but a word and who is not there under it.
func (r roster) known(grant auth.Grant, channel string, err error) error {
	if err == nil && grant.Claimed && !r.calls.In(channel, grant.Participant, grant.Login) {
		return errSomebodyElse
	}
	return err
}

func (r roster) inviter(ctx context.Context, q api.Request, i call.Invitation) error {
	grant, err := r.as(ctx, q, i.Channel, i.From)
	return r.known(grant, i.Channel, err)
}

func (r roster) Invitation(ctx context.Context, q api.Request, id string) (api.Invitation, error) {
	i, err := r.calls.Invitation(id)
	if err != nil {
		return api.Invitation{}, err
	}
	err = anyOf(
		func() error { return r.administers(ctx, q) },
		func() error { return r.inviter(ctx, q, i) },
		func() error { return r.invitee(ctx, q, i) },
	)
	return invitationView(i), err
}

func (r roster) Cancel(ctx context.Context, q api.Request, id string) error {
	i, err := r.calls.Invitation(id)
	if err != nil {
		return err
	}
	err = anyOf(func() error { return r.administers(ctx, q) }, func() error { return r.inviter(ctx, q, i) })
	if err != nil {
		return err
	}
	_, err = r.calls.Settle(id, call.InvitationCancelled)
	return err
}

func (r roster) Settle(ctx context.Context, q api.Request, id, state string) (api.Invitation, *string, error) {
	i, err := r.calls.Invitation(id)
	if err != nil {
		return api.Invitation{}, nil, err
	}
	if err := r.invitee(ctx, q, i); err != nil {
		return api.Invitation{}, nil, err
	}
	if i, err = r.calls.Settle(id, state); err != nil || state != call.InvitationAccepted {
		return invitationView(i), nil, err
	}
	token, err := r.admission(i)
	return invitationView(i), token, err
}

// invitedFor is how long the token of an accepted invitation works at most.
const invitedFor = 12 * time.Hour

// admission is the token that an accepted invitation yields: for what the inviter may
// do there, and not for longer. It is the same one however often it is asked for. nil
// where none is needed, or none can be made.
func (r roster) admission(i call.Invitation) (*string, error) {
	if !r.TokenRequired() {
		return nil, nil //nolint:nilnil // no token and no error is an answer
	}
	claims := auth.Claims{ID: "invitation-" + i.ID, Participant: i.To, Expires: i.Created.Add(invitedFor)}
	if !i.Until.IsZero() && i.Until.Before(claims.Expires) {
		claims.Expires = i.Until
	}
	if i.Publish {
		claims.Publish = []string{i.Channel}
	}
	if i.Play {
		claims.Play = []string{i.Channel}
	}
	token, err := r.SignToken(claims)
	if errors.Is(err, errNoOwnKey) {
		return nil, nil //nolint:nilnil // as above
	}
	return &token, err
}
