package whep

import "github.com/headgate/headgate/internal/wish"

// Client plays from an endpoint of any server: Post sends an offer and returns the
// Session, Options asks for ICE servers. It deals in plain text; the media is the
// caller's. The zero value works and is safe for concurrent use.
type Client = wish.Client

// Session is what Post made: Trickle and Restart change its ICE, Delete ends it.
type Session = wish.Session

// StatusError is the error of an answer that refuses.
type StatusError = wish.StatusError
