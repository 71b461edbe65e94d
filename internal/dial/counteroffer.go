package dial

import (
	"context"
	"fmt"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// answerOffer answers the server's own offer (the playback draft, section 4.2.2),
// with a new connection: the stack cannot take an offer back.
func (c *Connection) answerOffer(ctx context.Context) error {
	_ = c.PC.GracefulClose() // nothing was sent on it
	if err := c.connect(); err != nil {
		return Final(err)
	}
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: c.session.CounterOffer}
	if err := c.PC.SetRemoteDescription(offer); err != nil {
		return Final(fmt.Errorf("the counter-offer cannot be used: %w", err))
	}
	answer, err := c.PC.CreateAnswer(nil)
	if err != nil {
		return Final(fmt.Errorf("the counter-offer cannot be answered: %w", err))
	}
	if err := c.describe(ctx, answer); err != nil {
		return err
	}
	text, agreed, err := named(c.PC.LocalDescription().SDP, c.session.CounterOffer)
	if err != nil {
		return Final(err)
	}
	c.answer = agreed
	return c.session.AnswerOffer(ctx, text)
}

// named writes mids into the sections that an answer rejects, which the stack leaves
// out and some servers want, and port 0 into those of the offer.
func named(answer, offer string) (ours, theirs string, err error) {
	var a, o sdp.SessionDescription
	if err := a.UnmarshalString(answer); err != nil {
		return "", "", err
	}
	if err := o.UnmarshalString(offer); err != nil {
		return "", "", err
	}
	for i, m := range a.MediaDescriptions {
		if m.MediaName.Port.Value != 0 || i >= len(o.MediaDescriptions) {
			continue
		}
		offered := o.MediaDescriptions[i]
		offered.MediaName.Port.Value = 0
		if _, has := m.Attribute("mid"); !has {
			mid, _ := offered.Attribute("mid")
			m.WithValueAttribute("mid", mid)
		}
	}
	return marshalled(&a), marshalled(&o), nil
}

func marshalled(d *sdp.SessionDescription) string {
	b, _ := d.Marshal() // never fails
	return string(b)
}
