package session

import (
	"errors"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/peer"
)

// progress is what a diagnosis needs to know beside the numbers of the media. It is
// a leaf: nothing is called with its lock held.
type progress struct {
	mu    sync.Mutex
	known diagnose.Session
}

func (p *progress) note(change func(*diagnose.Session)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.known)
}

func (p *progress) get() diagnose.Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known
}

// event notes when the steps of a connection came.
func (p *progress) event(e peer.Event) {
	p.note(func(s *diagnose.Session) {
		first := func(t *time.Time) {
			if t.IsZero() {
				*t = e.At
			}
		}
		switch e.Kind {
		case peer.ICEConnected:
			first(&s.ICE.Connected)
		case peer.ICEFailed:
			first(&s.ICE.Failed)
		case peer.DTLSStarted:
			first(&s.DTLS.Started)
		case peer.DTLSConnected:
			first(&s.DTLS.Connected)
		case peer.DTLSFailed:
			first(&s.DTLS.Failed)
		case peer.RemoteClosed:
			first(&s.DTLS.Closed)
		default: // nothing a diagnosis asks for
		}
	})
}

// offer notes what the client can do.
func (p *progress) offer(o *negotiate.Offer) {
	d := o.Describe()
	p.note(func(s *diagnose.Session) {
		s.Offer = diagnose.Offer{
			Video: d.Video, Audio: d.Audio, HasVideo: d.HasVideo, HasAudio: d.HasAudio, Stereo: d.Stereo, RIDs: d.RIDs,
		}
	})
}

// facts are what is known of the session now.
func (sess *session) facts(now time.Time) diagnose.Session {
	f := sess.progress.get()
	f.At = now
	if sess.conn != nil {
		sess.connectionFacts(&f)
	}
	if sess.media != nil && !f.DTLS.Connected.IsZero() {
		var info Info
		sess.media.detail(&info)
		sess.mediaFacts(&f, info)
	}
	return f
}

func (sess *session) connectionFacts(f *diagnose.Session) {
	c := sess.conn.Facts()
	f.Network = diagnose.Network{Advertised: c.Advertised, Public: c.Public, TCP: c.TCP, Untold: c.Untold}
	f.ICE.Checks, f.ICE.FirstCheck, f.ICE.LastCheck, f.ICE.From = c.Checks, c.FirstCheck, c.LastCheck, c.From
	f.ICE.Replies, f.ICE.Protocol, f.ICE.Remote = c.Replies, c.Protocol, c.Remote
	f.ICE.LastHeard = later(f.DTLS.Connected, sess.conn.LastSeen())
	f.DTLS.Certificate, f.DTLS.Mismatch = c.Certificate, c.Mismatch
}

func (sess *session) mediaFacts(f *diagnose.Session, info Info) {
	parts := sess.service.parts
	if info.Ingest != nil {
		f.Publisher = diagnose.PublisherOf(*info.Ingest)
	}
	if info.Viewer != nil {
		f.Viewer = diagnose.ViewerOf(*info.Viewer)
		f.Viewer.OnAir = parts.Router.OnAir(sess.place.Channel)
		f.Viewer.Saturated = parts.Saturated != nil && parts.Saturated(f.At)
	}
}

// refusalFacts complete what is known with why the POST was refused.
func (s *Service) refusalFacts(sess *session, err error) diagnose.Session {
	f := sess.facts(s.parts.Now())
	f.Refused, f.Ended, f.Reason = true, true, fault.Of(err).Code
	if t, ok := errors.AsType[*auth.TimeError](err); ok {
		f.Token = diagnose.Token{ExpiredFor: t.ExpiredFor, StartsIn: t.StartsIn}
	}
	if f.Reason == "channel-busy" {
		f.Holder = s.holder(sess)
	}
	return f
}

// holder finds who publishes what sess wanted to.
func (s *Service) holder(sess *session) (h diagnose.Holder) {
	for _, other := range s.all() {
		if other.action != auth.Publish || other.place.Channel != sess.place.Channel || other.place.Source != sess.place.Source {
			continue
		}
		if grant := other.currentGrant(); grant.Participant == sess.currentGrant().Participant {
			return diagnose.Holder{Session: other.id, Participant: grant.Participant, Since: other.started}
		}
	}
	return h
}
