package gateway

import (
	"context"
	"errors"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/signaling"
)

// roster answers the API: it authorises requests, and says in the API's words what
// the router, the calls and the sessions know.
type roster struct{ *Gateway }

func (r roster) TokenRequired() bool { return r.authority.Required() }

// may authorises an action in a channel.
func (r roster) may(ctx context.Context, q api.Request, action auth.Action, channel string) error {
	_, err := r.authority.Authorize(ctx, q.Credential, action, auth.Place{Channel: channel})
	return err
}

// administers authorises an administrator. Where no credential could show that, it is
// whoever asks from this machine, and not by a proxy on it.
func (r roster) administers(ctx context.Context, q api.Request) error {
	if !r.cfg.hasCredentials() && !q.Own {
		return auth.ErrNoToken
	}
	return r.may(ctx, q, auth.Admin, "")
}

// as authorises somebody who acts as a participant of a channel, or as whoever the
// token says where named is empty.
func (r roster) as(ctx context.Context, q api.Request, channel, named string) (auth.Grant, error) {
	return r.authority.Authorize(ctx, q.Credential, auth.Join, auth.Place{Channel: channel, Participant: named})
}

// anyOf succeeds when one of these does. The error is the last one: they are asked in
// the order in which they say less about what is missing.
func anyOf(checks ...func() error) error {
	var err error
	for _, check := range checks {
		if err = check(); err == nil {
			return nil
		}
		if errors.Is(err, context.Canceled) {
			return err
		}
	}
	return err
}

// Session tells about a session to those who may know.
func (r roster) Session(ctx context.Context, q api.Request, id string) (api.Session, error) {
	report, err := r.sessions.Report(ctx, id, signaling.Request{Credential: q.Credential, From: q.From})
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
