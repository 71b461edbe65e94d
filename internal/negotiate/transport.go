package negotiate

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/pion/sdp/v3"
)

// transport is the part of a level of SDP that describes ICE and DTLS.
type transport struct {
	ufrag, pwd, setup string
	fingerprints      []string
}

// read takes a if it describes the transport.
func (t *transport) read(a sdp.Attribute) bool {
	value := strings.TrimSpace(a.Value)
	switch a.Key {
	case "ice-ufrag":
		t.ufrag = value
	case "ice-pwd":
		t.pwd = value
	case "setup":
		t.setup = value
	case "fingerprint":
		t.fingerprints = append(t.fingerprints, value)
	default:
		return false
	}
	return true
}

// readTransport finds the one transport of the offer: what the tagged section
// says, else the session level, else any other active section.
func (o *Offer) readTransport(session *sessionLevel) *fault.Error {
	levels := []*transport{&o.tagged().transport, &session.transport}
	for _, s := range o.active() {
		levels = append(levels, &s.transport)
	}
	o.Ufrag = first(levels, func(t *transport) string { return t.ufrag })
	o.Pwd = first(levels, func(t *transport) string { return t.pwd })
	o.fingerprint = first(levels, func(t *transport) string { return strongest(t.fingerprints) })
	o.Setup = first(levels, func(t *transport) string { return t.setup })
	if o.Setup == "" {
		o.Setup = setupActive
	}
	return o.checkTransport()
}

func first(levels []*transport, get func(*transport) string) string {
	for _, l := range levels {
		if v := get(l); v != "" {
			return v
		}
	}
	return ""
}

func (o *Offer) checkTransport() *fault.Error {
	switch {
	case o.Ufrag == "" || o.Pwd == "":
		return ErrBadOffer.Because("The offer has no a=ice-ufrag and a=ice-pwd.")
	case !ValidCredentials(o.Ufrag, o.Pwd):
		return ErrBadOffer.Because("The ICE credentials are malformed: a=ice-ufrag has 4 to 256 characters, a=ice-pwd 22 to 256 (RFC 8839 section 5.4).")
	case o.fingerprint == "":
		return ErrBadOffer.Because("The offer has no usable a=fingerprint; use sha-256.")
	case !slices.Contains([]string{setupActpass, setupActive, setupPassive}, o.Setup):
		return ErrBadOffer.Because("The offer's a=setup has to be actpass, active or passive.")
	}
	return nil
}

// ValidCredentials tells whether remote ICE credentials have the lengths of RFC
// 8839 section 5.4. More characters than ice-char allows are tolerated, but none
// that would break a STUN USERNAME or a line of SDP.
func ValidCredentials(ufrag, pwd string) bool {
	printable := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
	}
	return len(ufrag) >= 4 && len(ufrag) <= 256 && printable(ufrag) &&
		len(pwd) >= 22 && len(pwd) <= 256 && printable(pwd)
}

// hashes are the functions of RFC 8122 section 5 that are verified, the
// preferred one first, with the bytes of their values. MD5 is not among them.
var hashes = []struct {
	name  string
	bytes int
}{{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}, {"sha-224", 28}, {"sha-1", 20}}

// strongest returns the preferred well-formed fingerprint as "sha-256 AB:CD...".
func strongest(fingerprints []string) string {
	for _, h := range hashes {
		for _, f := range fingerprints {
			name, value, _ := strings.Cut(f, " ")
			value = strings.ToUpper(strings.TrimSpace(value))
			if strings.EqualFold(name, h.name) && isFingerprint(value, h.bytes) {
				return h.name + " " + value
			}
		}
	}
	return ""
}

func isFingerprint(value string, size int) bool {
	if len(value) != 3*size-1 {
		return false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(value, ":", ""))
	return err == nil && len(b) == size
}

// iceOptions returns the tokens separated by one space. OBS separates them by
// commas.
func iceOptions(value string) string {
	tokens := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	tokens = slices.DeleteFunc(tokens, func(t string) bool { return !isToken(t, 32) })
	return strings.Join(tokens[:min(len(tokens), 8)], " ")
}
