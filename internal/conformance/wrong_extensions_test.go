package conformance_test

import (
	"errors"
	"net/http"
	"strings"
)

// edited is an answer that is made wrong while it is written, message by message.
type edited struct {
	http.ResponseWriter
	edit func(string) string
	kept string
}

func (e *edited) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// Write keeps b until Flush: an event may come in parts.
func (e *edited) Write(b []byte) (int, error) {
	e.kept += string(b)
	return len(b), nil
}

func (e *edited) FlushError() error {
	_, err := e.ResponseWriter.Write([]byte(e.edit(e.kept)))
	e.kept = ""
	return errors.Join(err, http.NewResponseController(e.ResponseWriter).Flush())
}

// streams lets the gateway answer with an event stream, which has no end to wait
// for.
func (m mistake) streams(right http.Handler, w http.ResponseWriter, r *http.Request) bool {
	if r.Method != "GET" || !strings.HasPrefix(r.URL.Path, "/events/") {
		return false
	}
	if m.stream != nil {
		w = &edited{ResponseWriter: w, edit: m.stream}
	}
	right.ServeHTTP(w, r)
	return true
}

// ending is an ask about one method of addresses with this end.
func ending(method, end string, do func(x *exchange) bool) func(*exchange) bool {
	return func(x *exchange) bool { return x.Method == method && strings.HasSuffix(x.URL.Path, end) && do(x) }
}

func extensionMistakes() []mistake {
	const secondLink = `</x>; rel="urn:ietf:params:whep:ext:core:server-sent-events"`
	replacing := func(from, to string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, from, to) }
	}
	ignored := func(status int) func(*exchange) bool {
		return func(x *exchange) bool { return x.refuse(status) }
	}
	return []mistake{
		{name: "two Links for one extension", fails: "T-106", tell: linking(secondLink)},
		{name: "layers without their event", fails: "T-106", tell: func(x *exchange) {
			for i, link := range x.header["Link"] {
				x.header["Link"][i] = strings.ReplaceAll(link, "layers,", "")
			}
		}},
		{name: "events that are no JSON", fails: "T-107", stream: replacing("data: {}", "data: {")},
		{name: "data of two lines", fails: "T-107", stream: replacing("data: {}", "data: {\ndata: }")},
		{name: "no event says that it is live", fails: "T-107", hasty: true, stream: replacing("event: active", "event: live")},
		{name: "the publisher's end is not told", fails: "T-107", hasty: true, stream: replacing("event: inactive", "event: viewercount")},
		{name: "events that nobody asked for", fails: "T-107",
			ask: ending("POST", "/events", func(x *exchange) bool { x.body = ""; return false }),
			stream: func(s string) string {
				return strings.ReplaceAll(s, "event: active", "event: layers\ndata: {}\n\nevent: active")
			}},
		{name: "unknown events are left out", fails: "T-108",
			ask: ending("POST", "/events", func(x *exchange) bool {
				x.body = strings.ReplaceAll(strings.ReplaceAll(x.body, `,"nope"`, ""), `"nope"`, "")
				return false
			})},
		{name: "idle channels begin with inactive", fails: "T-109", stream: func(s string) string {
			if s == ":\n\n" {
				return s + "event: inactive\ndata: {}\n\n"
			}
			return s
		}},
		{name: "streams cannot be ended", fails: "T-110",
			ask: func(x *exchange) bool {
				return x.Method == "DELETE" && strings.HasPrefix(x.URL.Path, "/events/") && x.refuse(200)
			}},
		{name: "streams outlive their session", fails: "T-111",
			ask: func(x *exchange) bool {
				return x.Method == "DELETE" && strings.HasPrefix(x.URL.Path, "/session/") && x.refuse(200)
			}},
		{name: "selections change nothing", fails: "T-112", ask: ending("POST", "/layer", ignored(200))},
		{name: "only rid will do", fails: "T-112",
			ask: ending("POST", "/layer", func(x *exchange) bool { return strings.Contains(x.body, "encodingId") && x.refuse(422) })},
		{name: "layers under the wrong key", fails: "T-112", stream: replacing(`data: {"1":`, `data: {"0":`)},
		{name: "every selection is fine", fails: "T-113", ask: ending("POST", "/layer", ignored(200))},
		{name: "anybody selects layers", fails: "T-113", closed: true,
			ask: ending("POST", "/layer", func(x *exchange) bool { return x.Header.Get("Authorization") == "" && x.refuse(200) })},
	}
}
