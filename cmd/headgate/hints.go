package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
)

// hintChannel is the channel the first hints use.
const hintChannel = "live"

// printHints says what to paste where. Tokens are shown on a terminal only.
func printHints(con *console, cfg gateway.Config, g *gateway.Gateway) {
	origin := strings.TrimSuffix(cfg.HTTP.PublicURL, "/")
	if origin == "" {
		origin = g.URLs()[0]
	}
	publish, play := hintTokens(con, g)
	watch := origin + "/watch/" + hintChannel
	if play != "" {
		watch += "#token=" + play
	}
	fmt.Fprintf(con.stdout, `
Headgate is running.

  Browser   publish  %[1]s/publish/%[2]s%[5]s
            watch    %[3]s
  OBS       Settings > Stream > Service WHIP
            Server        %[1]s/whip/%[2]s
            Bearer Token  %[4]s
  ffmpeg    ffmpeg -re -i FILE -c:v libx264 -profile:v baseline -bf 0 -g 60 \
                   -c:a libopus -ar 48000 -ac 2 -f whip%[6]s %[1]s/whip/%[2]s
  No camera headgate push --whip %[1]s/whip/%[2]s%[7]s

`, origin, hintChannel, watch, orNone(publish), fragment(publish), option("-authorization", publish), option("--token", publish))
	if g.TokenRequired() && publish == "" {
		fmt.Fprintf(con.stdout, "  Clients need a token: headgate token --publish %[1]s --play %[1]s\n\n", hintChannel)
	}
}

// hintTokens makes short-lived tokens for the hints where the gateway has a key
// of its own and a person is looking.
func hintTokens(con *console, g *gateway.Gateway) (publish, play string) {
	if !con.terminal || !g.TokenRequired() {
		return "", ""
	}
	expires := time.Now().Add(defaultTokenTTL)
	publish, errPublish := g.SignToken(auth.Claims{Publish: []string{hintChannel}, Expires: expires})
	play, errPlay := g.SignToken(auth.Claims{Play: []string{hintChannel}, Expires: expires})
	if errPublish != nil || errPlay != nil {
		return "", "" // the operator's own issuer makes the tokens
	}
	return publish, play
}

func orNone(token string) string {
	if token == "" {
		return "(leave empty)"
	}
	return token
}

func fragment(token string) string {
	if token == "" {
		return ""
	}
	return "#token=" + token
}

func option(name, token string) string {
	if token == "" {
		return ""
	}
	return " " + name + " " + token
}
