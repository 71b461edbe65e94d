package main

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
)

const defaultTokenTTL = 12 * time.Hour

type tokenCommand struct {
	Publish     []string          `placeholder:"CHANNEL" help:"Channels to publish to: names, prefix* or *; may be repeated."`
	Play        []string          `placeholder:"CHANNEL" help:"Channels to play."`
	Admin       bool              `help:"Allow administration."`
	Participant string            `placeholder:"NAME" help:"Bind the token to one participant; * allows every one."`
	Subject     string            `placeholder:"TEXT" help:"Who the token is for; it becomes the participant unless --participant says otherwise."`
	Name        string            `placeholder:"TEXT" help:"Name shown to others."`
	Tag         map[string]string `placeholder:"KEY=VALUE" help:"Tags shown to others."`
	TTL         time.Duration     `name:"ttl" default:"12h" help:"How long the token works, for example 30m or 12h."`
	JoinWithin  time.Duration     `help:"How long the token lets somebody in; sessions go on until --ttl."`
	Once        bool              `help:"Let one login in only."`
	Config      string            `type:"existingfile" placeholder:"FILE" help:"Configuration file of the gateway, for its state_dir; also HEADGATE_CONFIG."`
}

func (c *tokenCommand) Run(con *console) error {
	if len(c.Publish) == 0 && len(c.Play) == 0 && !c.Admin {
		return errors.New("the token would allow nothing: name channels with --publish or --play, or give --admin")
	}
	if c.TTL <= 0 {
		return fmt.Errorf("--ttl must be longer than 0, got %v", c.TTL)
	}
	cfg, err := loadConfig(con, c.Config, nil)
	if err != nil {
		return err
	}
	key, madeIn, err := gateway.OwnKey(cfg)
	if err != nil {
		return err
	}
	if madeIn != "" { // by another user or with another configuration the gateway has another key
		fmt.Fprintf(con.stderr, "headgate: made a key in %s; the gateway must keep its state there too\n", madeIn)
	}
	token, err := auth.Sign(key, c.claims(time.Now()))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.stdout, token)
	return err
}

func (c *tokenCommand) claims(now time.Time) auth.Claims {
	claims := auth.Claims{
		Subject: c.Subject, IssuedAt: now, Expires: now.Add(c.TTL), ID: gateway.NewTokenID(),
		Publish: c.Publish, Play: c.Play, Admin: c.Admin,
		Participant: c.Participant, Name: c.Name, Tags: maps.Clone(c.Tag), Once: c.Once,
	}
	if c.JoinWithin > 0 {
		claims.JoinBy = now.Add(c.JoinWithin)
	}
	return claims
}
