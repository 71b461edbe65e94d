package doctor

import (
	"context"
	"net"
	"strings"
)

// gatewayHere looks for a gateway at the addresses of the configuration.
func gatewayHere(ctx context.Context, s Setup, m Machine) (Running, bool) {
	for _, l := range [][2]string{{"http", s.HTTP}, {"https", s.HTTPS}} {
		if l[1] == "" {
			continue
		}
		if r, err := m.Running(ctx, l[0]+"://"+dialable(l[1])); err == nil && strings.Contains(r.WHIP, "/whip/") {
			return r, true
		}
	}
	return Running{}, false
}

// dialable turns an address to listen on into one to connect to.
func dialable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func gateway(s Setup, r Running, running bool) []Finding {
	if !running {
		return []Finding{note("gateway-absent", "headgate serve starts one. What only a running one knows was not checked.", "No gateway answers on this machine at the configured addresses.")}
	}
	return []Finding{ok("gateway-answers", "headgate %s answers.", r.Version), proxy(s, r)}
}

// proxy compares the headers that came with the proxies that are believed.
func proxy(s Setup, r Running) Finding {
	switch {
	case r.Forwarded == "ignored":
		return warning("proxy-not-trusted", "Name the proxy's address in http.trusted_proxies, for example [127.0.0.1]; until then all clients count as one, and addresses in answers may be wrong.",
			"Requests come with X-Forwarded-* or Forwarded from an address that http.trusted_proxies does not name.")
	case len(s.TrustedProxies) > 0 && r.Forwarded == "":
		return note("proxy-silent", "Let the proxy send X-Forwarded-For and X-Forwarded-Proto; or there was no request through it yet.",
			"http.trusted_proxies is set, and no request with forwarding headers has come since the gateway started.")
	}
	return ok("proxy-agrees", "Forwarding headers and http.trusted_proxies agree.")
}
