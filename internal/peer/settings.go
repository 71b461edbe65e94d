package peer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// prepared are the settings connections start from. They are values: copying
// one is the point.
type prepared struct {
	// publisher leaves the DTLS role to the offer, for "actpass" we are the
	// client; so does a viewer that offers "passive". Viewers otherwise get the
	// server's role (RFC 8842 section 5.3).
	publisher, viewer webrtc.SettingEngine
	// offering is for connections that begin with our own offer.
	offering webrtc.SettingEngine
}

const (
	// srtpReplayWindow is in packets; NACKed packets may come late (M-114).
	srtpReplayWindow = 1024
	// publisherFlight is the interval of RFC 6347 section 4.2.4.1. A shorter one
	// repeats our last flight while FFmpeg, which looks every 50 ms, is about to
	// answer it; a DTLS datagram after its handshake makes FFmpeg's socket block
	// and its stream crawl. What FFmpeg needs is a second ClientHello: see
	// udpConn.
	publisherFlight = time.Second
	// viewerFlight is longer: as server we only answer.
	viewerFlight = 200 * time.Millisecond
	// handshakeTimeout bounds DTLS, which would repeat itself for ever.
	handshakeTimeout = 30 * time.Second
	// relayWait is how long a direct pair may take to be preferred to a relayed one.
	relayWait = 500 * time.Millisecond
	// sctpReceiveBytes bounds what a client can make us buffer on data channels.
	sctpReceiveBytes = 64 << 10
)

func (h *Host) prepare() prepared {
	var s webrtc.SettingEngine
	s.LoggerFactory = h.stackLog()
	s.SetNet(&agentNet{Net: h.cfg.Net, primary: h.primary})
	s.SetICEUDPMux(h.udp)
	if h.tcp != nil {
		s.SetICETCPMux(h.tcp)
	}
	s.DisableActiveTCP(true) // an offer must not make us connect anywhere
	s.SetNetworkTypes(h.networkTypes())
	s.SetIncludeLoopbackCandidate(true) // the address book decides
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(h.cfg.DisconnectedAfter, h.cfg.FailedAfter, h.cfg.Keepalive)
	s.SetLite(h.cfg.Lite)
	s.SetSRTPReplayProtectionWindow(srtpReplayWindow)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has proved the address
	s.SetDTLSConnectContextMaker(func() (context.Context, func()) {
		return context.WithTimeout(context.Background(), handshakeTimeout)
	})
	s.SetSCTPMaxReceiveBufferSize(sctpReceiveBytes)
	s.DetachDataChannels()

	p := prepared{publisher: s, viewer: s}
	p.publisher.SetDTLSRetransmissionInterval(publisherFlight)
	p.viewer.SetDTLSRetransmissionInterval(viewerFlight)
	_ = p.viewer.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) // fails for other values only
	p.viewer.SetDTLSCipherSuites(keySuite)
	p.offering = offeringSettings(s)
	return p
}

// offeringSettings are for connections that begin with our own offer. The answer
// decides about the DTLS role: as server our certificate leaves only keySuite of
// the suites, as client we take a server with an RSA certificate too, which GStreamer
// has. Whoever offers nominates the pair (RFC 8445 section 6.1.1), and most players
// are seen at addresses that they did not tell: waiting for a better sort of address
// would cost a second.
func offeringSettings(s webrtc.SettingEngine) webrtc.SettingEngine {
	s.SetDTLSRetransmissionInterval(viewerFlight)
	s.SetDTLSCipherSuites(keySuite, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
	s.SetHostAcceptanceMinWait(0)
	s.SetSrflxAcceptanceMinWait(0)
	s.SetPrflxAcceptanceMinWait(0)
	s.SetRelayAcceptanceMinWait(relayWait)
	return s
}

func (h *Host) networkTypes() []webrtc.NetworkType {
	var types []webrtc.NetworkType
	if h.book.v4 {
		types = append(types, webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4)
	}
	if h.book.v6 {
		types = append(types, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP6)
	}
	return types
}

// certificateYears is the validity of the certificate. The stack's own default
// of a month would end all sessions of a gateway that runs longer.
const certificateYears = 30

// newCertificate makes the self-signed certificate of this process: ECDSA on
// P-256, as RFC 8827 section 6.5 wants, which also keeps DTLS flights small.
func newCertificate(now time.Time) (webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return webrtc.Certificate{}, err
	}
	name := pkix.Name{CommonName: "WebRTC"}
	c, err := webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial, Issuer: name, Subject: name,
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(certificateYears, 0, 0),
	})
	if err != nil {
		return webrtc.Certificate{}, err
	}
	return *c, nil
}
