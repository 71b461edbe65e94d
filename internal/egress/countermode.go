package egress

import (
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/headgate/headgate/router"
)

// counterMode seals with AES-CM and HMAC-SHA1 for players that can't do GCM. It
// uses the stack's context, which takes several times as long: none of the
// players that were tried needs it (docs/performance.md).
type counterMode struct {
	context *srtp.Context
	header  rtp.Header
	scratch []byte
}

func newCounterMode(k Keys) (*counterMode, error) {
	context, err := srtp.CreateContext(k.Key, k.Salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return nil, err
	}
	return &counterMode{context: context}, nil
}

// seal implements cipherContext.
func (c *counterMode) seal(dst []byte, p *router.Outgoing) ([]byte, error) {
	c.scratch = append(append(c.scratch[:0], p.Prefix...), p.Shared...)
	c.context.SetROC(p.SSRC, uint32(p.Index>>16))
	sealed, err := c.context.EncryptRTP(dst[len(dst):len(dst):cap(dst)], c.scratch, &c.header)
	if err != nil {
		return dst, err
	}
	return append(dst, sealed...), nil // in place, if dst had room as promised
}

// sealRTCP implements cipherContext. The stack's context counts for itself, from
// the index it is given.
func (c *counterMode) sealRTCP(dst []byte, p *router.OutgoingRTCP, index uint32) ([]byte, error) {
	c.context.SetIndex(p.SSRC, index-1)
	sealed, err := c.context.EncryptRTCP(nil, p.Packet, nil)
	if err != nil {
		return dst, err
	}
	return append(dst, sealed...), nil
}
