package gateway

import (
	"context"
	"net/netip"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// roster answers the API.
type roster struct{ gateway *Gateway }

func (r roster) TokenRequired() bool { return r.gateway.authority.Required() }

// Channels lists what cred may play. A credential that is good for nothing is
// refused as it would be anywhere else.
func (r roster) Channels(ctx context.Context, cred auth.Credential) ([]api.Channel, error) {
	if r.TokenRequired() && cred.Token == "" {
		return nil, auth.ErrNoToken
	}
	var list []api.Channel
	for _, c := range r.gateway.router.Channels() {
		if _, err := r.gateway.authority.Authorize(ctx, cred, auth.Play, auth.Place{Channel: c.Name}); err == nil {
			list = append(list, channelView(c))
		}
	}
	return list, nil
}

// Session tells about a session to those who may know.
func (r roster) Session(ctx context.Context, cred auth.Credential, from netip.AddrPort, id string) (api.Session, error) {
	report, err := r.gateway.sessions.Report(ctx, id, signaling.Request{Credential: cred, From: from})
	if err != nil {
		return api.Session{}, err
	}
	view := api.Session{
		ID: report.ID, Action: string(report.Action), Channel: report.Place.Channel,
		Participant: report.Place.Participant, Source: report.Place.Source,
		State: report.State, Reached: report.Reached, Started: report.Started, Ended: report.Ended, Reason: report.Facts.Reason,
		Timeline: []api.Fact{}, Dropped: report.Dropped, Facts: report.Facts,
	}
	if report.Diagnosis.Code != "" {
		view.Diagnosis = &report.Diagnosis
	}
	for _, f := range report.Timeline {
		view.Timeline = append(view.Timeline, api.Fact{At: f.At, What: string(f.Kind), Detail: f.Detail})
	}
	return view, nil
}

func channelView(c router.ChannelInfo) api.Channel {
	view := api.Channel{Name: c.Name, Viewers: c.Viewers, Publications: []api.Publication{}}
	for _, p := range c.Publications {
		var layers []api.Layer
		for _, l := range p.Layers {
			if l.RID != "" {
				layers = append(layers, api.Layer(l))
			}
		}
		view.Publications = append(view.Publications, api.Publication{
			Participant: p.Participant, Source: p.Source, State: string(p.State),
			Session: p.Session, Standbys: p.Standbys,
			Video: p.Video, Audio: p.Audio, Width: p.Width, Height: p.Height, Layers: layers,
		})
	}
	return view
}
