package doctor

import (
	"net/http"
	"net/url"
	"testing"

	running "github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// TestLoopsAnswerCounterOffers: a server that answers no offer of players is no fault (W-04).
func TestLoopsAnswerCounterOffers(t *testing.T) {
	g := testkit.StartGateway(t, func(c *running.Config) { c.Sessions.CounterOffer = "always" })
	origin, err := url.Parse(g.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []kind{byUDP, byTCP} {
		o := loop(t.Context(), http.DefaultClient, endpoints{origin: origin, whip: g.WHIP("live"), whep: g.WHEP("live")}, k)
		if o.err != nil || o.connect <= 0 {
			t.Errorf("%v: %+v", k, o)
		}
	}
}
