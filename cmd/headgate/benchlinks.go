package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/internal/bench"
	"github.com/headgate/headgate/internal/bench/links"
	"github.com/headgate/headgate/internal/bench/source"
	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/wholefile"
)

// benchLinksCommand measures adaptation on narrow lines.
type benchLinksCommand struct {
	Duration time.Duration   `default:"2m" help:"Time to watch on the lines of one rate."`
	Rates    []bench.BitRate `default:"4M,1M,300k" help:"Their rates; none are measured if this is empty."`
	Step     time.Duration   `default:"20s" help:"Time at each rate of the line that changes; 0 leaves it out."`
	Steps    []bench.BitRate `default:"4M,700k,4M" help:"Its rates, one after the other."`
	Bitrate  bench.BitRate   `default:"1.7M" help:"Mean bit rate of the highest layer's video; the others have 500 and 150 of 1700 parts of it."`
	Audio    bool            `default:"true" negatable:"" help:"Publish sound too."`
	JSON     string          `name:"json" placeholder:"FILE" help:"Write the report as JSON to this file too."`
}

var errBounds = errors.New("not every bound was kept")

// Run fails if a bound was not kept.
func (c *benchLinksCommand) Run(ctx context.Context, con *console) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	report, err := links.Measure(ctx, c.config(program), func(format string, args ...any) { fmt.Fprintf(con.stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	if c.JSON != "" {
		if err := writeReport(c.JSON, report.WriteJSON); err != nil {
			return err
		}
	}
	if err := report.WriteTable(con.stdout); err != nil {
		return err
	}
	if len(report.Failures()) > 0 {
		return errBounds
	}
	return nil
}

func (c *benchLinksCommand) config(program string) links.Config {
	cfg := links.Config{Program: program, Bits: int(c.Bitrate), Audio: c.Audio}
	for _, rate := range c.Rates {
		cfg.Lines = append(cfg.Lines, links.Steady(rate.String(), int(rate), c.Duration))
	}
	if c.Step > 0 {
		cfg.Steps.Name = "steps"
		for _, rate := range c.Steps {
			cfg.Steps.Phases = append(cfg.Steps.Phases, links.Phase{Bits: int(rate), Duration: c.Step})
		}
	}
	return cfg
}

// benchPublishCommand publishes what viewers of the bench understand, for other
// measurements.
type benchPublishCommand struct {
	URL            string        `arg:"" help:"WHIP endpoint."`
	Token          string        `help:"Token that publishes."`
	Bitrate        bench.BitRate `default:"2.5M"`
	GOP            time.Duration `name:"gop" default:"2s"`
	MinKeyInterval time.Duration `default:"300ms"`
	Simulcast      bool
	Film           []string      `type:"existingfile" help:"Three files of one codec, lowest layer first."`
	Audio          bool          `default:"true" negatable:""`
	Duration       time.Duration `help:"0 is until it is interrupted."`
	ReadyFile      string        `help:"Written when media flows."`
}

// Run publishes until it is interrupted.
func (c *benchPublishCommand) Run(ctx context.Context) error {
	cfg := source.DefaultConfig()
	cfg.BitsPerSecond, cfg.GOP, cfg.MinKeyInterval, cfg.Simulcast, cfg.Audio = int(c.Bitrate), c.GOP, c.MinKeyInterval, c.Simulcast, c.Audio
	for _, name := range c.Film {
		cfg.Films = append(cfg.Films, func() (mediafile.Reader, error) { return openFilm(name, cfg.FramesPerSecond) })
	}
	p, err := source.Publish(ctx, cfg, c.URL, c.Token)
	if err != nil {
		return err
	}
	if c.ReadyFile != "" {
		if err = flows(ctx, p); err == nil {
			err = wholefile.Write(c.ReadyFile, []byte("on air\n"))
		}
	}
	if err == nil {
		err = untilOver(ctx, c.Duration, p.Err)
	}
	return errors.Join(err, p.Close(context.WithoutCancel(ctx)))
}

// flows waits until the server must have seen pictures.
func flows(ctx context.Context, p *source.Publisher) error {
	const enough = 15 // half a second
	for p.Stats().Frames < enough {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
		if err := p.Err(); err != nil {
			return err
		}
	}
	return nil
}

// untilOver waits until ctx or d ends, or something stops by itself.
func untilOver(ctx context.Context, d time.Duration, stopped func() error) error {
	end := time.NewTimer(d)
	defer end.Stop()
	if d == 0 {
		end.Stop()
	}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-end.C:
			return nil
		case <-look.C:
			if err := stopped(); err != nil {
				return err
			}
		}
	}
}

// benchWatchCommand is one viewer that writes down what it sees.
type benchWatchCommand struct {
	URL      string        `arg:"" help:"WHEP endpoint."`
	Duration time.Duration `default:"30s"`
	Out      string        `placeholder:"FILE" help:"Trace as JSON; the terminal without."`

	SelectEvery time.Duration `help:"Select another layer this often; 0 is never."`
}

// Run watches; what was seen is written even if it was cut short.
func (c *benchWatchCommand) Run(ctx context.Context, con *console) error {
	trace, err := links.Watch(ctx, links.Watching{Endpoint: c.URL, Duration: c.Duration, SelectEvery: c.SelectEvery})
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(trace, "", "  ")
	if err != nil {
		return err
	}
	if c.Out != "" {
		return wholefile.Write(filepath.Clean(c.Out), append(b, '\n'))
	}
	_, err = fmt.Fprintf(con.stdout, "%s\n", b)
	return err
}
