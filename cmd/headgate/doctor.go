package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/headgate/headgate/internal/doctor"
	"github.com/headgate/headgate/internal/gateway"
)

type doctorCommand struct {
	URL       string   `arg:"" optional:"" name:"url" help:"Look at this server from here instead: its address, or that of a WHIP endpoint."`
	WHEP      string   `name:"whep" placeholder:"URL" help:"With a URL: the WHEP endpoint, where it is not the same with whep for whip."`
	Channel   string   `placeholder:"NAME" help:"With a URL: the channel to publish to and play, which nobody may be using (default: a made-up one)."`
	Token     string   `placeholder:"TOKEN" help:"With a URL: token that publishes and plays; also HEADGATE_DOCTOR_TOKEN, which other users of the machine cannot see."`
	Insecure  bool     `help:"With a URL: go on whatever the certificate is like."`
	HTTP      string   `name:"http" placeholder:"ADDR" help:"As of serve."`
	Media     string   `placeholder:"ADDR" help:"As of serve."`
	Config    string   `type:"path" placeholder:"FILE" help:"As of serve."`
	PublicIP  []string `name:"public-ip" placeholder:"IP|NAME" help:"As of serve."`
	PublicURL string   `name:"public-url" placeholder:"URL" help:"As of serve."`
	NTP       string   `name:"ntp" placeholder:"SERVER" help:"Compare the clock with this time server."`
	STUN      []string `name:"stun" placeholder:"HOST:PORT" help:"Ask this STUN server which address it sees; may be repeated."`
	Format    string   `enum:"text,json" default:"text" placeholder:"FORMAT" help:"text (default) or json."`
}

// envDoctorToken holds a token that other users of the machine cannot see.
const envDoctorToken = "HEADGATE_DOCTOR_TOKEN"

// Run prints what was found. The error makes the process fail when there is a
// fault.
func (c *doctorCommand) Run(ctx context.Context, con *console) error {
	findings := c.examine(ctx, con)
	if err := c.write(con, findings); err != nil {
		return err
	}
	if n := doctor.Count(findings, doctor.Fault); n > 0 {
		return fmt.Errorf("the doctor found %s", doctor.Summary(findings))
	}
	return nil
}

func (c *doctorCommand) write(con *console, findings []doctor.Finding) error {
	if c.Format == "json" {
		return doctor.WriteJSON(con.stdout, findings)
	}
	return doctor.WriteText(con.stdout, findings, con.terminal)
}

func (c *doctorCommand) examine(ctx context.Context, con *console) []doctor.Finding {
	if c.URL == "" {
		return c.local(ctx, con)
	}
	token := c.Token
	if token == "" {
		token = con.env(envDoctorToken)
	}
	return doctor.Remote(ctx, doctor.Target{
		URL: c.URL, WHEP: c.WHEP, Channel: c.Channel, Token: token, Insecure: c.Insecure, UserAgent: "headgate-doctor/" + versionText(),
	})
}

// local looks at this machine with the configuration that serve would have.
func (c *doctorCommand) local(ctx context.Context, con *console) []doctor.Finding {
	serve := serveCommand{HTTP: c.HTTP, Media: c.Media, PublicIP: c.PublicIP, PublicURL: c.PublicURL}
	from := make(sources)
	cfg, err := loadWithSources(con, c.Config, serve.flags, from)
	setup := c.setup(con, cfg)
	setup.Invalid, setup.Missing = linesOf(err), linesOf(from.locate(unreadable(cfg)))
	return doctor.Local(ctx, setup, doctor.OfThisMachine(cfg.Advertised, cfg.Egress.LastStep))
}

func (c *doctorCommand) setup(con *console, cfg gateway.Config) doctor.Setup {
	file := c.Config
	if file == "" {
		file = con.env(envConfig)
	}
	key, _ := cfg.KeyFile() // without a home directory serve says so
	return doctor.Setup{
		File: file, HTTP: cfg.HTTP.HTTP, HTTPS: cfg.HTTP.HTTPS, Sockets: cfg.Sockets(),
		LoopbackOnly: cfg.LoopbackOnly(), PublicURL: cfg.HTTP.PublicURL, Cert: cfg.HTTP.TLS.Cert, Key: cfg.HTTP.TLS.Key,
		PublicAddresses: cfg.Media.PublicAddresses, TrustedProxies: cfg.HTTP.TrustedProxies, MaxSessions: cfg.Sessions.MaxSessions,
		KeyFile: key, NTPServer: c.NTP, STUNServers: append(c.STUN, cfg.AskedServers()...), Discovers: cfg.Discovers(),
	}
}

func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
