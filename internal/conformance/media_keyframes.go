package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pion/rtcp"
)

func keyFrameCases() []Case {
	return []Case{
		{ID: "T-120", Level: Should, Clause: "RFC 8834 5.1.1; RFC 7667 3.7", Proves: []string{"M-030"},
			Title: "The picture of a viewer who joins between key frames begins with one, asked for at once or kept.", check: checkJoin},
		{ID: "T-121", Level: Advice, Clause: "OBS and FFmpeg ignore requests", Proves: []string{"M-022", "M-031"},
			Title: "A publisher who ignores requests for key frames is not flooded with them, and viewers need not wait for its next one.", check: checkDeaf},
		{ID: "T-122", Level: Must, Clause: "RFC 8834 5.1.2; RFC 7667 3.7", Proves: []string{"M-020", "M-026"},
			Title: "What many viewers ask for at once is asked of the publisher once.", check: checkCrowd},
		{ID: "T-123", Level: Must, Clause: "RFC 8834 5.1.1; RFC 5104 4.3.1.1", Proves: []string{"M-024"},
			Title: "A FIR asks for a key frame, its repetition for nothing.", check: checkCommandNumbers},
	}
}

const (
	// stale is how long the last key frame is past when a viewer joins.
	stale = 2 * time.Second
	// apart is longer than servers keep requests apart.
	apart = 1300 * time.Millisecond
)

// scarce makes the channel live with a publisher that sends key frames only when
// asked, or not even then, and the last of them is so old.
func (r *run) scarce(ctx context.Context, deaf bool, age time.Duration) (side, *film, error) {
	s, err := r.whep()
	if err != nil {
		return s, nil, err
	}
	if r.publisher == nil {
		if err := r.liveWith(ctx, script{deaf: deaf}); err != nil {
			return s, nil, err
		}
	}
	film := r.publisher.film
	if deaf { // the server must have got one
		sent := film.keys.Load()
		if err := eventually(ctx, 5*time.Second, func() (bool, error) { return film.keys.Load() > sent, nil }); err != nil {
			return s, nil, err
		}
	}
	film.rare.Store(true)
	return s, film, film.ages(ctx, age)
}

// ages waits until the last key frame is so old.
func (f *film) ages(ctx context.Context, age time.Duration) error {
	const limit = 10 * time.Second
	return steady(ctx, age, limit, func() int { return int(f.keys.Load()) })
}

// joined connects a viewer and waits for its picture, which must begin with a key
// frame.
func (r *run) joined(ctx context.Context, s side) (player *peer, at time.Time, err error) {
	if player, err = r.connect(ctx, s, script{}); err != nil {
		return nil, at, err
	}
	at = time.Now()
	const first = 5
	log := func() []arrival { return player.watch.seen("video").log }
	_ = eventually(ctx, 5*time.Second, func() (bool, error) { return len(log()) >= first, nil }) // shows tells
	if log := log(); len(log) > 0 && !inOrder(log[:min(first, len(log))])[0].key {
		r.failf("the first packet of the picture starts no key frame: the decoder cannot begin with it")
		return player, at, nil
	}
	return player, at, player.watch.shows(ctx, 5*time.Second, 0)
}

// checkJoin takes the best of three viewers for what is a matter of time.
func checkJoin(ctx context.Context, r *run) error {
	const soon, tries = 100 * time.Millisecond, 3
	var late time.Duration
	for range tries {
		s, film, err := r.scarce(ctx, false, stale)
		if err != nil {
			return err
		}
		posted := time.Now()
		player, at, err := r.joined(ctx, s)
		if err != nil || len(r.deviations) > 0 {
			return err
		}
		asked := film.feedback.since(posted)
		if asked.IsZero() {
			r.notef("no key frame is asked for, but a kept one is sent")
			return nil
		}
		if late = asked.Sub(at); late <= soon {
			return nil
		}
		player.close()
	}
	r.lesserf(Advice, "a key frame was asked for %v after the viewer was connected, want %v at most", late.Round(time.Millisecond), soon)
	return nil
}

func checkDeaf(ctx context.Context, r *run) error {
	s, film, err := r.scarce(ctx, true, stale)
	if err != nil {
		return err
	}
	before, since := film.feedback.requested(), time.Now()
	player, err := r.connect(ctx, s, script{})
	if err != nil {
		return err
	}
	const window, patience = 4 * time.Second, 2 * time.Second
	if player.watch.shows(ctx, patience, 1) != nil {
		r.notef("no key frame is kept: viewers wait for the publisher's next one")
	}
	if err := pause(ctx, time.Until(since.Add(window))); err != nil {
		return err
	}
	asked, seconds := film.feedback.requested()-before, int(time.Since(since)/time.Second)
	if asked > seconds+1 {
		r.failf("%d requests for a key frame in %d s, want one a second at most", asked, seconds)
	}
	return nil
}

// checkCrowd lets some viewers ask often: it takes a while to connect as many as it
// would otherwise want.
func checkCrowd(ctx context.Context, r *run) error {
	const viewers, repetitions, interval = 6, 8, 500 * time.Millisecond
	s, film, err := r.scarce(ctx, false, stale)
	if err != nil {
		return err
	}
	before, since := film.feedback.requested(), time.Now()
	crowd, err := r.crowd(ctx, s, viewers)
	if err != nil {
		return err
	}
	joined := film.feedback.requested() - before
	if allowed := 2 + int(time.Since(since)/interval); joined > allowed {
		r.lesserf(Advice, "%d viewers who joined within %v made %d requests for a key frame, want %d at most",
			viewers, time.Since(since).Round(time.Millisecond), joined, allowed)
	}
	if err := film.feedback.quietly(ctx, apart, 10*time.Second); err != nil {
		return fmt.Errorf("key frames are asked for that nobody wants: %w", err)
	}
	before, since = film.feedback.requested(), time.Now()
	err = r.answered(ctx, film, crowd[0], "a PLI", func() error { return complain(crowd, repetitions) })
	if err != nil {
		return err
	}
	if err := film.feedback.quietly(ctx, apart, 10*time.Second); err != nil {
		return fmt.Errorf("key frames are asked for that nobody wants: %w", err)
	}
	allowed := 2 + int((time.Since(since)-apart)/interval)
	if asked := film.feedback.requested() - before; asked > allowed {
		r.lesserf(Advice, "%d PLIs of %d viewers became %d requests, want %d at most", viewers*repetitions, viewers, asked, allowed)
	}
	return nil
}

// complain sends a PLI of everybody, several times.
func complain(crowd []*peer, times int) error {
	var errs []error
	for range times {
		for _, player := range crowd {
			errs = append(errs, player.tell(&rtcp.PictureLossIndication{MediaSSRC: player.watch.seen("video").ssrc}))
		}
	}
	return errors.Join(errs...)
}

// crowd connects viewers, all of them under way at once.
func (r *run) crowd(ctx context.Context, s side, viewers int) ([]*peer, error) {
	var crowd []*peer
	for range viewers {
		player, err := r.start(ctx, s, script{noAudio: true})
		if err != nil {
			return nil, err
		}
		crowd = append(crowd, player)
	}
	for _, player := range crowd {
		if err := player.connected(ctx, connectTimeout); err != nil {
			return nil, err
		}
		if err := player.watch.shows(ctx, 5*time.Second, 1); err != nil {
			return nil, err
		}
	}
	return crowd, nil
}

// answered waits until the publisher was asked, or the viewer got a key frame that was
// kept: that is an answer, too.
func (r *run) answered(ctx context.Context, film *film, player *peer, what string, ask func() error) error {
	const limit = 10 * time.Second
	requested, keys := film.feedback.requested(), player.watch.seen("video").keys
	if err := ask(); err != nil {
		return err
	}
	err := eventually(ctx, limit, func() (bool, error) {
		return film.feedback.requested() > requested || player.watch.seen("video").keys > keys, nil
	})
	if err != nil {
		return fmt.Errorf("%s of a viewer makes nobody ask the publisher for a key frame in %v, nor is one sent", what, limit)
	}
	return nil
}

// tell sends RTCP.
func (p *peer) tell(packets ...rtcp.Packet) error { return p.pc.WriteRTCP(packets) }

// checkCommandNumbers sends a command, the same again, and another: what counts is
// how many requests there were when that other one was heard.
func checkCommandNumbers(ctx context.Context, r *run) error {
	s, film, err := r.scarce(ctx, false, 0)
	if err != nil {
		return err
	}
	player, _, err := r.joined(ctx, s)
	if err != nil {
		return err
	}
	if !parseDescription(player.session.answer).video().negotiates("ccm fir") {
		return skipf("the server does not take FIR of viewers")
	}
	if err := film.feedback.quietly(ctx, apart, 10*time.Second); err != nil {
		return fmt.Errorf("key frames are asked for that nobody wants: %w", err)
	}
	before, ssrc := film.feedback.requested(), player.watch.seen("video").ssrc
	command := func(number uint8) func() error {
		const sender = 0x5eed
		return func() error {
			return player.tell(&rtcp.FullIntraRequest{SenderSSRC: sender, MediaSSRC: ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: number}}})
		}
	}
	if err := r.answered(ctx, film, player, "a FIR", command(7)); err != nil {
		return err
	}
	if err := errors.Join(pause(ctx, apart), command(7)(), pause(ctx, apart)); err != nil {
		return err
	}
	if err := r.answered(ctx, film, player, "a FIR", command(8)); err != nil {
		return err
	}
	if asked := film.feedback.requested() - before; asked > 2 {
		r.lesserf(Should, "two commands, one of them repeated, became %d requests for a key frame", asked)
	}
	return nil
}
