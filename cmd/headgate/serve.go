package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/headgate/headgate/internal/gateway"
)

type serveCommand struct {
	HTTP        string   `name:"http" placeholder:"ADDR" help:"Address for HTTP (default 127.0.0.1:8080)."`
	Media       string   `placeholder:"ADDR" help:"Address for media, UDP and TCP (default :8190)."`
	Config      string   `type:"existingfile" placeholder:"FILE" help:"Configuration file (YAML); also HEADGATE_CONFIG."`
	PublicIP    []string `name:"public-ip" placeholder:"IP|NAME" help:"Address or name to advertise for media; may be repeated."`
	PublicURL   string   `name:"public-url" placeholder:"URL" help:"Origin clients use, for example https://live.example.com."`
	Open        bool     `help:"Let everybody publish and play without a token."`
	LogLevel    string   `enum:",debug,info,warn,error" default:"" help:"debug, info, warn or error."`
	LogFormat   string   `enum:",text,json" default:"" help:"text or json."`
	PrintConfig bool     `help:"Print the configuration as it would be used, without secrets, and exit."`
	ReadyFile   string   `placeholder:"FILE" help:"Once listening, write the addresses into this file as JSON."`
	Hints       bool     `help:"Print what to paste into OBS, ffmpeg and a browser even where stdout is no terminal (never tokens)."`
}

// flags puts what was said on the command line over everything else.
func (c *serveCommand) flags(cfg *gateway.Config) {
	set := func(target *string, value string) {
		if value != "" {
			*target = value
		}
	}
	set(&cfg.HTTP.HTTP, c.HTTP)
	set(&cfg.Media.Listen, c.Media)
	set(&cfg.HTTP.PublicURL, c.PublicURL)
	set(&cfg.Log.Level, c.LogLevel)
	set(&cfg.Log.Format, c.LogFormat)
	if len(c.PublicIP) > 0 {
		cfg.Media.PublicAddresses = c.PublicIP
	}
	cfg.Auth.Open = cfg.Auth.Open || c.Open
}

func (c *serveCommand) Run(ctx context.Context, con *console) error {
	cfg, err := loadConfig(con, c.Config, c.flags)
	if err != nil {
		return err
	}
	if c.PrintConfig {
		return printConfig(con, cfg)
	}
	log, err := newLogger(con, cfg.Log)
	if err != nil {
		return err
	}
	g, err := gateway.New(ctx, cfg, gateway.Options{Log: log, Version: versionText()})
	if err != nil {
		return err
	}
	if c.Open {
		log.Warn("--open: everybody who can reach this address may publish and play")
	}
	log.Info("listening", "version", versionText(), "http", g.URLs(), "media", fmt.Sprint(g.Media()))
	if err := c.announce(con, cfg, g); err != nil {
		log.Error("could not announce the addresses", "err", err)
	}
	return g.Run(ctx)
}

// announce tells people and scripts where the gateway is.
func (c *serveCommand) announce(con *console, cfg gateway.Config, g *gateway.Gateway) error {
	if con.terminal || c.Hints {
		printHints(con, cfg, g)
	}
	if c.ReadyFile == "" {
		return nil
	}
	media := make([]string, 0, len(g.Media()))
	for _, a := range g.Media() {
		media = append(media, a.String())
	}
	text, err := json.Marshal(map[string]any{"http": g.URLs()[0], "media": media, "version": versionText()})
	if err != nil {
		return err
	}
	return writeWhole(c.ReadyFile, append(text, '\n'))
}

// writeWhole makes a file appear with all its content or not at all.
func writeWhole(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone already when all went well
	if _, err = f.Write(content); err != nil {
		_ = f.Close() // the failed write says more
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
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
