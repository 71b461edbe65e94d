package session

import (
	"cmp"
	"context"
	"fmt"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

// part is who a session is in the call of its channel. It does not change once the
// POST has been admitted.
type part struct {
	participant, login string
	name               string
	tags               map[string]string
	// source is what a publisher sends; empty for viewers.
	source string
	// claimed tells that the participant is what a viewer says, and no token.
	claimed bool
	// slots tells that a viewer has slots.
	slots bool
}

// partOf decides who asks. A viewer whose token does not say is who they say they
// are, under the login of a member of that name.
func (s *Service) partOf(ctx context.Context, action auth.Action, offer signaling.Offer, grant auth.Grant) part {
	p := part{
		participant: grant.Participant, login: grant.Login,
		name: cmp.Or(grant.DisplayName, offer.Name), tags: grant.Tags, claimed: grant.Claimed,
	}
	if action == auth.Publish {
		p.source = sourceOf(offer.Place)
		return p
	}
	if p.participant != "" || offer.As == "" {
		return p
	}
	p.participant, p.claimed = offer.As, true
	as := auth.Place{Channel: offer.Place.Channel, Participant: offer.As}
	if member, err := s.parts.Authority.Authorize(ctx, offer.Credential, auth.Join, as); err == nil {
		p.login = member.Login
	}
	return p
}

func sourceOf(place auth.Place) string { return cmp.Or(place.Source, defaultSource) }

// admitPart asks whether the call takes a session in, before anything is made.
func (s *Service) admitPart(sess *session) error {
	publisher := sess.action == auth.Publish
	return s.askCall(sess, call.Admission{Member: publisher, Publisher: publisher})
}

// admitSlots asks whether the call takes a viewer in now that it turned out to want
// slots.
func (s *Service) admitSlots(sess *session) error {
	sess.part.slots = true
	return s.askCall(sess, call.Admission{Slots: true})
}

func (s *Service) askCall(sess *session, a call.Admission) error {
	a.Channel, a.Participant, a.Login = sess.place.Channel, sess.part.participant, sess.part.login
	if err := s.parts.Calls.Admit(a); err != nil {
		return fmt.Errorf("%s in %q as %q: %w", sess.action, a.Channel, a.Participant, err)
	}
	return nil
}

// enterCall notes a session that has been registered.
func (s *Service) enterCall(sess *session) {
	p := sess.part
	leave := s.parts.Calls.Enter(call.Entry{
		Channel: sess.place.Channel, Participant: p.participant, Source: p.source, Login: p.login, ID: sess.id,
		Publisher: sess.action == auth.Publish, Slots: p.slots, Name: p.name, Tags: p.tags,
		Expires: sess.currentGrant().Expires, Seen: sess.lastSeen,
	})
	sess.mu.Lock()
	gone := sess.leftCall
	if !gone {
		sess.leaveCall = leave
	}
	reason := sess.reason
	sess.mu.Unlock()
	if gone {
		leave(reason)
	}
}

// exitCall tells the call that the session is about to end.
func (sess *session) exitCall(reason *fault.Error) {
	sess.mu.Lock()
	leave := sess.leaveCall
	sess.leftCall, sess.leaveCall = true, nil
	sess.mu.Unlock()
	if leave != nil {
		leave(reason)
	}
}

// EndSessions implements call.Sessions. A POST that is being negotiated is refused with
// the reason.
func (s *Service) EndSessions(match call.Match, reason *fault.Error) (n int) {
	for _, sess := range s.here() {
		if sess.matches(match) && sess.finish(reason) {
			n++
		}
	}
	return n
}

func (sess *session) matches(m call.Match) bool {
	p := &sess.part // whose slots may be found out meanwhile
	fits := func(wanted, is string) bool { return wanted == "" || wanted == is }
	return fits(m.Channel, sess.place.Channel) && fits(m.Participant, p.participant) && fits(m.Source, p.source) &&
		fits(m.Login, p.login) && fits(m.ID, sess.id) && (m.NotLogin == "" || m.NotLogin != p.login)
}
