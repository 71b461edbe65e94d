package turn

import "sync/atomic"

// Stats are counters since the start of the server, except Allocations and
// Streams.
type Stats struct {
	// Allocations and Streams are how many there are now.
	Allocations, Streams int
	// Granted and Refused count requests for allocations by clients with a good
	// credential; Unauthorized those of any kind with a user name that is not.
	Granted, Refused, Unauthorized uint64
	// FromClients and ToClients are bytes of relayed datagrams.
	FromClients, ToClients uint64
	// Strayed counts datagrams to anything but our media, and permissions for
	// anything but our media that were refused.
	Strayed uint64
	// Dropped counts datagrams above the bitrate, or more than a client took.
	Dropped uint64
}

// counters are those of Stats.
type counters struct {
	granted, refused, unauthorized, fromClients, toClients, strayed, dropped atomic.Uint64
}

// Stats returns the counters. It is safe for concurrent use.
func (s *Server) Stats() Stats {
	c := &s.count
	return Stats{
		Allocations: s.table.size(), Streams: s.streams.size(),
		Granted: c.granted.Load(), Refused: c.refused.Load(), Unauthorized: c.unauthorized.Load(),
		FromClients: c.fromClients.Load(), ToClients: c.toClients.Load(),
		Strayed: c.strayed.Load(), Dropped: c.dropped.Load(),
	}
}
