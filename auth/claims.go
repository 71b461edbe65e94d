package auth

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Bounds of what a token may say about a participant.
const (
	maxDisplayName = 128 // bytes
	maxTags        = 32
)

// wireClaims are the claims as JSON; the package documentation explains them.
type wireClaims struct {
	Issuer      string            `json:"iss,omitempty"`
	Subject     string            `json:"sub,omitempty"`
	Audience    jwt.Audience      `json:"aud,omitempty"`
	Expires     *jwt.NumericDate  `json:"exp,omitempty"`
	NotBefore   *jwt.NumericDate  `json:"nbf,omitempty"`
	IssuedAt    *jwt.NumericDate  `json:"iat,omitempty"`
	JoinBy      *jwt.NumericDate  `json:"join_by,omitempty"`
	ID          string            `json:"jti,omitempty"`
	Session     string            `json:"sid,omitempty"`
	Once        bool              `json:"once,omitempty"`
	Publish     patterns          `json:"publish,omitempty"`
	Play        patterns          `json:"play,omitempty"`
	Admin       bool              `json:"admin,omitempty"`
	Participant string            `json:"participant,omitempty"`
	Name        string            `json:"name,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// decodeClaims reads a verified payload. The decoder refuses doubled members
// and matches their names exactly, so that no two readers see two meanings.
func decodeClaims(payload []byte) (wireClaims, error) {
	var c wireClaims
	if err := json.Unmarshal(payload, &c); err != nil {
		return wireClaims{}, ErrBadToken.Because("The token has claims that cannot be read; ask its issuer to look at them.")
	}
	return c, nil
}

// check refuses what has no meaning; an issuer must learn of it.
func (c wireClaims) check() error {
	switch {
	case c.Participant != "" && c.Participant != anyone && !isName(c.Participant):
		return ErrBadToken.Because("The token's participant is not a name; use 1 to %d letters, digits and signs.", maxNameBytes)
	case c.Once && c.Expires == nil && c.JoinBy == nil:
		return ErrBadToken.Because("The token admits one login but never ends; ask for one with exp or join_by.")
	case len(c.Tags) > maxTags:
		return ErrBadToken.Because("The token has more than %d tags; ask for one with fewer.", maxTags)
	}
	return nil
}

// checkFor compares the token with whom it is made for (RFC 8725 sections 3.8
// and 3.9). An audience that nobody here goes by refuses the token.
func (c wireClaims) checkFor(issuer string, audience []string) error {
	if issuer != "" && c.Issuer != issuer {
		return ErrBadToken.Because("The token has another issuer than this gateway believes; get one from the right place.")
	}
	if len(audience) == 0 && len(c.Audience) == 0 {
		return nil
	}
	if !slices.ContainsFunc(audience, c.Audience.Contains) {
		return ErrBadToken.Because("The token is made for another audience than this gateway; ask for one whose aud names it.")
	}
	return nil
}

func (c wireClaims) identity(payload []byte) identity {
	whole := sha256.Sum256(payload)
	return identity{
		publish:     c.Publish,
		play:        c.Play,
		admin:       c.Admin,
		participant: c.Participant,
		subject:     c.Subject,
		session:     c.Session,
		id:          c.ID,
		issuer:      c.Issuer,
		// Not the token's text: that has several spellings of one content.
		whole:  string(whole[:]),
		name:   shortened(c.Name),
		tags:   c.Tags,
		starts: timeOf(c.NotBefore),
		ends:   timeOf(c.Expires),
		joinBy: timeOf(c.JoinBy),
		once:   c.Once,
	}
}

// timeOf never makes a date into the zero time, which would mean "never".
func timeOf(d *jwt.NumericDate) time.Time {
	if d == nil {
		return time.Time{}
	}
	return time.Unix(max(1, int64(*d)), 0)
}

// shortened cuts s to maxDisplayName bytes, not inside a character.
func shortened(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= maxDisplayName {
		return s
	}
	end := maxDisplayName
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// UnmarshalJSON takes one pattern for a list of one, and null for none.
func (p *patterns) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var one jwt.Audience // the same two forms
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*p = patterns(one)
	return nil
}
