package router

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// Ingest is one publisher's way in: demultiplexing, unwrapping of
// retransmissions, loss detection and feedback. It is pure: time and packets
// come in, datagrams come out.
//
// It is safe for concurrent use. Subscribers are called with its lock held and
// must not call back into it.
type Ingest struct {
	mu  sync.Mutex
	cfg IngestConfig
}

// NewIngest makes the way in of one publisher. Its layers appear on the tracks
// with their first packets and take the place of an older publisher's.
func NewIngest(cfg IngestConfig) *Ingest { return &Ingest{cfg: cfg} }

// RTP takes one decrypted RTP packet of any SSRC: media, retransmission, padding
// and probes on SSRC 0 alike, in order of arrival. b is not kept.
func (in *Ingest) RTP(now time.Time, b []byte) {}

// RTCP takes one decrypted RTCP packet, compound or reduced-size (RFC 5506). b is
// not kept.
func (in *Ingest) RTCP(now time.Time, b []byte) {}

// Tick does what is due and returns the RTCP to send, one element for each
// datagram; a NACK is always alone in its datagram. It is to be called about
// every 10 ms.
func (in *Ingest) Tick(now time.Time) [][]rtcp.Packet { return nil }

// Stats returns what was counted so far.
func (in *Ingest) Stats() IngestStats { return IngestStats{} }

// Close ends the publisher: its layers leave the tracks, unless a newer Ingest
// has taken them over, and packets that still come are ignored.
func (in *Ingest) Close() {}
