package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/headgate/headgate/router"
)

// gcmContext seals with AES-GCM (RFC 7714). To open, a gcmKey is enough.
type gcmContext struct{ rtp, rtcp gcmKey }

// gcmKey is the session key and salt of RTP or of RTCP.
type gcmKey struct {
	aead cipher.AEAD
	salt [gcmNonce]byte
	// nonce and report are here and not on the stack because the cipher is an
	// interface. report is what of an RTCP packet is clear, with its index.
	nonce  [gcmNonce]byte
	report [rtcpClear + 4]byte
}

const (
	gcmNonce = 12
	// rtcpClear is what of an RTCP packet is authenticated and not encrypted: the
	// first header, and the SSRC after it (RFC 7714 section 9.2).
	rtcpClear = 8
	// encrypted is the E bit in front of an SRTCP index.
	encrypted = 1 << 31
)

func newGCM(k Keys) (*gcmContext, error) {
	var g gcmContext
	var err error
	if g.rtp, err = newGCMKey(k, labelEncryption, labelSalt); err != nil {
		return nil, err
	}
	g.rtcp, err = newGCMKey(k, labelRTCPEncryption, labelRTCPSalt)
	return &g, err
}

func newGCMKey(k Keys, encryption, salt byte) (g gcmKey, err error) {
	key, err := k.derive(encryption, len(k.Key))
	if err != nil {
		return g, err
	}
	s, err := k.derive(salt, gcmNonce)
	if err != nil {
		return g, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return g, err
	}
	g.salt = [gcmNonce]byte(s)
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
	k := &g.rtp
	k.setNonce(p.SSRC, uint32(p.Index>>16), uint16(p.Index))
	return k.aead.Seal(dst[:body], k.nonce[:], plain, dst[start:body]), nil
}

// setNonce forms the initialisation vector of RFC 7714 section 8.1: two zero
// bytes, SSRC, rollovers and sequence number, all exclusive-or the salt.
func (k *gcmKey) setNonce(ssrc, rollovers uint32, seq uint16) {
	k.nonce = k.salt
	xor32(k.nonce[2:], ssrc)
	xor32(k.nonce[6:], rollovers)
	binary.BigEndian.PutUint16(k.nonce[10:], binary.BigEndian.Uint16(k.nonce[10:])^seq)
}

// sealRTCP implements cipherContext (RFC 7714 section 9).
func (g *gcmContext) sealRTCP(dst []byte, p *router.OutgoingRTCP, index uint32) ([]byte, error) {
	k := &g.rtcp
	copy(k.report[:], p.Packet[:rtcpClear])
	binary.BigEndian.PutUint32(k.report[rtcpClear:], encrypted|index)
	k.setReportNonce(p.SSRC, index)
	dst = append(dst, k.report[:rtcpClear]...)
	dst = k.aead.Seal(dst, k.nonce[:], p.Packet[rtcpClear:], k.report[:])
	return append(dst, k.report[rtcpClear:]...), nil
}

// setReportNonce forms the initialisation vector of RFC 7714 section 9.1: two zero
// bytes, SSRC, two zero bytes, index, all exclusive-or the salt.
func (k *gcmKey) setReportNonce(ssrc, index uint32) {
	k.nonce = k.salt
	xor32(k.nonce[2:], ssrc)
	xor32(k.nonce[8:], index)
}

// indexWord implements openingContext: it is at the end.
func (k *gcmKey) indexWord(packet []byte) (uint32, bool) {
	at := len(packet) - 4
	if at < rtcpClear+k.aead.Overhead() {
		return 0, false
	}
	return binary.BigEndian.Uint32(packet[at:]), true
}

// openRTCP implements openingContext (RFC 7714 section 9). What is not encrypted is
// all associated data, and the tag alone is opened (section 9.3).
func (k *gcmKey) openRTCP(dst, packet []byte, word uint32) ([]byte, bool) {
	k.setReportNonce(ssrcOf(packet), word&^encrypted)
	end := len(packet) - 4
	if word&encrypted == 0 {
		tag := end - k.aead.Overhead()
		dst = append(dst, packet[:tag]...)
		_, err := k.aead.Open(nil, k.nonce[:], packet[tag:end], append(dst, packet[end:]...))
		return dst, err == nil
	}
	copy(k.report[:], packet[:rtcpClear])
	copy(k.report[rtcpClear:], packet[end:])
	dst, err := k.aead.Open(append(dst, packet[:rtcpClear]...), k.nonce[:], packet[rtcpClear:end], k.report[:])
	return dst, err == nil
}

func xor32(b []byte, v uint32) {
	binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)^v)
}
