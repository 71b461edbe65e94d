package gateway

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/router"
)

var (
	errNoPublication = fault.New(fault.NotFound, "publication-unknown",
		"There is no such publication in this channel; the list of publications has those there are.")
	errNoViewer = fault.New(fault.NotFound, "viewer-unknown",
		"There is no such viewer in this channel; the list of viewers has those there are.")
)

func (r roster) Publications(ctx context.Context, q api.Request, channel string) ([]api.Publication, error) {
	if err := r.may(ctx, q, auth.Play, channel); err != nil {
		return nil, err
	}
	info, _ := r.router.Channel(channel)
	info.Name = channel
	return r.publicationViews(info), nil
}

func (r roster) publicationViews(c router.ChannelInfo) []api.Publication {
	views := make([]api.Publication, 0, len(c.Publications))
	said := r.calls.SelfMuted(c.Name)
	for _, p := range c.Publications {
		var layers []api.Layer
		for _, l := range p.Layers {
			if l.RID != "" {
				layers = append(layers, api.Layer(l))
			}
		}
		views = append(views, api.Publication{
			Participant: p.Participant, Source: p.Source, State: string(p.State), LiveSince: p.Since.UTC().Truncate(time.Millisecond), Muted: api.Muted(p.Muted),
			SelfMuted: api.Muted(said[router.Cast{Participant: p.Participant, Source: p.Source}]),
			Session:   p.Session, Standbys: p.Standbys,
			Video: p.Video, Audio: p.Audio, Width: p.Width, Height: p.Height, Layers: layers,
		})
	}
	return views
}

// EndPublication ends whoever feeds a publication and whoever stands by. Those who
// are no administrators end what they publish under the same login.
func (r roster) EndPublication(ctx context.Context, q api.Request, channel string, c api.Cast) error {
	login := ""
	if err := r.administers(ctx, q); err != nil {
		grant, err := r.as(ctx, q, channel, c.Participant)
		if err != nil {
			return err
		}
		login = grant.Login
	}
	info, _ := r.router.Channel(channel)
	at := slices.IndexFunc(info.Publications, func(p router.PublicationInfo) bool {
		return p.Participant == c.Participant && p.Source == c.Source
	})
	if at < 0 {
		return errNoPublication
	}
	p := info.Publications[at]
	ended := 0
	for _, id := range append(slices.Clone(p.Standbys), p.Session) { // so that none of them takes over
		if id != "" {
			ended += r.sessions.EndSessions(call.Match{Channel: channel, ID: id, Login: login}, call.ErrKicked)
		}
	}
	if ended == 0 && login != "" {
		return auth.ErrNotAllowed.Because("Somebody else publishes this; an administrator may end it.")
	}
	return nil
}

func (r roster) Mute(ctx context.Context, q api.Request, channel string, c api.Cast, m api.Muted) error {
	if err := r.administers(ctx, q); err != nil {
		return err
	}
	return r.calls.Mute(channel, router.Cast(c), router.Mute(m))
}

// MuteSelf notes what somebody says of a publication of theirs.
func (r roster) MuteSelf(ctx context.Context, q api.Request, channel string, c api.Cast, m api.Muted) error {
	grant, err := r.as(ctx, q, channel, c.Participant)
	if err != nil {
		return err
	}
	return r.calls.MuteSelf(channel, router.Cast(c), grant.Login, call.Muted(m))
}

func (r roster) Viewers(ctx context.Context, q api.Request, channel string) ([]api.Viewer, error) {
	if err := r.administers(ctx, q); err != nil {
		return nil, err
	}
	var list []api.Viewer
	for _, s := range r.viewersOf(channel) {
		list = append(list, api.Viewer{ID: s.ID, Participant: s.Participant, Started: s.Started.UTC().Truncate(time.Millisecond), Connected: s.Connected, Slots: s.Slots})
	}
	return list, nil
}

func (r roster) viewersOf(channel string) []session.Info {
	all := slices.DeleteFunc(r.sessions.Sessions(), func(s session.Info) bool {
		return s.Action != auth.Play || s.Place.Channel != channel
	})
	slices.SortFunc(all, func(a, b session.Info) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (r roster) EndViewer(ctx context.Context, q api.Request, channel, id string) error {
	if err := r.administers(ctx, q); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.viewersOf(channel), func(s session.Info) bool { return s.ID == id }) {
		return errNoViewer
	}
	r.sessions.EndSessions(call.Match{Channel: channel, ID: id}, call.ErrKicked)
	return nil
}
