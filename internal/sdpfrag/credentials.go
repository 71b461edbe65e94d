package sdpfrag

// Lengths of ICE credentials (RFC 8839 section 5.4).
const (
	minUfrag      = 4
	minPwd        = 22
	maxCredential = 256
)

// credential keeps the first value of each level.
func (p *parser) credential(name, value string) error {
	isUfrag := name == "ice-ufrag"
	shortest, session, media := minPwd, &p.frag.Pwd, &p.media.pwd
	if isUfrag {
		shortest, session, media = minUfrag, &p.frag.Ufrag, &p.media.ufrag
	}
	if !isCredential(value, shortest) {
		return p.fault("has an %s that is not %d to %d letters, digits, + or /", name, shortest, maxCredential)
	}
	target := session
	if p.inSection {
		target = media
	}
	if *target == "" {
		*target = value
	}
	return nil
}

// finish fills in what only sections said.
func (p *parser) finish() (Fragment, error) {
	if p.seen == 0 {
		return Fragment{}, ErrBadFragment.Because("The fragment is empty; send ICE attributes and pseudo media sections.")
	}
	f := p.frag
	if f.Ufrag == "" {
		f.Ufrag = p.media.ufrag
	}
	if f.Pwd == "" {
		f.Pwd = p.media.pwd
	}
	return f, nil
}

func isCredential(s string, shortest int) bool {
	if len(s) < shortest || len(s) > maxCredential {
		return false
	}
	for i := range len(s) {
		if !isICEChar(s[i]) {
			return false
		}
	}
	return true
}

func isICEChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '+' || c == '/'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isNumber reports whether s is a decimal number of at most ten digits, which
// is what grammars of ICE attributes allow.
func isNumber(s string) bool {
	if s == "" || len(s) > 10 {
		return false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}
