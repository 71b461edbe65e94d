// Package audience plays channels by WHEP with very many viewers at very little
// cost, so that a server can be measured from the machine it runs on.
//
// Every viewer has its own UDP socket, as real ones have, but nobody waits for
// it: one goroutine empties all sockets in a fixed period. A datagram costs one
// look at the clear RTP header; only some packets are decrypted, to find the
// stamp that tells how long they were under way. Neither is there a jitter buffer
// or a decoder: frames are judged by sequence numbers, timestamps and markers.
//
//	Join       POST ─> checks (ICE) ─> handshake (DTLS) ─> keys      one goroutine, the caller's
//	              │ socket, keys, the close_notify for later
//	              ▼
//	sweeper    socket ─> datagram ─> STUN: answer, note consent
//	              │                  RTP:  track, frames, delay
//	              │                  RTCP: not read
//	              ▼
//	           tick: consent, receiver reports, NACK, PLI, transport-cc, REMB
//
// It is a fair client only for packets: what it reports as a freeze is what a
// player without any buffer would have shown.
package audience
