// Package turn is a TURN server (RFC 8656, RFC 6156) for clients of this gateway
// whose network lets neither UDP nor the media port through, and for nobody and
// nothing else.
//
// Its relay has no socket. An allocation gets a made-up address that nobody on a
// network can have; what its client sends to one of the gateway's media addresses
// is handed to the ICE mux as coming from there, and what media sends there goes
// to the client. Everything else is dropped and counted. So there is no range of
// ports to open, no way round through a NAT, and nothing that could be relayed to
// a third party, whatever permissions a client asks for.
//
// The protocol is pion's: messages, authentication, nonces, permissions, channels
// and their lifetimes. This package stands on both sides of it: Server takes what
// arrives apart (stream, packets) and gives pion an allocation to relay with.
package turn
