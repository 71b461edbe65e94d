package metrics

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/turn"
	"github.com/headgate/headgate/router"
)

// Sources are where the numbers come from. All are required.
type Sources struct {
	Version  string
	Started  time.Time
	Sessions func() session.Tally
	Channels func() []router.ChannelInfo
	Calls    func() call.Tally
	Egress   func(now time.Time) egress.Stats
	// TURN is false without a TURN server.
	TURN func() (turn.Stats, bool)
	// Draining tells that new sessions are refused because the gateway shuts down.
	Draining func() bool
	Now      func() time.Time
}

// Page returns all metrics.
func Page(s Sources) []byte {
	p := new(page)
	p.gauge("build_info", "1, with the version.").is(1, "version", s.Version)
	p.gauge("draining", "1 while the gateway shuts down and takes no new sessions.").is(flag(s.Draining()))
	tally := s.Sessions()
	p.sessions(&tally)
	p.channels(s.Channels())
	p.calls(s.Calls())
	p.received(&tally)
	p.sent(&tally)
	p.egress(s.Egress(s.Now()))
	relay, _ := s.TURN()
	p.turn(relay)
	p.process(s.Started)
	return p.Bytes()
}

// Handler answers with Page.
func Handler(s Sources) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(Page(s)) // whoever asked has gone
	})
}

// actions are in the order in which they are printed.
var actions = []auth.Action{auth.Publish, auth.Play}

func (p *page) sessions(t *session.Tally) {
	now := p.gauge("sessions", "Sessions there are now: connecting until DTLS is up, then connected.")
	for _, a := range actions {
		now.is(float64(t.Now[a].Connecting), "action", string(a), "state", "connecting")
		now.is(float64(t.Now[a].Connected), "action", string(a), "state", "connected")
	}
	started := p.counter("sessions_started_total", "Sessions that were answered with 201.")
	for _, a := range actions {
		started.count(t.Started[a], "action", string(a))
	}
	outcomes(p.counter("sessions_ended_total", "Sessions that are over, by the reason."), "outcome", t.Ended)
	outcomes(p.counter("sessions_refused_total", "Offers that were refused, by the code of the problem."), "code", t.Refused)
	connected := p.distribution("session_connect_seconds", "From the POST until DTLS was up.")
	for _, a := range actions {
		joins := t.Joins[a]
		connected.of(&joins.Connected, "action", string(a))
	}
	first := p.distribution("session_first_packet_seconds", "From the POST until the first packet came from a publisher, or was sent to a viewer.")
	for _, a := range actions {
		joins := t.Joins[a]
		first.of(&joins.FirstPacket, "action", string(a))
	}
}

func outcomes(f family, label string, counts map[session.Outcome]uint64) {
	order := func(a, b session.Outcome) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Code, b.Code))
	}
	for _, o := range slices.SortedFunc(maps.Keys(counts), order) {
		f.count(counts[o], "action", string(o.Action), label, o.Code)
	}
}

func (p *page) channels(list []router.ChannelInfo) {
	states, standbys, viewers := make(map[router.State]int), 0, 0
	layers := make(map[bool]int) // by whether anything of them comes
	for _, c := range list {
		viewers += c.Viewers
		for _, pub := range c.Publications {
			states[pub.State]++
			standbys += len(pub.Standbys)
			for _, l := range pub.Layers {
				layers[l.Bits > 0]++
			}
		}
	}
	p.gauge("channels", "Channels with publications or viewers.").is(float64(len(list)))
	publications := p.gauge("publications", "Publications by state: waiting for the first packet, live, interrupted.")
	for _, state := range []router.State{router.Waiting, router.Live, router.Paused} {
		publications.is(float64(states[state]), "state", string(state))
	}
	p.gauge("standbys", "Publishers that are kept warm beside the one on air.").is(float64(standbys))
	encodings := p.gauge("layers", "Encodings of video of the publishers on air, several of one picture with simulcast: live, or silent for a second.")
	encodings.is(float64(layers[true]), "state", "live")
	encodings.is(float64(layers[false]), "state", "silent")
	p.gauge("viewers", "Connected viewers of all channels.").is(float64(viewers))
}

// kinds are in the order of router.Kind.
var kinds = []router.Kind{router.Audio, router.Video}

// byKind adds one sample for each kind of media.
func byKind(f family, count func(router.Kind) uint64) {
	for _, k := range kinds {
		f.count(count(k), "kind", k.String())
	}
}

func (p *page) received(t *session.Tally) {
	in := func(name, help string, count func(*router.IngestCount) uint64) {
		byKind(p.counter(name, help), func(k router.Kind) uint64 { return count(&t.Received[k]) })
	}
	in("received_packets_total", "Media packets taken from publishers, repaired ones included.", func(c *router.IngestCount) uint64 { return c.Packets })
	in("received_bytes_total", "Bytes of their payloads.", func(c *router.IngestCount) uint64 { return c.Bytes })
	in("received_missing_packets_total", "Numbers that were jumped over when a later packet came from a publisher: loss and disorder.", func(c *router.IngestCount) uint64 { return c.Missing })
	in("received_repaired_packets_total", "Packets that a retransmission brought.", func(c *router.IngestCount) uint64 { return c.Repaired })
	in("received_duplicate_packets_total", "Packets that came more than once.", func(c *router.IngestCount) uint64 { return c.Duplicates })
	in("nacks_sent_total", "Packets that publishers were asked for again, repetitions included.", func(c *router.IngestCount) uint64 { return c.NACKs })
	p.counter("key_frame_requests_sent_total", "PLI and FIR sent to publishers.").count(t.Received[router.Video].KeyRequests)
	p.counter("received_key_frames_total", "Key frames that came from publishers.").count(t.Received[router.Video].KeyFrames)
	p.counter("received_unusable_packets_total", "Packets of publishers that could not be read or belonged to nothing.").count(t.Unusable)
}

func (p *page) sent(t *session.Tally) {
	v := &t.Viewers
	byKind(p.counter("sent_packets_total", "RTP packets planned for viewers, retransmissions included."), func(k router.Kind) uint64 { return v.Sent[k].Packets })
	byKind(p.counter("sent_bytes_total", "Bytes of these packets, headers included, before encryption."), func(k router.Kind) uint64 { return v.Sent[k].Bytes })
	p.counter("nacks_received_total", "Packets that viewers asked for again.").count(v.NACKs)
	p.counter("retransmissions_sent_total", "Packets sent to viewers again (RTX).").count(v.Retransmitted)
	p.counter("retransmissions_not_found_total", "Packets that viewers asked for and the gateway had not.").count(v.NotFound)
	p.counter("retransmissions_suppressed_total", "Packets that viewers asked for more often or faster than is allowed.").count(v.Suppressed)
	p.counter("key_frame_requests_received_total", "PLI and FIR that came from viewers.").count(v.PLIs)
	p.counter("viewer_switches_total", "Changes of layer, source or publisher that viewers were shown.").count(v.Switches)
	p.counter("viewer_replays_total", "How often a viewer was sent the group since the last key frame.").count(v.Replays)
	p.counter("viewer_stalls_total", "How often a picture was stopped until the next key frame because its path or the gateway was too slow.").count(v.Stalls)
	p.counter("probe_bytes_sent_total", "Bytes of padding sent to find out what viewers' ways carry.").count(v.Padding)
	p.counter("unsent_packets_total", "Packets to viewers that could not be sent.").count(t.Unsent)
	p.counter("dropped_packets_total", "Those of them there was no room for in a socket or connection.").count(t.Dropped)
}

func (p *page) egress(s egress.Stats) {
	p.gauge("egress_workers", "Goroutines that send to viewers.").is(float64(s.Workers))
	p.gauge("egress_late_workers", "Those of them that were late in their last round.").is(float64(s.Late))
	p.gauge("egress_saturated", "1 while workers do not keep up and new sessions are refused.").is(flag(s.Saturated))
	p.distribution("egress_run_packets", "Packets of one viewer that were given to the system as one run.").of(&s.Runs)
	p.distribution("egress_call_messages", "Messages in a system call: runs where the kernel cuts them up, else packets.").of(&s.Calls)
	p.counter("egress_stream_packets_total", "Packets put on TCP connections.").count(s.Streamed)
	p.distribution("egress_delay_seconds", "From the arrival of a burst (a frame, or what came of it) to the end of the worker's round that sent it.").of(&s.Delay)
	p.counter("egress_shed_bursts_total", "Bursts dropped because a worker was behind.").count(s.ShedBursts)
	p.counter("egress_shed_feedback_total", "Feedback packets of viewers dropped because too many waited.").count(s.ShedFeedback)
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
