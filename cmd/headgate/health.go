package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/headgate/headgate/internal/gateway"
)

type healthCommand struct {
	URL     string        `arg:"" optional:"" help:"Origin of the gateway, for example http://127.0.0.1:8080; without it the configuration says where it listens."`
	Ready   bool          `help:"Ask whether new sessions would be taken (/readyz), not only whether the process answers (/healthz)."`
	Config  string        `type:"existingfile" placeholder:"FILE" help:"Configuration file of the gateway; also HEADGATE_CONFIG."`
	Timeout time.Duration `default:"5s" help:"How long to wait."`
}

// Run asks the gateway on this machine how it is, for health checks of containers,
// which bring no other client. It prints the answer.
func (c *healthCommand) Run(ctx context.Context, con *console) error {
	origin, err := c.origin(con)
	if err != nil {
		return err
	}
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+path, nil)
	if err != nil {
		return err
	}
	res, err := healthClient().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s answers %s: %s", origin, path, res.Status, text)
	}
	if err != nil {
		return err
	}
	_, err = con.stdout.Write(text)
	return err
}

// healthClient follows nothing and asks no proxy.
func healthClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// origin is where the gateway of the configuration is reached from this machine
// without TLS, whose certificate would be for another name.
func (c *healthCommand) origin(con *console) (string, error) {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("%q must look like http://127.0.0.1:8080", c.URL)
		}
		return u.Scheme + "://" + u.Host, nil
	}
	cfg, err := loadConfig(con, c.Config, nil)
	if err != nil {
		return "", err
	}
	return plainOrigin(cfg)
}

func plainOrigin(cfg gateway.Config) (string, error) {
	for _, address := range []string{cfg.Operations.Listen, cfg.HTTP.HTTP} {
		if address == "" {
			continue
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return "", err
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		return "http://" + net.JoinHostPort(host, port), nil
	}
	return "", errors.New("the gateway listens by TLS only: set operations.listen (127.0.0.1:9190 will do), or name the URL")
}
