package pull

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/depacket"
	"github.com/headgate/headgate/internal/dial"
)

// descriptionWait is how long the description waits for the other kind.
const descriptionWait = 3 * time.Second

// Forward sends plain RTP, and writes a session description that players of it
// read. It is safe for concurrent use by both its outlets.
type Forward struct {
	sdp    string
	notify func(string)

	mu      sync.Mutex
	legs    []*leg
	first   time.Time
	written string
}

// NewForward writes the description to a file, unless its name is empty.
func NewForward(sdp string, notify func(string)) *Forward {
	return &Forward{sdp: sdp, notify: notify}
}

// leg is one kind on its way to a port: one sender for good, whatever connections
// come and go.
type leg struct {
	forward *Forward
	kind    string
	conn    net.Conn
	offered []dial.Codec
	codec   webrtc.RTPCodecParameters
	payload uint8

	begun    bool // there was a packet
	fresh    bool // the next packet is of another sender
	sent     time.Time
	sequence uint16 // of the packet before
	stamp    uint32
	skipSeq  uint16 // what is added to numbers and timestamps
	skip     uint32
}

// Video sends pictures to an address, host and port.
func (f *Forward) Video(address string) (Outlet, error) {
	return f.leg("video", address, dial.VideoCodecs(), 96)
}

// Audio sends sound.
func (f *Forward) Audio(address string) (Outlet, error) {
	return f.leg("audio", address, dial.AudioCodecs(), 97)
}

func (f *Forward) leg(kind, address string, codecs []dial.Codec, payload uint8) (Outlet, error) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return nil, fmt.Errorf("send RTP: %w", err)
	}
	l := &leg{forward: f, kind: kind, conn: conn, offered: codecs, payload: payload}
	f.legs = append(f.legs, l)
	return l, nil
}

func (l *leg) codecs() []dial.Codec { return l.offered }

func (l *leg) begin(codec webrtc.RTPCodecParameters) error {
	l.forward.mu.Lock()
	defer l.forward.mu.Unlock()
	l.codec, l.fresh = codec, true
	if codec.PayloadType < 32 && l.kind == "audio" {
		l.payload = uint8(codec.PayloadType) // static (RFC 3551)
	}
	return nil
}

func (l *leg) frame(time.Duration, depacket.Frame) error { return nil }

func (l *leg) packet(now time.Time, p *rtp.Packet, _ int) error {
	if err := l.forward.describe(now, l); err != nil {
		return err
	}
	if l.fresh && l.begun {
		l.skipSeq = l.sequence + 1 - p.SequenceNumber
		l.skip = l.stamp + depacket.Stamp(now.Sub(l.sent), l.codec.ClockRate) - p.Timestamp
	}
	l.fresh, l.begun, l.sent = false, true, now
	out := rtp.Packet{Header: rtp.Header{
		Version: 2, Marker: p.Marker, PayloadType: l.payload, SSRC: 1, SequenceNumber: p.SequenceNumber + l.skipSeq, Timestamp: p.Timestamp + l.skip,
	}, Payload: p.Payload}
	if l.kind == "audio" {
		out.SSRC = 2
	}
	l.sequence, l.stamp = out.SequenceNumber, out.Timestamp
	b, err := out.Marshal()
	if err != nil {
		return err
	}
	_, _ = l.conn.Write(b) // nobody may listen at the moment
	return nil
}

func (l *leg) Close() error { return l.conn.Close() }

// describe writes the description once both kinds have come, or one has been alone
// for a while, and again when something changed.
func (f *Forward) describe(now time.Time, l *leg) error {
	if f.sdp == "" || l.begun && !l.fresh && f.described() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first.IsZero() {
		f.first = now
	}
	known := 0
	for _, leg := range f.legs {
		if leg.codec.MimeType != "" {
			known++
		}
	}
	if known < len(f.legs) && now.Sub(f.first) < descriptionWait {
		return nil
	}
	text := f.text()
	if text == f.written {
		return nil
	}
	f.written = text
	if err := os.WriteFile(f.sdp, []byte(text), 0o644); err != nil { //nolint:gosec // players of other users read it
		return err
	}
	if f.notify != nil {
		f.notify("wrote " + f.sdp)
	}
	return nil
}

func (f *Forward) described() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written != ""
}

// text is the description (RFC 8866).
func (f *Forward) text() string {
	var b strings.Builder
	host := f.legs[0].conn.RemoteAddr().(*net.UDPAddr).IP //nolint:forcetypeassert // Dial was asked for UDP
	fmt.Fprintf(&b, "v=0\r\no=- 0 0 IN %s\r\ns=headgate pull\r\nc=IN %[1]s\r\nt=0 0\r\n", address(host))
	for _, l := range f.legs {
		if l.codec.MimeType == "" {
			continue
		}
		to := l.conn.RemoteAddr().(*net.UDPAddr) //nolint:forcetypeassert // as above
		_, name, _ := strings.Cut(l.codec.MimeType, "/")
		fmt.Fprintf(&b, "m=%s %d RTP/AVP %d\r\n", l.kind, to.Port, l.payload)
		if !to.IP.Equal(host) {
			fmt.Fprintf(&b, "c=IN %s\r\n", address(to.IP))
		}
		fmt.Fprintf(&b, "a=rtpmap:%d %s/%d", l.payload, name, l.codec.ClockRate)
		if l.codec.Channels > 1 {
			fmt.Fprintf(&b, "/%d", l.codec.Channels)
		}
		b.WriteString("\r\n")
		if l.codec.SDPFmtpLine != "" {
			fmt.Fprintf(&b, "a=fmtp:%d %s\r\n", l.payload, l.codec.SDPFmtpLine)
		}
		b.WriteString("a=recvonly\r\n")
	}
	return b.String()
}

func address(ip net.IP) string {
	if ip.To4() != nil {
		return "IP4 " + ip.String()
	}
	return "IP6 " + ip.String()
}
