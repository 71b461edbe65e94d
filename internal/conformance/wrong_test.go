package conformance_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// The kit must be able to fail. Here a server that is right is made wrong in one
// way at a time, and the cases about that must say so.

// exchange is a request on its way to the gateway and the answer on its way back.
type exchange struct {
	*http.Request
	body string

	status int
	header http.Header
	answer string
}

func (x *exchange) onEndpoint() bool { return !strings.HasPrefix(x.URL.Path, "/session/") }
func (x *exchange) posts() bool      { return x.Method == "POST" && x.onEndpoint() }
func (x *exchange) patches() bool    { return x.Method == "PATCH" && !x.onEndpoint() }
func (x *exchange) made() bool       { return x.posts() && x.status == 201 }
func (x *exchange) restarted() bool  { return x.patches() && x.status == 200 }

// refuse answers without the gateway.
func (x *exchange) refuse(status int) bool {
	x.status = status
	return true
}

// mistake is one way to be wrong.
type mistake struct {
	name string
	// ask changes a request; true means that it has been answered here.
	ask func(x *exchange) bool
	// tell changes an answer.
	tell func(x *exchange)
	// raw writes the answer by itself, without net/http's rules, if it returns
	// true.
	raw func(w http.ResponseWriter, x *exchange) bool
	// stream changes each message of an event stream.
	stream func(string) string
	// target tells the kit what the mistake is about.
	target func(*conformance.Target)
	// server takes the place of the gateway.
	server func(*testing.T) http.Handler
	closed bool // the gateway wants tokens
	// hasty cuts the waits of cases that wait for something that never comes.
	hasty bool
	// fails names the cases that must find it, says what they must say.
	fails, says string
}

// wrong serves the gateway through a mistake.
func wrong(t *testing.T, right http.Handler, m mistake) *httptest.Server {
	t.Helper()
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.streams(right, w, r) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client went away
		}
		x := &exchange{Request: r, body: string(body), header: make(http.Header)}
		if m.ask == nil || !m.ask(x) {
			x.pass(right)
		}
		if m.tell != nil {
			m.tell(x)
		}
		if m.raw != nil && m.raw(w, x) {
			return
		}
		for name, values := range x.header {
			w.Header()[name] = values
		}
		w.WriteHeader(x.status)
		_, _ = io.WriteString(w, x.answer) // or the client went away
	}))
}

// pass lets the gateway answer.
func (x *exchange) pass(right http.Handler) {
	rec := httptest.NewRecorder()
	r := x.Request.Clone(x.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(x.body))), int64(len(x.body))
	right.ServeHTTP(rec, r)
	x.status, x.header, x.answer = rec.Code, rec.Header(), rec.Body.String()
}

// stages are the two gateways that are made wrong.
type stages struct{ open, closed *testkit.Gateway }

// unfailed are cases that no mistake here makes fail: those want an agent that is
// wrong for minutes, or a kernel that is.
var unfailed = []string{"T-61", "T-85"}

func TestTheKitFindsMistakes(t *testing.T) {
	quiet := func(o *gateway.Options) { o.Log = slog.New(slog.DiscardHandler) }
	s := stages{
		open:   testkit.StartGateway(t, nil, quiet),
		closed: testkit.StartGateway(t, func(c *gateway.Config) { signed(t, c) }, quiet),
	}
	var found sync.Map
	var group errgroup.Group // and not t.Parallel: what takes time here is waiting
	group.SetLimit(12)
	for _, m := range slices.Concat(httpMistakes(), corsMistakes(), authMistakes(), offerMistakes(), answerMistakes(), trickleMistakes(), restartMistakes(), counterMistakes(), lifeMistakes(t), extensionMistakes(),
		headerMistakes(), switchMistakes(), keyFrameMistakes(), repairMistakes()) {
		group.Go(func() error {
			for _, result := range s.show(t, m) {
				if result.Outcome != conformance.Fail || strings.Contains(result.Note, "the kit itself") || !strings.Contains(result.Note, m.says) {
					t.Errorf("%s: not found: %s", m.name, result.Line())
				}
				found.Store(result.ID, true)
			}
			return nil
		})
	}
	_ = group.Wait() // no error is returned
	if t.Failed() {
		return
	}
	for _, c := range conformance.Cases() {
		if _, ok := found.Load(c.ID); !ok && !slices.Contains(unfailed, c.ID) {
			t.Errorf("no mistake makes %s fail", c.ID)
		}
	}
}

// show runs the cases about a mistake.
func (s stages) show(t *testing.T, m mistake) []conformance.Result {
	t.Helper()
	g := s.open
	if m.closed {
		g = s.closed
	}
	var handler http.Handler
	if m.server != nil {
		handler = m.server(t)
	} else {
		handler = g.Handler()
	}
	server := wrong(t, handler, m)
	defer server.Close()
	target := conformance.Target{WHIP: server.URL + "/whip/conf-{}", WHEP: server.URL + "/whep/conf-{}"}
	if m.closed {
		tokens(t, g, &target)
	}
	if m.target != nil {
		m.target(&target)
	}
	limit := time.Minute
	if m.hasty {
		limit = 3 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	report, _ := conformance.Execute(ctx, target, conformance.Options{Only: strings.Fields(m.fails)}) // a hasty one ends early
	if len(report.Results) == 0 {
		t.Errorf("%s: nothing was run", m.name)
	}
	return report.Results
}
