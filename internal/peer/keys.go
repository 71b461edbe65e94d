package peer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	dtlsext "github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"

	"github.com/headgate/headgate/internal/egress"
)

// keyHooks learns the SRTP keys of one connection for which we are the DTLS
// server. The stack keeps them to itself; but it writes the master secret to a
// key log, and shows the ServerHello before it is sent, and the rest is RFC 5764
// section 4.2. The secret stays in this type. Safe for concurrent use.
type keyHooks struct {
	mu                         sync.Mutex
	master                     []byte
	clientRandom, serverRandom []byte
	profile                    dtls.SRTPProtectionProfile
}

// keySuite is the only cipher suite of connections whose keys are learnt, so that
// there is one pseudorandom function. RFC 8827 section 6.5 makes everybody
// have it.
const keySuite = dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256

// Write implements io.Writer for the key log: a line of label, client random and
// master secret.
func (k *keyHooks) Write(line []byte) (int, error) {
	fields := bytes.Fields(line)
	if len(fields) == 3 && string(fields[0]) == "CLIENT_RANDOM" {
		random, err1 := hex.DecodeString(string(fields[1]))
		master, err2 := hex.DecodeString(string(fields[2]))
		if err1 == nil && err2 == nil {
			k.mu.Lock()
			k.clientRandom, k.master = random, master
			k.mu.Unlock()
		}
	}
	return len(line), nil
}

// hello looks at the ServerHello and leaves it as it is.
func (k *keyHooks) hello(m handshake.MessageServerHello) handshake.Message {
	random := m.Random.MarshalFixed()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.serverRandom, k.profile = random[:], 0
	for _, e := range m.Extensions {
		if srtp, ok := e.(*dtlsext.UseSRTP); ok && len(srtp.ProtectionProfiles) == 1 {
			k.profile = srtp.ProtectionProfiles[0]
		}
	}
	return &m
}

var errNoKeys = errors.New("the DTLS handshake did not tell its keys")

// mediaKeys are those of both directions, named after the DTLS role of who sends.
type mediaKeys struct{ client, server egress.Keys }

// derive makes the keys, once the handshake is over (RFC 5764 section 4.2). Nothing is
// kept afterwards.
func (k *keyHooks) derive() (mediaKeys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	profile := egress.Profile(k.profile)
	keyLen, saltLen := profile.Lengths()
	if keyLen == 0 || len(k.master) == 0 || len(k.clientRandom) == 0 || len(k.serverRandom) == 0 {
		return mediaKeys{}, errNoKeys
	}
	seed := append([]byte("EXTRACTOR-dtls_srtp"), k.clientRandom...)
	seed = append(seed, k.serverRandom...)
	material, err := prf.PHash(k.master, seed, 2*(keyLen+saltLen), sha256.New)
	if err != nil {
		return mediaKeys{}, err
	}
	clear(k.master)
	k.master = nil
	salts := material[2*keyLen:]
	return mediaKeys{
		client: egress.Keys{Profile: profile, Key: material[:keyLen], Salt: salts[:saltLen]},
		server: egress.Keys{Profile: profile, Key: material[keyLen : 2*keyLen], Salt: salts[saltLen:]},
	}, nil
}
