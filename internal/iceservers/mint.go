package iceservers

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the scheme TURN servers know
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/signaling"
)

// Mint returns the servers with credentials that work from now for Config.TTL.
// id names the session in the TURN server's log; it may be seen by the client
// and must not be secret. stun and turn come before stuns and turns: some
// clients stop at schemes they don't know.
func (c Config) Mint(now time.Time, id string) []signaling.ICEServer {
	var servers []signaling.ICEServer
	for _, s := range c.Servers {
		username, credential, expires := s.Username, string(s.Credential), time.Time{}
		if s.Secret != "" {
			ttl := c.TTL
			if s.TTL > 0 {
				ttl = s.TTL
			}
			expires = now.Add(ttl)
			username, credential = mint(string(s.Secret), expires, id)
		}
		for _, u := range s.URLs {
			server := signaling.ICEServer{URL: u}
			if isTURN(u) {
				server.Username, server.Credential, server.Expires = username, credential, expires
			}
			servers = append(servers, server)
		}
	}
	slices.SortStableFunc(servers, func(a, b signaling.ICEServer) int { return rank(a) - rank(b) })
	return servers
}

// mint makes a user name "expiry:id" and its password. Clients put both into a
// TURN URI, not all of them escaped: a suffix of the id is tried until the
// password has neither + nor / (2 or 3 tries).
func mint(secret string, expires time.Time, id string) (username, credential string) {
	const tries = 64
	base := strconv.FormatInt(expires.Unix(), 10) + ":" + cleanID(id)
	username = base
	for i := range tries {
		if i > 0 {
			username = base + "." + strconv.Itoa(i)
		}
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(username))
		credential = base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if !strings.ContainsAny(credential, "+/") {
			break
		}
	}
	return username, credential
}

// cleanID leaves what needs no escaping anywhere.
func cleanID(id string) string {
	const longest = 64
	id = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, id)
	if id == "" {
		return "client"
	}
	return id[:min(len(id), longest)]
}

func rank(s signaling.ICEServer) int {
	if strings.HasPrefix(s.URL, "stuns:") || strings.HasPrefix(s.URL, "turns:") {
		return 1
	}
	return 0
}
