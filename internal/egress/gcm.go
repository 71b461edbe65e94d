package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/headgate/headgate/router"
)

// gcmContext seals with AES-GCM (RFC 7714).
type gcmContext struct {
	aead cipher.AEAD
	salt [12]byte
	// nonce is here and not on the stack because the cipher is an interface.
	nonce [12]byte
}

// gcmTag is the length of the authentication tag of both GCM profiles.
const gcmTag = 16

func newGCM(k Keys) (*gcmContext, error) {
	key, err := k.derive(labelEncryption, len(k.Key))
	if err != nil {
		return nil, err
	}
	salt, err := k.derive(labelSalt, len(gcmContext{}.salt))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	g := &gcmContext{salt: [12]byte(salt)}
	g.aead, err = cipher.NewGCM(block)
	return g, err
}

// seal implements cipherContext. The shared part is encrypted straight into dst;
// only where the prefix holds some of the payload are both put together first.
func (g *gcmContext) seal(dst []byte, p *router.Outgoing) ([]byte, error) {
	start := len(dst)
	body := start + int(p.Header)
	dst = append(dst, p.Prefix...)
	plain := p.Shared
	if len(dst) > body {
		dst = append(dst, p.Shared...)
		plain = dst[body:]
	}
	g.setNonce(p.SSRC, p.Index)
	return g.aead.Seal(dst[:body], g.nonce[:], plain, dst[start:body]), nil
}

// setNonce forms the initialisation vector of RFC 7714 section 8.1: two zero
// bytes, SSRC, rollovers and sequence number, all exclusive-or the salt.
func (g *gcmContext) setNonce(ssrc uint32, index int64) {
	g.nonce = g.salt
	binary.BigEndian.PutUint32(g.nonce[2:], binary.BigEndian.Uint32(g.nonce[2:])^ssrc)
	binary.BigEndian.PutUint32(g.nonce[6:], binary.BigEndian.Uint32(g.nonce[6:])^uint32(index>>16))
	binary.BigEndian.PutUint16(g.nonce[10:], binary.BigEndian.Uint16(g.nonce[10:])^uint16(index))
}
