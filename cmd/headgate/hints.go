package main

import (
	"cmp"
	"fmt"
	"net"
	"strings"
	"text/template"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
)

// hintChannel is the channel the first hints use.
const hintChannel = "live"

// hints are what somebody needs to publish and to watch.
type hints struct {
	Origin, Channel string
	// Publish and Play are tokens, empty where none are needed or none may be
	// shown.
	Publish, Play string
	// Command makes tokens; empty where none are needed or they come from
	// somebody else.
	Command string
	// Foreign tells that tokens are needed and come from somebody else.
	Foreign bool
	// Elsewhere tells that other machines reach the gateway, by names of this one.
	Elsewhere bool
	// TLS is the origin of HTTPS and Fingerprint that of its certificate; empty
	// unless it is self-signed.
	TLS, Fingerprint string
}

// hintsFor finds out what clients need. Tokens are made for a terminal only:
// what else reads stdout may keep it.
func hintsFor(con *console, file string, cfg gateway.Config, g *gateway.Gateway) hints {
	urls := g.URLs()
	h := hints{Origin: strings.TrimSuffix(cmp.Or(cfg.HTTP.PublicURL, urls[0]), "/"), Channel: hintChannel}
	h.Elsewhere = cfg.HTTP.PublicURL == "" && onAllAddresses(cfg.HTTP.HTTP)
	if h.Fingerprint = g.Fingerprint(); h.Fingerprint != "" {
		h.TLS = urls[len(urls)-1] // plain ones come first
	}
	if !g.TokenRequired() {
		return h
	}
	expires := time.Now().Add(defaultTokenTTL)
	publish, errPublish := g.SignToken(auth.Claims{Publish: []string{hintChannel}, Expires: expires})
	play, errPlay := g.SignToken(auth.Claims{Play: []string{hintChannel}, Expires: expires})
	if errPublish != nil || errPlay != nil {
		h.Foreign = true // the operator's own issuer makes the tokens
		return h
	}
	h.Command = "headgate token --publish " + hintChannel + " --play " + hintChannel
	if file != "" {
		h.Command += " --config " + file
	}
	if con.terminal {
		h.Publish, h.Play = publish, play
	}
	return h
}

// onAllAddresses tells whether a listener takes what comes to any address.
func onAllAddresses(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "" || net.ParseIP(host).IsUnspecified())
}

// Fragment carries a token to a page: it is never sent to a server.
func (hints) Fragment(token string) string { return prefixed("#token=", token) }

// Option is a token on a command line.
func (hints) Option(name, token string) string { return prefixed(" "+name+" ", token) }

// Field is what to type where OBS asks for a token.
func (h hints) Field(token string) string {
	switch {
	case token != "":
		return token
	case h.Foreign || h.Command != "":
		return "(a token that may publish; see below)"
	}
	return "(leave empty)"
}

func prefixed(prefix, token string) string {
	if token == "" {
		return ""
	}
	return prefix + token
}

const hintText = `
Headgate is running.

  Browser   publish  {{.Origin}}/publish/{{.Channel}}{{.Fragment .Publish}}
            watch    {{.Origin}}/watch/{{.Channel}}{{.Fragment .Play}}
  OBS       Settings > Stream > Service WHIP
            Server        {{.Origin}}/whip/{{.Channel}}
            Bearer Token  {{.Field .Publish}}
  ffmpeg    ffmpeg -re -i FILE -c:v libx264 -profile:v baseline -bf 0 -g 60 \
                   -c:a libopus -ar 48000 -ac 2 -f whip{{.Option "-authorization" .Publish}} {{.Origin}}/whip/{{.Channel}}
  No camera headgate push --whip {{.Origin}}/whip/{{.Channel}}{{.Option "--token" .Publish}}
{{if .Elsewhere}}
  On other machines it is this one's name or address instead of 127.0.0.1.
  Browsers there watch by plain HTTP too, but publish by HTTPS only.
{{end}}{{if .Fingerprint}}
  HTTPS     {{.TLS}} has a self-signed certificate: browsers warn of it, once.
            It is the right one if its SHA-256 fingerprint is
            {{.Fingerprint}}
{{end}}{{if .Command}}
  Clients need a token: {{.Command}}
{{else if .Foreign}}
  Clients need a token that this gateway believes: one of auth.tokens, or one of your issuer.
{{end}}
`

// printHints says what to paste where.
func printHints(con *console, h hints) error {
	t, err := template.New("hints").Parse(hintText)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.Execute(&b, h); err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.stdout, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}
