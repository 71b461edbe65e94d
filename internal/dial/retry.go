package dial

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/headgate/headgate/internal/wish"
)

const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
	// maxAsked bounds what a server may ask for by Retry-After.
	maxAsked = 2 * time.Minute
)

// Retry says whether and how a connection is tried again.
type Retry struct {
	// Enabled tries again at all.
	Enabled bool
	// Absent takes 404 as "not there yet", which some servers answer to players.
	Absent bool
	// Notify, when set, is told of a failure and the pause that follows, in one
	// sentence.
	Notify func(text string)
	// Sleep waits; nil means a real pause. It returns early when ctx ends.
	Sleep func(ctx context.Context, d time.Duration)
}

// Do calls attempt until it returns nil, ctx ends, or trying again is of no use,
// with pauses of 1, 2, 4 … 30 s. attempt tells whether it was connected: then the
// pauses begin anew.
func (r Retry) Do(ctx context.Context, attempt func(context.Context) (connected bool, err error)) error {
	pause := firstPause
	for {
		connected, err := attempt(ctx)
		if err == nil || ctx.Err() != nil || !r.Enabled || !r.temporary(err) {
			return err
		}
		if connected {
			pause = firstPause
		}
		wait := max(pause, min(asked(err), maxAsked))
		if r.Notify != nil {
			r.Notify(err.Error() + "; trying again in " + wait.String())
		}
		r.sleep(ctx, wait)
		if ctx.Err() != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

func (r Retry) sleep(ctx context.Context, d time.Duration) {
	if r.Sleep != nil {
		r.Sleep(ctx, d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// final is an error that another attempt does not help against.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Final marks an error that another attempt does not help against; nil stays nil.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return final{err}
}

func (r Retry) temporary(err error) bool {
	if _, ok := errors.AsType[final](err); ok {
		return false
	}
	status, ok := errors.AsType[*wish.StatusError](err)
	if !ok {
		return true // the network, or the connection
	}
	switch status.Status {
	case http.StatusNotFound:
		return r.Absent
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status.Status >= http.StatusInternalServerError
}

// asked is the Retry-After of a refusal, 0 if there is none.
func asked(err error) time.Duration {
	status, ok := errors.AsType[*wish.StatusError](err)
	if !ok {
		return 0
	}
	seconds, err := strconv.ParseUint(status.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
