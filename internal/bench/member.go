package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
)

// stream is a member's event stream.
//
// Ownership: one goroutine reads it; Leave ends it and waits for it.
type stream struct {
	client  *http.Client
	address string
	heard   atomic.Int64
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// joinCall makes participant a member of the call in channel and begins to read its
// events.
func joinCall(ctx context.Context, s *Scenario, channel, participant string) (member, error) {
	body, err := json.Marshal(map[string]string{"participant": participant, "kind": "call"})
	if err != nil {
		return nil, err
	}
	m := &stream{client: s.HTTP}
	if m.client == nil {
		m.client = http.DefaultClient
	}
	address := fill(s.Call.Events, channel)
	response, err := m.do(ctx, http.MethodPost, address, fill(s.PublishToken, channel), body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	if response.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // to be told
		return nil, fmt.Errorf("%s: %s %s", address, response.Status, bytes.TrimSpace(text))
	}
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	m.address = response.Request.URL.ResolveReference(location).String()
	return m, m.open(ctx)
}

func (m *stream) do(ctx context.Context, method, address, token string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return m.client.Do(request)
}

// open reads events until Leave.
func (m *stream) open(ctx context.Context) error {
	ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	response, err := m.do(ctx, http.MethodGet, m.address, "", nil)
	if err != nil {
		m.stop()
		return err
	}
	m.work.Go(func() {
		defer response.Body.Close() //nolint:errcheck // only read
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if bytes.HasPrefix(lines.Bytes(), []byte("data:")) {
				m.heard.Add(1)
			}
		}
	})
	return nil
}

// Heard is how many events came so far.
func (m *stream) Heard() int64 { return m.heard.Load() }

// Leave ends the stream.
func (m *stream) Leave(ctx context.Context) error {
	response, err := m.do(context.WithoutCancel(ctx), http.MethodDelete, m.address, "", nil)
	if err == nil {
		err = response.Body.Close()
	}
	m.stop()
	m.work.Wait()
	return err
}
