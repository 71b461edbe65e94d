package wish_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whep"
)

// countering is a gateway that answers every POST with a counter-offer.
func countering(t *testing.T, backend *wishtest.Backend) *gateway {
	t.Helper()
	backend.CounterUntil = time.Date(2024, 10, 9, 10, 0, 0, 0, time.UTC)
	return start(t, backend, func(_ *httpserver.Config, c *wish.Config) { c.CounterOffers = true })
}

func TestCounterOfferT100(t *testing.T) {
	g := countering(t, &wishtest.Backend{Servers: iceServers})
	r := g.do("POST", "/whep/live", wishtest.Offer, "Content-Type", wish.SDPType, "Origin", "https://page.example")
	g.expect("W-02, W-03", r, 406, "Content-Type", `application/sdp; valid-until="Wed, 09 Oct 2024 10:00:00 GMT"`,
		"Cache-Control", "no-store", "Accept-Patch", "application/sdp, application/trickle-ice-sdpfrag", "Access-Control-Allow-Origin", "*", "Headgate-Session", "public")
	if r.body != wishtest.Answer || r.header.Get("ETag") == "" || len(r.header.Values("Link")) != len(iceServers) || !strings.HasPrefix(r.header.Get("Location"), g.url+"/session/") ||
		!strings.Contains(r.header.Get("Access-Control-Expose-Headers"), "Location") {
		t.Errorf("%v\n%s", r.header, r.body)
	}
	g.expect("N-082", g.do("OPTIONS", "/session/unknown", ""), 200, "Accept-Patch", "application/trickle-ice-sdpfrag, application/sdp")
}

func TestAnswerToACounterOffer(t *testing.T) {
	g := countering(t, &wishtest.Backend{Closed: true})
	token := bearer(wishtest.Viewer)
	made := g.do("POST", "/whep/live", wishtest.Offer, append([]string{"Content-Type", wish.SDPType}, token...)...).header
	location, etag := made.Get("Location"), made.Get("ETag")
	answer := func(body string, header ...string) reply {
		return g.do("PATCH", location, body, append([]string{"Content-Type", "Application/SDP; charset=utf-8"}, header...)...)
	}
	g.expect("no token", answer(wishtest.Answer), 401)
	g.expect("N-196 somebody else's", answer(wishtest.Answer, bearer(wishtest.Stranger)...), 403)
	g.expect("W-05 empty", answer("", token...), 400)
	g.expect("W-05 garbage", answer("hello", token...), 400)
	g.expect("N-009", answer(strings.Repeat("a=x\r\n", 20_000), token...), 413)
	g.expect("compressed", answer(wishtest.Answer, append([]string{"Content-Encoding", "gzip"}, token...)...), 415)
	g.expect("another tag", answer(wishtest.Answer, append([]string{"If-Match", `"other"`}, token...)...), 412)
	g.expect("no tag at all", answer(wishtest.Answer, append([]string{"If-Match", `other`}, token...)...), 400)
	r := answer(wishtest.Answer, append([]string{"If-Match", etag}, token...)...)
	g.expect("T-101", r, 204, "ETag", etag, "Cache-Control", "no-store", "Access-Control-Allow-Origin", "*")
	if r.body != "" {
		t.Errorf("N-011: %q", r.body)
	}
	g.expect("W-08", answer(wishtest.Answer, token...), 422, "Accept-Patch", "")
	g.expect("T-62", g.patch(location, etag, fragment(wishtest.Ufrag, wishtest.Pwd), token...), 204)
}

func TestAnswersOutsideTheFlowW12(t *testing.T) {
	bothProtocols(t, func(t *testing.T, endpoint string) {
		g := start(t, &wishtest.Backend{}, nil)
		location := g.post(endpoint).header.Get("Location")
		g.expect("D8", g.do("PATCH", location, wishtest.Answer, "Content-Type", wish.SDPType), 422)
		g.expect("it is unharmed", g.do("GET", location, ""), 204)
	})
}

func TestWhepAsksByItsAddress(t *testing.T) {
	backend := &wishtest.Backend{}
	g := start(t, backend, nil)
	for query, want := range map[string]bool{"": false, "?offer=server": true, "?offer=client": false, "?participant=ann&offer=server": true} {
		g.post("/whep/live" + query)
		offers := backend.Offers()
		if got := offers[len(offers)-1].Counter; got != want {
			t.Errorf("%q: %t", query, got)
		}
	}
}

func TestClientAnswersCounterOffers(t *testing.T) {
	g := countering(t, &wishtest.Backend{})
	ctx := t.Context()
	_, err := whep.Client{}.Post(ctx, g.url+"/whep/live", "", wishtest.Offer)
	if status, ok := errors.AsType[*wish.StatusError](err); !ok || status.Status != 406 {
		t.Errorf("a client that knows no counter-offers: %v", err)
	}
	s, err := whep.Client{CounterOffers: true}.Post(ctx, g.url+"/whep/live", "", wishtest.Offer)
	if err != nil || s.CounterOffer != wishtest.Answer || s.Answer != "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := s.AnswerOffer(ctx, "hello"); err == nil {
		t.Error("a bad answer is taken")
	}
	if err := s.AnswerOffer(ctx, wishtest.Answer); err != nil {
		t.Error(err)
	}
	if err := s.AnswerOffer(ctx, wishtest.Answer); err == nil {
		t.Error("W-08: two answers are taken")
	}
	if err := s.Delete(ctx); err != nil {
		t.Error(err)
	}
}
