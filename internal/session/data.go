package session

import (
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/peer"
)

// anonymousID is how much of its public id a viewer is called by in the chat, who is
// nobody otherwise.
const anonymousID = 8

// talk takes the data channels of a session that has been admitted.
func (s *Service) talk(sess *session) peer.TakeData {
	participant := sess.part.participant
	if participant == "" {
		participant = "viewer-" + sess.id[:min(len(sess.id), anonymousID)]
	}
	pace := call.NewPace()
	return func(c *peer.DataChannel) (heard func([]byte, bool), closed func(), ok bool) {
		return s.parts.Calls.Talk(call.Talker{
			Channel: sess.place.Channel, Participant: participant, Login: sess.part.login,
			Session: sess.id, Label: c.Label(), Pace: pace, Send: c.Send,
		})
	}
}
