package conformance_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/conformance"
)

func httpMistakes() []mistake {
	var sessions atomic.Int64
	return []mistake{
		{name: "GET is refused", fails: "T-01 T-02",
			tell: func(x *exchange) {
				if x.Method == "GET" {
					x.status = 405
				}
			}},
		{name: "HEAD tells no type", fails: "T-03", tell: without("HEAD", "Content-Type")},
		{name: "405 without Allow", fails: "T-04 T-05",
			tell: func(x *exchange) {
				if x.status == 405 {
					x.header.Del("Allow")
				}
			}},
		{name: "unknown methods succeed", fails: "N-005",
			ask: func(x *exchange) bool { return x.Method == "BREW" && x.refuse(200) }},
		{name: "no TLS where TLS is promised", fails: "N-008",
			target: func(target *conformance.Target) {
				target.WHIP, target.WHEP = strings.Replace(target.WHIP, "http:", "https:", 1), ""
				target.TLS = &tls.Config{InsecureSkipVerify: true}
			}},
		{name: "the type of a POST does not matter", fails: "T-13",
			ask: func(x *exchange) bool {
				if x.posts() {
					x.Header.Set("Content-Type", "application/sdp")
				}
				return false
			}},
		{name: "types compare byte by byte", fails: "T-14",
			ask: func(x *exchange) bool {
				return x.posts() && x.Header.Get("Content-Type") != "application/sdp" && x.refuse(415)
			}},
		{name: "mistakes of clients are 500", fails: "T-15 N-014 T-68 T-74", tell: status(400, 500)},
		{name: "POST is answered 200", fails: "T-16 T-02", tell: status(201, 200)},
		{name: "no Location", fails: "T-16", tell: without("POST", "Location")},
		{name: "no ETag", fails: "T-16 N-033", tell: without("POST", "ETag")},
		{name: "a weak ETag", fails: "T-16",
			tell: func(x *exchange) {
				if x.made() {
					x.header.Set("ETag", "W/"+x.header.Get("ETag"))
				}
			}},
		{name: "one ETag for all", fails: "N-033",
			tell: func(x *exchange) {
				if x.made() {
					x.header.Set("ETag", `"1"`)
				}
			}},
		{name: "answers with LF", fails: "T-16",
			tell: func(x *exchange) { x.answer = strings.ReplaceAll(x.answer, "\r\n", "\n") }},
		{name: "a POST takes 8 s", fails: "T-17 N-038",
			target: func(target *conformance.Target) { target.WHEP, target.DeadSTUN = "", true },
			ask: func(x *exchange) bool {
				if x.posts() {
					<-time.After(8100 * time.Millisecond)
				}
				return false
			}},
		{name: "sessions are numbered", fails: "T-18",
			tell: func(x *exchange) {
				if x.made() {
					x.header.Set("Location", fmt.Sprintf("/session/%d", sessions.Add(1)))
				}
			}},
		{name: "JSON after 204", fails: "N-011", raw: jsonAfter204},
		{name: "no chunks", fails: "N-012",
			ask: func(x *exchange) bool { return x.ContentLength < 0 && x.refuse(411) }},
		{name: "caches may keep secrets", fails: "N-013", tell: func(x *exchange) { x.header.Del("Cache-Control") }},
		{name: "odd ICE servers", fails: "N-180", tell: linking(`<turn://turn.example.com>; rel="ice-server"; credential="a,b"; username="u"`)},
		{name: "an extension named for the IETF", fails: "N-230", tell: linking(`</x>; rel="urn:ietf:params:whip:ext:headgate"`)},
	}
}

// without takes a header out of the answers to a method.
func without(method, header string) func(*exchange) {
	return func(x *exchange) {
		if x.Method == method {
			x.header.Del(header)
		}
	}
}

// status answers one status for another.
func status(old, by int) func(*exchange) {
	return func(x *exchange) {
		if x.status == old {
			x.status = by
		}
	}
}

// linking adds a Link to the 201.
func linking(link string) func(*exchange) {
	return func(x *exchange) {
		if x.made() {
			x.header.Add("Link", link)
		}
	}
}

func jsonAfter204(w http.ResponseWriter, x *exchange) bool {
	if x.status != 204 || !x.patches() {
		return false
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return false
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n{\"status\":\"ok\"}") // or the client went away
	_ = conn.Close()
	return true
}

func corsMistakes() []mistake {
	preflight := func(name, value string) func(*exchange) {
		return func(x *exchange) {
			if x.Method == "OPTIONS" {
				x.header.Set(name, value)
			}
		}
	}
	refusal := func(x *exchange) {
		if x.status >= 400 {
			x.header.Del("Access-Control-Allow-Origin")
		}
	}
	return []mistake{
		{name: "OPTIONS without Accept-Post", fails: "T-06 T-08", tell: without("OPTIONS", "Accept-Post")},
		{name: "OPTIONS without Accept-Patch", fails: "T-07", tell: without("OPTIONS", "Accept-Patch")},
		{name: "any header by wildcard", fails: "T-08 T-09", tell: preflight("Access-Control-Allow-Headers", "*")},
		{name: "POST only", fails: "T-09 T-10", tell: preflight("Access-Control-Allow-Methods", "POST")},
		{name: "nothing exposed", fails: "T-11", tell: func(x *exchange) { x.header.Del("Access-Control-Expose-Headers") }},
		{name: "refusals without CORS", fails: "N-087", tell: refusal},
		{name: "refused tokens without CORS", fails: "T-12", closed: true, tell: refusal},
		{name: "credentials of browsers", fails: "N-088",
			tell: func(x *exchange) { x.header.Set("Access-Control-Allow-Credentials", "true") }},
		{name: "TURN for preflights", fails: "N-090 T-08",
			tell: preflight("Link", `<turn:turn.example.com>; rel="ice-server"; username="u"; credential="c"`)},
		{name: "preflights every time", fails: "N-091", tell: func(x *exchange) { x.header.Del("Access-Control-Max-Age") }},
	}
}

func authMistakes() []mistake {
	return []mistake{
		{name: "401 without a challenge", fails: "T-20 T-21 N-192", closed: true, tell: func(x *exchange) { x.header.Del("WWW-Authenticate") }},
		{name: "403 for 401", fails: "T-20 T-21 N-190", closed: true, tell: status(401, 403)},
		{name: "tokens do not matter", fails: "T-20 T-21 T-22 T-23 N-190 N-192 N-201 N-014",
			target: func(target *conformance.Target) {
				target.Token = "e30.e30.e30"
				target.PlayToken, target.OtherToken, target.ExpiredToken = "play-token", "other-token", "old-token"
			},
			ask: func(x *exchange) bool {
				x.Header.Del("Authorization")
				x.URL.Path = strings.TrimRight(x.URL.Path, "/")
				return false
			}},
		{name: "the scheme in one case", fails: "T-24", closed: true,
			ask: func(x *exchange) bool {
				return strings.HasPrefix(x.Header.Get("Authorization"), "bearer") && x.refuse(401)
			}},
		{name: "Bearer undefined is an offence", fails: "T-25",
			ask: func(x *exchange) bool { return x.Header.Get("Authorization") != "" && x.refuse(401) }},
		{name: "404 before 401", fails: "T-26", closed: true,
			ask: func(x *exchange) bool { return strings.Contains(x.URL.Path, "no-such-channel") && x.refuse(404) }},
		{name: "no limits", fails: "T-27 T-93 N-117 N-199", closed: true, // loopback is exempt
			target: func(target *conformance.Target) { target.Limited = true }},
	}
}
