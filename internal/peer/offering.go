package peer

import (
	"context"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/negotiate"
)

// Offer begins a viewer's connection with an offer of ours, which Answer returns:
// p.Plan is one of negotiate.CounterOffer. Nothing is sent before the client's
// answer; Sections is empty until Agree, and checks go nowhere until Connect.
// Errors are those of Publish; on error nothing is left.
func (h *Host) Offer(ctx context.Context, p PlayParams) (_ *Conn, err error) {
	c := h.newConn(p.Plan, p.Loopback, p.Notify)
	c.intake.rtcp = p.RTCP
	c.line = new(egress.Line)
	if c.log = p.Log; c.log == nil {
		c.log = h.log
	}
	settings := h.settings.offering
	c.learnKeys(&settings)
	if err := c.connect(settings); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	if err := c.addSlots(); err != nil {
		return nil, err
	}
	return c, c.propose(ctx)
}

// propose makes the offer, complete with our candidates, and keeps it for the client.
func (c *Conn) propose(ctx context.Context) error {
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("create the offer: %w", err)
	}
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return fmt.Errorf("apply the offer: %w", err)
	}
	local, err := c.localDescription(ctx)
	if err != nil {
		return err
	}
	text, err := c.plan.Finish(local, c.answerOptions())
	if err != nil {
		return fmt.Errorf("write the offer: %w", err)
	}
	c.answer = oneStream(text, c.streamID)
	c.advertised = c.host.Addresses()
	c.emit(Gathered, strings.Join(c.host.candidates(), "; "))
	return nil
}

// Agree takes what the client's answer to our offer comes to: from now on Sections
// tells what is sent. Connect is to follow; each is called once, and after an
// error the connection can only be closed.
func (c *Conn) Agree(a *negotiate.Answered) error {
	c.signalling.Lock()
	defer c.signalling.Unlock()
	if c.closing.Load() {
		return ErrClosed
	}
	c.plan, c.agreed = a.Plan, a.SDP
	c.ufrag, c.pwd = credentials(a.Plan.SDP)
	c.remote.restart(c.ufrag)
	if a.Plan.Setup == "passive" {
		c.forgoKeys() // the client is the DTLS server: its keys cannot be learnt
	}
	c.matchSlots()
	sent := c.slots[:0:0]
	for _, s := range c.slots {
		if s.section != nil && carriesMedia(*s.section) {
			s.learn()
			sent = append(sent, s)
		}
	}
	c.slots = sent
	return c.describeSections()
}

// Connect applies the answer that Agree took: checks begin.
func (c *Conn) Connect() error {
	c.signalling.Lock()
	defer c.signalling.Unlock()
	if c.closing.Load() {
		return ErrClosed
	}
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: c.agreed})
	c.agreed = ""
	if err != nil && c.closing.Load() {
		return ErrClosed
	}
	if err != nil {
		return fmt.Errorf("apply the client's answer: %w", err)
	}
	return nil
}

// learn finds the SSRCs before the stack binds the slot, which is when they may
// be needed first.
func (s *slot) learn() {
	for _, e := range s.transceiver.Sender().GetParameters().Encodings {
		s.mu.Lock()
		s.ssrc, s.rtx = uint32(e.SSRC), uint32(e.RTX.SSRC)
		s.mu.Unlock()
	}
}
