package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/bench"
	"github.com/headgate/headgate/internal/bench/source"
)

// benchCallCommand measures a call beside a broadcast.
type benchCallCommand struct {
	URL          string        `arg:"" help:"Server with the paths of this gateway."`
	Token        string        `placeholder:"TOKEN" help:"Token that publishes and plays as anybody. Also HEADGATE_BENCH_TOKEN, which other users of the machine cannot see."`
	Name         string        `default:"call" help:"Name of the run in reports."`
	Participants int           `default:"30" help:"People in the call. Each publishes, and watches the others."`
	Slots        int           `default:"9" help:"How many others each sees and hears."`
	SpeakEvery   time.Duration `default:"5s" help:"How long one speaks before it is the next one's turn; 0 lets nobody speak."`
	Members      bool          `default:"true" negatable:"" help:"Let each hold an event stream too."`
	Rounds       int           `default:"1" help:"How often broadcast and call are measured, in turn."`
	Duration     time.Duration `default:"20s" help:"Length of each measurement."`
	Warmup       time.Duration `default:"3s" help:"Time before the first viewer, and between joining and measuring."`

	Bitrate   bench.BitRate `default:"600k" help:"Mean bit rate of each video, of the highest layer with --simulcast."`
	FPS       int           `name:"fps" default:"30" help:"Frames a second."`
	GOP       time.Duration `name:"gop" default:"2s" help:"Time between key frames that nobody asked for."`
	Split     source.Split  `default:"full" help:"full cuts frames into full packets and a rest, equal into equal ones, as browsers."`
	Simulcast bool          `help:"Publish three layers."`

	PID   []int `name:"pid" help:"Processes of the server on this machine: reports what they use, and the ratio."`
	Floor bool  `help:"Measure the floor too, and report processor time as a multiple of it."`

	benchOutput
}

// Run measures both in turn, and reports what was measured even if it was cut short.
func (c *benchCallCommand) Run(ctx context.Context, con *console) error {
	runs, err := bench.MeasureCall(ctx, c.scenario(con), c.Rounds, func(line string) { fmt.Fprintln(con.stderr, line) })
	if len(runs) == 0 || len(runs[0].Points) == 0 {
		return err
	}
	return errors.Join(err, c.write(con, bench.NewReport("headgate "+versionText(), runs...)))
}

func (c *benchCallCommand) scenario(con *console) bench.Scenario {
	s := bench.DefaultScenario()
	s.Name, s.Viewers, s.Warmup, s.Duration, s.PIDs, s.Floor = c.Name, []int{c.Participants}, c.Warmup, c.Duration, c.PID, c.Floor
	s.UserAgent = "headgate-bench/" + versionText()
	s.PublishToken = cmp.Or(c.Token, con.env(envBenchToken))
	s.PlayToken = s.PublishToken
	s.Source.BitsPerSecond, s.Source.FramesPerSecond, s.Source.GOP = int(c.Bitrate), c.FPS, c.GOP
	s.Source.Split, s.Source.Simulcast = c.Split, c.Simulcast
	s.Call = &bench.Call{Slots: c.Slots, SpeakEvery: c.SpeakEvery}
	if c.Members {
		s.Call.Events = strings.TrimSuffix(c.URL, "/") + "/api/v1/channels/" + bench.ChannelMark + "/events"
	}
	s.Endpoints(c.URL)
	return s
}
