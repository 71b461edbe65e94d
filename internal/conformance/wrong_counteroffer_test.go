package conformance_test

import (
	"net/http"
	"strings"
	"time"
)

// counters makes the gateway answer players with counter-offers, and then does ask.
func counters(ask func(*exchange) bool) func(*exchange) bool {
	return func(x *exchange) bool {
		if x.posts() && strings.HasPrefix(x.URL.Path, "/whep/") {
			x.URL.RawQuery = "offer=server"
		}
		return ask != nil && ask(x)
	}
}

// answers tells the PATCH that answers a counter-offer.
func (x *exchange) answers() bool {
	return x.patches() && x.Header.Get("Content-Type") == "application/sdp"
}

// counterMistakes are a server's that makes counter-offers.
func counterMistakes() []mistake {
	seen := memory()
	spoil := func(change func(*exchange)) func(*exchange) {
		return func(x *exchange) {
			if x.status == http.StatusNotAcceptable {
				change(x)
			}
		}
	}
	until := func(at time.Time) func(*exchange) {
		return spoil(func(x *exchange) {
			x.header.Set("Content-Type", `application/sdp; valid-until="`+at.UTC().Format(http.TimeFormat)+`"`)
		})
	}
	return []mistake{
		{name: "a counter-offer in a role", fails: "T-100", ask: counters(nil),
			tell: spoil(func(x *exchange) { x.answer = strings.ReplaceAll(x.answer, "a=setup:actpass", "a=setup:active") })},
		{name: "a counter-offer to receive", fails: "T-100", ask: counters(nil),
			tell: spoil(func(x *exchange) { x.answer = strings.ReplaceAll(x.answer, "a=sendonly", "a=recvonly") })},
		{name: "a counter-offer nowhere", fails: "T-100", ask: counters(nil),
			tell: spoil(func(x *exchange) { x.header.Del("Location") })},
		{name: "a counter-offer of yesterday", fails: "T-100", ask: counters(nil), tell: until(time.Now().Add(-24 * time.Hour))},
		{name: "a date without quotes", fails: "T-100", ask: counters(nil),
			tell: spoil(func(x *exchange) {
				x.header.Set("Content-Type", "application/sdp; valid-until=Wed, 09 Oct 2044 10:00:00 GMT")
			})},
		{name: "200 for the answer", fails: "T-101", ask: counters(nil),
			tell: func(x *exchange) {
				if x.answers() && x.status == http.StatusNoContent {
					x.status = http.StatusOK
				}
			}},
		{name: "any answer is good", fails: "T-102",
			ask: counters(func(x *exchange) bool { return x.answers() && x.body == "hello" && x.refuse(http.StatusNoContent) })},
		{name: "one try to answer", fails: "T-102",
			ask: counters(func(x *exchange) bool { return x.answers() && seen(x.URL.Path) && x.refuse(http.StatusConflict) })},
		{name: "an answer after the other", fails: "T-103",
			ask: counters(func(x *exchange) bool {
				return x.answers() && seen("again "+x.URL.Path) && x.refuse(http.StatusNoContent)
			})},
		{name: "a counter-offer that lasts", fails: "T-104", ask: counters(nil), tell: until(time.Now().Add(2 * time.Second))},
		{name: "candidates have to wait", fails: "W-09",
			ask: counters(func(x *exchange) bool { return x.patches() && !x.answers() && x.refuse(http.StatusConflict) })},
		{name: "a counter-offer has to be answered", fails: "W-10",
			ask: counters(func(x *exchange) bool {
				return x.Method == "DELETE" && x.refuse(http.StatusConflict)
			})},
	}
}
