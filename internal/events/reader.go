package events

import (
	"context"
	"errors"
	"io"
)

// ErrBehind ends a reader that was so slow that the log dropped what it had not
// read.
var ErrBehind = errors.New("the reader is too far behind")

// Reader reads a log. Next belongs to one goroutine; Close may be called by any.
type Reader struct {
	log   *Log
	woken chan struct{}

	// Guarded by the log's lock.
	first  []Event
	next   uint64
	closed bool
}

func (r *Reader) wake() {
	select {
	case r.woken <- struct{}{}:
	default: // it is awake
	}
}

// Close takes the reader out of the log; Next returns io.EOF from then on. It may be
// called more than once.
func (r *Reader) Close() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.closed = true
	delete(r.log.readers, r)
	r.wake()
}

// Next waits for the next event. The error is io.EOF after Close or when an ended
// log is read to its end, ErrBehind, or that of ctx.
func (r *Reader) Next(ctx context.Context) (Event, error) {
	for {
		e, ok, err := r.take()
		if ok || err != nil {
			return e, err
		}
		select {
		case <-r.woken:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// take returns an event that is there already.
func (r *Reader) take() (e Event, ok bool, err error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.closed:
		return Event{}, false, io.EOF
	case len(r.first) > 0:
		e, r.first = r.first[0], r.first[1:]
		return e, true, nil
	case r.next <= l.gone:
		return Event{}, false, ErrBehind
	case r.next <= l.last:
		e = l.event(r.next)
		r.next++
		return e, true, nil
	case l.ended:
		return Event{}, false, io.EOF
	}
	return Event{}, false, nil
}
