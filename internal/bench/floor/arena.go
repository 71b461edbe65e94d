package floor

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// arena holds the packets of one system call, one behind another, and seals them
// where they lie.
type arena struct {
	buffer []byte
	aead   cipher.AEAD
	nonce  []byte
	number uint64
}

func newArena(packets int) (*arena, error) {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	if err != nil {
		return nil, fmt.Errorf("AES: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("GCM: %w", err)
	}
	a := &arena{buffer: make([]byte, packets*packetBytes), aead: aead, nonce: make([]byte, aead.NonceSize())}
	for i := range a.buffer {
		a.buffer[i] = byte(i)
	}
	return a, nil
}

// packet is the place of packet i.
func (a *arena) packet(i int) []byte { return a.buffer[i*packetBytes : (i+1)*packetBytes] }

// seal encrypts packet i in place, under its header, with a nonce of its own, as
// SRTP does (RFC 7714).
func (a *arena) seal(i int) {
	p := a.packet(i)
	a.number++
	binary.BigEndian.PutUint64(a.nonce[4:], a.number)
	a.aead.Seal(p[headerBytes:headerBytes], a.nonce, p[headerBytes:headerBytes+PayloadBytes], p[:headerBytes])
}
