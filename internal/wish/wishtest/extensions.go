package wishtest

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

var (
	errNoStream = fault.New(fault.NotFound, "stream-unknown", "There is no such event stream.")
	errNoLayer  = fault.New(fault.NotFound, "layer-unknown", "There is no such layer.")
)

// UnknownRID is the only encoding that cannot be selected.
const UnknownRID = "unknown"

// stream is an event stream.
type stream struct {
	log       *events.Log
	names     []string
	oldLayers bool
	left      int
}

// Subscribe makes a stream.
func (b *Backend) Subscribe(_ context.Context, session string, r signaling.Request, names []string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.find(session, r); err != nil {
		return "", private(err)
	}
	if b.streams == nil {
		b.streams = make(map[string]*stream)
	}
	secret := strings.ToLower(rand.Text())
	b.streams[secret] = &stream{log: events.NewLog(8), names: names, oldLayers: b.offers[len(b.offers)-1].OldLayers}
	return secret, nil
}

// Tell adds an event to every stream.
func (b *Backend) Tell(name string, data any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.streams {
		s.log.Tell(name, data)
	}
}

// EndStreams ends every stream.
func (b *Backend) EndStreams() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.streams {
		s.log.End()
	}
}

// Subscribed returns the events that a stream was made for, and how often a reader
// left it.
func (b *Backend) Subscribed(secret string) (names []string, left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.streams[secret].names, b.streams[secret].left
}

// Listen reads a stream from its start, or after lastID.
func (b *Backend) Listen(_ context.Context, secret, lastID string) (signaling.EventStream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.streams[secret]
	if s == nil {
		return signaling.EventStream{}, private(errNoStream)
	}
	if lastID == "" {
		lastID = s.log.Start()
	}
	reader := s.log.Open(lastID, nil)
	return signaling.EventStream{Events: reader, OldLayers: s.oldLayers, Close: func() {
		reader.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		s.left++
	}}, nil
}

// LookAtStream finds a stream.
func (b *Backend) LookAtStream(_ context.Context, secret string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streams[secret] == nil {
		return private(errNoStream)
	}
	return nil
}

// Unsubscribe forgets a stream.
func (b *Backend) Unsubscribe(ctx context.Context, secret string) error {
	if err := b.LookAtStream(ctx, secret); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams[secret].log.End()
	delete(b.streams, secret)
	return nil
}

// SelectLayer takes every choice but UnknownRID.
func (b *Backend) SelectLayer(_ context.Context, session string, choice signaling.LayerChoice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.find(session, choice.Request); err != nil {
		return private(err)
	}
	if choice.RID == UnknownRID {
		return private(errNoLayer)
	}
	b.choices = append(b.choices, choice)
	return nil
}

// Choices returns what was selected, oldest first.
func (b *Backend) Choices() []signaling.LayerChoice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]signaling.LayerChoice(nil), b.choices...)
}

// LookAtExtensions is Look.
func (b *Backend) LookAtExtensions(ctx context.Context, session string, r signaling.Request) error {
	return b.Look(ctx, session, r)
}
