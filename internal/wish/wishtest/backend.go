// Package wishtest has a backend for tests of what speaks WHIP and WHEP over
// HTTP. It keeps the promises of the real one (preconditions, restarts, tokens)
// without any media.
package wishtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/sdpfrag"
	"github.com/headgate/headgate/internal/signaling"
)

// Offer is the least that Backend takes for an offer; Answer is what it answers.
const (
	Offer  = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	Answer = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=headgate\r\nt=0 0\r\n"
)

// Ufrag and Pwd are the credentials of the peer behind Offer, NewUfrag and NewPwd
// those of a restart.
const (
	Ufrag    = "EsAw"
	Pwd      = "P2uYro0UCOQ4zxjKXaWCBui1"
	NewUfrag = "ysXw"
	NewPwd   = "vw5LmwG4y/e6dPP/zAP9Gp5k"
)

// The tokens that Backend knows when it is closed, in the words of protocol tests.
const (
	Publisher = "pub-token"
	Viewer    = "play-token"
	Stranger  = "other-token"
	Expired   = "expired-token"
)

var (
	errBadOffer = fault.New(fault.Invalid, "bad-offer", "The body is not SDP.")
	errUnknown  = fault.New(fault.NotFound, "session-unknown", "There is no such session.")
	errMissing  = fault.New(fault.PreconditionRequired, "if-match-required", "Send If-Match.")
	errNoOffer  = fault.New(fault.Unprocessable, "no-counter-offer", "No counter-offer waits for an answer.")
	errStale    = fault.New(fault.PreconditionFailed, "etag-mismatch", "The ETag is not the current one.")
	errNotYours = fault.New(fault.Forbidden, "not-your-session", "The session is somebody else's.")
)

// Backend is a whip.Backend and a whep.Backend. Set its fields before use; it is
// safe for concurrent use.
type Backend struct {
	// Closed wants tokens.
	Closed bool
	// Servers are told to whoever is authorised.
	Servers []signaling.ICEServer
	// Refuse is what every POST is refused with, if not nil.
	Refuse error
	// CounterUntil makes every POST be answered with a counter-offer that is valid
	// until then, if not zero.
	CounterUntil time.Time
	// SlotCount is how many slots players' sessions have; 0 is none.
	SlotCount int
	// Hold makes every POST wait until it is closed, if not nil.
	Hold <-chan struct{}

	mu       sync.Mutex
	sessions map[string]*session
	offers   []signaling.Offer
	patches  []signaling.Patch
	asked    int
	askedFor []string
	streams  map[string]*stream
	choices  []signaling.LayerChoice
	slots    signaling.Slots
	views    []signaling.SlotView
}

type session struct {
	etag, ufrag, token string
	pending            bool // a counter-offer is
}

// Offers returns the offers that were let in, oldest first.
func (b *Backend) Offers() []signaling.Offer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]signaling.Offer(nil), b.offers...)
}

// Patches returns the patches that were applied, oldest first.
func (b *Backend) Patches() []signaling.Patch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]signaling.Patch(nil), b.patches...)
}

// Sessions returns how many sessions there are.
func (b *Backend) Sessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

// AskedFor returns the sessions ICE servers were asked for, "" for none yet.
func (b *Backend) AskedFor() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.askedFor
}

// Asked returns how often ICE servers were asked for.
func (b *Backend) Asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// Publish makes a publisher's session.
func (b *Backend) Publish(ctx context.Context, o signaling.Offer) (signaling.Created, error) {
	return b.create(ctx, o, auth.Publish)
}

// Play makes a viewer's session.
func (b *Backend) Play(ctx context.Context, o signaling.Offer) (signaling.Created, error) {
	return b.create(ctx, o, auth.Play)
}

func (b *Backend) create(ctx context.Context, o signaling.Offer, action auth.Action) (signaling.Created, error) {
	if err := b.authorize(o.Credential, action); err != nil {
		return signaling.Created{}, private(err)
	}
	if b.Refuse != nil {
		return signaling.Created{}, private(b.Refuse)
	}
	if !bytes.HasPrefix(o.SDP, []byte(Offer[:3])) {
		return signaling.Created{}, private(errBadOffer)
	}
	if b.Hold != nil {
		select {
		case <-b.Hold:
		case <-ctx.Done():
			return signaling.Created{}, ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &session{etag: newETag(), ufrag: Ufrag, token: o.Credential.Token, pending: !b.CounterUntil.IsZero()}
	if b.sessions == nil {
		b.sessions = make(map[string]*session)
	}
	secret := strings.ToLower(rand.Text())
	b.sessions[secret] = s
	b.offers = append(b.offers, o)
	return signaling.Created{Secret: secret, PublicID: "public", ETag: s.etag, SDP: []byte(Answer), Slots: b.SlotCount > 0, ValidUntil: b.CounterUntil}, nil
}

func newETag() string { return `"` + rand.Text() + `"` }

// private wraps err in context that no client may read.
func private(err error) error { return fmt.Errorf("private context: %w", err) }

func (b *Backend) authorize(cred auth.Credential, action auth.Action) error {
	if !b.Closed {
		return nil
	}
	if cred.Malformed {
		return auth.ErrMalformed
	}
	switch cred.Token {
	case "":
		return auth.ErrNoToken
	case Expired:
		return auth.ErrTokenExpired
	case Publisher, Viewer, Stranger:
		if (cred.Token == Viewer) != (action == auth.Play) {
			return auth.ErrNotAllowed
		}
		return nil
	}
	return auth.ErrBadToken
}

// find returns a session for whoever made it.
func (b *Backend) find(secret string, r signaling.Request) (*session, error) {
	if b.Closed && r.Credential.Token == "" {
		return nil, auth.ErrNoToken
	}
	s, ok := b.sessions[secret]
	switch {
	case !ok:
		return nil, errUnknown
	case b.Closed && s.token != r.Credential.Token:
		return nil, errNotYours
	}
	return s, nil
}

// Patch trickles, or restarts when the fragment has another ufrag.
func (b *Backend) Patch(_ context.Context, secret string, p signaling.Patch) (signaling.Patched, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find(secret, p.Request)
	switch {
	case err != nil:
		return signaling.Patched{}, private(err)
	case !p.IfMatch.Present:
		return signaling.Patched{}, private(errMissing)
	case !p.IfMatch.Matches(s.etag):
		return signaling.Patched{}, private(errStale)
	}
	b.patches = append(b.patches, p)
	if p.Fragment.Ufrag == s.ufrag || p.Fragment.Ufrag == "" {
		return signaling.Patched{}, nil
	}
	s.ufrag, s.etag = p.Fragment.Ufrag, newETag()
	return signaling.Patched{ETag: s.etag, Fragment: &sdpfrag.Fragment{
		Ufrag: "srv2", Pwd: "abcdefghijklmnopqrstuvwx", Options: []string{"trickle", "ice2"}, EndOfCandidates: true,
		Sections: []sdpfrag.Section{{Mid: "0", Candidates: []string{"1 1 udp 2130706431 127.0.0.1 8190 typ host"}}},
	}}, nil
}

// Answer takes the answer to a counter-offer, once; anything that begins as SDP is
// good.
func (b *Backend) Answer(_ context.Context, secret string, a signaling.Answer) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find(secret, a.Request)
	switch {
	case err != nil:
		return "", private(err)
	case !s.pending:
		return "", private(errNoOffer)
	case a.IfMatch.Present && !a.IfMatch.Matches(s.etag):
		return "", private(errStale)
	case !bytes.HasPrefix(a.SDP, []byte(Offer[:3])):
		return "", private(errBadOffer)
	}
	s.pending = false
	return s.etag, nil
}

// End forgets a session.
func (b *Backend) End(_ context.Context, secret string, r signaling.Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.find(secret, r); err != nil {
		return private(err)
	}
	delete(b.sessions, secret)
	return nil
}

// Look finds a session.
func (b *Backend) Look(_ context.Context, secret string, r signaling.Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.find(secret, r)
	if err != nil {
		return private(err)
	}
	return nil
}

// ICEServers returns Servers to the authorised.
func (b *Backend) ICEServers(_ context.Context, r signaling.Request, action auth.Action, place auth.Place, session string) ([]signaling.ICEServer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if place.Channel == "" || session != "" && session != "public" {
		return nil, errors.New("asked for no channel, or a session that is not there")
	}
	b.askedFor = append(b.askedFor, session)
	return b.Servers, b.authorize(r.Credential, action)
}
