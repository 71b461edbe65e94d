package doctor

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/whip"
)

const (
	// muchLoss and muchDelay are where people notice.
	muchLoss  = 0.02
	muchDelay = 400 * time.Millisecond
)

// judgeLoops makes findings of loops, and a verdict.
func judgeLoops(all []outcome) (findings []Finding) {
	worked := slices.ContainsFunc(all, outcome.worked)
	for _, o := range all {
		switch {
		case o.worked():
			findings = append(findings, goodLoop(o))
		case o.refused():
			return append(findings, refusedLoop(o))
		default:
			findings = append(findings, badLoop(o))
		}
	}
	if !worked && len(all) > 0 {
		findings = append(findings, fault("nothing-passes", "Let the media port through, by UDP and TCP, in every firewall between; tell clients the public address (--public-ip); with Docker publish the port. headgate doctor on the server shows its side.",
			"HTTP works and media does not: sessions are made and never connect."))
	}
	return findings
}

func goodLoop(o outcome) Finding {
	const text = "%s works (%s): connected %v after the POST, delay %v, loss %.1f %%."
	args := []any{o.kind, o.path, o.connect.Round(time.Millisecond), o.delay.Round(time.Millisecond / 10), o.loss * 100}
	switch {
	case o.loss > muchLoss:
		return warning("path-lossy", "Another network, a cable instead of Wi-Fi; if it stays, the server's line or its buffers (headgate doctor there).", text, args...)
	case o.delay > muchDelay:
		return note("path-slow", "A far server, or a line that is full.", text, args...)
	}
	return ok("path-works", text, args...)
}

// badLoop is about one way only; whether another works is seen above or below.
func badLoop(o outcome) Finding {
	side := "playing"
	if o.publishing {
		side = "publishing"
	}
	tried := strings.Join(o.tried, ", ")
	switch {
	case errors.Is(o.err, errNoTURN):
		return note("turn-none", "Needed only where networks block UDP and the media port: turn.enabled, or ice_servers.", "The server names no TURN server.")
	case errors.Is(o.err, errNotOffered):
		return note("path-not-offered", "For TCP: media.tcp of the configuration.", "The server offers nothing by %s.", o.kind)
	case errors.Is(o.err, errNoMedia):
		return warning("path-silent", "A firewall or VPN that lets small packets through and large ones not (MTU), or a server that plays something else than was published: name another channel.", "%s: the connection was made (%s) and nothing came through it.", o.kind, tried)
	case o.kind == byUDP:
		return warning("udp-blocked", "Let UDP to the media port through, here and at the server (with Docker: publish it by UDP), and see that the addresses are the server's public ones: --public-ip.", "UDP is blocked (%s, tried %s).", side, tried)
	case o.kind == byTCP:
		return note("tcp-blocked", "Let TCP to the media port through as well: it is what is left where UDP is blocked.", "TCP is blocked (%s, tried %s).", side, tried)
	}
	return note("turn-blocked", "See that the TURN server runs, and let its port through: 443 by TLS passes most firewalls.", "TURN does not work (%s).", side)
}

func refusedLoop(o outcome) Finding {
	side := "playing"
	if o.publishing {
		side = "publishing"
	}
	refusal, is := errors.AsType[*whip.StatusError](o.err)
	switch {
	case is && (refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusForbidden):
		return fault("token-refused", "Give a token that may publish and play the channel: headgate token --publish 'check-*' --play 'check-*', then --token. Or name a channel that yours opens and nobody uses: --channel.", "The server refuses %s: %v.", side, o.err)
	case is && refusal.Status == http.StatusNotFound:
		return fault("endpoint-missing", "Give the address of the WHIP endpoint, and the other one with --whep.", "There is no endpoint for %s: %v.", side, o.err)
	case is && (refusal.Status == http.StatusServiceUnavailable || refusal.Status == http.StatusTooManyRequests):
		return fault("server-busy", "Wait and try again; look at the server's load and limits.", "The server takes no session for %s: %v.", side, o.err)
	}
	return fault("session-refused", "See the answer, and the log of the server.", "No session for %s: %v.", side, o.err)
}
