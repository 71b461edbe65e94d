package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Target is the server under test and what is known about it. WHIP alone is
// required; every other field that is empty makes the cases that need it be
// skipped.
type Target struct {
	// WHIP and WHEP are the endpoints of one channel that nobody else uses. {}
	// in them stands for a name of the kit's choice: then each case has a channel
	// of its own and cases run side by side.
	WHIP, WHEP string
	// Token publishes; it also plays where PlayToken is empty.
	Token string
	// PlayToken plays and must not publish.
	PlayToken string
	// OtherToken is good for another channel only.
	OtherToken string
	// RivalToken publishes to the same channel, but belongs to somebody else.
	RivalToken string
	// ExpiredToken was good once.
	ExpiredToken string
	// Origin is that of the page that cross-origin requests pretend to come from;
	// empty takes a loopback one where the server is on loopback.
	Origin string
	// TLS is used for https endpoints.
	TLS *tls.Config
	// PublicAddress is what every host candidate must show: "IP" or "IP:port".
	PublicAddress string
	// Limited tells that the server limits what one address may ask for, this
	// machine's included. The cases about it ask for a lot.
	Limited bool
	// DeadSTUN tells that the server is configured with a STUN server that does
	// not answer.
	DeadSTUN bool
	// Slow also runs the cases that wait for timeouts of up to two minutes.
	Slow bool
	// Drain makes the server refuse new sessions and then end.
	Drain func(context.Context) error
	// Browser evaluates an expression, which may be a promise, in a page of
	// another origin than the server's and returns its value as JSON.
	Browser func(ctx context.Context, expression string) (string, error)
}

// placeholder is replaced by the name of a channel.
const placeholder = "{}"

// Validate reports every fault at once.
func (t Target) Validate() error {
	var errs []error
	if t.WHIP == "" {
		errs = append(errs, errors.New("name the WHIP endpoint"))
	}
	for name, endpoint := range map[string]string{"WHIP": t.WHIP, "WHEP": t.WHEP} {
		u, err := url.Parse(t.at(endpoint, "x"))
		if endpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "") {
			errs = append(errs, fmt.Errorf("%s: %q must look like https://live.example.com/whip/channel", name, endpoint))
		}
	}
	if t.WHEP != "" && strings.Contains(t.WHIP, placeholder) != strings.Contains(t.WHEP, placeholder) {
		errs = append(errs, errors.New("both endpoints or none must have {} in them"))
	}
	return errors.Join(errs...)
}

// separate reports whether every case gets a channel of its own.
func (t Target) separate() bool { return strings.Contains(t.WHIP, placeholder) }

func (t Target) at(endpoint, channel string) string {
	return strings.ReplaceAll(endpoint, placeholder, channel)
}

// in returns the target with the endpoints of one channel.
func (t Target) in(channel string) Target {
	t.WHIP, t.WHEP = t.at(t.WHIP, channel), t.at(t.WHEP, channel)
	return t
}

func (t Target) playToken() string {
	if t.PlayToken != "" {
		return t.PlayToken
	}
	return t.Token
}

// origin returns the page's origin. Servers that nobody configured may talk to
// pages of their own machine only.
func (t Target) origin() string {
	switch {
	case t.Origin != "":
		return t.Origin
	case t.onLoopback():
		return "http://localhost:65001"
	}
	return "https://conformance.example"
}

func (t Target) onLoopback() bool {
	u, err := url.Parse(t.WHIP)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}

// localIP returns the address of this machine that the server sees.
func (t Target) localIP() (netip.Addr, error) {
	u, err := url.Parse(t.WHIP)
	if err != nil {
		return netip.Addr{}, err
	}
	conn, err := net.Dial("udp", net.JoinHostPort(u.Hostname(), "9"))
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return local.Addr().Unmap(), err
}
