package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the scheme of internal/iceservers
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// unbound begins the id in a credential that belongs to no session yet. It is
// longer than any session's id.
const unbound = "before-a-session-"

// NewUnboundID returns an id for a credential told before there is a session.
func NewUnboundID() string { return unbound + strings.ToLower(rand.Text()[:12]) }

// credential is what a user name of the form "expiry:id" or "expiry:id.n" says
// (draft-uberti-behave-turn-rest; n is of no meaning).
type credential struct {
	expires time.Time
	// session is the public id; empty if the credential is unbound.
	session string
}

// maxUserBytes bounds what is looked at; ours have some 40.
const maxUserBytes = 128

func parseUser(user string) (credential, bool) {
	expiry, id, ok := strings.Cut(user, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if !ok || err != nil || len(user) > maxUserBytes {
		return credential{}, false
	}
	id, _, _ = strings.Cut(id, ".")
	c := credential{expires: time.Unix(seconds, 0)}
	if !strings.HasPrefix(id, unbound) {
		c.session = id
	}
	return c, id != ""
}

// password is the one that belongs to a user name.
func password(secret, user string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// works tells whether a credential may be used now: with the session it is bound
// to, or, unbound, for its short time. A session that was connected with an unbound
// one keeps it, for no longer than a bound one would have worked.
func (s *Server) works(now time.Time, user string, c credential) bool {
	switch {
	case c.session != "":
		return now.Before(c.expires) && s.opt.Lives(c.session)
	case now.Before(c.expires):
		return true
	}
	return now.Before(c.expires.Add(s.opt.TTL)) && s.inUse(user)
}

// inUse tells whether a session's media takes an allocation of user.
func (s *Server) inUse(user string) bool {
	for _, a := range s.table.ofUser(user) {
		if s.media.Uses(a.addr) {
			return true
		}
	}
	return false
}
