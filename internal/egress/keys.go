package egress

import (
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Profile is an SRTP protection profile by its DTLS number (RFC 5764 section
// 4.1.2, RFC 7714 section 14.2).
type Profile uint16

// The profiles that can be sealed.
const (
	AES128CMHMACSHA1_80 Profile = 0x0001
	AEADAES128GCM       Profile = 0x0007
	AEADAES256GCM       Profile = 0x0008
)

// String is the name of the IANA registry, without the common prefix.
func (p Profile) String() string {
	switch p {
	case AES128CMHMACSHA1_80:
		return "AES128_CM_HMAC_SHA1_80"
	case AEADAES128GCM:
		return "AEAD_AES_128_GCM"
	case AEADAES256GCM:
		return "AEAD_AES_256_GCM"
	}
	return fmt.Sprintf("profile %#04x", uint16(p))
}

// Lengths returns the lengths of the master key and the master salt in bytes,
// zero for a profile that can't be sealed.
func (p Profile) Lengths() (key, salt int) {
	switch p {
	case AES128CMHMACSHA1_80:
		return 16, 14
	case AEADAES128GCM:
		return 16, 12
	case AEADAES256GCM:
		return 32, 12
	}
	return 0, 0
}

// Keys are the master key and salt of the sending direction. They never reach a
// log: String and Format say only the profile.
type Keys struct {
	Profile   Profile
	Key, Salt []byte
}

// String names the profile and nothing else.
func (k Keys) String() string { return k.Profile.String() }

// Format implements fmt.Formatter, so that no verb prints a secret.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

var errKeys = errors.New("the keys do not fit the protection profile")

func (k Keys) check() error {
	key, salt := k.Profile.Lengths()
	if key == 0 || len(k.Key) != key || len(k.Salt) != salt {
		return errKeys
	}
	return nil
}

// The labels of RFC 3711 section 4.3.2.
const (
	labelEncryption         = 0x00
	labelAuthentication     = 0x01
	labelSalt               = 0x02
	labelRTCPEncryption     = 0x03
	labelRTCPAuthentication = 0x04
	labelRTCPSalt           = 0x05
)

// derive makes n bytes of a session key (RFC 3711 section 4.3.3 with a key
// derivation rate of 0; RFC 7714 section 11 pads the shorter salt to the right).
func (k Keys) derive(label byte, n int) ([]byte, error) {
	block, err := aes.NewCipher(k.Key)
	if err != nil {
		return nil, err
	}
	var x [aes.BlockSize]byte
	copy(x[:14], k.Salt)
	x[7] ^= label
	out := make([]byte, 0, n+aes.BlockSize)
	for counter := uint16(0); len(out) < n; counter++ {
		binary.BigEndian.PutUint16(x[14:], counter)
		out = append(out, make([]byte, aes.BlockSize)...)
		block.Encrypt(out[len(out)-aes.BlockSize:], x[:])
	}
	return out[:n], nil
}
