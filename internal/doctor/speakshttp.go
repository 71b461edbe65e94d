package doctor

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/headgate/headgate/whip"
)

// clockFar is the difference to a Date header that matters; it has whole seconds
// and the answer took time.
const clockFar = 10 * time.Second

// foreignOrigin is a page that is surely not the server's own.
const foreignOrigin = "https://page.example"

// speaksHTTP looks at health, clock, CORS and ICE servers.
func speaksHTTP(ctx context.Context, client *http.Client, e endpoints) []Finding {
	res, err := get(ctx, client, e.origin.String()+"/healthz") //nolint:bodyclose // get has closed it
	if err != nil {
		return []Finding{fault("http-failed", "See that this port speaks HTTP, and what its log says.", "No answer by HTTP: %v.", err)}
	}
	findings := []Finding{health(res), remoteClock(res.Header.Get("Date"), time.Now())}
	for _, endpoint := range []string{e.whip, e.whep} {
		findings = append(findings, cors(ctx, client, endpoint))
	}
	return append(findings, iceServers(ctx, client, e))
}

func get(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return res, res.Body.Close()
}

func health(res *http.Response) Finding {
	switch {
	case res.StatusCode == http.StatusOK:
		return ok("health-good", "It says that it is well (/healthz).")
	case res.StatusCode == http.StatusMisdirectedRequest:
		return fault("host-unknown", "Add the name to http.hosts, or set --public-url.", "The gateway does not know itself by this name (421).")
	case res.StatusCode >= http.StatusInternalServerError:
		return warning("health-bad", "Look at its log, and at the proxy in front: 502 and 504 mean that the proxy does not reach it.", "/healthz answers with status %d.", res.StatusCode)
	}
	return note("health-unknown", "Nothing, if it is another server than headgate.", "/healthz answers with status %d.", res.StatusCode)
}

func remoteClock(date string, now time.Time) Finding {
	there, err := http.ParseTime(date)
	if err != nil {
		return note("remote-clock-unknown", "Nothing; servers should send one (RFC 9110 section 6.6.1).", "The answer has no Date to compare clocks by.")
	}
	if ahead := there.Sub(now); ahead.Abs() > clockFar {
		return warning("remote-clock-off", "One of the clocks is wrong: "+setClock, "Its clock is %s of ours: tokens made elsewhere will be refused, or live too long.", describeOffset(ahead.Round(time.Second)))
	}
	return ok("remote-clock-agrees", "Its clock agrees with ours.")
}

// cors asks whether a page of another origin may use an endpoint.
func cors(ctx context.Context, client *http.Client, endpoint string) Finding {
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, endpoint, nil)
	if err != nil {
		return warning("options-failed", "Correct the address.", "%v.", err)
	}
	req.Header.Set("Origin", foreignOrigin)
	req.Header.Set("Access-Control-Request-Method", http.MethodPost)
	req.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	res, err := client.Do(req)
	if err != nil {
		return warning("options-failed", "See the log of the server.", "OPTIONS of %s: %v.", endpoint, err)
	}
	_ = res.Body.Close() // the header is all
	switch allowed := res.Header.Get("Access-Control-Allow-Origin"); {
	case res.StatusCode/100 != 2:
		return warning("options-refused", "Correct the address, or let OPTIONS through the proxy, without a token (RFC 9725 section 4.6).", "OPTIONS of %s is answered with status %d.", endpoint, res.StatusCode)
	case allowed == "*" || allowed == foreignOrigin:
		return ok("cors-open", "Pages of other sites may use %s.", endpoint)
	}
	return note("cors-closed", "Right if only its own pages, OBS and other programs use it; else cors.origins. A proxy may take the headers away.", "Pages of other sites may not use %s.", endpoint)
}

// iceServers lists what is told before a session. Many servers tell it only with
// the session, or with a token.
func iceServers(ctx context.Context, client *http.Client, e endpoints) Finding {
	servers, err := (whip.Client{HTTP: client, UserAgent: e.target.UserAgent}).Options(ctx, e.whip, e.target.Token)
	if err != nil || len(servers) == 0 {
		return note("ice-servers-none", "Nothing, as long as clients connect. Networks that block all but HTTPS need TURN: turn.enabled, or ice_servers.", "It names no ICE servers before a session.")
	}
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.URL)
	}
	return ok("ice-servers", "It names %s.", strings.Join(urls, ", "))
}
