package session

import (
	"cmp"

	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/peer"
)

// anonymousID is how much of its public id a viewer is called by in the chat, who is
// nobody otherwise.
const anonymousID = 8

// talk takes the data channels of a session that has been admitted.
func (s *Service) talk(sess *session) peer.TakeData {
	anonymous := "viewer-" + sess.id[:min(len(sess.id), anonymousID)]
	participant := cmp.Or(sess.part.participant, anonymous)
	if !sess.part.claimed {
		anonymous = ""
	}
	pace := call.NewPace()
	return func(c *peer.DataChannel) (heard func([]byte, bool), closed func(), ok bool) {
		return s.parts.Calls.Talk(call.Talker{
			Channel: sess.place.Channel, Participant: participant, Login: sess.part.login,
			Session: sess.id, Anonymous: anonymous, Label: c.Label(), Pace: pace, Send: c.Send,
		})
	}
}
