package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/internal/bench"
	"github.com/headgate/headgate/internal/bench/source"
	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/wholefile"
)

type benchCommand struct {
	Load   benchLoadCommand   `cmd:"" name:"run" default:"withargs" help:"Publish streams to a server, play them with many viewers, and report what arrives (this is what bench does by itself)."`
	Call   benchCallCommand   `cmd:"" help:"Measure a call: people who publish and watch one another in slots; and a broadcast of as many deliveries in turn."`
	Floor  benchFloorCommand  `cmd:"" help:"Measure the least processor time this machine needs per packet."`
	Report benchReportCommand `cmd:"" help:"Make one report of several."`
	Links  benchLinksCommand  `cmd:"" help:"Measure how viewers behind narrow lines are served, in network namespaces of this machine (Linux, root)."`
	Sinks  benchSinksCommand  `cmd:"" hidden:"" help:"Read what bench floor --drain sends."`

	Publish benchPublishCommand `cmd:"" hidden:"" help:"Publish a synthetic stream, or three files as layers, until it is interrupted."`
	Watch   benchWatchCommand   `cmd:"" hidden:"" help:"Watch with one viewer and write down what it saw."`
}

type benchLoadCommand struct {
	URL       string `arg:"" optional:"" help:"Server with the paths /whip/CHANNEL and /whep/CHANNEL."`
	WHIP      string `name:"whip" placeholder:"URL" help:"WHIP endpoint of another server; {channel} in it stands for the channel."`
	WHEP      string `name:"whep" placeholder:"URL" help:"WHEP endpoint of another server, likewise."`
	Token     string `placeholder:"TOKEN" help:"Token that publishes; it also plays unless --play-token is given. {channel} may stand in it. Also HEADGATE_BENCH_TOKEN, which other users of the machine cannot see."`
	PlayToken string `placeholder:"TOKEN" help:"Token that plays."`
	Name      string `default:"bench" help:"Name of the run in reports."`

	Viewers  []int         `default:"10" help:"Numbers of viewers, one measurement after the other."`
	Channels int           `default:"1" help:"Streams to publish; the viewers are spread over them."`
	Duration time.Duration `default:"20s" help:"Length of each measurement."`
	Warmup   time.Duration `default:"3s" help:"Time before the first viewer, and between joining and measuring."`

	Bitrate        bench.BitRate `default:"2.5M" help:"Mean bit rate of the video."`
	FPS            int           `name:"fps" default:"30" help:"Frames a second."`
	Pacing         source.Pacing `default:"none" help:"none sends a frame's packets at once; frame:0.5 spreads them over half the time of a frame."`
	Split          source.Split  `default:"full" help:"full cuts frames into full packets and a rest, equal into equal ones, as browsers."`
	GOP            time.Duration `name:"gop" default:"2s" help:"Time between key frames that nobody asked for."`
	MinKeyInterval time.Duration `default:"300ms" help:"Least time between a key frame and one that was asked for."`
	Deaf           bool          `help:"Neither offer nor obey requests for key frames, as OBS and ffmpeg."`
	Simulcast      bool          `help:"Publish three layers."`
	Audio          bool          `default:"true" negatable:"" help:"Publish sound too."`
	Video          string        `type:"existingfile" placeholder:"FILE" help:"Publish this file (Annex-B H.264) in a loop instead of invented frames."`

	JoinParallel          int           `default:"4" help:"Viewers that join at once."`
	JoinRate              float64       `placeholder:"N" help:"Viewers that join in a second, at most."`
	Churn                 float64       `placeholder:"N" help:"Viewers a second that leave and are replaced while measuring."`
	RestartPublisherEvery time.Duration `placeholder:"TIME" help:"Stop and start a publisher this often while measuring; viewers that lose their session are counted."`
	SwitchEvery           time.Duration `placeholder:"TIME" help:"Let each viewer select another layer this often while measuring (wants --simulcast and a server with the layer extension)."`
	CompareFeedback       bool          `help:"Measure twice without and twice with transport-wide feedback of the viewers, in turn, and tell the ratio of what packets cost."`
	LateJoin              bool          `help:"After each measurement, let viewers join half a group after a key frame, and compare their delay with the others'."`
	Loss                  bench.Share   `default:"0%" placeholder:"PERCENT" help:"Lose this share of the packets at the viewers, at random."`
	Feedback              string        `enum:"libwebrtc,reports,remb,none" default:"libwebrtc" help:"RTCP of the viewers: libwebrtc as it sends it; reports without transport-cc and goog-remb; remb without transport-cc; none."`
	SampleEvery           int           `default:"10" hidden:"" help:"One of how many frames is decrypted for its time stamp."`

	Limit   bench.Limits `placeholder:"LIST" help:"What is good enough: p99=100ms,loss=0.1% (also p50, p95, max, broken, cores)."`
	FindMax bool         `help:"Raise the number of viewers, from the first of --viewers, until a limit breaks."`

	PID   []int `name:"pid" help:"Processes of the server on this machine: reports what they use."`
	Floor bool  `help:"Measure the floor too, and report processor time as a multiple of it."`

	benchOutput
}

// benchOutput says how a report is written.
type benchOutput struct {
	Format string `enum:"table,json,html" default:"table" help:"Form of the report: table, json, html."`
	Out    string `placeholder:"FILE" help:"Write the report to this file, and the table to the terminal."`
	JSON   string `name:"json" placeholder:"FILE" help:"Write the report as JSON to this file too."`
}

const envBenchToken = "HEADGATE_BENCH_TOKEN"

// Run measures, and reports what was measured even if it was cut short.
func (c *benchLoadCommand) Run(ctx context.Context, con *console) error {
	s, err := c.scenario(con)
	if err != nil {
		return err
	}
	run, err := bench.Measure(ctx, s, func(line string) { fmt.Fprintln(con.stderr, line) })
	if len(run.Points) == 0 && err != nil {
		return err
	}
	report := bench.NewReport("headgate "+versionText(), run)
	return errors.Join(err, c.write(con, report))
}

// scenario turns flags into what is measured.
func (c *benchLoadCommand) scenario(con *console) (bench.Scenario, error) {
	s := bench.Scenario{
		Name: c.Name, WHIP: c.WHIP, WHEP: c.WHEP, PublishToken: cmp.Or(c.Token, con.env(envBenchToken)),
		Viewers: c.Viewers, Channels: c.Channels, Warmup: c.Warmup, Duration: c.Duration,
		JoinParallel: c.JoinParallel, JoinRate: c.JoinRate, Churn: c.Churn, RestartEvery: c.RestartPublisherEvery, LateJoin: c.LateJoin,
		Loss: float64(c.Loss), SampleEvery: c.SampleEvery, FindMax: c.FindMax, Limits: c.Limit, PIDs: c.PID, Floor: c.Floor,
		UserAgent: "headgate-bench/" + versionText(),
		Source: source.Config{
			BitsPerSecond: int(c.Bitrate), FramesPerSecond: c.FPS, GOP: c.GOP, MinKeyInterval: c.MinKeyInterval, Deaf: c.Deaf,
			Pacing: c.Pacing, Split: c.Split, Simulcast: c.Simulcast, Audio: c.Audio,
		},
	}
	s.PlayToken = cmp.Or(c.PlayToken, s.PublishToken)
	s.SwitchEvery, s.CompareFeedback = c.SwitchEvery, c.CompareFeedback
	if err := s.Feedback.UnmarshalText([]byte(c.Feedback)); err != nil {
		return s, err
	}
	if c.Video != "" {
		s.Source.Video = c.open
	}
	if c.URL == "" && (c.WHIP == "" || c.WHEP == "") {
		return s, errors.New("which server? give its address, such as http://localhost:8080, or --whip and --whep")
	}
	s.Endpoints(c.URL)
	return s, s.Validate()
}

// open opens the file anew for each publisher; it stays open until the end.
func (c *benchLoadCommand) open() (mediafile.Reader, error) {
	return openFilm(c.Video, c.FPS)
}

func openFilm(name string, framesPerSecond int) (mediafile.Reader, error) {
	b, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	file, err := mediafile.Open(bytes.NewReader(b), framesPerSecond)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return file, nil
}

// write writes a report where it was asked for.
func (o *benchOutput) write(con *console, report *bench.Report) error {
	form := map[string]func(io.Writer) error{"table": report.WriteTable, "json": report.WriteJSON, "html": report.WriteHTML}
	var errs []error
	if o.JSON != "" {
		errs = append(errs, writeReport(o.JSON, report.WriteJSON))
	}
	if o.Out == "" {
		return errors.Join(append(errs, form[o.Format](con.stdout))...)
	}
	return errors.Join(append(errs, writeReport(o.Out, form[o.Format]), report.WriteTable(con.stdout))...)
}

func writeReport(name string, form func(io.Writer) error) error {
	var b bytes.Buffer
	if err := form(&b); err != nil {
		return err
	}
	return wholefile.Write(name, b.Bytes())
}

type benchReportCommand struct {
	Files []string `arg:"" type:"existingfile" help:"Reports in JSON."`
	benchOutput
}

// Run merges reports in the order given.
func (c *benchReportCommand) Run(con *console) error {
	var all []*bench.Report
	for _, name := range c.Files {
		b, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			return err
		}
		report, err := bench.ReadJSON(bytes.NewReader(b))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, report)
	}
	return c.write(con, bench.Merge(all...))
}
