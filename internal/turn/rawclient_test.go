package turn

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

func formatUser(expires time.Time, id string) string {
	return strconv.FormatInt(expires.Unix(), 10) + ":" + id
}

// rawClient is a TURN client that sends what it is told to, wise or not.
type rawClient struct {
	t         *testing.T
	conn      net.Conn
	user, key string
	nonce     stun.Nonce
	relayed   netip.AddrPort
}

// dial connects to the server's plain port.
func (s *served) dial(t *testing.T, network string) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), network, "127.0.0.1:"+strconv.Itoa(int(s.plainPort)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// raw is a client with a credential and no allocation.
func (s *served) raw(t *testing.T, conn net.Conn, id string) *rawClient {
	t.Helper()
	c := &rawClient{t: t, conn: conn}
	c.user, c.key = s.credential(id, time.Minute)
	return c
}

// allocated is a client with an allocation.
func (s *served) allocated(t *testing.T, network string) *rawClient {
	t.Helper()
	c := s.raw(t, s.dial(t, network), "alice")
	if code := c.allocate(); code != 0 {
		t.Fatalf("no allocation: %d", code)
	}
	return c
}

func (c *rawClient) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next message, whole.
func (c *rawClient) read() []byte {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 4096)
	if _, udp := c.conn.(*net.UDPConn); udp {
		n, err := c.conn.Read(b)
		if err != nil {
			c.t.Fatal(err)
		}
		return b[:n]
	}
	if _, err := io.ReadFull(c.conn, b[:4]); err != nil {
		c.t.Fatal(err)
	}
	n, err := frameBytes(b)
	if err == nil {
		_, err = io.ReadFull(c.conn, b[4:n])
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return b[:n]
}

// ask sends an authenticated request and returns the answer, with its error code.
func (c *rawClient) ask(method stun.Method, attrs ...stun.Setter) (*stun.Message, int) {
	c.t.Helper()
	m, code := c.askOnce(method, attrs...)
	// Without a nonce 401 is how pion refuses a channel.
	if (code == 401 || code == 438) && c.nonce.GetFrom(m) == nil {
		m, code = c.askOnce(method, attrs...)
	}
	return m, code
}

func (c *rawClient) askOnce(method stun.Method, attrs ...stun.Setter) (*stun.Message, int) {
	c.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
	if len(c.nonce) > 0 {
		setters = append(setters, stun.NewUsername(c.user), stun.NewRealm(realm), c.nonce,
			stun.NewLongTermIntegrity(c.user, realm, c.key))
	}
	request, err := stun.Build(setters...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(request.Raw)
	for {
		answer := &stun.Message{Raw: c.read()}
		if answer.Raw[0]>>6 != 0 || answer.Decode() != nil || answer.TransactionID != request.TransactionID {
			continue
		}
		var code stun.ErrorCodeAttribute
		_ = code.GetFrom(answer) // 0 without one
		return answer, int(code.Code)
	}
}

// rawAttr is an attribute as it is.
type rawAttr struct {
	kind  stun.AttrType
	value []byte
}

func (a rawAttr) AddTo(m *stun.Message) error { m.Add(a.kind, a.value); return nil }

var overUDP = rawAttr{stun.AttrRequestedTransport, []byte{17, 0, 0, 0}}

func lifetime(seconds uint32) rawAttr {
	return rawAttr{stun.AttrLifetime, binary.BigEndian.AppendUint32(nil, seconds)}
}

func (c *rawClient) allocate(attrs ...stun.Setter) int {
	c.t.Helper()
	m, code := c.ask(stun.MethodAllocate, append([]stun.Setter{overUDP}, attrs...)...)
	if code == 0 {
		var a stun.XORMappedAddress
		if err := a.GetFromAs(m, stun.AttrXORRelayedAddress); err != nil {
			c.t.Fatal(err)
		}
		ip, _ := netip.AddrFromSlice(a.IP)
		c.relayed = netip.AddrPortFrom(ip.Unmap(), uint16(a.Port))
	}
	return code
}

// peerAddress is an XOR-PEER-ADDRESS; mapped spells an IPv4 address as IPv6.
type peerAddress struct {
	addr   netip.AddrPort
	mapped bool
}

func (p peerAddress) AddTo(m *stun.Message) error {
	if p.mapped && p.addr.Addr().Is4() {
		value := make([]byte, 20)
		value[1] = 2
		binary.BigEndian.PutUint16(value[2:], p.addr.Port()^0x2112)
		ip, pad := p.addr.Addr().As16(), append([]byte{0x21, 0x12, 0xa4, 0x42}, m.TransactionID[:]...)
		for i := range ip {
			value[4+i] = ip[i] ^ pad[i]
		}
		m.Add(stun.AttrXORPeerAddress, value)
		return nil
	}
	return stun.XORMappedAddress{IP: p.addr.Addr().AsSlice(), Port: int(p.addr.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}

// indicate sends data to a peer by a Send indication.
func (c *rawClient) indicate(to stun.Setter, data string) {
	c.t.Helper()
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), to, rawAttr{stun.AttrData, []byte(data)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(m.Raw)
}

// channelData sends data on a channel.
func (c *rawClient) channelData(number uint16, data string) {
	c.t.Helper()
	b := binary.BigEndian.AppendUint16(nil, number)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	c.write(b)
}

func (c *rawClient) bind(number uint16, to stun.Setter) int {
	c.t.Helper()
	_, code := c.ask(stun.MethodChannelBind, rawAttr{stun.AttrChannelNumber, []byte{byte(number >> 8), byte(number), 0, 0}}, to)
	return code
}

func (c *rawClient) permit(to stun.Setter) int {
	c.t.Helper()
	_, code := c.ask(stun.MethodCreatePermission, to)
	return code
}
