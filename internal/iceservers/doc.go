// Package iceservers tells clients which STUN and TURN servers to use
// (RFC 9725 section 4.6) and makes their credentials by the shared-secret
// scheme of "A REST API For Access To TURN Services"
// (draft-uberti-behave-turn-rest), which coturn and others know.
package iceservers
