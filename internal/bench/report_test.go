package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is a report in which every field is set.
func sample() *Report {
	point := func(viewers int, cpu, p99 float64) Point {
		p := Point{
			Viewers: viewers, Channels: 1, Seconds: 20,
			Joins: Joins{
				Joined: viewers, JoinsPerSecond: 212, AnsweredP50: 2.5, ConnectedP50: 7.5, FirstPacketP50: 12.1, FirstPacketP95: 22.2,
				FirstKeyFrameP50: 13.4, FirstKeyFrameP95: 25.6, LiveEdgeP95: 810,
			},
			Delivery: Delivery{
				Packets: uint64(viewers) * 6660, PacketsPerSecond: float64(viewers) * 333, MegabitPerSecond: float64(viewers) * 2.58,
				LossPercent: 0.02, Lost: 12, Duplicates: 1, Reordered: 2, Retransmitted: 3, Dropped: 5, Frames: uint64(viewers) * 600,
				FramesBrokenPercent: 0.3, FramesSkippedPercent: 0.1, Freezes: 4, DelaySamples: 500, DelayP50: 2.5, DelayP95: p99 / 2, DelayP99: p99, DelayMax: 2 * p99,
			},
			Server: &Server{
				CPUPerPacket: cpu, OfFloor: round(cpu / 0.65), Cores: round(cpu * float64(viewers) * 333 / 1e6), MemoryPerViewer: 248, PSSPerViewer: 240,
				MemoryRSS: 77, SetupPerSession: 2.3, SetupPerSessionGross: 2.9,
			},
			Client: Client{ClientCores: 0.21, OtherCores: 0.05, PublisherLate: 1.5, KeyFrames: 10, KeyFrameRequests: 7},
		}
		for i := range 20 {
			p.Series = append(p.Series, Second{
				At: float64(i + 1), Packets: uint64(viewers) * 333, DelayP50: 2.5 + float64(i%3)/10, DelayP99: p99 + float64(i%5)/5, CPUPerPacket: cpu,
			})
		}
		return p
	}
	run := Run{
		Name: "gateway <1>", WHIP: "http://localhost:8080/whip/{channel}", WHEP: "http://localhost:8080/whep/{channel}",
		Started: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), FloorNs: 650,
		Stream: Stream{Channels: 1, Config: local().Source, GOP: 2, MinKeyInterval: 0.3},
		Setup:  Setup{Duration: 20, Warmup: 3, JoinParallel: 4, Feedback: "libwebrtc", Limits: Limits{{"p99", 100}, {"loss", 0.1}}},
		Points: []Point{point(10, 4.2, 3), point(200, 1.7, 4), point(800, 1.6, 120)},
		Max:    &Max{Viewers: 700, Broken: 800, Why: []string{"p99 is 120ms, more than 100ms"}},
	}
	last := &run.Points[2]
	last.Restarts, last.ViewersLost, last.Overflow = 2, 1, 9
	last.Broken = []string{"p99 is 120ms, more than 100ms"}
	last.Notes = []string{"9 packets were dropped at the viewers' sockets, because the client read too slowly"}
	last.Late = []Late{{FirstKeyFrame: 14, LiveEdge: 900, DelayP50: 2.6, FirstDelayP50: 2.5}, {Error: "it never caught up"}}
	far := Run{Name: "far away", Stream: run.Stream, Setup: run.Setup, Started: run.Started, Points: []Point{point(50, 0, 30)}}
	far.Points[0].Server, far.Points[0].Channels = nil, 5
	return &Report{
		Schema: Schema, Tool: "headgate test", Host: Host{OS: "linux", Arch: "amd64", CPUs: 1, Model: "Test Processor"}, Runs: []Run{run, far},
	}
}

func TestReportsLookAsTheyDid(t *testing.T) {
	for name, write := range map[string]func(*Report, io.Writer) error{
		"report.txt": (*Report).WriteTable, "report.json": (*Report).WriteJSON, "report.html": (*Report).WriteHTML,
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(sample(), &b); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), want) {
				t.Errorf("it is not %s any more; look at the difference and run with -update:\n%s", golden, b.String())
			}
		})
	}
}

func TestJSONComesBack(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	for i := range want.Runs { // not written: they are in seconds beside it
		want.Runs[i].Stream.Config.GOP, want.Runs[i].Stream.Config.MinKeyInterval = 0, 0
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for name, text := range map[string]string{"no JSON": "x", "something else": `{"a": 1}`, "another version": `{"headgate_bench_schema": 99}`} {
		if _, err := ReadJSON(strings.NewReader(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestFieldsNameTheirUnit looks at every number of the report.
func TestFieldsNameTheirUnit(t *testing.T) {
	b, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var report any
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	units := []string{
		"_s", "_ms", "_us", "_ns", "_ms_", "_us_per_", "_ns_per_", "percent", "samples", "per_second", "_per_s", "viewers", "viewers_", "packets", "channels", "cpus",
		"frames", "seconds", "cores", "kib_per_viewer", "_mib", "multiple", "errors", "freezes", "restarts", "requests", "parallel", "packets_", "schema",
	}
	var visit func(path string, v any)
	visit = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, field := range v {
				visit(path+"."+name, field)
			}
		case []any:
			for _, element := range v {
				visit(path, element)
			}
		case float64:
			name := path[strings.LastIndex(path, ".")+1:]
			for _, unit := range units {
				if strings.Contains(name, unit) {
					return
				}
			}
			t.Errorf("%s does not name its unit", path)
		}
	}
	visit("", report)
}

func TestMergeKeepsTheOrder(t *testing.T) {
	a, b := sample(), sample()
	b.Runs = b.Runs[:1]
	all := Merge(a, b)
	if len(all.Runs) != 3 || len(a.Runs) != 2 || all.Runs[2].Name != "gateway <1>" {
		t.Errorf("%d runs of %d and %d", len(all.Runs), len(a.Runs), len(b.Runs))
	}
}
