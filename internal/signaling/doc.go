// Package signaling holds the plain data that WHIP and WHEP requests carry to
// the sessions behind them: no HTTP types, no SDP parsing, no packets.
package signaling
