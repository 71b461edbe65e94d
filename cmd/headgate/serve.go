package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/sockets"
	"github.com/headgate/headgate/internal/wholefile"
)

type serveCommand struct {
	HTTP        string   `name:"http" placeholder:"ADDR" help:"Address for HTTP (default 127.0.0.1:8080)."`
	Media       string   `placeholder:"ADDR" help:"Address for media, UDP and TCP (default :8190)."`
	Config      string   `type:"existingfile" placeholder:"FILE" help:"Configuration file (YAML); also HEADGATE_CONFIG."`
	TURN        string   `name:"turn" placeholder:"ADDR" help:"Serve TURN on this address, for example :3478 (default: not at all)."`
	PublicIP    []string `name:"public-ip" placeholder:"IP|NAME|auto" help:"Address or name to advertise for media, or auto: what public STUN servers see; may be repeated."`
	PublicURL   string   `name:"public-url" placeholder:"URL" help:"Origin clients use, for example https://live.example.com."`
	Open        bool     `help:"Let everybody publish and play without a token."`
	LogLevel    string   `enum:",debug,info,warn,error" default:"" placeholder:"LEVEL" help:"debug, info (default), warn or error."`
	LogFormat   string   `enum:",text,json" default:"" placeholder:"FORMAT" help:"text (default) or json."`
	PrintConfig bool     `help:"Print the configuration as it would be used, without secrets, and exit."`
	ReadyFile   string   `placeholder:"FILE" help:"Once listening, write the addresses into this file as JSON."`
	Hints       bool     `help:"Print what to paste into OBS, ffmpeg and a browser even where stdout is no terminal (never tokens)."`
}

// flags puts what was said on the command line over everything else.
func (c *serveCommand) flags(cfg *gateway.Config, from sources) {
	set := func(target *string, value, path, flag string) {
		if value != "" {
			*target, from[path] = value, flag
		}
	}
	set(&cfg.HTTP.HTTP, c.HTTP, "http.http", "--http")
	set(&cfg.Media.Listen, c.Media, "media.listen", "--media")
	set(&cfg.HTTP.PublicURL, c.PublicURL, "http.public_url", "--public-url")
	set(&cfg.Log.Level, c.LogLevel, "log.level", "--log-level")
	set(&cfg.Log.Format, c.LogFormat, "log.format", "--log-format")
	if len(c.PublicIP) > 0 {
		cfg.Media.PublicAddresses, from["media.public_addresses"] = c.PublicIP, "--public-ip"
	}
	if c.TURN != "" {
		cfg.TURN.Enabled, cfg.TURN.Listen = true, c.TURN
		from["turn.enabled"], from["turn.listen"] = "--turn", "--turn"
	}
	if c.Open {
		cfg.Auth.Open, from["auth.open"] = true, "--open"
	}
}

func (c *serveCommand) Run(ctx context.Context, con *console) error {
	saveMemory()
	inherited, err := sockets.Inherit()
	if err != nil {
		return fmt.Errorf("socket activation: %w", err)
	}
	cfg, err := loadConfig(con, c.Config, func(cfg *gateway.Config, from sources) {
		c.flags(cfg, from)
		nameInherited(inherited, cfg, from)
	})
	if err != nil {
		return errors.Join(err, inherited.Close())
	}
	if c.PrintConfig {
		return errors.Join(printConfig(con, cfg), inherited.Close())
	}
	return c.serve(ctx, con, cfg, inherited)
}

// nameInherited makes the configuration say where the sockets of systemd listen:
// who may come without a token depends on that.
func nameInherited(in sockets.Inherited, cfg *gateway.Config, from sources) {
	for _, s := range []struct {
		listener net.Listener
		target   *string
		path     string
	}{{in.HTTP, &cfg.HTTP.HTTP, "http.http"}, {in.HTTPS, &cfg.HTTP.HTTPS, "http.https"}} {
		if s.listener != nil {
			*s.target, from[s.path] = s.listener.Addr().String(), "socket activation"
		}
	}
	if len(in.UDP) > 0 {
		cfg.Media.Listen, from["media.listen"] = in.UDP[0].LocalAddr().String(), "socket activation"
	}
}

func (c *serveCommand) serve(ctx context.Context, con *console, cfg gateway.Config, inherited sockets.Inherited) error {
	if err := removeStale(c.ReadyFile); err != nil {
		return err
	}
	log, err := newLogger(con, cfg.Log)
	if err != nil {
		return err
	}
	g, err := gateway.New(ctx, cfg, gateway.Options{Log: log, Version: versionText(), Sockets: inherited})
	if err != nil {
		return err
	}
	if cfg.Auth.Open {
		log.Warn("no token is needed: everybody who can reach this gateway may publish and play", "http", cfg.HTTP.HTTP)
	}
	log.Info("listening", listening(g)...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err = c.announce(con, cfg, g); err != nil {
		cancel() // whoever waits for the announcement would wait for ever
	}
	told, failed := supervise(ctx, con, log, g)
	if failed != nil {
		log.Warn("systemd is told nothing", "err", failed)
	} else {
		defer told()
	}
	return errors.Join(err, g.Run(ctx))
}

// listening is what the first line of the log says.
func listening(g *gateway.Gateway) []any {
	told := []any{"version", versionText(), "http", g.URLs(), "media", fmt.Sprint(g.Media())}
	if u := g.OperationsURL(); u != "" {
		told = append(told, "operations", u)
	}
	return told
}

// removeStale makes sure that a ready file speaks of this run and no other.
func removeStale(file string) error {
	if file == "" {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the ready file of an earlier run: %w", err)
	}
	return nil
}

// announce tells people and scripts where the gateway is.
func (c *serveCommand) announce(con *console, cfg gateway.Config, g *gateway.Gateway) error {
	if con.terminal || c.Hints {
		if err := printHints(con, hintsFor(con, c.Config, cfg, g)); err != nil {
			return err
		}
	}
	if c.ReadyFile == "" {
		return nil
	}
	media := make([]string, 0, len(g.Media()))
	for _, a := range g.Media() {
		media = append(media, a.String())
	}
	ready := map[string]any{"http": g.URLs()[0], "media": media, "version": versionText()}
	if u := g.OperationsURL(); u != "" {
		ready["operations"] = u
	}
	text, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	return wholefile.Write(c.ReadyFile, append(text, '\n'))
}

func printConfig(con *console, cfg gateway.Config) error {
	text, err := yaml.Marshal(cfg)
	if err != nil {
		return err
	}
	_, err = con.stdout.Write(text)
	return err
}

func newLogger(con *console, cfg gateway.Log) (*slog.Logger, error) {
	level, err := cfg.SlogLevel()
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(con.stderr, options)), nil
	}
	return slog.New(slog.NewTextHandler(con.stderr, options)), nil
}
