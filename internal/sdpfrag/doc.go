// Package sdpfrag reads and prints trickle-ice-sdpfrag bodies (RFC 8840
// section 9), which carry ICE candidates and credentials in a PATCH
// (RFC 9725 sections 4.3.2 and 4.3.3).
//
// Reading is lenient where clients differ: line ends, the level of
// credentials, what stands in m= lines, mids, unknown attributes and
// candidates nobody can use. It is strict where a mistake would do harm:
// sizes, control characters and the form of credentials.
package sdpfrag
