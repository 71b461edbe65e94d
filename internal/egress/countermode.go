package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"hash"

	"github.com/headgate/headgate/router"
)

// counterMode seals with AES in counter mode and HMAC-SHA1 (RFC 3711), which is
// all that GStreamer has. It costs four times what GCM does; the stack's own
// context, which encrypts block by block, would cost seven times as much.
type counterMode struct{ rtp, rtcp counterKey }

// counterKey is the session keys of RTP or of RTCP.
type counterKey struct {
	block cipher.Block
	auth  hash.Hash
	salt  [aes.BlockSize]byte // its last two bytes are zero
	// iv, word and sum are here and not on the stack because the ciphers are
	// interfaces.
	iv   [aes.BlockSize]byte
	word [4]byte
	sum  [sha1.Size]byte
}

const (
	counterKeyBytes  = 16
	counterSaltBytes = 14
	counterTag       = 10 // HMAC-SHA1 cut to 80 bits
)

func newCounterMode(k Keys) (*counterMode, error) {
	var c counterMode
	var err error
	if c.rtp, err = newCounterKey(k, labelEncryption, labelAuthentication, labelSalt); err != nil {
		return nil, err
	}
	c.rtcp, err = newCounterKey(k, labelRTCPEncryption, labelRTCPAuthentication, labelRTCPSalt)
	return &c, err
}

func newCounterKey(k Keys, encryption, authentication, salt byte) (c counterKey, err error) {
	key, err := k.derive(encryption, counterKeyBytes)
	if err != nil {
		return c, err
	}
	auth, err := k.derive(authentication, sha1.Size)
	if err != nil {
		return c, err
	}
	s, err := k.derive(salt, counterSaltBytes)
	if err != nil {
		return c, err
	}
	copy(c.salt[:], s)
	c.auth = hmac.New(sha1.New, auth)
	c.block, err = aes.NewCipher(key)
	return c, err
}

// seal implements cipherContext.
func (c *counterMode) seal(dst []byte, p *router.Outgoing) ([]byte, error) {
	start := len(dst)
	dst = append(append(dst, p.Prefix...), p.Shared...)
	k := &c.rtp
	k.encrypt(dst[start+int(p.Header):], p.SSRC, uint64(p.Index))
	// The rollovers are authenticated and not sent (RFC 3711 section 4.2).
	return k.sign(dst, start, uint32(p.Index>>16)), nil
}

// sealRTCP implements cipherContext (RFC 3711 section 3.4).
func (c *counterMode) sealRTCP(dst []byte, p *router.OutgoingRTCP, index uint32) ([]byte, error) {
	start := len(dst)
	dst = append(dst, p.Packet...)
	k := &c.rtcp
	k.encrypt(dst[start+rtcpClear:], p.SSRC, uint64(index))
	tagged := k.sign(dst, start, encrypted|index)
	// Here the word that was authenticated is sent, before the tag.
	dst = append(tagged, 0, 0, 0, 0)
	copy(dst[len(tagged)-counterTag+4:], tagged[len(tagged)-counterTag:])
	binary.BigEndian.PutUint32(dst[len(tagged)-counterTag:], encrypted|index)
	return dst, nil
}

// setIV forms the first block of a packet's key stream (RFC 3711 section 4.1.1): salt,
// SSRC and index, each shifted to its place, and a block counter.
func (k *counterKey) setIV(ssrc uint32, index uint64) {
	k.iv = k.salt
	xor32(k.iv[4:], ssrc)
	binary.BigEndian.PutUint64(k.iv[8:], binary.BigEndian.Uint64(k.iv[8:])^index<<16)
}

// encrypt applies the key stream of a packet.
func (k *counterKey) encrypt(b []byte, ssrc uint32, index uint64) {
	k.setIV(ssrc, index)
	cipher.NewCTR(k.block, k.iv[:]).XORKeyStream(b, b)
}

// sign appends the tag over what is in dst from start on, and word.
func (k *counterKey) sign(dst []byte, start int, word uint32) []byte {
	binary.BigEndian.PutUint32(k.word[:], word)
	k.auth.Reset()
	k.auth.Write(dst[start:])
	k.auth.Write(k.word[:])
	return append(dst, k.auth.Sum(k.sum[:0])[:counterTag]...)
}

// indexWord implements openingContext: it is before the tag.
func (k *counterKey) indexWord(packet []byte) (uint32, bool) {
	at := len(packet) - counterTag - 4
	if at < rtcpClear {
		return 0, false
	}
	return binary.BigEndian.Uint32(packet[at:]), true
}

// openRTCP implements openingContext (RFC 3711 section 3.4).
func (k *counterKey) openRTCP(dst, packet []byte, word uint32) ([]byte, bool) {
	signed := len(packet) - counterTag
	k.auth.Reset()
	k.auth.Write(packet[:signed])
	if subtle.ConstantTimeCompare(k.auth.Sum(k.sum[:0])[:counterTag], packet[signed:]) != 1 {
		return nil, false
	}
	start := len(dst)
	dst = append(dst, packet[:signed-4]...)
	if word&encrypted != 0 {
		k.decryptReport(dst[start+rtcpClear:], ssrcOf(packet), word&^encrypted)
	}
	return dst, true
}

// decryptReport is encrypt for the few blocks of a report, without what
// cipher.NewCTR allocates.
func (k *counterKey) decryptReport(b []byte, ssrc, index uint32) {
	k.setIV(ssrc, uint64(index))
	for block := uint16(0); len(b) > 0; block++ {
		binary.BigEndian.PutUint16(k.iv[aes.BlockSize-2:], block)
		k.block.Encrypt(k.sum[:], k.iv[:])
		b = b[subtle.XORBytes(b, b, k.sum[:aes.BlockSize]):]
	}
}
