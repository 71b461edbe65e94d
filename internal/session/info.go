package session

import (
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/router"
)

// Info is what may be told of a session. It holds no secret.
type Info struct {
	ID     string
	Action auth.Action
	Place  auth.Place
	// Participant is who it belongs to; empty for viewers who did not say.
	Participant string
	// Slots are how many a viewer has, 0 for a plain one.
	Slots   int
	Started time.Time
	// Connected tells that DTLS is up; Reached, how far the session got.
	Connected bool
	Reached   string
	Facts     []Fact
	// Ingest is set for publishers, Viewer for viewers.
	Ingest *router.IngestStats
	Viewer *router.ViewerStats
	// Unsent are a viewer's packets that could not be sent, Dropped those of them
	// there was no room for.
	Unsent, Dropped uint64
}

// Sessions returns a snapshot of all live sessions, in no order.
func (s *Service) Sessions() []Info {
	var infos []Info
	for _, sess := range s.all() {
		infos = append(infos, sess.info())
	}
	return infos
}

func (sess *session) info() Info {
	sess.mu.Lock()
	open := sess.open
	sess.mu.Unlock()
	facts, _ := sess.timeline.Facts()
	info := Info{
		ID: sess.id, Action: sess.action, Place: sess.place, Started: sess.started,
		Connected: open, Reached: sess.timeline.reached(), Facts: facts,
	}
	sess.media.detail(&info)
	return info
}
