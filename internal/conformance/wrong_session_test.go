package conformance_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/conformance"
)

// asPatched changes what is PATCHed.
func asPatched(change func(*exchange) bool) func(*exchange) bool {
	return func(x *exchange) bool { return x.patches() && change(x) }
}

// refusing refuses fragments with something in them.
func refusing(text string, status int) func(*exchange) bool {
	return asPatched(func(x *exchange) bool { return strings.Contains(x.body, text) && x.refuse(status) })
}

func trickleMistakes() []mistake {
	var busy, count atomic.Int64
	repeated, after := memory(), memory()
	return []mistake{
		{name: "ETag after trickle", fails: "T-62",
			tell: func(x *exchange) {
				if x.status == 204 {
					x.header.Set("ETag", `"x"`)
				}
			}},
		{name: "If-Match does not matter", fails: "T-63 T-64 T-73 N-131",
			ask: asPatched(func(x *exchange) bool { x.Header.Set("If-Match", "*"); return false })},
		{name: "no lists of tags", fails: "T-65",
			ask: asPatched(func(x *exchange) bool { return strings.Contains(x.Header.Get("If-Match"), ",") && x.refuse(412) })},
		{name: "the wildcard in one spelling", fails: "T-66 N-131",
			ask: asPatched(func(x *exchange) bool { return x.Header.Get("If-Match") == `"*"` && x.refuse(412) })},
		{name: "mDNS is an offence", fails: "T-67", ask: refusing(".local", 400)},
		{name: "types of PATCH do not matter", fails: "T-68",
			ask: asPatched(func(x *exchange) bool {
				x.Header.Set("Content-Type", "application/trickle-ice-sdpfrag")
				return false
			})},
		{name: "CRLF is demanded", fails: "T-69",
			ask: asPatched(func(x *exchange) bool { return !strings.HasSuffix(x.body, "\r\n") && x.refuse(400) })},
		{name: "sections are demanded", fails: "T-69 T-70",
			ask: asPatched(func(x *exchange) bool { return !strings.Contains(x.body, "m=") && x.refuse(400) })},
		{name: "one PATCH at a time", fails: "T-71",
			ask: asPatched(func(x *exchange) bool {
				defer busy.Add(-1)
				if busy.Add(1) > 1 {
					return x.refuse(503)
				}
				<-time.After(5 * time.Millisecond)
				return false
			})},
		{name: "candidates get lost", fails: "T-71", hasty: true,
			ask: asPatched(func(x *exchange) bool { return count.Add(1)%2 == 0 && x.refuse(204) })},
		{name: "repetition is an offence", fails: "N-109",
			ask: asPatched(func(x *exchange) bool { return repeated(x.URL.Path+x.body) && x.refuse(400) })},
		{name: "unknown attributes are an offence", fails: "N-111", ask: refusing("a=quux", 400)},
		{name: "the end is the end", fails: "N-114",
			ask: asPatched(func(x *exchange) bool { return after(x.URL.Path) && x.refuse(400) })},
	}
}

// memory reports whether it was asked for a key before.
func memory() func(key string) bool {
	var known sync.Map
	return func(key string) bool { _, again := known.LoadOrStore(key, true); return again }
}

func restartMistakes() []mistake {
	again := memory()
	var candidates sync.Map
	return []mistake{
		{name: "the tag stays after a restart", fails: "T-72 T-73",
			ask: asPatched(func(x *exchange) bool { x.Header.Set("If-Match", "*"); return false }),
			tell: func(x *exchange) {
				if x.made() || x.restarted() {
					x.header.Set("ETag", `"always"`)
				}
			}},
		{name: "a restart without candidates", fails: "T-72", hasty: true,
			tell: func(x *exchange) {
				if x.restarted() {
					x.answer = strings.ReplaceAll(x.answer, "a=candidate:", "a=x-candidate:")
				}
			}},
		{name: "one restart only", fails: "T-75",
			ask: asPatched(func(x *exchange) bool {
				return x.Header.Get("If-Match") == "*" && again(x.URL.Path) && x.refuse(500)
			})},
		{name: "passwords are compared", fails: "N-130", ask: refusing("a=ice-pwd:anotherPassword", 400)},
		{name: "405 for restarts", fails: "N-102",
			ask: asPatched(func(x *exchange) bool { return x.Header.Get("If-Match") == "*" && x.refuse(405) })},
		{name: "restarts add candidates", fails: "N-134", ask: asPatched(rememberCandidates(&candidates))},
		{name: "restarts open ports", fails: "N-140",
			tell: func(x *exchange) {
				if x.restarted() {
					x.answer = strings.ReplaceAll(x.answer, " typ host", "1 typ host")
				}
			}},
	}
}

// rememberCandidates adds those of earlier PATCHes to restarts.
func rememberCandidates(known *sync.Map) func(*exchange) bool {
	return func(x *exchange) bool {
		key := "candidates of " + x.URL.Path
		if x.Header.Get("If-Match") == "*" {
			if earlier, ok := known.Load(key); ok {
				x.body += earlier.(string)
			}
			return false
		}
		var lines string
		for line := range strings.Lines(x.body) {
			if strings.HasPrefix(line, "a=candidate:") {
				lines += line
			}
		}
		known.Store(key, lines)
		return false
	}
}

func lifeMistakes(t *testing.T) []mistake {
	t.Helper()
	deletes := func(x *exchange) bool { return x.Method == "DELETE" && !x.onEndpoint() }
	immortal := func(x *exchange) bool { return x.Method == "GET" && !x.onEndpoint() && x.refuse(204) }
	cameBefore := memory()
	return []mistake{
		{name: "a client may not move", fails: "T-76", tell: faithful(t), hasty: true},
		{name: "DELETE does nothing", fails: "T-80 T-82", hasty: true,
			ask: func(x *exchange) bool { return deletes(x) && x.refuse(200) }},
		{name: "If-Match counts on DELETE", fails: "T-81",
			ask: func(x *exchange) bool { return deletes(x) && x.Header.Get("If-Match") != "" && x.refuse(412) }},
		{name: "sessions are for ever", fails: "T-82 T-87 N-159 T-137", ask: immortal, hasty: true},
		{name: "sessions are for ever, in the long run", fails: "T-84 T-86 N-136", ask: immortal, hasty: true,
			target: func(target *conformance.Target) { target.Slow = true }},
		{name: "DELETE is 404 once the client left", fails: "T-83",
			tell: func(x *exchange) {
				if deletes(x) {
					x.status = 404
				}
			}},
		{name: "nobody comes back", fails: "T-88", hasty: true,
			ask: func(x *exchange) bool {
				return x.posts() && strings.HasPrefix(x.URL.Path, "/whip/") && cameBefore(x.URL.Path) && x.refuse(409)
			}},
		{name: "an idle channel is 404", fails: "T-89",
			tell: func(x *exchange) {
				if x.status == 409 {
					x.status = 404
				}
			}},
		{name: "viewers wait for nothing", fails: "T-90", hasty: true,
			ask: func(x *exchange) bool {
				return x.posts() && strings.HasPrefix(x.URL.Path, "/whep/") && x.refuse(503)
			}},
		{name: "302", fails: "T-92",
			ask: func(x *exchange) bool { return x.posts() && x.refuse(302) },
			tell: func(x *exchange) {
				if x.status == 302 {
					x.header.Set("Location", "/elsewhere")
				}
			}},
		{name: "a drain that drains nothing", fails: "T-91", hasty: true,
			target: func(target *conformance.Target) { target.Drain = func(context.Context) error { return nil } }},
	}
}
