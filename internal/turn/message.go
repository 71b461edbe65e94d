package turn

import (
	"encoding/binary"
	"errors"
	"net"

	"github.com/pion/stun/v4"
)

// errFrame is something else than STUN and ChannelData, or a larger one than any
// client of ours sends.
var errFrame = errors.New("neither a STUN message nor ChannelData of a usable size")

const (
	// messageBytes is what pion is given at most.
	messageBytes = 2048
	// shortestFrame is what pion's own framing wants to see before it looks. Shorter
	// ChannelData carries at most four bytes, which is no packet of media.
	shortestFrame = 9

	stunHeaderBytes    = 20
	channelHeaderBytes = 4
)

// frameBytes returns the length on a stream of the message that begins with the
// four bytes of head, padding included (RFC 8656 section 12.5).
func frameBytes(head []byte) (int, error) {
	n := int(binary.BigEndian.Uint16(head[2:]))
	switch head[0] >> 6 {
	case 0:
		n += stunHeaderBytes
	case 1:
		n = channelHeaderBytes + (n+3)/4*4
	default:
		return 0, errFrame
	}
	if n >= messageBytes {
		return 0, errFrame
	}
	return n, nil
}

// Requests that carry a lifetime.
const (
	allocateRequest = 0x0003
	refreshRequest  = 0x0004
)

// shortestLifetime is that of RFC 8656 section 7.2, in seconds: a server gives no
// less. Pion gives whatever is asked for, and an allocation that ends while its
// client is given a permission would be too bad to leave the time to the client
// (see Server.grants).
const shortestLifetime = 600

// refused tells whether b is a request for a shorter lifetime than there is. No
// lifetime at all ends an allocation and is fine.
func refused(b []byte) bool {
	if len(b) < stunHeaderBytes {
		return false
	}
	if kind := binary.BigEndian.Uint16(b); kind != allocateRequest && kind != refreshRequest {
		return false
	}
	for rest := b[stunHeaderBytes:]; len(rest) >= 4; {
		kind, n := stun.AttrType(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+n {
			return false
		}
		if kind == stun.AttrLifetime && n == 4 {
			if s := binary.BigEndian.Uint32(rest[4:]); s > 0 && s < shortestLifetime {
				return true
			}
		}
		rest = rest[min(len(rest), 4+(n+3)/4*4):]
	}
	return false
}

// refusal is the answer to a request that is refused (RFC 8656: 400).
func refusal(request []byte) []byte {
	m := &stun.Message{Raw: append([]byte(nil), request...)}
	if m.Decode() != nil {
		return nil
	}
	answer, err := stun.Build(&stun.Message{TransactionID: m.TransactionID},
		stun.NewType(m.Type.Method, stun.ClassErrorResponse), stun.CodeBadRequest)
	if err != nil {
		return nil
	}
	return answer.Raw
}

// packets is the UDP side as pion sees it.
type packets struct {
	net.PacketConn
	local net.Addr
}

// ReadFrom implements net.PacketConn.
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := p.PacketConn.ReadFrom(b)
		if err != nil || !refused(b[:n]) {
			return n, from, err
		}
		if answer := refusal(b[:n]); answer != nil {
			_, _ = p.WriteTo(answer, from) // as lost as any datagram
		}
	}
}

// LocalAddr implements net.PacketConn; see Server.local.
func (p *packets) LocalAddr() net.Addr { return p.local }
