package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"

	"github.com/headgate/headgate/internal/egress"
)

// selfTestTimeout bounds a handshake in memory, which takes some milliseconds.
const selfTestTimeout = 10 * time.Second

var errWrongKeys = errors.New("the keys learnt from a DTLS handshake are not those of the stack; this build does not fit its DTLS library")

// checkKeyHooks makes a DTLS handshake in memory and compares the keys that were
// learnt with those the other side exports. A build whose libraries changed
// under it must not find out with the first viewer.
func checkKeyHooks() error {
	ctx, cancel := context.WithTimeout(context.Background(), selfTestTimeout)
	defer cancel()
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return err
	}
	var hooks keyHooks
	near, far := net.Pipe()
	server, err := dtls.ServerWithOptions(dtlsnet.PacketConnFromConn(near), near.RemoteAddr(),
		dtls.WithCertificates(certificate), dtls.WithCipherSuites(keySuite), dtls.WithInsecureSkipVerifyHello(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM),
		dtls.WithKeyLogWriter(&hooks), dtls.WithServerHelloMessageHook(hooks.hello))
	if err != nil {
		return err
	}
	defer func() { _ = near.Close(); _ = server.Close() }()
	client, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(far), far.RemoteAddr(),
		dtls.WithCertificates(certificate), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM))
	if err != nil {
		return err
	}
	defer func() { _ = far.Close(); _ = client.Close() }()
	served := make(chan error, 1)
	go func() { served <- server.HandshakeContext(ctx) }()
	if err := errors.Join(client.HandshakeContext(ctx), <-served); err != nil {
		return fmt.Errorf("DTLS with ourselves: %w", err)
	}
	return compareKeys(&hooks, client)
}

// compareKeys checks both halves of what the client exports.
func compareKeys(hooks *keyHooks, client *dtls.Conn) error {
	got, err := hooks.derive()
	if err != nil {
		return errors.Join(errWrongKeys, err)
	}
	state, ok := client.ConnectionState()
	if !ok {
		return errWrongKeys
	}
	key, salt := egress.AEADAES128GCM.Lengths()
	want, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(key+salt))
	if err != nil {
		return err
	}
	if !bytes.Equal(slices.Concat(got.client.Key, got.server.Key, got.client.Salt, got.server.Salt), want) {
		return errWrongKeys
	}
	return nil
}
