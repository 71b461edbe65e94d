package audience

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/pion/stun/v4"
)

// hostPriority is the priority that our checks propose for a peer-reflexive
// candidate: type preference 110, the greatest local one, component 1 (RFC 8445
// section 5.1.2).
const hostPriority = 110<<24 | 65535<<8 | 255

// credentials are those of both ends of one ICE session. It is immutable.
type credentials struct {
	// request is the USERNAME of our checks, reply that of the server's.
	request, reply string
	// remote signs our checks, local the server's.
	remote, local stun.MessageIntegrity
	tieBreaker    uint64
}

// newLocal draws ufrag and password: 24 and 144 bits of randomness.
func newLocal() (ufrag, pwd string) {
	text := rand.Text() // 26 characters of 5 bits
	return text[:6], rand.Text()
}

func newCredentials(localUfrag, localPwd string, a *answer) *credentials {
	var tie [8]byte
	_, _ = rand.Read(tie[:]) // never fails
	return &credentials{
		request: a.ufrag + ":" + localUfrag, reply: localUfrag + ":" + a.ufrag,
		remote: stun.NewShortTermIntegrity(a.pwd), local: stun.NewShortTermIntegrity(localPwd),
		tieBreaker: binary.BigEndian.Uint64(tie[:]),
	}
}

// check builds a binding request of the controlling side (RFC 8445 section 7.2.4).
func (c *credentials) check(id [stun.TransactionIDSize]byte, nominate bool) []byte {
	var priority, controlling [8]byte
	binary.BigEndian.PutUint32(priority[:4], hostPriority)
	binary.BigEndian.PutUint64(controlling[:], c.tieBreaker)
	m := stun.Message{Raw: make([]byte, 0, 128)}
	m.SetType(stun.BindingRequest)
	m.TransactionID = id
	m.WriteHeader()
	m.Add(stun.AttrUsername, []byte(c.request))
	m.Add(stun.AttrPriority, priority[:4])
	m.Add(stun.AttrICEControlling, controlling[:])
	if nominate {
		m.Add(stun.AttrUseCandidate, nil)
	}
	sign(&m, c.remote)
	return m.Raw
}

// sign cannot fail: nothing is signed twice.
func sign(m *stun.Message, key stun.MessageIntegrity) {
	_ = key.AddTo(m)
	_ = stun.Fingerprint.AddTo(m)
}

// answer builds what a server's check is answered with; nil means that it is not
// one of this session, or claims our role and has to be told so elsewhere.
func (c *credentials) answer(m *stun.Message, from netip.AddrPort) []byte {
	username, err := m.Get(stun.AttrUsername)
	if err != nil || string(username) != c.reply || c.local.Check(m) != nil {
		return nil
	}
	out := stun.Message{Raw: make([]byte, 0, 96), TransactionID: m.TransactionID}
	if m.Contains(stun.AttrICEControlling) {
		// Who offered controls, whatever the other believes (RFC 8445 section 6.1.1).
		out.SetType(stun.BindingError)
		out.WriteHeader()
		_ = stun.CodeRoleConflict.AddTo(&out)
	} else {
		out.SetType(stun.BindingSuccess)
		out.WriteHeader()
		mapped := stun.XORMappedAddress{IP: net.IP(from.Addr().Unmap().AsSlice()), Port: int(from.Port())}
		_ = mapped.AddTo(&out)
	}
	sign(&out, c.local)
	return out.Raw
}

// succeeds reports whether m answers a check of this session with success.
func (c *credentials) succeeds(m *stun.Message) bool {
	return m.Type == stun.BindingSuccess && c.remote.Check(m) == nil
}

// isSTUN, isDTLS and isMedia tell apart what shares a port (RFC 7983).
func isSTUN(b []byte) bool  { return len(b) >= 20 && b[0] < 4 }
func isDTLS(b []byte) bool  { return len(b) > 13 && b[0] >= 20 && b[0] < 64 }
func isMedia(b []byte) bool { return len(b) >= 12 && b[0]>>6 == 2 }

// isRTCP tells RTCP from RTP by its packet type (RFC 5761 section 4).
func isRTCP(b []byte) bool { return b[1] >= 192 && b[1] < 224 }
