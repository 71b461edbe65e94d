package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/netclass"
)

// Target is a server to look at from outside.
type Target struct {
	// URL is its origin, or the WHIP or WHEP endpoint of a channel.
	URL string
	// WHEP is the endpoint to play from where it cannot be guessed from URL.
	WHEP string
	// Channel is used where URL names none; empty makes a name up.
	Channel string
	// Token publishes and plays; empty sends none.
	Token     string
	UserAgent string
	// Insecure goes on whatever the certificate.
	Insecure bool
}

// endpoints are what a Target comes down to.
type endpoints struct {
	origin     *url.URL
	whip, whep string
	target     Target
}

// Remote looks at a server as a client would: name, ports, certificate, HTTP, and
// then media, published to a channel nobody uses and played back by UDP, by TCP and
// by TURN.
func Remote(ctx context.Context, t Target) []Finding {
	e, err := t.endpoints()
	if err != nil {
		return under("Address", fault("url-unusable", "Give the address of a gateway, https://live.example.com, or of an endpoint, https://live.example.com/whip/live.", "%v.", err))
	}
	findings := under("Name", dns(ctx, e.origin.Hostname(), net.DefaultResolver.LookupNetIP)...)
	if Count(findings, Fault) > 0 {
		return findings
	}
	findings = append(findings, under("Connection", dials(ctx, e.origin, new(net.Dialer).DialContext)...)...)
	if Count(findings, Fault) > 0 {
		return findings
	}
	findings = append(findings, under("Certificate", servedCertificate(ctx, e.origin)...)...)
	if Count(findings, Fault) > 0 && !t.Insecure {
		return findings
	}
	client := e.client()
	defer client.CloseIdleConnections()
	findings = append(findings, under("HTTP", speaksHTTP(ctx, client, e)...)...)
	if Count(findings, Fault) > 0 && !t.Insecure {
		return findings
	}
	return append(findings, under("Media", judgeLoops(runLoops(ctx, client, e, loop))...)...)
}

func (e endpoints) client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: e.target.Insecure}, //nolint:gosec // the user's choice
	}}
}

// endpoints guesses what URL leaves out: /whip/CHANNEL below an origin, and the
// same path with whep where it says whip.
func (t Target) endpoints() (e endpoints, err error) {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return e, errors.New("this is no URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return e, fmt.Errorf("%q does not begin with http:// or https:// and a host", t.URL)
	}
	u.Fragment, u.User = "", nil
	e = endpoints{origin: &url.URL{Scheme: u.Scheme, Host: u.Host}, target: t}
	whip, whep := swapped(u.EscapedPath(), "whep", "whip"), swapped(u.EscapedPath(), "whip", "whep")
	if whip == whep { // it names no endpoint
		if t.Channel == "" {
			t.Channel = "check-" + strings.ToLower(rand.Text()[:8])
		}
		base := strings.TrimSuffix(u.EscapedPath(), "/")
		whip, whep = base+"/whip/"+url.PathEscape(t.Channel), base+"/whep/"+url.PathEscape(t.Channel)
	}
	query := ""
	if u.RawQuery != "" {
		query = "?" + u.RawQuery
	}
	e.whip, e.whep = e.origin.String()+whip+query, e.origin.String()+whep+query
	if t.WHEP != "" {
		e.whep = t.WHEP
	}
	return e, nil
}

// swapped replaces a segment of a path.
func swapped(path, from, to string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == from {
			segments[i] = to
		}
	}
	return strings.Join(segments, "/")
}

// dns looks the host up.
func dns(ctx context.Context, host string, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)) []Finding {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []Finding{ok("dns-not-needed", "%s, %s, needs no DNS.", host, netclass.Of(addr))}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addrs, err := lookup(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return []Finding{fault("dns-missing", "Correct the name, or make a DNS entry for it; a new one may take minutes to be seen.", "%s has no address: %v.", host, err)}
	}
	var text []string
	public := false
	for _, a := range addrs {
		text = append(text, a.Unmap().String())
		public = public || netclass.Of(a) == netclass.Public
	}
	if !public && netclass.Of(addrs[0]) != netclass.Loopback {
		return []Finding{note("dns-private", "Right inside a network; for clients elsewhere the name has to lead to a public address.", "%s is %s: no public address.", host, strings.Join(text, ", "))}
	}
	return []Finding{ok("dns-found", "%s is %s.", host, strings.Join(text, ", "))}
}

// dials connects by both families: clients choose themselves.
func dials(ctx context.Context, origin *url.URL, dial func(ctx context.Context, network, address string) (net.Conn, error)) []Finding {
	var worked []string
	var failed []error
	for _, network := range []string{"tcp4", "tcp6"} {
		limited, cancel := context.WithTimeout(ctx, patience)
		conn, err := dial(limited, network, hostPort(origin))
		cancel()
		if err == nil {
			worked = append(worked, conn.RemoteAddr().String())
			_ = conn.Close() // only opened
		} else if !noSuchFamily(err) {
			failed = append(failed, err)
		}
	}
	switch {
	case len(worked) == 0:
		return []Finding{fault("tcp-closed", "See that the gateway runs and listens on all addresses (--http :8080), and that the firewall lets the port through.", "No connection to %s: %v.", hostPort(origin), errors.Join(failed...))}
	case len(failed) > 0:
		return []Finding{warning("tcp-partly", "Serve this family too, or remove its DNS entry: clients that try it first wait.", "%s answers, and %v.", strings.Join(worked, ", "), failed[0])}
	}
	return []Finding{ok("tcp-open", "%s answers.", strings.Join(worked, " and "))}
}

// noSuchFamily tells that the host has no address of a family, or this machine no
// way there.
func noSuchFamily(err error) bool {
	if e, ok := errors.AsType[*net.AddrError](err); ok && e != nil {
		return true
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "unreachable") || strings.Contains(text, "no suitable address") || strings.Contains(text, "cannot assign requested address")
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// servedCertificate judges what clients are shown.
func servedCertificate(ctx context.Context, origin *url.URL) []Finding {
	if origin.Scheme == "http" {
		if addr, err := netip.ParseAddr(origin.Hostname()); origin.Hostname() == "localhost" || err == nil && addr.IsLoopback() {
			return []Finding{ok("certificate-not-needed", "Plain HTTP is enough on the same machine.")}
		}
		return []Finding{note("plain-http", "Serve HTTPS: http.tls of the configuration, or a proxy in front.", "By plain HTTP browsers give pages neither camera nor microphone, and tokens travel in the clear.")}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: origin.Hostname()}} //nolint:gosec // judged below
	conn, err := dialer.DialContext(ctx, "tcp", hostPort(origin))
	if err != nil {
		return []Finding{fault("tls-failed", "See that this port speaks TLS, not plain HTTP.", "No TLS with %s: %v.", hostPort(origin), err)}
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	return judgeChain(conn.(*tls.Conn).ConnectionState().PeerCertificates, origin.Hostname(), time.Now(), nil)
}
