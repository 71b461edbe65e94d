package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
)

// usage is what a process holds when nothing is going on.
type usage struct {
	heap        uint64
	goroutines  int
	descriptors int
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MiB heap, %d goroutines, %d descriptors", float64(u.heap)/(1<<20), u.goroutines, u.descriptors)
}

// remembered is how long the gateway under test remembers ended sessions.
const remembered = time.Second

// settled measures once every session is closed and forgotten. The heap is what
// is reachable after two collections, not the spans that hold it: those depend on
// what was allocated beside it.
func settled(t *testing.T, g *testkit.Gateway) usage {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	awaitEmpty(t, g)
	deadline := time.Now().Add(20 * time.Second)
	<-time.After(2*remembered + time.Second) // one more sweep than needed
	var u usage
	for stable := 0; stable < 5; {
		<-time.After(50 * time.Millisecond)
		before := u.goroutines
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		u = usage{heap: m.HeapAlloc, goroutines: runtime.NumGoroutine(), descriptors: descriptors(t)}
		if u.goroutines == before {
			stable++
		} else {
			stable = 0
		}
		if time.Now().After(deadline) {
			t.Fatalf("the number of goroutines does not settle: %v", u)
		}
	}
	return u
}

// awaitEmpty waits until no session is left.
func awaitEmpty(t *testing.T, g *testkit.Gateway) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for len(g.Sessions()) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are still there", len(g.Sessions()))
		}
		<-time.After(50 * time.Millisecond)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors are counted on Linux")
	}
	return len(entries)
}

// churn lets n sessions come and go and n POSTs be abandoned.
func churn(t *testing.T, g *testkit.Gateway, n int) {
	t.Helper()
	for range n / 2 { // a publisher and a viewer each
		t.Run("session", func(t *testing.T) { comeAndGo(t, g) }) // clean-ups of a test hold what they clean
	}
	const wave = 100 // so that the most sessions at once are the same each time
	for done := 0; done < n; done += wave {
		abandon(t, g, min(wave, n-done))
		awaitEmpty(t, g)
	}
}

func comeAndGo(t *testing.T, g *testkit.Gateway) {
	t.Helper()
	publisher := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("churn")})
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("churn")})
	player.Wait(10*time.Second, "picture", moving(1))
	player.Close()
	publisher.Close()
}

// abandon POSTs n offers and never connects.
func abandon(t *testing.T, g *testkit.Gateway, n int) {
	t.Helper()
	var abandoned sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range n {
		gate <- struct{}{}
		abandoned.Go(func() {
			defer func() { <-gate }()
			res, err := http.Post(g.WHIP(fmt.Sprintf("abandoned%d", i)), "application/sdp", strings.NewReader(offers.Get("obs")))
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusCreated {
				t.Errorf("POST: %s", res.Status)
			}
		})
	}
	abandoned.Wait()
}

// shortTolerance is what may stay in pools and tables in the short run, whose heap
// is too small to judge by a tenth. The long run is held to the tenth.
const shortTolerance = 1 << 20

func TestSoakSessionsComeAndGoWithoutATrace(t *testing.T) {
	n, limit := 40, func(before uint64) uint64 { return before + shortTolerance }
	if os.Getenv("HEADGATE_SOAK") != "" {
		n, limit = 1000, func(before uint64) uint64 { return before + before/10 }
	}
	g := testkit.StartGateway(t, func(c *gateway.Config) {
		c.Sessions.HandshakeTimeout = 2 * time.Second
		c.Sessions.RememberFor = remembered
		c.Media.DisconnectedAfter, c.Media.FailedAfter = time.Second, time.Second
	}, func(o *gateway.Options) { o.Log = slog.New(slog.DiscardHandler) }) // a test keeps what is logged
	// The same once before: the runtime never gives back the descriptors of as many
	// goroutines as there were at most, and pools and tables keep their size.
	churn(t, g, n)
	before := settled(t, g)
	churn(t, g, n)
	after := settled(t, g)
	t.Logf("%d sessions and %d abandoned POSTs: before %v, after %v", n, n, before, after)
	if after.heap > limit(before.heap) {
		t.Errorf("the heap grew beyond %d bytes", limit(before.heap))
	}
	if after.goroutines > before.goroutines {
		t.Errorf("goroutines were left")
	}
	if after.descriptors > before.descriptors {
		t.Errorf("descriptors were left")
	}
}
