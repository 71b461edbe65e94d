package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

// flightInterval is how soon a lost flight is repeated: libwebrtc's least.
const flightInterval = 50 * time.Millisecond

// secrets is what a handshake leaves: one context per direction.
type secrets struct {
	in, out *srtp.Context
}

// handshake runs DTLS over l in the role that the answer leaves us, and ends the
// stack's connection again: l has the close_notify then.
func handshake(ctx context.Context, l *link, own *identity, a *answer) (*secrets, error) {
	conn, err := connect(l, own, a)
	if err != nil {
		return nil, err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the other error counts
		return nil, err
	}
	keys, err := export(conn, !a.active)
	l.seal()
	_ = conn.Close() // reads and writes of l do not fail here
	return keys, err
}

func connect(l *link, own *identity, a *answer) (*dtls.Conn, error) {
	options := []dtls.Option{
		dtls.WithCertificates(own.certificate),
		dtls.WithInsecureSkipVerify(true), // self-signed: the fingerprint counts
		dtls.WithVerifyPeerCertificate(verifier(a.prints)),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithLoggerFactory(mute()),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
	}
	if a.active {
		server := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithInsecureSkipVerifyHello(true)}
		for _, o := range options {
			server = append(server, o)
		}
		return dtls.ServerWithOptions(l, l.peer, server...)
	}
	client := make([]dtls.ClientOption, 0, len(options))
	for _, o := range options {
		client = append(client, o)
	}
	return dtls.ClientWithOptions(l, l.peer, client...)
}

// mute keeps the stack's log to itself: its errors are returned.
func mute() logging.LoggerFactory {
	return &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
}

var profiles = map[dtls.SRTPProtectionProfile]srtp.ProtectionProfile{
	dtls.SRTP_AEAD_AES_256_GCM:       srtp.ProtectionProfileAeadAes256Gcm,
	dtls.SRTP_AEAD_AES_128_GCM:       srtp.ProtectionProfileAeadAes128Gcm,
	dtls.SRTP_AES128_CM_HMAC_SHA1_80: srtp.ProtectionProfileAes128CmHmacSha1_80,
}

// export takes the SRTP keys out of a handshake (RFC 5764 section 4.2).
func export(conn *dtls.Conn, client bool) (*secrets, error) {
	chosen, ok := conn.SelectedSRTPProtectionProfile()
	profile, known := profiles[chosen]
	if !ok || !known {
		return nil, errors.New("the server chose no SRTP profile")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, errors.New("the handshake left no state")
	}
	cfg := srtp.Config{Profile: profile}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return nil, fmt.Errorf("exporting keys: %w", err)
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, profile)
	if err != nil {
		return nil, err
	}
	out, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, profile)
	if err != nil {
		return nil, err
	}
	return &secrets{in: in, out: out}, nil
}
