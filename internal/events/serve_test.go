package events_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/internal/events"
)

// screen is a writer whose text can be read meanwhile.
type screen struct {
	mu      sync.Mutex
	header  http.Header
	text    bytes.Buffer
	flushed int
	refuse  error
	// deadline is that of the next write; least was the shortest limit of a write.
	deadline time.Time
	least    time.Duration
}

func (s *screen) Header() http.Header { return s.header }
func (s *screen) WriteHeader(int)     {}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return 0, s.refuse
	}
	if limit := time.Until(s.deadline); s.least == 0 || limit < s.least {
		s.least = limit
	}
	return s.text.Write(b)
}

func (s *screen) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return nil
}

func (s *screen) Flush() { s.flushed++ }

func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// showing runs Serve beside the test, in fake time.
func showing(t *testing.T, during func(t *testing.T, log *events.Log, s *screen, leave func(), done <-chan error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log, s := events.NewLog(4), &screen{header: http.Header{}}
		r := log.Open("", nil)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		done := make(chan error, 1)
		go func() { done <- events.Serve(ctx, s, r, nil) }()
		synctest.Wait()
		during(t, log, s, leave, done)
	})
}

func TestServeWritesWhatEventSourceReads(t *testing.T) {
	showing(t, func(t *testing.T, log *events.Log, s *screen, _ func(), done <-chan error) {
		if got := s.take(); got != ":\n\n" || s.flushed != 1 {
			t.Errorf("begins with %q, flushed %d times", got, s.flushed)
		}
		want := map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
		for name, value := range want {
			if got := s.header.Get(name); got != value {
				t.Errorf("%s: %q", name, got)
			}
		}
		log.Tell("active", struct{}{})
		log.Tell("viewercount", map[string]int{"viewercount": 2})
		synctest.Wait()
		id := strings.Split(log.Start(), "-")[0]
		if got := s.take(); got != "id: "+id+"-1\nevent: active\ndata: {}\n\nid: "+id+"-2\nevent: viewercount\ndata: {\"viewercount\":2}\n\n" {
			t.Errorf("V-06 %q", got)
		}
		log.End()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestV10SilenceIsFilledWithComments(t *testing.T) {
	showing(t, func(t *testing.T, log *events.Log, s *screen, leave func(), done <-chan error) {
		s.take()
		time.Sleep(10 * time.Second)
		log.Tell("active", nil)
		synctest.Wait()
		s.take()
		time.Sleep(14 * time.Second)
		if got := s.take(); got != "" {
			t.Errorf("%q after 14 s of silence", got)
		}
		time.Sleep(2 * time.Second)
		if got := s.take(); got != ":\n\n" {
			t.Errorf("%q after 16 s of silence", got)
		}
		if !s.deadline.IsZero() || s.least <= 0 {
			t.Errorf("each write has a limit (%v), and silence has none (%v)", s.least, s.deadline)
		}
		leave()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAWriterThatFailsEndsIt(t *testing.T) {
	showing(t, func(t *testing.T, log *events.Log, s *screen, _ func(), done <-chan error) {
		s.mu.Lock()
		s.refuse = os.ErrDeadlineExceeded
		s.mu.Unlock()
		log.Tell("active", nil)
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestDataIsOneLine(t *testing.T) {
	log := events.NewLog(1)
	r := log.Open("", nil)
	log.Tell("x", json.RawMessage("{\n\"a\":\r\n\"b\\nc\"}"))
	log.End()
	s := &screen{header: http.Header{}}
	if err := events.Serve(t.Context(), s, r, nil); err != nil {
		t.Fatal(err)
	}
	if got := s.take(); !strings.Contains(got, `data: {"a":"b\nc"}`+"\n\n") {
		t.Errorf("%q", got)
	}
	log = events.NewLog(1)
	r = log.Open("", nil)
	log.Tell("x", nil)
	if err := events.Serve(t.Context(), s, r, func(events.Event) ([]byte, error) { return []byte("two\nlines"), nil }); err == nil {
		t.Error("two lines were written")
	}
}

// A stream outlives the limits that a server puts on requests, in both versions of
// HTTP, and ends when the client goes.
func TestLimitsOfAServer(t *testing.T) {
	for _, two := range []bool{false, true} {
		log := events.NewLog(4)
		ended := make(chan error, 1)
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reader := log.Open("", nil)
			defer reader.Close()
			ended <- events.Serve(r.Context(), w, reader, nil)
		}))
		srv.EnableHTTP2 = two
		srv.Config.ReadTimeout, srv.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
		srv.StartTLS()
		ctx, leave := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		select { // nothing to wait for: that it does not end is what is shown
		case err := <-ended:
			t.Fatalf("HTTP/%d ended with %v", res.ProtoMajor, err)
		case <-time.After(200 * time.Millisecond):
		}
		log.Tell("late", nil)
		text := ""
		for lines := bufio.NewReader(res.Body); !strings.HasPrefix(text, "event: late"); {
			if text, err = lines.ReadString('\n'); err != nil {
				t.Fatalf("HTTP/%d: %v", res.ProtoMajor, err)
			}
		}
		leave()
		_ = res.Body.Close()
		if err := <-ended; err != nil {
			t.Errorf("HTTP/%d: the client went: %v", res.ProtoMajor, err)
		}
		srv.Close()
	}
}

func TestServeEverySaysHowLongAStreamIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{header: http.Header{}}
		ctx, leave := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- events.ServeEvery(ctx, s, events.NewLog(1).Open("", nil), 5*time.Second, nil) }()
		time.Sleep(11 * time.Second)
		if got := s.take(); got != ":\n\n:\n\n:\n\n" { // at the beginning, after 5 and after 10 s
			t.Errorf("written %q", got)
		}
		leave()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
