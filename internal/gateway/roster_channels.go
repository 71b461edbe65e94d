package gateway

import (
	"context"
	"maps"
	"slices"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/router"
)

// Channels lists what q may play.
func (r roster) Channels(ctx context.Context, q api.Request) ([]api.Channel, error) {
	permitted, err := r.authority.Permits(ctx, q.Credential, auth.Play)
	if err != nil {
		return nil, err
	}
	there := make(map[string]router.ChannelInfo)
	for name := range r.calls.AllProvisioned() {
		there[name] = router.ChannelInfo{Name: name}
	}
	for _, name := range r.calls.Populated() {
		there[name] = router.ChannelInfo{Name: name}
	}
	for _, c := range r.Gateway.Channels() {
		there[c.Name] = c
	}
	var list []api.Channel
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if permitted(auth.Place{Channel: name}) {
			list = append(list, r.channelView(there[name]))
		}
	}
	return list, nil
}

func (r roster) Channel(ctx context.Context, q api.Request, name string) (api.Channel, error) {
	if err := r.may(ctx, q, auth.Play, name); err != nil {
		return api.Channel{}, err
	}
	info, there := r.router.Channel(name)
	info.Name = name
	view := r.channelView(info)
	if !there && !view.Provisioned && view.Participants == 0 {
		return api.Channel{}, call.ErrChannelUnknown
	}
	if settings, ok := r.calls.Provisioned(name); ok && r.administers(ctx, q) == nil {
		told := settingsView(settings)
		view.Settings = &told
	}
	return view, nil
}

func (r roster) channelView(c router.ChannelInfo) api.Channel {
	settings, provisioned := r.calls.Provisioned(c.Name)
	return api.Channel{
		Name: c.Name, Kind: string(r.calls.KindOf(c.Name)), Provisioned: provisioned, Title: settings.Title,
		Publications: r.publicationViews(c), Participants: r.calls.Members(c.Name), Viewers: c.Viewers,
	}
}

func (r roster) Disband(ctx context.Context, q api.Request, channel string, keep bool) error {
	if err := r.administers(ctx, q); err != nil {
		return err
	}
	if !keep {
		if err := r.calls.Unprovision(channel); err != nil {
			return err
		}
	}
	r.calls.Disband(channel)
	return nil
}

func (r roster) Program(ctx context.Context, q api.Request, channel string) (api.Program, error) {
	if err := r.may(ctx, q, auth.Play, channel); err != nil {
		return api.Program{}, err
	}
	p := r.calls.Program(channel)
	return api.Program{Pinned: castView(p.Pinned), Video: castView(p.Video), Audio: castView(p.Audio)}, nil
}

func castView(c router.Cast) *api.Cast {
	if c == (router.Cast{}) {
		return nil
	}
	return &api.Cast{Participant: c.Participant, Source: c.Source}
}

func (r roster) Pin(ctx context.Context, q api.Request, channel string, c api.Cast) error {
	if err := r.administers(ctx, q); err != nil {
		return err
	}
	r.calls.Pin(channel, router.Cast(c))
	return nil
}

// Provision gives a channel settings of its own.
func (r roster) Provision(ctx context.Context, q api.Request, channel string, s api.ChannelSettings) (api.ChannelSettings, bool, error) {
	if err := r.administers(ctx, q); err != nil {
		return api.ChannelSettings{}, false, err
	}
	old, _ := r.calls.Provisioned(channel)
	wanted := call.Settings{
		Kind: call.Kind(s.Kind), Title: s.Title, Video: s.Video, Audio: s.Audio, Duplicates: s.Duplicates, Idle: s.Idle, Standby: s.Standby,
		MaxPublications: s.MaxPublications, MaxViewers: s.MaxViewers, MaxMembers: s.MaxMembers, MaxBitrate: s.MaxBitrate,
		ViewerLinger: s.ViewerLinger, Lifetime: s.Lifetime, Expires: s.Expires, PasswordHash: old.PasswordHash,
	}
	if s.Password != nil {
		var err error
		if wanted.PasswordHash, err = r.hashed(ctx, *s.Password); err != nil {
			return api.ChannelSettings{}, false, err
		}
	}
	created, err := r.calls.Provision(channel, wanted)
	return settingsView(wanted), created, err
}

// hashed is what is kept of a password; nothing of none.
func (r roster) hashed(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	return r.calls.HashPassword(ctx, password)
}

func settingsView(s call.Settings) api.ChannelSettings {
	return api.ChannelSettings{
		Kind: string(s.Kind), Title: s.Title, Video: s.Video, Audio: s.Audio, Duplicates: s.Duplicates, Idle: s.Idle, Standby: s.Standby,
		MaxPublications: s.MaxPublications, MaxViewers: s.MaxViewers, MaxMembers: s.MaxMembers, MaxBitrate: s.MaxBitrate,
		ViewerLinger: s.ViewerLinger, Lifetime: s.Lifetime, Expires: s.Expires, HasPassword: s.PasswordHash != "",
	}
}
