package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/testkit/offers"
)

// run is one case being run: what it may use, what it found, and what it must
// tidy up. It belongs to one goroutine.
type run struct {
	target  Target
	http    *http.Client
	level   Level
	channel string // that of the case, where it has one of its own

	deviations []deviation
	notes      []string
	undo       []func()
	publisher  *peer // of live
}

// failf records something wrong, at the level of the case.
func (r *run) failf(format string, args ...any) { r.lesserf(r.level, format, args...) }

// lesserf records something wrong that another level demands.
func (r *run) lesserf(level Level, format string, args ...any) {
	r.deviations = append(r.deviations, deviation{level, fmt.Sprintf(format, args...)})
}

// failOnce is failf for what many packets may have wrong.
func (r *run) failOnce(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(r.deviations, func(d deviation) bool { return d.text == text }) {
		r.failf("%s", text)
	}
}

// notef records what was seen where several things are right.
func (r *run) notef(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(r.notes, note) {
		r.notes = append(r.notes, note)
	}
}

// lack records what could not be shown about the target.
func (r *run) lack(what string) { r.notef("%s", notShown+what) }

// later does f when the case is over, in reverse order.
func (r *run) later(f func()) { r.undo = append(r.undo, f) }

func (r *run) finish() {
	for _, f := range slices.Backward(r.undo) {
		f()
	}
	r.undo = nil
}

// side is one of the two protocols at the target.
type side struct {
	name    string
	url     string
	token   string
	publish bool
	// offer is one that is legal there and wants no media.
	offer string
}

func (r *run) whip() side {
	return side{"WHIP", r.target.WHIP, r.target.Token, true, static("chrome-publish")}
}

// elsewhere is the WHIP endpoint of the case's i-th other channel, if cases have
// channels of their own.
func (r *run) elsewhere(i int) string {
	return strings.Replace(r.target.WHIP, r.channel, fmt.Sprintf("%s-%d", r.channel, i), 1)
}

func (r *run) whep() (side, error) {
	if r.target.WHEP == "" {
		return side{}, skipf("no WHEP endpoint was given")
	}
	return side{"WHEP", r.target.WHEP, r.target.playToken(), false, static("chrome-play")}, nil
}

// sides are the protocols the target has.
func (r *run) sides() []side {
	sides := []side{r.whip()}
	if s, err := r.whep(); err == nil {
		sides = append(sides, s)
	}
	return sides
}

// static is an offer of a known client without candidates, so that the server
// does not look for it.
func static(name string) string { return removeLines(offers.Get(name), "a=candidate:") }

// needAuth skips where no token was given.
func (r *run) needAuth() error {
	if r.target.Token == "" {
		return skipf("no token was given, so the server is taken for open")
	}
	return nil
}

// session is the resource a POST made.
type session struct {
	run    *run
	side   side
	url    string
	etag   string
	offer  string
	answer string
	head   http.Header
	took   time.Duration
}

// open POSTs an offer and wants a session; it is deleted when the case is over.
// On WHEP it makes the channel live first.
func (r *run) open(ctx context.Context, s side, offer string) (*session, error) {
	if !s.publish {
		if err := r.live(ctx); err != nil {
			return nil, err
		}
	}
	return r.post(ctx, s, offer)
}

// openStatic is open with the side's own offer.
func (r *run) openStatic(ctx context.Context, s side) (*session, error) {
	return r.open(ctx, s, s.offer)
}

// playing is openStatic for a viewer.
func (r *run) playing(ctx context.Context) (*session, error) {
	s, err := r.whep()
	if err != nil {
		return nil, err
	}
	return r.openStatic(ctx, s)
}

// post is open for a channel as it is.
func (r *run) post(ctx context.Context, s side, offer string) (*session, error) {
	res, err := r.postOffer(ctx, s, offer)
	if err != nil {
		return nil, err
	}
	return r.adopt(s, offer, res)
}

// postOffer POSTs and returns whatever the answer is.
func (r *run) postOffer(ctx context.Context, s side, offer string) (*response, error) {
	return r.do(ctx, request{method: "POST", url: s.url, token: s.token, contentType: sdpType, body: offer})
}

// adopt makes a session of the answer to a POST.
func (r *run) adopt(s side, offer string, res *response) (*session, error) {
	if res.status != http.StatusCreated {
		return nil, refusedError{s.name, res}
	}
	location, err := res.location()
	if err != nil {
		return nil, err
	}
	sess := &session{
		run: r, side: s, url: location, etag: res.header.Get("ETag"),
		offer: offer, answer: string(res.body), head: res.header, took: res.took,
	}
	r.later(sess.discard)
	return sess, nil
}

// refusedError is the error of a POST that did not make a session.
type refusedError struct {
	side string
	res  *response
}

func (e refusedError) Error() string {
	return fmt.Sprintf("%s: the POST was answered %s, want 201", e.side, e.res.summary())
}

// refuse POSTs an offer that must be refused with one of the statuses; a session
// made all the same is deleted.
func (r *run) refuse(ctx context.Context, s side, what, offer string, statuses ...int) error {
	res, err := r.postOffer(ctx, s, offer)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if _, err := r.adopt(s, offer, res); err == nil {
		r.failf("%s, %s: a session was made", s.name, what)
		return nil
	}
	if !slices.Contains(statuses, res.status) {
		r.failf("%s, %s: answered %s, want one of %v", s.name, what, res.summary(), statuses)
	}
	if res.header.Get("Location") != "" {
		r.failf("%s, %s: refused with a Location", s.name, what)
	}
	return nil
}

// mayRefuse is post for an offer that may be refused with 400 or 422: then there is
// no session.
func (r *run) mayRefuse(ctx context.Context, s side, what, offer string) (*session, error) {
	res, err := r.postOffer(ctx, s, offer)
	if err != nil {
		return nil, err
	}
	sess, err := r.adopt(s, offer, res)
	if err == nil {
		return sess, nil
	}
	if res.status != 400 && res.status != 422 {
		r.failf("%s: %s, want 201, 400 or 422", what, res.summary())
	}
	r.notef("%s is refused", what)
	return nil, nil
}

// request makes a request on the session with its own token.
func (s *session) request(method string) request {
	return request{method: method, url: s.url, token: s.side.token}
}

func (s *session) delete(ctx context.Context) (*response, error) {
	return s.run.do(ctx, s.request("DELETE"))
}

func (s *session) get(ctx context.Context) (*response, error) { return s.run.do(ctx, s.request("GET")) }

// patch sends a fragment; without ifMatch the header is left out.
func (s *session) patch(ctx context.Context, ifMatch, fragment string) (*response, error) {
	req := s.request("PATCH")
	req.contentType, req.body = fragmentType, fragment
	if ifMatch != "" {
		req.header = map[string]string{"If-Match": ifMatch}
	}
	return s.run.do(ctx, req)
}

// discard deletes the session, whatever comes of it.
func (s *session) discard() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = s.delete(ctx) // it may be gone already
}

// alive checks that the session is still there.
func (s *session) alive(ctx context.Context, after string) error {
	res, err := s.get(ctx)
	if err != nil {
		return err
	}
	if !res.ok() {
		s.run.failf("%s: after %s the session answers GET with %s", s.side.name, after, res.summary())
	}
	return nil
}

// gone waits until the session answers 404 or 410, and returns how long it took.
func (s *session) gone(ctx context.Context, limit time.Duration) (time.Duration, error) {
	started := time.Now()
	err := eventually(ctx, limit, func() (bool, error) {
		res, err := s.get(ctx)
		return err == nil && (res.status == http.StatusNotFound || res.status == http.StatusGone), err
	})
	return time.Since(started), err
}

var errNever = errors.New("it did not happen in time")

// eventually asks until done says so.
func eventually(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	const pause = 20 * time.Millisecond
	tick := time.NewTicker(max(pause, limit/500))
	defer tick.Stop()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errNever
		case <-tick.C:
		}
	}
}

// pause waits, unless the case is over first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listed reports whether a header that holds a list has an element, whatever its
// case.
func listed(header http.Header, name, element string) bool {
	for _, value := range header.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), element) {
				return true
			}
		}
	}
	return false
}
