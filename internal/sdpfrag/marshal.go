package sdpfrag

import "strings"

// defaultMedia stands where the real m= line is not known (RFC 8840 section
// 4.4).
const defaultMedia = "audio 9 RTP/AVP 0"

// Marshal prints f: session-level lines first, the mid directly after its m=
// line, every line ended by CRLF (some clients look for it). Credentials and
// the end of candidates stand in the sections when there are any, credentials
// in the first one only: that is the transport of the bundle.
func (f Fragment) Marshal() []byte {
	var p printer
	p.flag(f.Lite, "a=ice-lite")
	p.line("a=ice-options:", strings.Join(f.Options, " "))
	p.line("a=ice-pacing:", f.Pacing)
	p.line("a=group:", f.Group)
	if len(f.Sections) == 0 {
		p.credentials(f)
		p.flag(f.EndOfCandidates, "a=end-of-candidates")
	}
	for i, s := range f.Sections {
		p.media(s)
		if i == 0 {
			p.credentials(f)
		}
		for _, c := range s.Candidates {
			p.line("a=candidate:", c)
		}
		p.flag(f.EndOfCandidates, "a=end-of-candidates")
	}
	return p.b
}

type printer struct{ b []byte }

// line prints nothing when there is no value.
func (p *printer) line(name, value string) {
	if value != "" {
		p.b = append(append(append(p.b, name...), value...), "\r\n"...)
	}
}

func (p *printer) flag(set bool, line string) {
	if set {
		p.line("", line)
	}
}

func (p *printer) credentials(f Fragment) {
	p.line("a=ice-ufrag:", f.Ufrag)
	p.line("a=ice-pwd:", f.Pwd)
}

func (p *printer) media(s Section) {
	media := s.Media
	if media == "" {
		media = defaultMedia
	}
	p.line("m=", media)
	p.line("a=mid:", s.Mid)
}
