package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const eventStreamType = "text/event-stream"

// message is one of an event stream, as it came.
type message struct {
	event string
	data  []string // its lines
}

// eventSource reads an event stream as a browser does: without a token. It is safe
// for concurrent use.
//
// Ownership: its goroutine ends with the stream or with stop, which waits for it.
type eventSource struct {
	header http.Header
	stop   func()

	mu       sync.Mutex
	messages []message
	ended    bool
}

// listen opens an event stream; it is left when the case is over.
func (r *run) listen(ctx context.Context, url string) (*eventSource, error) {
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	req, err := request{method: "GET", url: url, header: map[string]string{
		"Accept": eventStreamType, "Cache-Control": "no-store", "Origin": r.target.origin(),
	}}.build(reading)
	if err != nil {
		cancel()
		return nil, err
	}
	client := *r.http
	client.Timeout = 0         // it goes on for as long as the case
	res, err := client.Do(req) //nolint:bodyclose // who reads it closes it
	if err != nil {
		cancel()
		return nil, unaddressed(err)
	}
	if res.StatusCode != http.StatusOK {
		defer cancel()
		defer res.Body.Close() //nolint:errcheck // only read from
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxBodyBytes))
		return nil, statusError{&response{method: "GET", url: req.URL, status: res.StatusCode, header: res.Header, body: body}}
	}
	e := &eventSource{header: res.Header}
	done := make(chan struct{})
	go func() { // ends with the answer, at the latest when it is cancelled
		defer close(done)
		defer res.Body.Close() //nolint:errcheck // only read from
		e.read(res.Body)
	}()
	e.stop = func() { cancel(); <-done }
	r.later(e.stop)
	return e, nil
}

// statusError is the error of a GET that opened no stream.
type statusError struct{ res *response }

func (e statusError) Error() string {
	return "the GET of the event stream was answered " + e.res.summary() + ", want 200"
}

// read takes the stream apart (HTML standard, section 9.2.6).
func (e *eventSource) read(body io.Reader) {
	var m message
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			e.take(m)
			m = message{}
		case name == "event":
			m.event = value
		case name == "data":
			m.data = append(m.data, value)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
}

func (e *eventSource) take(m message) {
	if m.event == "" && m.data == nil {
		return // a comment
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, m)
}

// heard are the messages so far.
func (e *eventSource) heard() []message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.messages[:len(e.messages):len(e.messages)]
}

func (e *eventSource) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}

// count is how many events of this name came.
func (e *eventSource) count(name string) (n int) {
	for _, m := range e.heard() {
		if m.event == name {
			n++
		}
	}
	return n
}

// hears waits for an event of this name beyond the first n of them.
func (e *eventSource) hears(ctx context.Context, limit time.Duration, name string, n int) error {
	err := eventually(ctx, limit, func() (bool, error) { return e.count(name) > n, nil })
	if err != nil {
		return fmt.Errorf("no event %q (number %d) came in %v", name, n+1, limit)
	}
	return nil
}

// judgeMessages looks at the form of everything that came (V-05, V-06). wanted are the
// events that were asked for.
func (r *run) judgeMessages(e *eventSource, wanted ...string) {
	for _, m := range e.heard() {
		switch {
		case !slices.Contains(wanted, m.event):
			r.failf("the event %q came, which was not asked for", m.event)
		case len(m.data) != 1:
			r.failf("the event %q has %d lines of data, want one", m.event, len(m.data))
		case !json.Valid([]byte(m.data[0])):
			r.failf("the data of the event %q is no JSON", m.event)
		}
	}
}
