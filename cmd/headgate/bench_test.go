package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/bench"
	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/source"
	"github.com/headgate/headgate/internal/testkit"
)

func TestBenchMeasuresAServer(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	file := filepath.Join(t.TempDir(), "out.json")
	c := &command{}
	err := c.run(t, "bench", g.URL(), "--viewers", "2,3", "--duration", "500ms", "--warmup", "200ms", "--bitrate", "500k", "--name", "mine", "--json", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"viewers", "p99 ms", "mine"} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, c.stdout.String())
		}
	}
	if !strings.Contains(c.stderr.String(), "3 viewers are in") {
		t.Errorf("progress: %s", c.stderr.String())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(b, &report); err != nil || len(report.Runs) != 1 || len(report.Runs[0].Points) != 2 || report.Runs[0].Points[1].Packets == 0 {
		t.Fatalf("report: %v\n%s", err, b)
	}
	c = &command{}
	if err := c.run(t, "bench", "report", file, file, "--format", "json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &report); err != nil || len(report.Runs) != 2 {
		t.Errorf("merged: %v\n%s", err, c.stdout.String())
	}
}

func TestBenchFlagsReachTheScenario(t *testing.T) {
	con := (&command{env: []string{"HEADGATE_BENCH_TOKEN=secret"}}).console()
	root := new(cli)
	parser, err := newParserOf(t.Context(), con, root)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse([]string{
		"bench", "--whip", "http://a/{channel}/whip", "--whep", "http://a/{channel}/whep", "--play-token", "play", "--viewers", "1,10", "--channels", "3",
		"--bitrate", "800k", "--fps", "25", "--pacing", "frame:0.5", "--split", "equal", "--gop", "10s", "--deaf", "--simulcast", "--no-audio",
		"--min-key-interval", "1s", "--duration", "5s", "--warmup", "1s", "--join-parallel", "8", "--join-rate", "50", "--churn", "2", "--loss", "1%",
		"--restart-publisher-every", "4s", "--late-join", "--feedback", "none", "--switch-every", "3s", "--limit", "p99=100ms,loss=0.1%", "--find-max", "--pid", "1,2", "--floor",
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := root.Bench.Load.scenario(con)
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"addresses": s.WHIP == "http://a/{channel}/whip" && s.WHEP == "http://a/{channel}/whep",
		"tokens":    s.PublishToken == "secret" && s.PlayToken == "play",
		"viewers":   len(s.Viewers) == 2 && s.Viewers[1] == 10 && s.Channels == 3,
		"stream":    s.Source.BitsPerSecond == 800_000 && s.Source.FramesPerSecond == 25 && s.Source.Pacing == 0.5 && s.Source.Split == source.SplitEqual,
		"encoder":   s.Source.Deaf && s.Source.Simulcast && !s.Source.Audio && s.Source.GOP.Seconds() == 10 && s.Source.MinKeyInterval.Seconds() == 1,
		"times":     s.Duration.Seconds() == 5 && s.Warmup.Seconds() == 1 && s.RestartEvery.Seconds() == 4,
		"joins":     s.JoinParallel == 8 && s.JoinRate == 50 && s.Churn == 2 && s.LateJoin,
		"network":   s.Loss == 0.01 && s.Feedback == audience.FeedbackNone,
		"layers":    s.SwitchEvery.Seconds() == 3 && !s.CompareFeedback,
		"limits":    len(s.Limits) == 2 && s.FindMax,
		"server":    len(s.PIDs) == 2 && s.PIDs[1] == 2 && s.Floor,
	} {
		if !ok {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestBenchSaysWhatIsWrong(t *testing.T) {
	text := write(t, "notes.txt", "these are only notes")
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"no server named":  {nil, []string{"which server?"}},
		"no address":       {[]string{"localhost:8080"}, []string{"--whip must be an address such as http://"}},
		"nobody there":     {[]string{"http://127.0.0.1:1"}, []string{"http://127.0.0.1:1/whip/bench-0", "refused"}},
		"no process":       {[]string{"http://127.0.0.1:1", "--pid", "1073741824"}, []string{"process"}},
		"several mistakes": {[]string{"http://127.0.0.1:1", "--viewers", "0", "--gop", "1ms"}, []string{"--viewers", "gop"}},
		"no film":          {[]string{"http://127.0.0.1:1", "--video", text}, []string{"notes.txt", "not an IVF"}},
		"a broken report":  {[]string{"report", text}, []string{"notes.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c command
			mustSay(t, c.run(t, append([]string{"bench"}, tc.args...)...), tc.want...)
			if c.stdout.String() != "" {
				t.Errorf("stdout: %s", c.stdout.String())
			}
		})
	}
}

func TestBenchExitStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"nobody there":   {[]string{"bench", "http://127.0.0.1:1"}, exitFailed, "refused"},
		"bad bit rate":   {[]string{"bench", "http://127.0.0.1:1", "--bitrate", "fast"}, exitUsage, "2.5M"},
		"bad pacing":     {[]string{"bench", "http://127.0.0.1:1", "--pacing", "some"}, exitUsage, "frame:SHARE"},
		"bad limit":      {[]string{"bench", "http://127.0.0.1:1", "--limit", "p97=1ms"}, exitUsage, "p99=100ms"},
		"unknown option": {[]string{"bench", "http://127.0.0.1:1", "--viewer", "1"}, exitUsage, "--viewers"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProcess(t, nil, tc.args...)
			if got := p.status(t); got != tc.status || !strings.Contains(p.stderr.String(), tc.says) {
				t.Errorf("status %d, want %d; it said %s", got, tc.status, p.stderr.String())
			}
		})
	}
}

func TestBenchFloor(t *testing.T) {
	if runtime.GOOS != "linux" {
		mustSay(t, new(command).run(t, "bench", "floor"), "Linux only")
		return
	}
	var c command
	if err := c.run(t, "bench", "floor", "--time", "5ms"); err != nil {
		t.Fatal(err)
	}
	if out := c.stdout.String(); !strings.Contains(out, "AES-128-GCM, sendmmsg of 16 runs of 9") || strings.Count(out, " ns\n") < 10 {
		t.Errorf("it said:\n%s", out)
	}
}

func TestBenchFloorWithReaders(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux only")
	}
	p := startProcess(t, nil, "bench", "floor", "--drain", "--time", "5ms")
	if got := p.status(t); got != 0 || strings.Count(p.stdout.String(), " ns\n") < 10 {
		t.Errorf("status %d, it said:\n%s%s", got, p.stdout.String(), p.stderr.String())
	}
}
