package call

import (
	"cmp"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Observe is router.Config.Observe: it is called with the router's lock held and
// returns at once.
func (s *Service) Observe(e router.Event) {
	s.director.stir(e.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.What {
	case router.Published:
		s.published(e)
	case router.Unpublished:
		s.unpublished(e)
	case router.Interrupted:
		s.changed(e, EventInterrupted)
	case router.Resumed:
		s.changed(e, EventResumed)
	case router.TakenOver, router.SwitchedOver:
		s.handedOver(e)
	default: // of no interest to members
	}
}

// published notes that somebody is on air.
func (s *Service) published(e router.Event) {
	p := s.channel(e.Channel).person(e.Participant)
	p.describe(e.At, cut(e.Name), e.Tags)
	told := PublicationOf(e.Channel, "", e.Publication)
	told.SelfMuted = p.saidOf(told.Session)
	p.publications[e.Source] = &publication{told: told}
	p.changed()
	s.settle(e.At, p)
	p.channel.tellPublished(e.At, told, false)
}

// unpublished notes that a publication ended. Its participant has left with the last
// one, in the same moment.
func (s *Service) unpublished(e router.Event) {
	p, pub := s.onAir(e)
	if pub == nil {
		return
	}
	delete(p.publications, e.Source)
	p.changed()
	reason := cmp.Or(p.reason, whyEnded(pub.reason), e.Reason)
	p.channel.tell(EventUnpublished, onSource{Participant: p.id, Source: e.Source, Reason: reason, At: stamp(e.At)})
	if len(p.publications) == 0 {
		s.endAll(e.At, p, func(st *stream) bool { return st.opened && st.silent(e.At, goneFor) }, ErrLeft, "", nil)
	}
	p.goes(reason)
	s.settle(e.At, p)
}

// whyEnded is what is told of the reason for which a session ended. A goodbye needs
// none.
func whyEnded(reason *fault.Error) string {
	if reason == nil || reason.Code == "deleted" || reason.Code == "closed" {
		return ""
	}
	return reason.Code
}

// changed tells of another state of a publication.
func (s *Service) changed(e router.Event, name string) {
	p, pub := s.onAir(e)
	if pub == nil {
		return
	}
	pub.told = keep(pub.told, PublicationOf(e.Channel, "", e.Publication))
	p.channel.tell(name, onSource{Participant: p.id, Source: e.Source, At: stamp(e.At)})
}

// handedOver notes that another publisher feeds a publication.
func (s *Service) handedOver(e router.Event) {
	p, pub := s.onAir(e)
	if pub == nil {
		return
	}
	pub.reason = nil
	p.describe(e.At, cut(e.Name), e.Tags)
	next := PublicationOf(e.Channel, "", e.Publication)
	next.Session = e.Session // the old one is still on air while this is told
	next.SelfMuted = p.saidOf(next.Session)
	s.update(e.At, p, pub, next)
}

// update tells a publication anew if what members care for has changed.
func (s *Service) update(now time.Time, p *person, pub *publication, next Publication) {
	old := pub.told
	pub.told = keep(old, next)
	if next.differs(old) || pub.told.SelfMuted != old.SelfMuted {
		p.changed()
		p.channel.tellPublished(now, pub.told, true)
	}
}

// keep is next where a codec or a size that is not known for a moment, because a
// publisher has just changed, is that of before; and so is what its holder said.
func keep(old, next Publication) Publication {
	if next.Session == old.Session {
		next.SelfMuted = old.SelfMuted
	}
	if next.Width == 0 && next.Video == old.Video {
		next.Width, next.Height = old.Width, old.Height
	}
	return next
}

// onAir finds a publication, nil if it is not on air.
func (s *Service) onAir(e router.Event) (*person, *publication) {
	c := s.channels[e.Channel]
	if c == nil || c.people[e.Participant] == nil {
		return nil, nil
	}
	p := c.people[e.Participant]
	return p, p.publications[e.Source]
}
