package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/headgate/headgate/whip"
)

// kind is a way from client to server.
type kind string

const (
	byUDP  kind = "UDP"
	byTCP  kind = "TCP"
	byTURN kind = "TURN"
)

const (
	// connectTimeout bounds each side of a loop; watchFor is how long it is
	// measured, and lastPackets how long the last ones may take.
	connectTimeout = 8 * time.Second
	watchFor       = 3 * time.Second
	lastPackets    = 500 * time.Millisecond
	postTries      = 5
	postRetry      = 500 * time.Millisecond
)

var (
	errBlocked    = errors.New("no connection came about")
	errNoMedia    = errors.New("the connection was made, but no media came through it")
	errNoTURN     = errors.New("the server names no TURN server")
	errNotOffered = errors.New("the server offers no address for it")
)

// outcome is what came of a loop.
type outcome struct {
	kind kind
	err  error
	// publishing tells that the publisher's side failed.
	publishing bool
	// connect is the player's time from the POST until media could pass, delay the
	// median from sending to receiving, loss the share of packets, 0 to 1.
	connect, delay time.Duration
	loss           float64
	// path is the remote address in use, tried what was offered.
	path  string
	tried []string
}

func (o outcome) worked() bool { return o.err == nil }

// refused tells that HTTP failed, so that nothing was learnt of the way.
func (o outcome) refused() bool {
	return o.err != nil && !slices.ContainsFunc([]error{errBlocked, errNoMedia, errNoTURN, errNotOffered}, func(e error) bool { return errors.Is(o.err, e) })
}

// runLoops runs one loop of each kind, one after the other, until the server
// refuses.
func runLoops(ctx context.Context, client *http.Client, e endpoints, run func(context.Context, *http.Client, endpoints, kind) outcome) (all []outcome) {
	for _, k := range []kind{byUDP, byTCP, byTURN} {
		o := run(ctx, client, e, k)
		all = append(all, o)
		if o.refused() || ctx.Err() != nil {
			break
		}
	}
	return all
}

// loop publishes stamped packets and plays them back, over one kind of path.
func loop(ctx context.Context, client *http.Client, e endpoints, k kind) (o outcome) {
	o = outcome{kind: k, publishing: true}
	wire := whip.Client{HTTP: client, UserAgent: e.target.UserAgent}
	publisher, err := newSide(k, e)
	if err != nil {
		o.err = err
		return o
	}
	defer publisher.close(ctx)
	sender, err := publisher.sends()
	if err == nil {
		_, err = publisher.connect(ctx, wire, e.whip, e.target.Token)
	}
	if o.tried = publisher.tried; err != nil {
		o.err = err
		return o
	}
	sending, stop := context.WithCancel(ctx)
	defer func() { stop(); sender.wait() }()
	sender.start(sending)
	o.publishing = false
	return o.play(ctx, wire, e, stop)
}

// play is the player's part of a loop.
func (o outcome) play(ctx context.Context, wire whip.Client, e endpoints, stopSending func()) outcome {
	player, err := newSide(o.kind, e)
	if err != nil {
		o.err = err
		return o
	}
	defer player.close(ctx)
	receiver, err := player.receives()
	wire.CounterOffers = true
	if err == nil {
		o.connect, err = player.connect(ctx, wire, e.whep, e.target.Token)
	}
	o.tried = append(o.tried, player.tried...)
	slices.Sort(o.tried)
	if o.tried = slices.Compact(o.tried); err != nil {
		o.err = err
		return o
	}
	o.path = player.path()
	if !receiver.watch(ctx, connectTimeout, watchFor, stopSending) {
		o.err = errNoMedia
		return o
	}
	o.delay, o.loss = receiver.numbers()
	return o
}
