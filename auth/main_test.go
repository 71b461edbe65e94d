package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

var start = time.Unix(1_800_000_000, 0)

func newClock() *clock { return &clock{now: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var ownKey = []byte("0123456789abcdef0123456789abcdef-own")

// ownConfig believes tokens signed with ownKey.
func ownConfig() Config {
	cfg := DefaultConfig()
	cfg.Own = ownKey
	return cfg
}

func authority(t *testing.T, cfg Config, c *clock) *Authority {
	t.Helper()
	a, err := New(cfg, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func signed(t *testing.T, c Claims) Credential {
	t.Helper()
	token, err := Sign(ownKey, c)
	if err != nil {
		t.Fatal(err)
	}
	return Credential{Token: token}
}

// all is a token that may publish and play everywhere.
func all() Claims {
	return Claims{Publish: []string{"*"}, Play: []string{"*"}, Expires: start.Add(time.Hour)}
}

func at(path ...string) Place {
	path = append(path, "", "", "")
	return Place{Channel: path[0], Participant: path[1], Source: path[2]}
}

// granted fails the test when the request is refused.
func granted(t *testing.T, a *Authority, cred Credential, action Action, place Place) Grant {
	t.Helper()
	g, err := a.Authorize(context.Background(), cred, action, place)
	if err != nil {
		t.Fatalf("%s at %v: %v", action, place, err)
	}
	return g
}

// refused fails the test when the request is not refused with want, whose
// sentence must say says.
func refused(t *testing.T, a *Authority, cred Credential, action Action, place Place, want *fault.Error, says string) {
	t.Helper()
	g, err := a.Authorize(context.Background(), cred, action, place)
	mustBe(t, err, want, says)
	if g.Login != "" || g.Participant != "" {
		t.Errorf("a refusal comes with a grant: %+v", g)
	}
}

func mustBe(t *testing.T, err error, want *fault.Error, says string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error = %v, want %s", err, want.Code)
	}
	f := fault.Of(err)
	if f.Kind != want.Kind || !strings.Contains(f.Public, says) || !strings.HasSuffix(f.Public, ".") {
		t.Errorf("kind %v, sentence %q, want kind %v and %q in it", f.Kind, f.Public, want.Kind, says)
	}
}

// codeOf is the code of a fault, or nothing.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}
