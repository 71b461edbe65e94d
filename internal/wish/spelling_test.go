package wish_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

// TestEverySpellingReachesTheSameChannel sends names over the wire as clients may
// spell them: whatever may stand in a request line unescaped is escaped or not.
func TestEverySpellingReachesTheSameChannel(t *testing.T) {
	g := start(t, &wishtest.Backend{Closed: true}, nil)
	alphabet := []rune("abcXYZ019 !#$%&()+-:;<=.,>?@[]^_{|}~\"")
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringOfN(rapid.SampledFrom(alphabet), 1, 20, names.MaxBytes).
			Filter(func(s string) bool { return names.Valid(s) == nil }).Draw(rt, "name")
		var spelled strings.Builder
		for _, c := range []byte(name) {
			if strings.IndexByte("% ?#", c) >= 0 || rapid.Bool().Draw(rt, "escape") {
				fmt.Fprintf(&spelled, rapid.SampledFrom([]string{"%%%02X", "%%%02x"}).Draw(rt, "hex"), c)
			} else {
				spelled.WriteByte(c)
			}
		}
		head := " /whip/" + spelled.String() + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/sdp\r\n" +
			fmt.Sprintf("Content-Length: %d\r\n", len(wishtest.Offer))
		with := g.raw(http.MethodPost + head + "Authorization: Bearer " + wishtest.Publisher + "\r\n\r\n" + wishtest.Offer)
		without := g.raw(http.MethodPost + head + "\r\n" + wishtest.Offer)
		if !strings.HasPrefix(with, "HTTP/1.1 201 ") || !strings.HasPrefix(without, "HTTP/1.1 401 ") {
			rt.Fatalf("%q spelled %q: %.20q with and %.20q without a token", name, spelled.String(), with, without)
		}
		offers := g.backend.Offers()
		if got := offers[len(offers)-1].Place.Channel; got != name {
			rt.Fatalf("%q spelled %q reached channel %q", name, spelled.String(), got)
		}
	})
}
