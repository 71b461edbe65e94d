package metrics

import "github.com/headgate/headgate/internal/turn"

// turn is all zeros without a TURN server.
func (p *page) turn(s turn.Stats) {
	p.gauge("turn_allocations", "Relays of TURN clients there are now.").is(float64(s.Allocations))
	p.gauge("turn_streams", "TCP and TLS connections of TURN clients there are now.").is(float64(s.Streams))
	p.counter("turn_allocations_total", "Relays that were granted.").count(s.Granted)
	p.counter("turn_refused_total", "Relays that were refused because of a limit.").count(s.Refused)
	p.counter("turn_unauthorized_total", "Requests of TURN clients with a user name that is unknown, or works no more.").count(s.Unauthorized)
	bytes := p.counter("turn_bytes_total", "Bytes of relayed datagrams.")
	bytes.count(s.FromClients, "direction", "in")
	bytes.count(s.ToClients, "direction", "out")
	p.counter("turn_strayed_total", "Datagrams and permissions of TURN clients for anything but the gateway's media, refused.").count(s.Strayed)
	p.counter("turn_dropped_total", "Relayed datagrams above the bitrate, or more than a client took.").count(s.Dropped)
}
