package peer

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

// PublishParams describe a publisher to Host.Publish.
type PublishParams struct {
	Plan *negotiate.Plan
	// Tracks take the media, by the index of their section.
	Tracks map[int]*router.Track
	// Loopback allows remote loopback candidates: the HTTP client is on this
	// machine.
	Loopback bool
	// Notify is told what happens, in order, by one goroutine. It must not block
	// for long and must not close the Conn. After Close returned it is not called
	// any more. nil is allowed.
	Notify func(Event)
	// Data decides about the data channels that the client opens, if its offer had a
	// section for them; nil closes them at once.
	Data TakeData
}

// Publish answers a publisher's offer. ctx bounds the answering only. Media may
// not be flowing yet; watch for DTLSConnected and FirstPacket.
//
// Errors: ErrClosed, negotiate.ErrBadOffer when the stack does not accept the
// plan, or the cause of ctx. On error nothing is left.
func (h *Host) Publish(ctx context.Context, p PublishParams) (_ *Conn, err error) {
	c := h.newConn(p.Plan, p.Loopback, p.Notify)
	c.data.take = p.Data
	c.ingest = router.NewIngest(ingestConfig(p))
	c.intake.rtp, c.intake.rtcp = c.ingest.RTP, c.ingest.RTCP
	c.keyFrameTold = !hasVideo(p.Plan) // every packet of audio is one
	if err := c.connect(h.settings.publisher); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	if err := c.accept(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func ingestConfig(p PublishParams) router.IngestConfig {
	cfg := router.IngestConfig{
		SenderSSRC: rand.Uint32(),
		CNAME:      newStreamID(),
		Settings:   router.DefaultIngestSettings(),
	}
	if most := p.Plan.MaxBits; most > 0 {
		cfg.Settings.REMB = min(cfg.Settings.REMB, most)
	}
	for _, s := range p.Plan.Sections {
		track := p.Tracks[s.Index]
		if track == nil || !carriesMedia(s) {
			continue
		}
		cfg.Sections = append(cfg.Sections, router.IngestSection{
			Mid: s.Mid, Track: track, PayloadTypes: s.PayloadTypes,
			SSRCs: s.SSRCs, RIDs: s.RIDs, Extensions: s.Extensions,
		})
	}
	return cfg
}

func hasVideo(p *negotiate.Plan) bool {
	return slices.ContainsFunc(p.Sections, func(s negotiate.Section) bool {
		return s.Kind == router.Video && carriesMedia(s)
	})
}

// tick lets the ingest send its feedback, one datagram for each element, and
// looks for the first key frame. It runs in the owner goroutine once DTLS is up.
func (c *Conn) tick(now time.Time) {
	for _, datagram := range c.ingest.Tick(now) {
		if err := c.pc.WriteRTCP(datagram); err != nil {
			break // closed, or no pair: the rest would fail too
		}
	}
	if !c.keyFrameTold && !c.ingest.Stats().FirstKeyFrame.IsZero() {
		c.keyFrameTold = true
		c.handle(Event{At: now, Kind: FirstKeyFrame})
	}
}
