// Package egress is the way out: a worker per core, each owning a shard of the
// viewers. A worker takes bursts, RTCP and control functions from its inbox,
// lets the shard plan (router, pure), seals what was planned (SRTP) and sends it.
// It owns the clock of the viewers' side.
//
//	inbox     bursts · RTCP · control, bounded, the oldest video dropped first
//	worker    shard plans -> per viewer: Line
//	Line      a viewer's last part: its keys (sealer) and its Path
//	sealer    one SRTP context for RTP; refuses to use a number twice
//	Opener    the other direction: a viewer's RTCP, each packet once
//	batch     the worker's arena: sealed packets of one viewer and one size lie
//	          next to each other and make a run
//	sender    the last step: one system call for up to 64 runs, each segmented by
//	          the kernel (UDP_SEGMENT); without that up to 64 packets for a call;
//	          elsewhere than Linux one packet for a call
//
// Packets of viewers on ICE-TCP are sealed in the same way and leave through the
// stack's framed connection, so that a move between UDP and TCP changes nothing
// about keys. A viewer for whom there are no keys (it offered "passive", so that
// we are not the DTLS server) is written to through the stack for all its life.
package egress
