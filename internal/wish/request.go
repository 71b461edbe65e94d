package wish

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

// The media types of bodies.
const (
	SDPType      = "application/sdp"
	FragmentType = "application/trickle-ice-sdpfrag"
)

// request reads what every request says of whoever sent it.
func (cfg Config) request(c echo.Context) signaling.Request {
	return signaling.Request{
		Credential: cfg.credential(c.Request()),
		From:       remote(c),
		UserAgent:  c.Request().UserAgent(),
	}
}

// credential reads the Authorization header. Two of them are no credential that
// could be believed.
func (cfg Config) credential(r *http.Request) auth.Credential {
	values := r.Header.Values(echo.HeaderAuthorization)
	switch len(values) {
	case 0:
		return auth.Credential{}
	case 1:
		return auth.CredentialFrom(values[0], cfg.AcceptRawToken)
	}
	return auth.Credential{Malformed: true}
}

// remote returns who sent the request, after the proxies that echo's extractor
// trusts. The port is known only when there were none.
func remote(c echo.Context) netip.AddrPort {
	direct := directPeer(c.Request())
	addr, err := netip.ParseAddr(c.RealIP())
	if err != nil || addr.Unmap() == direct.Addr() {
		return direct
	}
	return netip.AddrPortFrom(addr.Unmap(), 0)
}

func directPeer(r *http.Request) netip.AddrPort {
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	peer, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
}

// body reads a plain body of the wanted media type, which compares without
// regard to case and parameters (RFC 9110 section 8.3.1).
func (cfg Config) body(r *http.Request, mediaType string, wrongType *fault.Error) ([]byte, error) {
	if !hasType(r, mediaType) {
		return nil, wrongType
	}
	if enc := r.Header.Get(echo.HeaderContentEncoding); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, errEncoding
	}
	return cfg.read(r)
}

func hasType(r *http.Request, mediaType string) bool {
	got, _, _ := strings.Cut(r.Header.Get(echo.HeaderContentType), ";")
	return strings.EqualFold(strings.TrimSpace(got), mediaType)
}

func (cfg Config) read(r *http.Request) ([]byte, error) {
	limit := cfg.MaxBodyBytes
	if limit <= 0 {
		limit = DefaultMaxBodyBytes
	}
	tooLarge := errTooLarge.Because("The body is larger than %d bytes; send less.", limit)
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if int64(len(b)) > limit {
		return nil, tooLarge
	}
	if _, ours := errors.AsType[*fault.Error](err); err != nil && !ours {
		return nil, fmt.Errorf("%w (after %d bytes: %w)", errBody, len(b), err)
	}
	return b, err
}
