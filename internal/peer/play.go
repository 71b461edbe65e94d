package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/negotiate"
)

// PlayParams describe a viewer to Host.Play.
type PlayParams struct {
	Plan *negotiate.Plan
	// Loopback and Notify are as in PublishParams.
	Loopback bool
	Notify   func(Event)
	// RTCP is told every RTCP packet or compound of the viewer once, one at a time.
	// b is reused: copy it or finish with it. It must not block, and must not call the
	// Conn. nil is allowed.
	RTCP func(now time.Time, b []byte)
	// Data is as in PublishParams.
	Data TakeData
	// Log says whose connection it is; nil is the host's.
	Log *slog.Logger
}

var errSSRCCollision = errors.New("two streams of one connection have the same SSRC")

// Play answers a viewer's offer. ctx bounds the answering only. Errors are those
// of Publish; on error nothing is left.
func (h *Host) Play(ctx context.Context, p PlayParams) (_ *Conn, err error) {
	c := h.newConn(p.Plan, p.Loopback, p.Notify)
	c.intake.rtcp, c.data.take = p.RTCP, p.Data
	c.line = new(egress.Line)
	if c.log = p.Log; c.log == nil {
		c.log = h.log
	}
	settings := h.settings.viewer
	if p.Plan.Setup == "passive" {
		settings = h.settings.publisher // the role has to follow the offer
	} else {
		c.learnKeys(&settings)
	}
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
	if err := c.accept(ctx); err != nil {
		return nil, err
	}
	if err := c.describeSections(); err != nil {
		return nil, err
	}
	if !p.Plan.Slots {
		c.answer = oneStream(c.answer, c.streamID)
	}
	return c, nil
}

// addSlots adds a sending transceiver for every section there is media in,
// before the offer is applied: the stack matches them in order, and need not
// match codecs twice.
func (c *Conn) addSlots() error {
	c.streamID = newStreamID()
	used := map[uint32]bool{0: true}
	for _, s := range c.plan.Sections {
		if !carriesMedia(s) {
			continue
		}
		slot, err := c.newSlot(s, newSSRC(used))
		if err != nil {
			return fmt.Errorf("add section %q: %w", s.Mid, err)
		}
		c.slots = append(c.slots, slot)
	}
	return nil
}

func (c *Conn) newSlot(s negotiate.Section, ssrc uint32) (*slot, error) {
	slot := &slot{kind: s.Kind, id: fmt.Sprintf("%s-%d", s.Kind, s.Index), streamID: c.streamID}
	t, err := c.pc.AddTransceiverFromTrack(slot, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
		SendEncodings: []webrtc.RTPEncodingParameters{{
			RTPCodingParameters: webrtc.RTPCodingParameters{SSRC: webrtc.SSRC(ssrc)},
		}},
	})
	slot.transceiver = t
	return slot, err
}

// matchSlots gives each slot the section the stack matched it with.
func (c *Conn) matchSlots() {
	for _, slot := range c.slots {
		for i := range c.plan.Sections {
			if s := &c.plan.Sections[i]; s.Mid == slot.transceiver.Mid() {
				slot.section = s
			}
		}
	}
}

func newSSRC(used map[uint32]bool) uint32 {
	for {
		if ssrc := rand.Uint32(); !used[ssrc] {
			used[ssrc] = true
			return ssrc
		}
	}
}

// describeSections collects what is sent, once the answer is applied.
func (c *Conn) describeSections() error {
	used := map[uint32]bool{0: true}
	for _, slot := range c.slots {
		if slot.section == nil {
			return errNoCodec
		}
		cfg := slot.config()
		for _, ssrc := range []uint32{cfg.SSRC, cfg.RTXSSRC} {
			if ssrc != 0 && used[ssrc] {
				return errSSRCCollision
			}
			used[ssrc] = true
		}
		c.sections = append(c.sections, cfg)
	}
	return nil
}

// oneStream gives every a=msid of an answer the same stream: the sections of a
// plain session belong together, also those that carry nothing (the playback
// draft, section 4.5.2).
func oneStream(answer []byte, streamID string) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(answer)) {
		if v, ok := strings.CutPrefix(line, "a=msid:"); ok {
			_, track, _ := strings.Cut(v, " ")
			line = "a=msid:" + streamID + " " + track
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}
