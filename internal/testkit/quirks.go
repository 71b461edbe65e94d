package testkit

import (
	"net/http"
	"strings"
	"time"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// Quirks are what may be wrong with a publisher. The zero value is one that does
// everything well.
type Quirks struct {
	// Muted sends nothing at all; NoPicture and NoSound offer the section, but send
	// nothing in it.
	Muted, NoPicture, NoSound bool
	// NoKeyFrames sends only pictures that need others.
	NoKeyFrames bool
	// BFrames sends every other picture as one that needs a later one.
	BFrames bool
	// Mono sends sound of one channel; Stereo offers two.
	Mono, Stereo bool
	// Parameters are the H.264 sequence parameter set, instead of the usual one.
	Parameters []byte
	// BadClock is a clock that jumps every second.
	BadClock bool
	// Unconnected does not wait for the connection.
	Unconnected bool
	// EditOffer and EditAnswer change the text on its way.
	EditOffer, EditAnswer func(string) string
	// Settings changes the stack.
	Settings func(*webrtc.SettingEngine)
}

func (q Quirks) offer(sdp string) string {
	if q.EditOffer != nil {
		sdp = q.EditOffer(sdp)
	}
	if q.Stereo {
		sdp = strings.ReplaceAll(sdp, "useinbandfec=1", "useinbandfec=1;sprop-stereo=1")
	}
	return sdp
}

func (q Quirks) answer(sdp string) string {
	if q.EditAnswer != nil {
		return q.EditAnswer(sdp)
	}
	return sdp
}

// sound is a packet of Opus: 20 ms of CELT, which say whether they are stereo.
func (q Quirks) sound() []byte {
	if q.Mono {
		return []byte{0xf8, 0xff, 0xfe}
	}
	return []byte{0xfc, 0xff, 0xfe}
}

// slice makes the packet of a B-frame of that of a P-frame.
func (q Quirks) slice(payload []byte, frame uint32) []byte {
	if q.BFrames && frame%2 == 0 && payload[0] == nalSlice {
		payload[0], payload[1] = 0x01, payload[1]&0x80|0x1e
	}
	return payload
}

// clock is that of the sender reports.
func (q Quirks) clock(ahead time.Duration) func() time.Time {
	if !q.BadClock {
		return func() time.Time { return time.Now().Add(ahead) }
	}
	return func() time.Time {
		now := time.Now()
		return now.Add(time.Duration(now.Add(500*time.Millisecond).Unix()%1000) * 17 * time.Minute)
	}
}

// From lets requests of a client of Internet.Gateway come from an address.
func From(client *http.Client, address string) *http.Client {
	d, _ := client.Transport.(direct)
	d.from = address
	return &http.Client{Transport: d}
}

// Unroute loses the datagrams that lost names, by their way, from now on.
func (n *Internet) Unroute(lost func(fromGateway bool, b []byte) bool) {
	n.lost.Store(&lost)
}

// LoseMedia loses a share of all media datagrams, both ways, from now on.
func (n *Internet) LoseMedia(share float64) {
	n.router.AddChunkFilter(func(c vnet.Chunk) bool { return n.passes(c, share) })
}

// OverTCP lets a peer on loopback use TCP besides UDP.
func OverTCP(e *webrtc.SettingEngine) {
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
}

// WithoutUDP takes the UDP candidates out of a description, so that a peer tries TCP
// alone, as where UDP is blocked.
func WithoutUDP(sdp string) string {
	var b strings.Builder
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, "a=candidate:") || !strings.Contains(strings.ToLower(line), " udp ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
