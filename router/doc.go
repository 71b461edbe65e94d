// Package router forwards media: channels, publications, tracks, histories and
// viewers. It handles packets only. It knows no HTTP, no SDP, no connection and
// no socket, never asks what time it is and never starts a timer or goroutine:
// time comes in with every call, and what to send comes out.
//
// The way of a packet:
//
//	publisher's connection (internal/peer)
//	   │ decrypted packets of every SSRC, in order of arrival
//	   ▼
//	Ingest          demultiplex by SSRC, MID, RID · unwrap RTX · drop duplicates ·
//	   │            number padding away · loss → NACK · transport-cc · reports
//	   ▼
//	Layer           inspect once: key frame? end of frame? size? · history ring
//	   │            (NACK, joins, switches; shared by all viewers) · group since
//	   │            the last key frame · open burst until the marker bit
//	   ▼
//	Track           hands each burst of every layer to its subscribers
//	   │ Subscriber.Deliver: never blocks
//	   ▼
//	internal/egress one worker per core, each owning a Shard of the viewers
//	   │
//	   ▼
//	Shard           viewer by viewer: Section sends its layer, maps sequence number,
//	   │            timestamp, payload type, extensions · answers NACK from the
//	   │            history · sender reports · paced replay for late joiners
//	   │            Viewer: transport-wide numbers and feedback → estimate → share
//	   │            of each section → its layer · probes · queues drained
//	   ▼
//	Out             prefix ‖ shared bytes, sealed and sent by the worker
//
// Above the packets stands Router: which publication of which channel feeds
// which section of which viewer, and how publications live, pause, are taken over
// and end. A viewer is fed what it asked for, or what the program of the channel
// shows (SetProgram), or section by section what fills its slots (Fill); who is worth
// being shown is decided elsewhere.
//
// Locks, in the order in which they may be taken: Router.mu or an Ingest's own
// lock, then a track's list of subscribers, then a worker's inbox (through
// Executor and Subscriber) or the account of what all groups take. A Layer is read without a lock. A Shard has none:
// its worker's goroutine is the only one that touches it.
package router
