package negotiate

import "github.com/pion/sdp/v3"

// sessionLevel is what an offer says before its first media section.
type sessionLevel struct {
	transport
	groups      []string
	direction   string
	options     string
	lite, mixed bool
	simulcast   bool

	endOfCandidates bool
}

func readSession(attributes []sdp.Attribute) *sessionLevel {
	s := &sessionLevel{direction: sendrecv}
	for _, a := range attributes {
		if !s.transport.read(a) {
			s.read(a)
		}
	}
	return s
}

func (s *sessionLevel) read(a sdp.Attribute) {
	switch a.Key {
	case "group":
		s.groups = append(s.groups, a.Value)
	case "ice-options":
		s.options = iceOptions(a.Value)
	case "ice-lite":
		s.lite = true
	case "extmap-allow-mixed":
		s.mixed = true
	case "simulcast":
		s.simulcast = true
	case "end-of-candidates":
		s.endOfCandidates = true
	case sendrecv, sendonly, recvonly, inactive:
		s.direction = a.Key
	}
}
