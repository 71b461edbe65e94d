package conformance

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"
)

func repairCases() []Case {
	return []Case{
		{ID: "T-124", Level: Should, Clause: "RFC 4585 6.2.1; RFC 4588 4; RFC 7667 3.7", Proves: []string{"M-007", "M-008"},
			Title: "What a viewer lost is sent again by the server, as a retransmission where that was agreed on, and nobody asks the publisher.", check: checkViewerLoss},
		{ID: "T-125", Level: Should, Clause: "RFC 4585 6.2.1; RFC 4588 4; RFC 8834 6.1", Proves: []string{"M-002", "M-003", "M-004"},
			Title: "What a publisher's network lost is asked for and reaches viewers, with RTX and without.", check: checkPublisherLoss},
		{ID: "T-126", Level: Advice, Clause: "FFmpeg reads the first packet of a datagram only", Proves: []string{"Q-FF-6"},
			Title: "A NACK is alone in its datagram.", check: checkLonelyNACKs},
	}
}

// Losses are made by count: every lossEvery-th packet the first time it passes.
const (
	losses, lossEvery = 10, 15
	// kitVideo and kitRTX are the payload types of the kit's offers.
	kitVideo, kitRTX = 106, 107
)

// loser loses packets of the picture. It is safe for concurrent use.
type loser struct {
	in          bool // else what is sent
	payloadType uint8

	mu    sync.Mutex
	seen  map[uint16]bool
	gone  []uint16
	other func(in bool, b []byte) // sees every datagram
}

// lose is for a tap.
func (l *loser) lose(in bool, b []byte) bool {
	if l.other != nil {
		l.other(in, b)
	}
	const header = 12
	if in != l.in || len(b) < header || classify(b) != classMedia || b[1]&0x7f != l.payloadType {
		return false
	}
	seq := binary.BigEndian.Uint16(b[2:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[seq] || len(l.gone) == losses {
		return false
	}
	if l.seen == nil {
		l.seen = make(map[uint16]bool)
	}
	l.seen[seq] = true
	if len(l.seen)%lossEvery != 0 {
		return false
	}
	l.gone = append(l.gone, seq)
	return true
}

func (l *loser) lost() []uint16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.gone)
}

// through loses packets of p's until there were enough.
func (l *loser) through(ctx context.Context, p *peer) error {
	p.tap.losing(l.lose)
	const limit = 20 * time.Second
	err := eventually(ctx, limit, func() (bool, error) { return len(l.lost()) == losses, nil })
	if err != nil {
		return fmt.Errorf("only %d packets to lose in %v", len(l.lost())*lossEvery, limit)
	}
	return nil
}

const repairLimit = 3 * time.Second

func checkViewerLoss(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	if player == nil {
		return skipf("no WHEP endpoint was given")
	}
	if !parseDescription(player.session.answer).video().negotiates("nack") {
		return skipf("the server does not take NACKs of viewers")
	}
	_, before := publisher.film.feedback.lost()
	l := &loser{in: true, payloadType: player.watch.seen("video").payloadType}
	if err := l.through(ctx, player); err != nil {
		return err
	}
	gone := l.lost()
	_ = eventually(ctx, repairLimit, func() (bool, error) { return len(player.watch.missing(gone)) == 0, nil }) // judged below
	r.judgeRepairs(player, gone)
	if _, after := publisher.film.feedback.lost(); after-before > losses/2 {
		r.failf("the publisher was asked for %d packets while the viewer alone lost %d", after-before, losses)
	}
	return nil
}

// missing are those of numbers that never came.
func (w *watch) missing(numbers []uint16) []uint16 {
	log := w.seen("video").log
	return slices.DeleteFunc(slices.Clone(numbers), func(seq uint16) bool {
		return slices.ContainsFunc(log, func(a arrival) bool { return a.seq == seq })
	})
}

// judgeRepairs looks at what came in place of lost packets. A few may be lost for
// good on a slow machine.
func (r *run) judgeRepairs(player *peer, gone []uint16) {
	missing := player.watch.missing(gone)
	switch {
	case len(missing) > losses/2:
		r.failf("%d of %d lost packets were not sent again in %v", len(missing), losses, repairLimit)
	case len(missing) > 0:
		r.notef("%d of %d lost packets were not sent again", len(missing), losses)
	}
	agreed := slices.Contains(parseDescription(player.session.answer).video().codecs(), "rtx")
	plain := 0
	log := inOrder(player.watch.seen("video").log)
	for i, a := range log {
		if !slices.Contains(gone, a.seq) {
			continue
		}
		if agreed && !a.repaired {
			plain++
		}
		if i > 0 && earlier(a.timestamp, log[i-1].timestamp) || i+1 < len(log) && earlier(log[i+1].timestamp, a.timestamp) {
			r.lesserf(Must, "what was sent again as packet %d is another one, by its timestamp", a.seq)
		}
	}
	if plain > 0 {
		r.failf("%d lost packets were sent again as they were, though RTX was agreed on", plain)
	}
}

// earlier compares timestamps (RFC 3550 5.1).
func earlier(a, b uint32) bool { return int32(a-b) < 0 } //nolint:gosec // their distance

func checkPublisherLoss(ctx context.Context, r *run) error {
	for what, how := range map[string]script{"with RTX": {}, "without RTX": {engine: registerPlain}} {
		publisher, player, err := r.show(ctx, how, script{})
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if player == nil {
			return skipf("no WHEP endpoint was given")
		}
		if err := r.publisherLoses(ctx, what, publisher, player); err != nil {
			return err
		}
		for _, p := range []*peer{player, publisher} {
			if _, err := p.session.delete(ctx); err != nil {
				return err
			}
			p.close()
		}
		r.publisher = nil
	}
	return nil
}

func (r *run) publisherLoses(ctx context.Context, what string, publisher, player *peer) error {
	if !parseDescription(publisher.session.answer).video().negotiates("nack") {
		return skipf("the server does not send NACKs")
	}
	before := holes(player.watch.seen("video").log)
	if err := (&loser{payloadType: kitVideo}).through(ctx, publisher); err != nil {
		return err
	}
	gaps := func() int { return holes(player.watch.seen("video").log) - before }
	if err := player.watch.shows(ctx, repairLimit, lossEvery); err != nil {
		return fmt.Errorf("%s: after losses of the publisher: %w", what, err)
	}
	_ = eventually(ctx, repairLimit, func() (bool, error) { return gaps() <= 0, nil }) // judged below
	if _, asked := publisher.film.feedback.lost(); asked < losses/2 {
		r.failf("%s: the publisher lost %d packets and was asked for %d", what, losses, asked)
	}
	switch n := gaps(); {
	case n > losses/2:
		r.failf("%s: the publisher lost %d packets, the viewer misses %d", what, losses, n)
	case n > 0:
		r.notef("%s: %d of %d lost packets were not repaired", what, n, losses)
	}
	return nil
}

// nackShapes counts datagrams of RTCP by their first packet. Nothing but that
// packet's header can be read without the keys. It is safe for
// concurrent use.
type nackShapes struct {
	mu             sync.Mutex
	first, crowded int
}

// look is for a loser.
func (n *nackShapes) look(in bool, b []byte) {
	const genericNACK, feedback, header = 205, 1, 8
	if !in || len(b) < header || b[1] != genericNACK || b[0]&0x1f != feedback {
		return
	}
	rest := len(b) - 4*(int(binary.BigEndian.Uint16(b[2:]))+1)
	const index, cmTag, gcmTag = 4, 10, 16 // RFC 3711 3.4, RFC 7714 9.2
	n.mu.Lock()
	defer n.mu.Unlock()
	n.first++
	if rest != index+cmTag && rest != index+gcmTag {
		n.crowded++
	}
}

func (n *nackShapes) seen() (first, crowded int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.first, n.crowded
}

func checkLonelyNACKs(ctx context.Context, r *run) error {
	if err := r.live(ctx); err != nil {
		return err
	}
	if !parseDescription(r.publisher.session.answer).video().negotiates("nack") {
		return skipf("the server does not send NACKs")
	}
	shapes := &nackShapes{}
	l := &loser{payloadType: kitVideo, other: shapes.look}
	if err := l.through(ctx, r.publisher); err != nil {
		return err
	}
	heard := func() int { n, _ := r.publisher.film.feedback.lost(); return n }
	if err := eventually(ctx, repairLimit, func() (bool, error) { return heard() >= losses/2, nil }); err != nil {
		return fmt.Errorf("%d packets were lost, %d NACKs came", losses, heard())
	}
	read := heard() // each of them was looked at before it was read
	first, crowded := shapes.seen()
	if behind := read - first; behind > 0 {
		r.failf("%d of %d NACKs stand behind something else in their datagram", behind, read)
	}
	if crowded > 0 {
		r.failf("%d of %d NACKs are followed by something else in their datagram", crowded, first)
	}
	return nil
}
