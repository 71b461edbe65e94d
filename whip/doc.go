// Package whip is the WebRTC-HTTP ingestion protocol (RFC 9725): the endpoint
// /whip/{channel}[/{participant}[/{source}]] over a Backend, and a small client.
// It knows headers and session descriptions, not packets.
package whip
