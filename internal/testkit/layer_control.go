package testkit

import "github.com/pion/rtcp"

// PauseLayer stops a layer of Simulcast, or lets it go on with a key frame under
// the SSRC it had.
func (p *Publisher) PauseLayer(rid string, paused bool) {
	p.layer(rid, func(y *layer) { y.paused = paused })
}

// MoveLayer lets a layer of a browser go on under another SSRC, with other
// numbers, beginning with a key frame.
func (p *Publisher) MoveLayer(rid string) {
	p.layer(rid, func(y *layer) {
		salt := y.ssrc >> 24 & 0xf
		y.number(salt + 16 + uint32(y.index))
		y.left = false
	})
}

// EndLayer ends a layer with BYE (RFC 3550 section 6.6).
func (p *Publisher) EndLayer(rid string) {
	p.layer(rid, func(y *layer) {
		y.left = true
		p.layers.send(&rtcp.Goodbye{Sources: []uint32{y.ssrc}})
	})
}

// ResizeLayer changes what a layer sends from its next frame on, which is a key
// frame.
func (p *Publisher) ResizeLayer(rid string, width, height, bits int) {
	p.layer(rid, func(y *layer) {
		y.Width, y.Height, y.Bits, y.since = width, height, bits, 0
		y.shape(p.opt.Picture)
	})
}

// LayersTaken are the RIDs the answer took.
func (p *Publisher) LayersTaken() (rids []string) {
	p.layers.mu.Lock()
	defer p.layers.mu.Unlock()
	for _, y := range p.layers.all {
		if y.accepted {
			rids = append(rids, y.RID)
		}
	}
	return rids
}

// layer calls do with a layer under its lock.
func (p *Publisher) layer(rid string, do func(*layer)) {
	p.t.Helper()
	p.layers.mu.Lock()
	defer p.layers.mu.Unlock()
	y := p.layers.named(rid)
	if y == nil {
		p.t.Fatalf("there is no layer %q", rid)
		return
	}
	do(y)
}
