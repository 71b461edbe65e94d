package peer

import (
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

const (
	// MaxDataMessage is the longest message of a data channel that is passed on, in
	// bytes.
	MaxDataMessage = 16 << 10
	// maxDataChannels is how many data channels of a session may be open at a time.
	maxDataChannels = 4
	// maxDataChannelsEver is how many a session may open in all. The stack keeps what a
	// client did not reset, and looks at all of it for every chunk that comes.
	maxDataChannelsEver = 256
	// maxDataBuffered is what may wait for the clients of one session, in bytes, before
	// they miss messages.
	maxDataBuffered = 256 << 10
	// dataBuffer is what a channel reads with; a longer message gets memory of its own.
	dataBuffer = 1 << 10
	// mostReassembled is more than the stack holds of a message (sctpReceiveBytes).
	mostReassembled = 256 << 10
	// clippedLabel is how much of a label is noted, in bytes.
	clippedLabel = 64
)

// TakeData decides about a data channel that the client opened. heard is told what
// the client sends, in order, by one goroutine, which it must not block; it may keep
// data, and must not close the Conn. data is nil where a message was longer than
// MaxDataMessage. closed is called once, when nothing more will be heard. Where ok is
// false the channel is closed at once.
type TakeData func(c *DataChannel) (heard func(data []byte, text bool), closed func(), ok bool)

// detached is the stack's data channel, which we read ourselves: its own loop has a
// buffer of 64 KiB for each channel, and it never forgets one.
type detached interface {
	io.Closer
	ReadDataChannel([]byte) (int, bool, error)
	WriteDataChannel([]byte, bool) (int, error)
}

// DataChannel is a channel that the client opened (RFC 8832). Its methods are safe
// for concurrent use.
type DataChannel struct {
	label string
	owner *dataChannels
	pion  *webrtc.DataChannel
	raw   detached

	missed atomic.Uint64
}

// Label is what the client named it; it may be any string.
func (d *DataChannel) Label() string { return d.label }

// Missed counts what Send gave up.
func (d *DataChannel) Missed() uint64 { return d.missed.Load() }

// Send sends a message without ever waiting, or gives it up and returns false: the
// channel is closed, the message is longer than the client takes, or more than 256 KiB
// wait on the channels of this session. data may be used again when it returns.
func (d *DataChannel) Send(data []byte, text bool) bool {
	d.owner.mu.Lock()
	defer d.owner.mu.Unlock()
	if d.owner.buffered() <= maxDataBuffered {
		if _, err := d.raw.WriteDataChannel(data, text); err == nil {
			return true
		}
	}
	d.missed.Add(1)
	return false
}

// Close ends the channel; closed is called some time later.
func (d *DataChannel) Close() { _ = d.raw.Close() }

// dataChannels are those of a connection.
//
// Ownership: every channel that was taken has a goroutine, which closing the
// connection ends and close waits for.
type dataChannels struct {
	take TakeData // nil takes none
	emit func(EventKind, string)

	mu     sync.Mutex // held while a message is handed to the stack, which only queues it
	closed bool
	open   map[*DataChannel]struct{}
	ever   int
	work   sync.WaitGroup
}

// opened is the stack's callback for a channel that the client opened.
func (s *dataChannels) opened(d *webrtc.DataChannel) {
	d.OnOpen(func() {
		raw, err := d.Detach()
		if err != nil {
			return // it is closed already
		}
		c := &DataChannel{label: d.Label(), owner: s, pion: d, raw: raw}
		if s.enter(c) {
			defer s.work.Done()
			c.serve(s.take)
			return
		}
		s.refuse(c)
	})
}

// enter counts a channel in, if there is room and somebody who might take it. The
// caller calls work.Done then.
func (s *dataChannels) enter(c *DataChannel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ever++; s.ever == maxDataChannelsEver+1 {
		s.emit(TooManyStreams, "data channels")
	}
	if s.closed || s.take == nil || s.ever > maxDataChannelsEver || len(s.open) >= maxDataChannels {
		return false
	}
	if s.open == nil {
		s.open = make(map[*DataChannel]struct{})
	}
	s.open[c] = struct{}{}
	s.work.Add(1)
	return true
}

func (s *dataChannels) leave(c *DataChannel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

func (s *dataChannels) refuse(c *DataChannel) {
	s.emit(DataChannelRefused, strings.ToValidUTF8(c.label[:min(len(c.label), clippedLabel)], ""))
	c.Close()
}

// buffered is what waits on all channels of the connection, in bytes. The lock is
// held.
func (s *dataChannels) buffered() (sum uint64) {
	for c := range s.open {
		sum += c.pion.BufferedAmount()
	}
	return sum
}

// close takes no channel any more and waits for the goroutines of those there are.
// The stack must be down.
func (s *dataChannels) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.work.Wait()
}

// serve reads a channel until it ends.
func (d *DataChannel) serve(take TakeData) {
	heard, closed, ok := take(d)
	if !ok {
		d.owner.leave(d)
		d.owner.refuse(d)
		return
	}
	d.read(heard)
	d.owner.leave(d)
	d.Close()
	closed()
}

// read tells what comes until the channel ends. The stack keeps a message that does
// not fit into the buffer and does not say how long it is.
func (d *DataChannel) read(heard func([]byte, bool)) {
	buffer := make([]byte, dataBuffer)
	for b := buffer; ; {
		n, text, err := d.raw.ReadDataChannel(b)
		switch {
		case errors.Is(err, io.ErrShortBuffer) && len(b) < mostReassembled:
			b = make([]byte, 4*len(b))
			continue
		case err != nil:
			return
		case n > MaxDataMessage:
			heard(nil, text)
		default:
			heard(append([]byte{}, b[:n]...), text)
		}
		b = buffer
	}
}
