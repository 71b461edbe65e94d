package dial

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/internal/wish"
)

func TestMain(m *testing.M) { leak.Main(m) }

func refused(status int, retryAfter string) error {
	return &wish.StatusError{Method: "POST", Status: status, Header: http.Header{"Retry-After": {retryAfter}}}
}

// pauses runs Do over these outcomes and returns the pauses between them. A nil
// ends it; connected outcomes are wrapped.
func pauses(t *testing.T, r Retry, outcomes ...error) (list []time.Duration, err error) {
	t.Helper()
	r.Sleep = func(_ context.Context, d time.Duration) { list = append(list, d) }
	n := 0
	err = r.Do(t.Context(), func(context.Context) (bool, error) {
		if n == len(outcomes) {
			t.Fatal("one attempt too many")
		}
		n++
		return errors.Is(outcomes[n-1], errWhileConnected), outcomes[n-1]
	})
	if n != len(outcomes) {
		t.Errorf("%d attempts, want %d", n, len(outcomes))
	}
	return list, err
}

var (
	errNetwork        = errors.New("connection refused")
	errWhileConnected = errors.New("the network is gone")
)

func TestPausesGrowUntilThereWasAConnection(t *testing.T) {
	got, err := pauses(t, Retry{Enabled: true}, errNetwork, errNetwork, errNetwork, errNetwork, errNetwork, errNetwork, errNetwork, errWhileConnected, errNetwork, nil)
	want := []time.Duration{1, 2, 4, 8, 16, 30, 30, 1, 2}
	for i := range want {
		want[i] *= time.Second
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		r     Retry
		pause time.Duration // 0: not tried again
	}{
		"the network":                    {errNetwork, Retry{Enabled: true}, time.Second},
		"not asked for":                  {errNetwork, Retry{}, 0},
		"final":                          {Final(errNetwork), Retry{Enabled: true}, 0},
		"401":                            {refused(401, ""), Retry{Enabled: true}, 0},
		"406":                            {refused(406, ""), Retry{Enabled: true}, 0},
		"404 for a publisher":            {refused(404, ""), Retry{Enabled: true}, 0},
		"404 for a player":               {refused(404, ""), Retry{Enabled: true, Absent: true}, time.Second},
		"409, nobody publishes":          {refused(409, "5"), Retry{Enabled: true}, 5 * time.Second},
		"503, and come back in an hour":  {refused(503, "3600"), Retry{Enabled: true}, maxAsked},
		"503, with a date nobody parses": {refused(503, "Thu, 01 Jan 2026"), Retry{Enabled: true}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			outcomes := []error{tc.err}
			if tc.pause > 0 {
				outcomes = append(outcomes, nil)
			}
			got, err := pauses(t, tc.r, outcomes...)
			if tc.pause > 0 && (err != nil || len(got) != 1 || got[0] != tc.pause) || tc.pause == 0 && (!errors.Is(err, tc.err) || len(got) != 0) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var told string
	r := Retry{Enabled: true, Notify: func(text string) { told = text; cancel() }}
	err := r.Do(ctx, func(context.Context) (bool, error) { return false, errNetwork })
	if !errors.Is(err, errNetwork) || told != "connection refused; trying again in 1s" {
		t.Errorf("%v, told %q", err, told)
	}
}

func TestEveryCodecCanBeOffered(t *testing.T) {
	c, err := New(Options{URL: "http://127.0.0.1/whep/x"}, append(VideoCodecs(), AudioCodecs()...))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProgressIsToldEverySecondUntilStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		stop := Progress(func(n int) { told = n }, func() int { return told + 1 })
		time.Sleep(2500 * time.Millisecond)
		stop()
		if told != 2 {
			t.Errorf("told %d times in 2.5 s", told)
		}
		Progress(nil, func() int { panic("nobody wants it") })()
	})
}
