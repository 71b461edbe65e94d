package auth

import "time"

// Action is what a request wants to do.
type Action string

// The actions a token can allow.
const (
	Publish Action = "publish"
	Play    Action = "play"
	Admin   Action = "admin"
	// Join is to be a member of a channel, to hear who is there and to talk: whoever
	// may publish or play there may. The participant is decided as for publishers,
	// but that nobody is "main" for want of a name.
	Join Action = "join"
)

// Place is where: a channel, and within it optionally a participant and one of
// the participant's sources. Empty fields were not named by the request.
type Place struct {
	Channel     string
	Participant string
	Source      string
}

// Credential is what a request showed of itself (RFC 6750 section 2.1).
type Credential struct {
	// Token is the bearer token; empty when none was sent.
	Token string
	// Malformed is set when an Authorization header was sent that is not a
	// bearer credential.
	Malformed bool
}

// Grant is the permission given to one request.
type Grant struct {
	// Subject identifies whoever the token was made for; requests on a session
	// must show the subject that made it. Empty in open mode. It is a hash and
	// may be logged.
	Subject string
	// Participant is the participant id, decided as in the package
	// documentation: the token's claims, else the path, else "main" for
	// publishers and "" for viewers.
	Participant string
	// Claimed tells that Participant is the request's own word, which the token
	// allows but does not confirm.
	Claimed bool
	// Login identifies participant + credential: sources under one login add
	// up, another login of the same participant is a duplicate. It is a hash
	// and may be logged.
	Login string
	// DisplayName and Tags are what the token says about the participant. They
	// are hostile text.
	DisplayName string
	Tags        map[string]string
	// Expires bounds the session; the zero time means never. It is the token's
	// end with the allowed skew added, so it is never in the past.
	Expires time.Time
	// Once is the token id of a single-login token; see Authority.Enter.
	Once string

	// admits is when the token stops admitting anybody; zero without Once.
	admits time.Time
}
