package sdpfrag

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headgate/headgate/internal/fault"
)

// Bounds of what Parse reads; a browser's whole candidate list is 2 to 4 KiB.
const (
	MaxBytes      = 64 << 10
	MaxLineBytes  = 2048
	MaxLines      = 1024
	MaxSections   = 80
	MaxCandidates = 256
)

// ErrBadFragment is the fault of a body that is not a fragment; its public
// sentence says where.
var ErrBadFragment = fault.New(fault.Invalid, "bad-fragment",
	"The body is not a trickle-ice-sdpfrag (RFC 8840 section 9); send ICE attributes and pseudo media sections.")

// Parse reads a fragment. Lines may end in LF or CRLF, and the last one need
// not end at all. Candidates are not judged. The error is
// ErrBadFragment.
func Parse(b []byte) (Fragment, error) {
	if err := checkBytes(b); err != nil {
		return Fragment{}, err
	}
	p := parser{}
	for line := range strings.Lines(string(b)) {
		p.lines++
		if err := p.line(strings.TrimRight(line, "\r\n")); err != nil {
			return Fragment{}, err
		}
	}
	return p.finish()
}

// checkBytes refuses what must not even be split into lines. Control characters
// would be carried on into SDP and logs.
func checkBytes(b []byte) error {
	if len(b) > MaxBytes {
		return ErrBadFragment.Because("The fragment is larger than %d bytes; send fewer candidates at a time.", MaxBytes)
	}
	if !utf8.Valid(b) {
		return ErrBadFragment.Because("The fragment is not UTF-8 text.")
	}
	for i, c := range b {
		isEnd := c == '\n' || c == '\r' && i+1 < len(b) && b[i+1] == '\n' || c == '\r' && i+1 == len(b)
		if (c < ' ' && c != '\t' && !isEnd) || c == 0x7f {
			return ErrBadFragment.Because("The fragment has a control character at byte %d.", i)
		}
	}
	return nil
}

// parser collects what the lines say. Credentials of the session level win over
// those of sections, whichever comes first.
type parser struct {
	frag       Fragment
	lines      int
	seen       int // lines with content
	candidates int
	inSection  bool
	media      credentials
}

type credentials struct{ ufrag, pwd string }

func (p *parser) line(line string) error {
	line = strings.TrimRight(line, " \t")
	switch {
	case p.lines > MaxLines || len(line) > MaxLineBytes:
		return p.fault("is one too many or too long; send fewer candidates at a time")
	case line == "":
		return nil
	case len(line) < 2 || line[1] != '=':
		return p.fault("is not of the form letter=value")
	}
	p.seen++
	switch line[0] {
	case 'm':
		return p.section(line[2:])
	case 'a', 'A':
		return p.attribute(line[2:])
	case 'b', 'c', 'i', 'k':
		return nil // harmless parts of real media sections
	}
	return p.fault("is neither an attribute nor a media section; a fragment has no %q", line[:2])
}

func (p *parser) fault(format string, args ...any) error {
	return ErrBadFragment.Because("Line %d of the fragment "+format+".", append([]any{p.lines}, args...)...)
}

// section starts a pseudo media section. Its content says nothing (RFC 8840
// section 4.4), but it must have the form of an m= line.
func (p *parser) section(media string) error {
	if fields := strings.Fields(media); len(fields) < 4 || !isDigit(fields[1][0]) {
		return p.fault("is not a media section; write m=audio 9 RTP/AVP 0")
	}
	p.inSection = true
	return p.open(strings.Join(strings.Fields(media), " "))
}

// open adds a section; Marshal knows what to print when media is empty.
func (p *parser) open(media string) error {
	if len(p.frag.Sections) == MaxSections {
		return p.fault("is one section too many; at most %d are read", MaxSections)
	}
	p.frag.Sections = append(p.frag.Sections, Section{Media: media})
	return nil
}

func (p *parser) attribute(text string) error {
	name, value, _ := strings.Cut(text, ":")
	value = strings.Trim(value, " \t")
	switch strings.ToLower(name) {
	case "ice-ufrag", "ice-pwd":
		return p.credential(strings.ToLower(name), value)
	case "candidate":
		return p.candidate(value)
	case "mid":
		p.mid(value)
	default:
		p.session(strings.ToLower(name), value)
	}
	return nil
}

// session reads what belongs to the whole fragment, at whatever level it
// stands. Unknown attributes are ignored (RFC 8840 section 9.2).
func (p *parser) session(name, value string) {
	f := &p.frag
	switch {
	case name == "ice-lite":
		f.Lite = true
	case name == "end-of-candidates":
		f.EndOfCandidates = true
	case name == "ice-options":
		f.addOptions(value)
	case name == "ice-pacing" && f.Pacing == "" && isNumber(value):
		f.Pacing = value
	case name == "group" && f.Group == "" && strings.HasPrefix(value, "BUNDLE"):
		f.Group = strings.Join(strings.Fields(value), " ")
	}
}

func (f *Fragment) addOptions(value string) {
	for option := range strings.FieldsSeq(value) {
		if !slices.Contains(f.Options, option) {
			f.Options = append(f.Options, option)
		}
	}
}

func (p *parser) mid(value string) {
	if last := len(p.frag.Sections) - 1; last >= 0 && p.frag.Sections[last].Mid == "" {
		p.frag.Sections[last].Mid = value
	}
}

func (p *parser) candidate(value string) error {
	if len(p.frag.Sections) == 0 {
		// Candidates belong into a section; hand-made bodies forget it.
		_ = p.open("")
	}
	if p.candidates++; p.candidates > MaxCandidates {
		return p.fault("is one candidate too many; at most %d are read", MaxCandidates)
	}
	if value != "" {
		last := &p.frag.Sections[len(p.frag.Sections)-1]
		last.Candidates = append(last.Candidates, value)
	}
	return nil
}
