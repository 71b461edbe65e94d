package negotiate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// local is what the answer takes from the WebRTC stack.
type local struct {
	transport
	origin     sdp.Origin
	candidates []string
	sections   map[string]*localSection
}

type localSection struct {
	port                int
	direction           string
	formats             []string
	msid                string
	sources             []string // a=ssrc and a=ssrc-group lines without "a="
	sctpPort, maxLength string
}

// readLocal parses the description and holds it against the plan.
func (p *Plan) readLocal(description string) (*local, error) {
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(description); err != nil {
		return nil, fmt.Errorf("parse local description: %w: %w", err, errLocal)
	}
	l := &local{origin: desc.Origin, sections: make(map[string]*localSection)}
	for _, a := range desc.Attributes {
		l.transport.read(a)
	}
	for _, m := range desc.MediaDescriptions {
		l.readSection(m)
	}
	if err := p.checkLocal(l); err != nil {
		return nil, fmt.Errorf("%w: %w", err, errLocal)
	}
	return l, nil
}

func (l *local) readSection(m *sdp.MediaDescription) {
	s := &localSection{port: m.MediaName.Port.Value, formats: m.MediaName.Formats}
	for _, a := range m.Attributes {
		switch {
		case l.transport.read(a):
		case a.Key == "candidate":
			l.candidates = append(l.candidates, a.Value)
		case a.Key == "mid":
			l.sections[a.Value] = s
		default:
			s.read(a)
		}
	}
}

func (s *localSection) read(a sdp.Attribute) {
	switch a.Key {
	case sendrecv, sendonly, recvonly, inactive:
		s.direction = a.Key
	case "ssrc", "ssrc-group":
		s.sources = append(s.sources, a.Key+":"+a.Value)
	case "sctp-port":
		s.sctpPort = a.Value
	case "max-message-size":
		s.maxLength = a.Value
	case "msid":
		s.msid = a.Value
	}
}

// checkLocal finds out whether the stack does what the answer will say.
func (p *Plan) checkLocal(l *local) error {
	switch {
	case l.ufrag == "" || l.pwd == "":
		return fmt.Errorf("no ICE credentials")
	case strongest(l.fingerprints) == "":
		return fmt.Errorf("no fingerprint")
	}
	if err := p.checkRole(l.setup); err != nil {
		return err
	}
	for i := range p.Sections {
		s := &p.Sections[i]
		if !s.flows() {
			continue
		}
		if err := s.check(l.sections[s.Mid]); err != nil {
			return fmt.Errorf("section %q: %w", s.Mid, err)
		}
	}
	return nil
}

// checkRole wants a DTLS role that goes with the client's; who offers leaves it open
// (RFC 8842 section 5.2).
func (p *Plan) checkRole(setup string) error {
	switch {
	case p.offering && setup != setupActpass:
		return fmt.Errorf("setup %q of an offer", setup)
	case p.offering:
		return nil
	case setup != setupActive && setup != setupPassive:
		return fmt.Errorf("setup %q", setup)
	case setup == p.Setup:
		return fmt.Errorf("both sides are %s", setup)
	}
	return nil
}

func (s *Section) check(got *localSection) error {
	switch {
	case got == nil:
		return fmt.Errorf("missing")
	case got.port == 0:
		return fmt.Errorf("rejected")
	case s.Application:
		return nil
	case got.direction != s.Answer:
		return fmt.Errorf("direction %s, planned %s", got.direction, s.Answer)
	case s.Answer == sendonly && got.msid == "":
		return fmt.Errorf("no msid")
	}
	for _, f := range strings.Fields(formats(s)) {
		if !slices.Contains(got.formats, f) {
			return fmt.Errorf("payload type %s was not accepted", f)
		}
	}
	return nil
}
