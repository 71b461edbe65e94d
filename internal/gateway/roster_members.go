package gateway

import (
	"context"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/names"
)

// Join makes a member stream. Somebody whom neither token nor body names becomes a
// guest here already, because a login belongs to a participant.
func (r roster) Join(ctx context.Context, q api.Request, channel string, j api.Join) (api.Membership, error) {
	grant, err := r.as(ctx, q, channel, j.Participant)
	if err == nil && grant.Participant == "" {
		grant, err = r.as(ctx, q, channel, names.GuestID())
	}
	if err != nil {
		return api.Membership{}, err
	}
	wanted := call.JoinRequest{
		Channel: channel, Participant: grant.Participant, Login: grant.Login, Expires: grant.Expires,
		Name: j.Name, Tags: j.Tags, Origin: j.Origin,
		// What a channel is for is the business of those who send something there.
		Call: j.Kind == string(call.Call) && r.may(ctx, q, auth.Publish, channel) == nil,
	}
	if grant.DisplayName != "" { // the issuer's word is worth more
		wanted.Name = grant.DisplayName
	}
	if len(grant.Tags) > 0 {
		wanted.Tags = grant.Tags
	}
	leave, err := r.authority.Enter(grant) // a stream is use of a token that admits one login
	if err != nil {
		return api.Membership{}, err
	}
	wanted.Left = leave
	m, err := r.calls.Join(wanted)
	if err != nil {
		leave()
		return api.Membership{}, err
	}
	return api.Membership{Participant: m.Participant, Name: m.Name, Kind: string(m.Kind), Secret: m.Secret}, nil
}

func (r roster) Listen(_ context.Context, secret, lastID string) (*events.Reader, func(), error) {
	return r.calls.Listen(secret, lastID)
}

func (r roster) Leave(_ context.Context, secret string) error { return r.calls.Leave(secret) }

func (r roster) Participants(ctx context.Context, q api.Request, channel string) ([]api.Participant, error) {
	if err := r.may(ctx, q, auth.Play, channel); err != nil {
		return nil, err
	}
	muted, selfMuted := r.muted(channel)
	var list []api.Participant
	for _, p := range r.calls.Participants(channel) {
		view := participantView(p)
		view.Muted, view.SelfMuted = muted.of(p.ID), selfMuted.of(p.ID)
		list = append(list, view)
	}
	return list, nil
}

// mutes are what is muted, by participant and source.
type mutes map[string]map[string]api.Muted

func (m mutes) add(c api.Cast, muted api.Muted) {
	if muted == (api.Muted{}) {
		return
	}
	if m[c.Participant] == nil {
		m[c.Participant] = make(map[string]api.Muted)
	}
	m[c.Participant][c.Source] = muted
}

// of is that of a participant, never nil.
func (m mutes) of(participant string) map[string]api.Muted {
	if m[participant] == nil {
		return map[string]api.Muted{}
	}
	return m[participant]
}

// muted are what the server mutes, and what the participants say is off.
func (r roster) muted(channel string) (byServer, bySelf mutes) {
	byServer, bySelf = make(mutes), make(mutes)
	info, _ := r.router.Channel(channel)
	info.Name = channel
	for _, p := range r.publicationViews(info) {
		byServer.add(api.Cast{Participant: p.Participant, Source: p.Source}, p.Muted)
		bySelf.add(api.Cast{Participant: p.Participant, Source: p.Source}, p.SelfMuted)
	}
	return byServer, bySelf
}

func participantView(p call.Participant) api.Participant {
	view := api.Participant{ID: p.ID, Name: p.Name, Tags: p.Tags, Joined: p.Joined, Speaking: p.Speaking, Sources: p.Sources}
	if p.Quality != nil {
		view.Quality = p.Quality
	}
	if view.Tags == nil {
		view.Tags = map[string]string{}
	}
	if view.Sources == nil {
		view.Sources = []string{}
	}
	return view
}

func (r roster) Kick(ctx context.Context, q api.Request, channel, participant, reason string, ban time.Duration) error {
	if err := r.administers(ctx, q); err != nil {
		return err
	}
	return r.calls.Kick(channel, participant, reason, ban)
}

func (r roster) Bans(ctx context.Context, q api.Request, channel string) ([]api.Ban, error) {
	if err := r.administers(ctx, q); err != nil {
		return nil, err
	}
	var list []api.Ban
	for _, b := range r.calls.Bans(channel) {
		list = append(list, api.Ban(b))
	}
	return list, nil
}

func (r roster) Unban(ctx context.Context, q api.Request, channel, participant string) error {
	if err := r.administers(ctx, q); err != nil {
		return err
	}
	r.calls.Unban(channel, participant)
	return nil
}
