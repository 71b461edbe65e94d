package session

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

// Report is everything that may be told of a session to whoever made it, and to
// administrators. It holds no secret.
type Report struct {
	ID     string
	Action auth.Action
	Place  auth.Place
	// State is connecting, connected, ended or refused.
	State   string
	Reached string
	Started time.Time
	// Ended is zero for sessions that live.
	Ended     time.Time
	Facts     diagnose.Session
	Diagnosis diagnose.Diagnosis
	Timeline  []Fact
	// Dropped is how many facts of the timeline were left out.
	Dropped int
}

// Report tells about a session: a live one, one that ended in the last ten
// minutes, or a POST that was refused in that time. It is for administrators and
// for whoever made the session: by its token, or, where none was needed, from its
// address. To everybody else there is no such session (ErrUnknown).
func (s *Service) Report(ctx context.Context, id string, r signaling.Request) (Report, error) {
	report, made, found := s.look(id)
	if !found || !s.mayRead(ctx, r, made) {
		return Report{}, ErrUnknown
	}
	return report, nil
}

func (s *Service) look(id string) (Report, owner, bool) {
	if sess := s.byPublicID(id); sess != nil {
		return sess.report(s.parts.Now()), sess.owner(), true
	}
	for _, a := range []*archive{s.ended, s.refused} {
		if r, ok := a.get(id); ok {
			return r.report(), r.owner, true
		}
	}
	return Report{}, owner{}, false
}

func (s *Service) mayRead(ctx context.Context, r signaling.Request, made owner) bool {
	from := r.From.Addr().Unmap()
	near := from == made.from || from.IsLoopback()
	if _, err := s.parts.Authority.Authorize(ctx, r.Credential, auth.Admin, made.place); err == nil && (r.Credential.Token != "" || near) {
		return true
	}
	if made.token != ([sha256.Size]byte{}) {
		return made.token == digest(r.Credential) && (r.Credential.Token != "" || near)
	}
	grant, err := s.parts.Authority.Resume(ctx, r.Credential, made.action, made.place)
	if err != nil || !s.parts.Authority.SameSubject(made.grant, grant) {
		return false
	}
	return made.grant.Subject != "" || from == made.from
}

// digest stands for what a client showed. It is never that of nothing at all.
func digest(c auth.Credential) [sha256.Size]byte {
	return sha256.Sum256([]byte("headgate credential\x00" + c.Token))
}

func (sess *session) owner() owner {
	return owner{action: sess.action, place: sess.place, grant: sess.currentGrant(), from: sess.from}
}

func (sess *session) report(now time.Time) Report {
	r := sess.record(sess.facts(now)).report()
	r.State = "connecting"
	if !r.Facts.DTLS.Connected.IsZero() {
		r.State = "connected"
	}
	r.Ended = time.Time{}
	return r
}

// record is what is to be kept of the session.
func (sess *session) record(f diagnose.Session) *record {
	history, dropped := sess.timeline.Facts()
	return &record{
		owner: sess.owner(), id: sess.id, started: sess.started, reached: sess.timeline.reached(),
		facts: f, history: history, dropped: dropped, until: f.At.Add(archiveFor),
	}
}

func (r *record) report() Report {
	state := "ended"
	if r.facts.Refused {
		state = "refused"
	}
	return Report{
		ID: r.id, Action: r.action, Place: r.place, State: state, Reached: r.reached, Started: r.started, Ended: r.facts.At,
		Facts: r.facts, Diagnosis: diagnose.Of(r.facts), Timeline: r.history, Dropped: r.dropped,
	}
}

// refuse keeps what is known of a POST that is refused, and returns the error with
// the id under which it can be asked for.
func (s *Service) refuse(sess *session, c auth.Credential, err error) error {
	f := s.refusalFacts(sess, err)
	s.ledger.refuse(sess.action, f.Reason)
	sess.fact(FactVerdict, f.Reason)
	r := sess.record(f)
	r.token = digest(c)
	s.refused.keep(r)
	sess.log.Info("offer refused", append([]any{"code", f.Reason, "err", err}, diagnosed(f)...)...)
	return fault.About(err, sess.id)
}

// archive keeps what is known of a session that ended, in its live one's place.
func (s *Service) archive(sess *session, f diagnose.Session) {
	s.ended.keep(sess.record(f))
	s.mu.Lock()
	delete(s.public, sess.id)
	s.mu.Unlock()
}

// diagnosed are the attributes of a log line.
func diagnosed(f diagnose.Session) []any {
	d := diagnose.Of(f)
	if d.Code == "" {
		return nil
	}
	return []any{"diagnosis", d.Code, "why", d.Sentence, "remedy", d.Remedy}
}
