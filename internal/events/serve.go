package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ContentType is the media type of an event stream.
const ContentType = "text/event-stream"

const (
	// keepAlive is how long a stream is silent at most: proxies cut connections that
	// nothing passes on, and a write is the only way to notice that a client is
	// gone without a word.
	keepAlive = 15 * time.Second
	// writeLimit is how long a client may take to accept what is written.
	writeLimit = 10 * time.Second
)

// WriteHeader sets what every answer with an event stream carries: no cache and no
// proxy may hold events back (X-Accel-Buffering is nginx's word for that).
func WriteHeader(h http.Header) {
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
}

// Serve answers a GET with what r reads until the log ends, r is closed or ctx ends,
// which is success; or until the client is too slow or gone. encode makes the data
// of an event and may be nil for JSON. Serve does not close r.
//
// It lifts the server's limit on the time of an answer, since a stream has none, and
// puts one on every single write instead.
func Serve(ctx context.Context, w http.ResponseWriter, r *Reader, encode func(Event) ([]byte, error)) error {
	return ServeEvery(ctx, w, r, keepAlive, encode)
}

// ServeEvery is Serve with a comment whenever nothing has happened for that long: the
// shorter, the sooner is a reader noticed that is gone without a word.
func ServeEvery(ctx context.Context, w http.ResponseWriter, r *Reader, every time.Duration, encode func(Event) ([]byte, error)) error {
	s := &stream{w: w, control: http.NewResponseController(w), every: every, encode: encode}
	if encode == nil {
		s.encode = encodeJSON
	}
	WriteHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	if err := s.write([]byte(":\n\n")); err != nil { // so that the client sees the stream open
		return err
	}
	for {
		switch err := s.pass(ctx, r); {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

// stream is one answer that is being written.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	every   time.Duration
	encode  func(Event) ([]byte, error)
}

// pass writes the next event, or a comment when there was none for long.
func (s *stream) pass(ctx context.Context, r *Reader) error {
	waiting, cancel := context.WithTimeout(ctx, s.every)
	e, err := r.Next(waiting)
	cancel()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return s.write([]byte(":\n\n"))
	}
	if err != nil {
		return err
	}
	data, err := s.encode(e)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Name, err)
	}
	if bytes.ContainsAny(data, "\r\n") {
		return fmt.Errorf("event %s: its data is more than a line", e.Name)
	}
	return s.write(fmt.Appendf(nil, "id: %s\nevent: %s\ndata: ", e.ID, e.Name), data, []byte("\n\n"))
}

// encodeJSON does not copy what is encoded already: a snapshot may be megabytes, and
// many clients may be slow to accept theirs.
func encodeJSON(e Event) ([]byte, error) {
	if raw, ok := e.Data.(json.RawMessage); ok && !bytes.ContainsAny(raw, "\r\n") {
		return raw, nil
	}
	return json.Marshal(e.Data)
}

// write writes the parts within the limit. None is left behind: HTTP/2 ends a stream whose
// deadline passes even if nothing is being written.
func (s *stream) write(parts ...[]byte) error {
	if err := supported(s.control.SetWriteDeadline(time.Now().Add(writeLimit))); err != nil {
		return err
	}
	for _, b := range parts {
		if _, err := s.w.Write(b); err != nil {
			return err
		}
	}
	if err := supported(s.control.Flush()); err != nil {
		return err
	}
	return supported(s.control.SetWriteDeadline(time.Time{}))
}

// supported lets pass what a writer cannot do: those of tests have no connection.
func supported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
