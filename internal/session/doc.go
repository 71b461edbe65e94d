// Package session is the one door of a POST: it authorises, negotiates, opens
// the connection, gives the media to the router and keeps the HTTP resource
// behind it all until the session ends. It implements the backends that whip
// and whep ask for.
//
// A session has two ids: the secret one stands only in its URL; the public one,
// cut from a hash of the secret, everywhere else. Its ICE generation has an
// entity-tag. What happens to it is kept as typed facts in its timeline.
//
// Ownership: whoever ends a session calls finish; the first reason wins and one
// goroutine, waited for by Service.Close, closes the connection. Callbacks from
// a connection never close it themselves.
package session
