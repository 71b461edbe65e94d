package diagnose

import (
	"net/netip"
	"time"

	"github.com/headgate/headgate/router"
)

// Session is everything a diagnosis may look at. It holds no secret. Times that did
// not come are zero. The JSON is that of GET /api/v1/sessions/ID, member "facts".
type Session struct {
	// Publish is false for players.
	Publish bool   `json:"publish"`
	Channel string `json:"channel"`
	// Client is where the POST came from, after trusted proxies.
	Client netip.Addr `json:"client"`
	Posted time.Time  `json:"posted"`
	// At is when the facts were taken: the end of a session that ended.
	At    time.Time `json:"at"`
	Ended bool      `json:"ended"`
	// Refused tells that the POST was not answered 201. Reason is the code with
	// which it was refused, or with which the session ended.
	Refused bool   `json:"refused"`
	Reason  string `json:"reason,omitempty"`
	// Token says by how much a refused token missed its time.
	Token Token `json:"token,omitzero"`
	// Holder is who publishes already, for a POST that was refused for that.
	Holder Holder `json:"holder,omitzero"`
	Offer  Offer  `json:"offer"`
	// Wanted are the codecs that were possible when none of the offer was.
	Wanted []string `json:"wanted,omitempty"`
	// Cap is how much a publisher may send, and what came instead.
	Cap     Cap     `json:"cap,omitzero"`
	Network Network `json:"network"`
	ICE     ICE     `json:"ice"`
	DTLS    DTLS    `json:"dtls"`
	// Requests counts what came for the session's URL after the POST, Late those of
	// them that came after its end; LastLate is how long after.
	Requests int           `json:"requests"`
	Late     int           `json:"late,omitempty"`
	LastLate time.Duration `json:"last_late_ns,omitempty"`
	// Publisher is set once a publisher is connected, Viewer once a player is.
	Publisher *Publisher `json:"publisher,omitempty"`
	Viewer    *Viewer    `json:"viewer,omitempty"`
}

// Token is why a token was refused for its times; one of both is set.
type Token struct {
	// ExpiredFor is how long ago the token ended, StartsIn how long it takes until
	// it is good.
	ExpiredFor time.Duration `json:"expired_for_ns,omitempty"`
	StartsIn   time.Duration `json:"starts_in_ns,omitempty"`
}

// Holder is a publisher on air: public words only.
type Holder struct {
	Session     string    `json:"session,omitempty"`
	Participant string    `json:"participant,omitempty"`
	Since       time.Time `json:"since,omitzero"`
}

// Offer is what the client said it can do.
type Offer struct {
	Video []string `json:"video,omitempty"`
	Audio []string `json:"audio,omitempty"`
	// HasVideo and HasAudio tell that there is such a section.
	HasVideo bool `json:"has_video"`
	HasAudio bool `json:"has_audio"`
	// Stereo tells that the format of Opus says stereo=1 or sprop-stereo=1.
	Stereo     bool       `json:"stereo"`
	RIDs       []string   `json:"rids,omitempty"`
	Candidates Candidates `json:"candidates"`
}

// Cap is a publisher's cap; see channels.max_bitrate.
type Cap struct {
	// Most is the cap in bits per second; 0 is none.
	Most int `json:"bits_per_second"`
	// Bits are those per second that came for Span when the publisher was last found
	// to ignore the cap, 0 if it never was.
	Bits int           `json:"sent_bits_per_second,omitempty"`
	Span time.Duration `json:"sent_for_ns,omitempty"`
}

// Candidates counts the addresses a client told of itself.
type Candidates struct {
	Host      int `json:"host"`
	Reflexive int `json:"reflexive"`
	Relay     int `json:"relay"`
	// Hidden are host candidates with a name of multicast DNS instead of an address.
	Hidden int `json:"hidden"`
	// TCP counts those for TCP, which are in the numbers above too.
	TCP int `json:"tcp"`
}

// Network is what the gateway told of itself in the answer.
type Network struct {
	Advertised []netip.AddrPort `json:"advertised,omitempty"`
	// Public tells that public addresses are configured.
	Public bool `json:"public_configured"`
	// TCP tells that ICE-TCP is served.
	TCP bool `json:"tcp"`
	// Untold are addresses at which STUN servers see the gateway and which it did not
	// tell.
	Untold []netip.Addr `json:"seen_and_not_told,omitempty"`
}

// ICE is how connectivity checks went.
type ICE struct {
	// Answered is when the 201 left.
	Answered time.Time `json:"answered,omitzero"`
	// Checks counts authenticated checks of the client, From are the first addresses
	// they came from, Replies counts its answers to ours.
	Checks     uint64           `json:"checks"`
	FirstCheck time.Time        `json:"first_check,omitzero"`
	LastCheck  time.Time        `json:"last_check,omitzero"`
	From       []netip.AddrPort `json:"from,omitempty"`
	Replies    uint64           `json:"replies"`
	Connected  time.Time        `json:"connected,omitzero"`
	Failed     time.Time        `json:"failed,omitzero"`
	// Protocol and Remote are those of the selected pair.
	Protocol string         `json:"protocol,omitempty"`
	Remote   netip.AddrPort `json:"remote,omitzero"`
	// LastHeard is when anything authenticated came last.
	LastHeard time.Time `json:"last_heard,omitzero"`
}

// DTLS is how the handshake went.
type DTLS struct {
	Started   time.Time `json:"started,omitzero"`
	Connected time.Time `json:"connected,omitzero"`
	Failed    time.Time `json:"failed,omitzero"`
	// Closed is when the client ended DTLS.
	Closed time.Time `json:"closed,omitzero"`
	// Certificate tells that the client showed a certificate before it failed, Mismatch
	// that it was not the one of the fingerprint in the offer.
	Certificate bool `json:"certificate"`
	Mismatch    bool `json:"certificate_mismatch"`
}

// Publisher is what came from a publisher.
type Publisher struct {
	Packets    uint64    `json:"packets"`
	Unbound    uint64    `json:"unbound"`
	Malformed  uint64    `json:"malformed"`
	LastPacket time.Time `json:"last_packet,omitzero"`
	// RIDs are the layers of simulcast the answer took, Awaited those of them of which
	// nothing has come so far.
	RIDs    []string `json:"rids,omitempty"`
	Awaited []string `json:"awaited_rids,omitempty"`
	Layers  []Layer  `json:"layers,omitempty"`
}

// Layer is one encoding; see router.LayerStats and router.StreamFacts.
type Layer struct {
	Kind    string `json:"kind"`
	RID     string `json:"rid,omitempty"`
	Codec   string `json:"codec"`
	Packets uint64 `json:"packets"`
	// Missing packets did not come in time, Lost never, Repaired by retransmission.
	Missing  uint64 `json:"missing"`
	Lost     uint64 `json:"lost"`
	Repaired uint64 `json:"repaired"`
	Bitrate  int    `json:"bits_per_second"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`

	KeyFrames    uint64        `json:"key_frames"`
	LastKeyFrame time.Time     `json:"last_key_frame,omitzero"`
	KeyInterval  time.Duration `json:"key_interval_ns,omitempty"`
	Deaf         bool          `json:"deaf"`
	BFrames      bool          `json:"b_frames"`
	Profile      uint8         `json:"h264_profile,omitempty"`
	Constraints  uint8         `json:"h264_constraints,omitempty"`
	Level        uint8         `json:"h264_level,omitempty"`
	Sounds       uint64        `json:"sounds_looked_at,omitempty"`
	Stereo       uint64        `json:"sounds_in_stereo,omitempty"`
	ClockFaults  uint64        `json:"clock_faults,omitempty"`
}

// PublisherOf converts what a publisher's way in has counted.
func PublisherOf(in router.IngestStats) *Publisher {
	p := &Publisher{
		Packets: in.Packets, Unbound: in.Unbound, Malformed: in.Malformed, LastPacket: in.LastPacket,
		RIDs: in.RIDs, Awaited: in.Awaited,
	}
	for _, l := range in.Layers {
		f := l.Facts
		p.Layers = append(p.Layers, Layer{
			Kind: l.Kind.String(), RID: l.RID, Codec: l.Codec.Name, Packets: l.Packets,
			Missing: l.Missing, Lost: l.Lost, Repaired: l.Repaired, Bitrate: l.Bitrate, Width: l.Width, Height: l.Height,
			KeyFrames: l.KeyFrames, LastKeyFrame: f.LastKeyFrame, KeyInterval: f.KeyInterval, Deaf: f.Deaf, BFrames: f.BFrames,
			Profile: f.Profile, Constraints: f.Constraints, Level: f.Level,
			Sounds: f.Sounds, Stereo: f.Stereo, ClockFaults: f.ClockFaults,
		})
	}
	return p
}

// Viewer is what a viewer was sent and said of it; see router.ViewerStats.
type Viewer struct {
	Packets       uint64        `json:"packets"`
	Retransmitted uint64        `json:"retransmitted"`
	PLIs          uint64        `json:"plis"`
	KeyFrames     uint64        `json:"key_frames"`
	Stalls        uint64        `json:"stalls"`
	FractionLost  float64       `json:"fraction_lost"`
	RTT           time.Duration `json:"rtt_ns"`
	// Estimate is what the path is found to carry, in bits per second, 0 before
	// anything was measured; Queue how long packets wait on it.
	Estimate int           `json:"estimate_bits_per_second,omitempty"`
	Queue    time.Duration `json:"queue_ns,omitempty"`
	// Paused tells that a picture is stopped, because the path does not carry it.
	Paused bool `json:"paused"`
	// Layer is the RID of what the first section of video shows, empty where it has
	// none.
	Layer    string `json:"layer,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Switches uint64 `json:"switches"`
	// OnAir tells that somebody publishes what it plays; Saturated that the gateway
	// does not keep up.
	OnAir     bool `json:"on_air"`
	Saturated bool `json:"saturated"`
}

// ViewerOf converts what a viewer was sent.
func ViewerOf(v router.ViewerStats) *Viewer {
	out := &Viewer{
		Packets: v.Packets, Retransmitted: v.Retransmitted, PLIs: v.PLIs, KeyFrames: v.KeyFrames,
		Stalls: v.Stalls, FractionLost: v.FractionLost, RTT: v.RTT,
		Queue: v.Queue, Paused: v.Paused, Layer: v.Layer, Width: v.Width, Height: v.Height, Switches: v.Switches,
	}
	if v.Measured {
		out.Estimate = v.Estimate
	}
	return out
}
