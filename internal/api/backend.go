package api

import (
	"context"
	"net/netip"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/events"
)

// Request is what is known of whoever asks, whatever is asked.
type Request struct {
	Credential auth.Credential
	// From is the address of the HTTP peer, after trusted proxies, without a port.
	From netip.AddrPort
	// Own tells that it came from this machine, and not by a proxy on it.
	Own bool
}

// Backend answers for the rest of the gateway. It authorises every request, but for
// those by the secret of a member stream, and refuses with a *fault.Error, possibly
// wrapped. Names are legal when they get there; all lists are ordered by name.
type Backend interface {
	Channels
	Members
	Publications
	Talk
	Tokens
	// Session tells about a session, live or over, or about a refused POST, by its
	// public id.
	Session(ctx context.Context, r Request, id string) (Session, error)
	// TokenRequired tells whether publishing and playing need a token.
	TokenRequired() bool
}

// Channels are what is there, and what administrators provide.
type Channels interface {
	// Channels lists those that r may play.
	Channels(ctx context.Context, r Request) ([]Channel, error)
	Channel(ctx context.Context, r Request, channel string) (Channel, error)
	Provision(ctx context.Context, r Request, channel string, s ChannelSettings) (now ChannelSettings, created bool, err error)
	// Disband puts everybody out and, unless keep says otherwise, takes the settings
	// of the channel away.
	Disband(ctx context.Context, r Request, channel string, keep bool) error
	Program(ctx context.Context, r Request, channel string) (Program, error)
	// Pin makes c the program; the zero Cast leaves it to the rules.
	Pin(ctx context.Context, r Request, channel string, c Cast) error
}

// Members are who is in a channel, and their event streams.
type Members interface {
	Join(ctx context.Context, r Request, channel string, j Join) (Membership, error)
	// Listen begins to read a member stream. left must be called when the reader has
	// gone.
	Listen(ctx context.Context, secret, lastID string) (reader *events.Reader, left func(), err error)
	Leave(ctx context.Context, secret string) error
	Participants(ctx context.Context, r Request, channel string) ([]Participant, error)
	Kick(ctx context.Context, r Request, channel, participant, reason string, ban time.Duration) error
	Bans(ctx context.Context, r Request, channel string) ([]Ban, error)
	Unban(ctx context.Context, r Request, channel, participant string) error
}

// Publications are what is sent, and who watches it.
type Publications interface {
	Publications(ctx context.Context, r Request, channel string) ([]Publication, error)
	// EndPublication ends the publishers of a publication.
	EndPublication(ctx context.Context, r Request, channel string, c Cast) error
	Mute(ctx context.Context, r Request, channel string, c Cast, m Muted) error
	// MuteSelf notes what somebody says is off of what they publish themselves.
	MuteSelf(ctx context.Context, r Request, channel string, c Cast, m Muted) error
	Viewers(ctx context.Context, r Request, channel string) ([]Viewer, error)
	EndViewer(ctx context.Context, r Request, channel, id string) error
}

// Talk is what members say to one another.
type Talk interface {
	Say(ctx context.Context, r Request, channel string, m Saying) (Message, error)
	Invite(ctx context.Context, r Request, channel string, i Inviting) (Invitation, error)
	Invitation(ctx context.Context, r Request, id string) (Invitation, error)
	// Settle is the addressee's word: accepted or declined. The token is nil where
	// none could be made or none is needed.
	Settle(ctx context.Context, r Request, id, state string) (i Invitation, token *string, err error)
	Cancel(ctx context.Context, r Request, id string) error
}

// Tokens are made with the gateway's own key.
type Tokens interface {
	MakeToken(ctx context.Context, r Request, w TokenWish) (token string, expires time.Time, err error)
	// Login tells who somebody is who knows the password of a channel.
	Login(ctx context.Context, r Request, l Login) (LoggedIn, error)
}
