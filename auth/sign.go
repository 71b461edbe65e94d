package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are what a token of ours says; see the package documentation.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	// Expires, NotBefore, IssuedAt and JoinBy have a resolution of a second;
	// zero leaves them out.
	Expires   time.Time
	NotBefore time.Time
	IssuedAt  time.Time
	JoinBy    time.Time
	// ID is jti, Session is sid.
	ID      string
	Session string
	// Once admits one login; it wants an ID, and Expires or JoinBy.
	Once bool
	// Publish and Play are channel patterns: a name, prefix* or *.
	Publish []string
	Play    []string
	Admin   bool
	// Participant binds the token to one participant; * allows every one.
	Participant string
	// Name is shown to people, at most 128 bytes.
	Name string
	Tags map[string]string
}

// Sign makes an HS256 token of claims with key, as LoadOrCreateKey returns it.
// It refuses claims that an Authority would not take.
func Sign(key []byte, claims Claims) (string, error) {
	if err := claims.check(); err != nil {
		return "", err
	}
	k, err := secretKey("", key)
	if err != nil {
		return "", fmt.Errorf("the key %w", err)
	}
	payload, err := json.Marshal(claims.wire())
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.material}, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	token, err := signed.CompactSerialize()
	if err == nil && len(token) > MaxTokenBytes {
		err = fmt.Errorf("the token would be longer than %d bytes; say less in it", MaxTokenBytes)
	}
	return token, err
}

func (c Claims) check() error {
	var errs []error
	for _, p := range append(append([]string{}, c.Publish...), c.Play...) {
		if !isPattern(p) {
			errs = append(errs, fmt.Errorf("%q is not a channel, a prefix* or *", p))
		}
	}
	if c.Participant != "" && c.Participant != anyone && !isName(c.Participant) {
		errs = append(errs, fmt.Errorf("participant %q is not a name", c.Participant))
	}
	if c.Once && (c.ID == "" || c.Expires.IsZero() && c.JoinBy.IsZero()) {
		errs = append(errs, errors.New("a token for one login wants an id and an end"))
	}
	if len(c.Name) > maxDisplayName {
		errs = append(errs, fmt.Errorf("the name is longer than %d bytes", maxDisplayName))
	}
	if len(c.Tags) > maxTags {
		errs = append(errs, fmt.Errorf("there are more than %d tags", maxTags))
	}
	return errors.Join(errs...)
}

func (c Claims) wire() wireClaims {
	return wireClaims{
		Issuer:      c.Issuer,
		Subject:     c.Subject,
		Audience:    c.Audience,
		Expires:     jwt.NewNumericDate(c.Expires),
		NotBefore:   jwt.NewNumericDate(c.NotBefore),
		IssuedAt:    jwt.NewNumericDate(c.IssuedAt),
		JoinBy:      jwt.NewNumericDate(c.JoinBy),
		ID:          c.ID,
		Session:     c.Session,
		Once:        c.Once,
		Publish:     c.Publish,
		Play:        c.Play,
		Admin:       c.Admin,
		Participant: c.Participant,
		Name:        c.Name,
		Tags:        c.Tags,
	}
}
