package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/problem"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// backend notes what it is asked and answers what it has.
type backend struct {
	err    error
	asked  []string
	by     Request
	forced ChannelSettings

	channels     []Channel
	participants []Participant
	publications []Publication
	session      Session
	log          *events.Log
	lastID       string
	token        *string
	created      bool
}

// note remembers a call with its arguments.
func (b *backend) note(q Request, what string, args ...any) error {
	b.by = q
	b.asked = append(b.asked, strings.TrimSpace(what+" "+strings.Trim(fmt.Sprintf("%+v", args), "[]")))
	return b.err
}

func (b *backend) TokenRequired() bool { return true }

func (b *backend) Channels(_ context.Context, q Request) ([]Channel, error) {
	return b.channels, b.note(q, "channels")
}

func (b *backend) Channel(_ context.Context, q Request, channel string) (Channel, error) {
	return Channel{Name: channel, Kind: "call", Publications: []Publication{{Participant: "ann", Source: "main", State: "live"}}}, b.note(q, "channel", channel)
}

func (b *backend) Provision(_ context.Context, q Request, channel string, s ChannelSettings) (ChannelSettings, bool, error) {
	b.forced = s
	s.HasPassword, s.Password = s.Password != nil, nil
	return s, b.created, b.note(q, "provision", channel)
}

func (b *backend) Disband(_ context.Context, q Request, channel string, keep bool) error {
	return b.note(q, "disband", channel, keep)
}

func (b *backend) Program(_ context.Context, q Request, channel string) (Program, error) {
	return Program{Pinned: &Cast{"ann", "main"}}, b.note(q, "program", channel)
}

func (b *backend) Pin(_ context.Context, q Request, channel string, c Cast) error {
	return b.note(q, "pin", channel, c)
}

func (b *backend) Join(_ context.Context, q Request, channel string, j Join) (Membership, error) {
	return Membership{Participant: "ann", Name: j.Name, Kind: "call", Secret: "s3cret"}, b.note(q, "join", channel, j)
}

func (b *backend) Listen(_ context.Context, secret, lastID string) (*events.Reader, func(), error) {
	if err := b.note(Request{}, "listen", secret); err != nil {
		return nil, nil, err
	}
	b.lastID = lastID
	r := b.log.Open("", nil)
	return r, r.Close, nil
}

func (b *backend) Leave(_ context.Context, secret string) error {
	return b.note(Request{}, "leave", secret)
}

func (b *backend) Participants(_ context.Context, q Request, channel string) ([]Participant, error) {
	return b.participants, b.note(q, "participants", channel)
}

func (b *backend) Kick(_ context.Context, q Request, channel, participant, reason string, ban time.Duration) error {
	return b.note(q, "kick", channel, participant, reason, ban)
}

func (b *backend) Bans(_ context.Context, q Request, channel string) ([]Ban, error) {
	return []Ban{{Participant: "eve", Until: noon, Reason: "noise"}}, b.note(q, "bans", channel)
}

func (b *backend) Unban(_ context.Context, q Request, channel, participant string) error {
	return b.note(q, "unban", channel, participant)
}

func (b *backend) Publications(_ context.Context, q Request, channel string) ([]Publication, error) {
	return b.publications, b.note(q, "publications", channel)
}

func (b *backend) EndPublication(_ context.Context, q Request, channel string, c Cast) error {
	return b.note(q, "end publication", channel, c)
}

func (b *backend) Mute(_ context.Context, q Request, channel string, c Cast, m Muted) error {
	return b.note(q, "mute", channel, c, m)
}

func (b *backend) MuteSelf(_ context.Context, q Request, channel string, c Cast, m Muted) error {
	return b.note(q, "mute self", channel, c, m)
}

func (b *backend) Viewers(_ context.Context, q Request, channel string) ([]Viewer, error) {
	return []Viewer{{ID: "v1", Started: noon}}, b.note(q, "viewers", channel)
}

func (b *backend) EndViewer(_ context.Context, q Request, channel, id string) error {
	return b.note(q, "end viewer", channel, id)
}

func (b *backend) Say(_ context.Context, q Request, channel string, s Saying) (Message, error) {
	return Message{ID: "m1", From: "ann", Name: "Ann", Text: s.Text, To: s.To, At: noon}, b.note(q, "say", channel, s)
}

func (b *backend) Invite(_ context.Context, q Request, channel string, i Inviting) (Invitation, error) {
	err := b.note(q, "invite", channel, i.To, i.In, i.Valid())
	return invitationOf("pending"), err
}

func invitationOf(state string) Invitation {
	return Invitation{ID: "i1", Channel: "live", From: "ann", To: "bob", In: "lobby", State: state, Created: noon, Expires: noon.Add(time.Minute)}
}

func (b *backend) Invitation(_ context.Context, q Request, id string) (Invitation, error) {
	return invitationOf("pending"), b.note(q, "invitation", id)
}

func (b *backend) Settle(_ context.Context, q Request, id, state string) (Invitation, *string, error) {
	return invitationOf(state), b.token, b.note(q, "settle", id, state)
}

func (b *backend) Cancel(_ context.Context, q Request, id string) error {
	return b.note(q, "cancel", id)
}

func (b *backend) MakeToken(_ context.Context, q Request, w TokenWish) (string, time.Time, error) {
	return "t0ken", noon, b.note(q, "token", w.Publish, w.Play, w.Valid())
}

func (b *backend) Login(_ context.Context, q Request, l Login) (LoggedIn, error) {
	return LoggedIn{Participant: "guest-12345678"}, b.note(q, "login", l.Channel)
}

func (b *backend) Session(_ context.Context, q Request, id string) (Session, error) {
	return b.session, b.note(q, "session", id)
}

// server is the API in front of b, as httpserver would have it.
func server(b *backend, change func(*Config)) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(nil)
	cfg := Config{Version: "v1", Origin: func(*http.Request) string { return "https://live.example" }}
	if change != nil {
		change(&cfg)
	}
	Register(e, cfg, b)
	return e
}

// do sends a request; a body is JSON unless a header says otherwise.
func do(t *testing.T, e http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	if checked != nil {
		checked(t, req, rec)
	}
	return rec
}

func get(t *testing.T, b *backend, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return do(t, server(b, nil), http.MethodGet, path, "", header...)
}

// checked compares answers with the description; package api_test sets it, since
// that needs this package.
var checked func(*testing.T, *http.Request, *httptest.ResponseRecorder)
