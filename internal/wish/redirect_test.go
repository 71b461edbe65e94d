package wish_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whip"
)

func redirecting(to string) func(*httpserver.Config, *wish.Config) {
	return func(_ *httpserver.Config, wc *wish.Config) { wc.Redirect = to }
}

func TestRedirectT92(t *testing.T) {
	node := start(t, &wishtest.Backend{}, nil)
	front := start(t, &wishtest.Backend{}, redirecting(node.url+"/"))
	bothProtocols(t, func(t *testing.T, endpoint string) {
		res := front.do("POST", endpoint+"%2Bmore?participant=ann", wishtest.Offer, "Content-Type", wish.SDPType)
		front.expect("N-170 POST", res, 307, "Location", node.url+endpoint+"%2Bmore?participant=ann&redirected=1", "Cache-Control", "no-store",
			"Access-Control-Allow-Origin", "*")
		taken := node.do("POST", res.header.Get("Location"), wishtest.Offer, "Content-Type", wish.SDPType)
		node.expect("N-171 POST at the target", taken, 201)
		if location := taken.header.Get("Location"); !strings.HasPrefix(location, node.url+"/session/") {
			t.Errorf("N-171: Location = %q", location)
		}
		for _, method := range []string{"GET", "OPTIONS"} {
			if got := front.do(method, endpoint, "").status; got/100 != 2 {
				t.Errorf("%s = %d, want an answer here", method, got)
			}
		}
		preflight := front.do("OPTIONS", endpoint, "", "Origin", "https://a.example", "Access-Control-Request-Method", "POST")
		front.expect("N-089 preflight", preflight, 200)
	})
}

func TestNoRedirectIsACircleN175(t *testing.T) {
	backend := &wishtest.Backend{}
	g := start(t, backend, redirecting("http://node.example"))
	g.expect("N-175 POST that was redirected", g.do("POST", "/whip/live?redirected=1", wishtest.Offer, "Content-Type", wish.SDPType), 201)
	if n := len(backend.Offers()); n != 1 {
		t.Errorf("%d offers", n)
	}
}

func TestClientFollowsARedirect(t *testing.T) {
	node := start(t, &wishtest.Backend{}, nil)
	front := start(t, &wishtest.Backend{}, redirecting(node.url))
	s, err := whip.Client{}.Post(t.Context(), front.url+"/whip/live", "", wishtest.Offer)
	if err != nil || !strings.HasPrefix(s.Location, node.url) {
		t.Fatalf("Post = %+v, %v", s, err)
	}
}
