// Package linkhdr reads and prints Link header fields (RFC 8288), by which
// WHIP and WHEP tell ICE servers and extensions (RFC 9725 sections 4.6 and
// 4.9).
package linkhdr
