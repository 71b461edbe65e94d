package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"github.com/headgate/headgate/internal/egress"
)

// patience bounds each question that goes over the network.
const patience = 3 * time.Second

// OfThisMachine is the real world. advertised lists the addresses told to clients;
// step is the configured way of sending.
func OfThisMachine(advertised func(context.Context) ([]netip.AddrPort, error), step egress.LastStep) Machine {
	return Machine{
		Now: time.Now, Advertised: advertised, Bind: bind, Running: askGateway, Sysctl: sysctl, OpenFiles: openFileLimit,
		LastStep: func(ctx context.Context) (string, error) { return lastStep(ctx, step) },
		Offset:   askTime, Reflexive: askSTUN,
	}
}

// bind opens a socket as the gateway would, and closes it.
func bind(ctx context.Context, network, address string) error {
	var lc net.ListenConfig
	var socket io.Closer
	var err error
	if network == "udp" {
		socket, err = lc.ListenPacket(ctx, network, address)
	} else {
		socket, err = lc.Listen(ctx, network, address)
	}
	if err != nil {
		return err
	}
	return socket.Close()
}

// askGateway reads the public settings. The certificate does not matter: it is
// asked on this machine, and told nothing.
func askGateway(ctx context.Context, url string) (r Running, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/settings", nil)
	if err != nil {
		return r, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // see above
	res, err := transport.RoundTrip(req)
	if err != nil {
		return r, err
	}
	defer func() { _ = res.Body.Close() }() // only read
	if res.StatusCode != http.StatusOK {
		return r, fmt.Errorf("status %d", res.StatusCode)
	}
	return r, json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&r)
}

func sysctl(name string) (int, error) {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func lastStep(ctx context.Context, step egress.LastStep) (string, error) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", "localhost:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	return string(egress.NewSocket(conn, nil, step).LastStep()), nil
}

// exchange sends a datagram and returns the first answer that fits.
func exchange(ctx context.Context, address string, question []byte, fits func([]byte) bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the answer is here, or will not come
	answer := make([]byte, 1500)
	for ctx.Err() == nil {
		if _, err := conn.Write(question); err != nil {
			return nil, err
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience / 4)) // asked again after that
		if n, err := conn.Read(answer); err == nil && fits(answer[:n]) {
			return answer[:n], nil
		}
	}
	return nil, context.Cause(ctx)
}

// askSTUN takes "host:port", with or without "stun:" before it.
func askSTUN(ctx context.Context, server string) (netip.Addr, error) {
	question, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.Addr{}, err
	}
	var seen stun.XORMappedAddress
	_, err = exchange(ctx, withPort(strings.TrimPrefix(server, "stun:"), "3478"), question.Raw, func(b []byte) bool {
		m := &stun.Message{Raw: append([]byte(nil), b...)}
		return m.Decode() == nil && m.TransactionID == question.TransactionID && seen.GetFrom(m) == nil
	})
	if err != nil {
		return netip.Addr{}, err
	}
	addr, _ := netip.AddrFromSlice(seen.IP)
	return addr.Unmap(), nil
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
