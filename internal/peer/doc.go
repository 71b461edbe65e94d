// Package peer is where Headgate touches the WebRTC stack: one Host owns the
// media sockets, and a Conn is the ICE, DTLS and SRTP side of one WHIP or WHEP
// session.
//
//	Host   one UDP port (IPv4 and IPv6 descriptors under one ICE mux) and the
//	       same TCP port, one certificate, the addresses that are advertised
//	Conn   publisher: decrypted packets -> router.Ingest -> feedback upstream
//	       viewer:    planned packets -> SRTP -> socket, SRTCP -> RTCP -> worker
//
// What is particular:
//
//   - The stack sees one address per address family, however many are
//     advertised. They all lead to the same socket, so a list of candidate lines
//     is enough for the client, and a connection costs one local candidate and
//     one goroutine per family instead of one per address (RFC 8445 section 5.1
//     lets an agent leave out what is redundant).
//   - Packets are taken where the stack has just decrypted them and before it
//     tries to make tracks of them: every SSRC, retransmissions and padding
//     included, in order of arrival, in one goroutine.
//   - A viewer's RTCP is taken before the stack sees it (see feedback), if we
//     have its keys.
//   - The media engine of a connection holds exactly the payload types and
//     header extensions of its plan, so that what is answered is what was
//     decided.
//   - A Conn has one goroutine of its own. It alone calls Notify, ticks the
//     publisher's ingest and feeds remote candidates to the agent. Callbacks of
//     the stack only leave a note; closing from them would wait for itself.
package peer
