// Package whep is the WebRTC-HTTP egress protocol (draft-ietf-wish-whep-03): the
// endpoint /whep/{channel}[/{participant}[/{source}]] over a Backend, and a small
// client. It knows headers and session descriptions, not packets.
package whep
