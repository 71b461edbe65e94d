// Package auth decides who may publish, play or administer what, as whom and
// until when. It knows no HTTP.
//
// # Tokens
//
// A credential is a bearer token (RFC 6750): one of the configured fixed
// tokens, or a signed one (JWT, RFC 7519) in HS256, ES256, RS256 or EdDSA by
// a configured key, a key of the configured key set, or the gateway's own key.
// These are the claims:
//
//	iss, aud      compared with the configuration (RFC 8725 sections 3.8, 3.9)
//	sub           who the token was made for
//	exp, nbf      when it is good; 60 s of skew are allowed
//	jti           the token's id
//	sid           the login's id: tokens with one sid are one login
//	join_by       like exp, but for admission only: sessions go on
//	once          true: the token admits one login (see Authority.Enter); it
//	              wants exp or join_by
//	publish       list of channel patterns: "name", "prefix*" or "*"
//	play          the same
//	admin         true: may administer the gateway
//	participant   who the token publishes as; "*": whoever the address names
//	name          shown to people, at most 128 bytes
//	tags          object of strings about the participant, at most 32
//
// Absent claims grant nothing; unknown ones are ignored. A token without exp
// never expires.
//
// # Participants
//
// The participant is the claim participant if present, else sub if it obeys the
// name rule, else a hash of it; without a subject the participant the address
// names, else "main". A publisher whose token and address disagree is refused
// unless participant is "*". For viewers the address names who is watched, not
// who watches: without a subject they are nobody.
package auth
