package session

import (
	"context"
	"fmt"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/signaling"
)

// Patch adds remote candidates or restarts ICE (RFC 9725 sections 4.3.2 and
// 4.3.3). A fragment whose ufrag differs from the current one is a restart;
// everything else is trickle. PATCHes of one session are handled one after
// another; of two restarts the last one received wins.
func (s *Service) Patch(ctx context.Context, secret string, p signaling.Patch) (signaling.Patched, error) {
	sess, err := s.authorised(ctx, secret, p.Request)
	if err != nil {
		return signaling.Patched{}, err
	}
	sess.negotiation.Lock()
	defer sess.negotiation.Unlock()
	if done, err := sess.beforehand(p); done {
		return signaling.Patched{}, err
	}
	if err := sess.precondition(p); err != nil {
		return signaling.Patched{}, err
	}
	if p.Fragment.Ufrag != "" && p.Fragment.Ufrag != sess.conn.RemoteUfrag() {
		return sess.restart(ctx, p)
	}
	return sess.trickle(p)
}

// precondition checks If-Match. The negotiation lock is held.
func (sess *session) precondition(p signaling.Patch) error {
	switch {
	case !p.IfMatch.Present && sess.service.cfg.AcceptMissingIfMatch && sess.showsCredentials(p):
		return nil
	case !p.IfMatch.Present:
		return ErrNoPrecondition
	case !p.IfMatch.Matches(sess.etag):
		return ErrStale
	}
	return nil
}

// showsCredentials tells that the fragment carries the ICE credentials of the
// current generation, which only its owner and the gateway know.
func (sess *session) showsCredentials(p signaling.Patch) bool {
	return p.Fragment.Ufrag == sess.conn.RemoteUfrag() && p.Fragment.Pwd == sess.conn.RemotePwd()
}

func (sess *session) trickle(p signaling.Patch) (signaling.Patched, error) {
	if sess.service.cfg.NoTrickle {
		return signaling.Patched{}, ErrNoTrickle
	}
	var lines []string
	for _, sec := range p.Fragment.Sections {
		lines = append(lines, sec.Candidates...)
	}
	sess.takeCandidates(lines, p.Fragment.EndOfCandidates)
	return signaling.Patched{}, nil
}

func (sess *session) restart(ctx context.Context, p signaling.Patch) (signaling.Patched, error) {
	if sess.service.cfg.NoRestart {
		return signaling.Patched{}, ErrNoRestart
	}
	var lines []string
	for _, sec := range p.Fragment.Sections {
		lines = append(lines, sec.Candidates...)
	}
	answer, err := sess.conn.Restart(ctx, p.Fragment.Ufrag, p.Fragment.Pwd, lines)
	if err != nil {
		return signaling.Patched{}, fmt.Errorf("restart of session %s: %w", sess.id, err)
	}
	sess.etag = newETag()
	sess.fact(FactRestart, fmt.Sprintf("%d candidates", len(lines)))
	return signaling.Patched{Fragment: &answer, ETag: sess.etag}, nil
}

// End ends a session by DELETE (RFC 9725 section 4.2) and returns once it is gone,
// so that a POST that follows finds its place free, or when ctx ends. A session
// that ended a short while ago may be ended again.
func (s *Service) End(ctx context.Context, secret string, r signaling.Request) error {
	sess, grave := s.find(secret)
	if grave != nil {
		_, err := s.permit(ctx, r, grave.action, grave.place, grave.grant)
		return err
	}
	if sess == nil {
		return ErrUnknown
	}
	if _, err := s.permit(ctx, r, sess.action, sess.place, sess.currentGrant()); err != nil {
		return err
	}
	sess.asked()
	sess.finish(errDeleted)
	select {
	case <-sess.closed:
	case <-ctx.Done(): // the client has gone; the session goes all the same
	}
	return nil
}

// Look succeeds when the session is there and the caller may use it.
func (s *Service) Look(ctx context.Context, secret string, r signaling.Request) error {
	_, err := s.authorised(ctx, secret, r)
	return err
}

// authorised finds a live session for a caller that could have made it. A newer
// token of the same subject moves the session's end.
func (s *Service) authorised(ctx context.Context, secret string, r signaling.Request) (*session, error) {
	sess, grave := s.find(secret)
	if grave != nil {
		if _, err := s.permit(ctx, r, grave.action, grave.place, grave.grant); err != nil {
			return nil, err
		}
		s.ended.late(grave.id, s.parts.Now())
		return nil, grave.reason
	}
	if sess == nil {
		return nil, ErrUnknown
	}
	grant, err := s.permit(ctx, r, sess.action, sess.place, sess.currentGrant())
	if err != nil {
		return nil, err
	}
	sess.asked()
	sess.renew(grant)
	return sess, nil
}

// permit authorises a request on a session: the token must allow what the
// session does and belong to whoever made it.
func (s *Service) permit(ctx context.Context, r signaling.Request, action auth.Action, place auth.Place, made auth.Grant) (auth.Grant, error) {
	grant, err := s.parts.Authority.Resume(ctx, r.Credential, action, place)
	if err != nil {
		return auth.Grant{}, err
	}
	if !s.parts.Authority.SameSubject(made, grant) {
		return auth.Grant{}, ErrNotYours
	}
	return grant, nil
}

// renew moves the session's end to that of a newer token.
func (sess *session) renew(grant auth.Grant) {
	sess.mu.Lock()
	old := sess.grant.Expires
	later := !old.IsZero() && (grant.Expires.IsZero() || grant.Expires.After(old))
	if later {
		sess.grant.Expires = grant.Expires
	}
	sess.mu.Unlock()
	if later {
		sess.fact(FactRenewed, "until "+grant.Expires.UTC().Format(time.RFC3339))
		sess.service.parts.Calls.Extend(sess.place.Channel, sess.part.participant, sess.part.login, grant.Expires)
	}
}

// ICEServers returns the servers for a client that may act at place, in the
// session with this public id, or, if it is empty, in none yet. Their
// credentials are minted anew for each call (RFC 9725 section 4.6).
func (s *Service) ICEServers(ctx context.Context, r signaling.Request, action auth.Action, place auth.Place, session string) ([]signaling.ICEServer, error) {
	if _, err := s.parts.Authority.Authorize(ctx, r.Credential, action, place); err != nil {
		return nil, err
	}
	return s.parts.ICEServers(s.parts.Now(), session), nil
}
