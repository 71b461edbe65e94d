package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/histogram"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/internal/turn"
	"github.com/headgate/headgate/router"
)

func TestMain(m *testing.M) { leak.Main(m) }

// busy is a gateway on which everything has happened that is counted by a label.
func busy() Sources {
	joins := session.Joins{Connected: histogram.New(histogram.Bounds{.5, 1}), FirstPacket: histogram.New(histogram.Bounds{.5})}
	joins.Connected.Observe(.3)
	joins.Connected.Observe(2)
	tally := session.Tally{
		Now:     map[auth.Action]session.Standing{auth.Play: {Connecting: 1, Connected: 2}},
		Started: map[auth.Action]uint64{auth.Play: 7},
		Ended:   map[session.Outcome]uint64{{Action: auth.Play, Code: "deleted"}: 4},
		Refused: map[session.Outcome]uint64{{Action: auth.Publish, Code: "channel-busy"}: 1},
		Joins:   map[auth.Action]session.Joins{auth.Play: joins},
		Dropped: 3,
	}
	tally.Received[router.Video].Packets = 1 << 40
	tally.Viewers.Sent[router.Audio].Bytes = 11
	return Sources{
		Version: "v1\"\\\n", Started: time.Unix(1000, 5e8), Now: time.Now,
		Sessions: func() session.Tally { return tally },
		Channels: func() []router.ChannelInfo {
			return []router.ChannelInfo{{Name: "secret-channel", Viewers: 2, Publications: []router.PublicationInfo{
				{Participant: "alice", State: router.Live, Session: "abcdef", Standbys: []string{"ghijkl"}, Layers: []router.LayerInfo{{RID: "q", Bits: 1}, {RID: "h"}, {RID: "f"}}},
			}}}
		},
		Calls:    func() call.Tally { return call.Tally{Members: 3, Data: call.DataStats{Passed: 5}} },
		Egress:   func(time.Time) egress.Stats { return egress.Stats{Workers: 2, Saturated: true} },
		TURN:     func() (turn.Stats, bool) { return turn.Stats{Allocations: 2, ToClients: 1 << 33}, true },
		Draining: func() bool { return false },
	}
}

// described is a metric as a page describes it.
type described struct{ kind, labels, help string }

var (
	typeLine = regexp.MustCompile(`^# TYPE (\w+) (counter|gauge|histogram)$`)
	helpLine = regexp.MustCompile(`^# HELP (\w+) (.+)$`)
	sample   = regexp.MustCompile(`^(\w+)(\{.*\})? (-?[0-9.e+-]+|\+Inf)$`)
	label    = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
)

// read takes a page apart, and complains about what no reader would take.
func read(t *testing.T, text string) map[string]described {
	t.Helper()
	metrics, current, help, seen := map[string]described{}, "", "", map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := helpLine.FindStringSubmatch(line); m != nil {
			help = m[2]
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil {
			current = m[1]
			if _, twice := metrics[current]; twice {
				t.Errorf("%s comes twice", current)
			}
			metrics[current] = described{kind: m[2], help: help}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || seen[m[1]+m[2]] {
			t.Errorf("cannot be read, or comes twice: %q", line)
			continue
		}
		seen[m[1]+m[2]] = true
		metrics[current] = metrics[current].with(t, current, m)
	}
	return metrics
}

func (d described) with(t *testing.T, name string, m []string) described {
	t.Helper()
	base := m[1]
	if d.kind == "histogram" {
		base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
	}
	if base != name {
		t.Errorf("%s stands among the samples of %s", m[1], name)
	}
	var labels []string
	for _, l := range label.FindAllStringSubmatch(m[2], -1) {
		if l[1] != "le" {
			labels = append(labels, l[1])
		}
	}
	if all := strings.Join(labels, ", "); d.labels == "" {
		d.labels = all
	} else if d.labels != all {
		t.Errorf("%s has labels %s and %s", name, d.labels, all)
	}
	return d
}

// TestTheTableIsTheTruth compares docs/metrics.md with what is printed.
func TestTheTableIsTheTruth(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems tell less about a process")
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(headgate_\\w+)` \\| (\\w+) \\| (.*?) \\| (.*) \\|$")
	documented := map[string]described{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = described{m[2], strings.ReplaceAll(m[3], "`", ""), m[4]}
	}
	printed := read(t, string(Page(busy())))
	for name, d := range printed {
		if documented[name] != d {
			labels := d.labels
			if labels != "" {
				labels = "`" + strings.ReplaceAll(labels, ", ", "`, `") + "`"
			}
			t.Errorf("docs/metrics.md lacks or differs:\n| `%s` | %s | %s | %s |", name, d.kind, labels, d.help)
		}
	}
	for name := range documented {
		if _, there := printed[name]; !there {
			t.Errorf("docs/metrics.md names %s, which is not printed", name)
		}
	}
}

func TestNamesFollowTheCustom(t *testing.T) {
	for name, d := range read(t, string(Page(busy()))) {
		if !strings.HasPrefix(name, "headgate_") || strings.HasSuffix(name, "_total") != (d.kind == "counter") {
			t.Errorf("%s is a %s", name, d.kind)
		}
	}
}

func TestWhatIsPrinted(t *testing.T) {
	text := string(Page(busy()))
	for _, want := range []string{
		`headgate_build_info{version="v1\"\\\n"} 1`,
		`headgate_sessions{action="play",state="connected"} 2`,
		`headgate_sessions{action="publish",state="connecting"} 0`,
		`headgate_sessions_ended_total{action="play",outcome="deleted"} 4`,
		`headgate_sessions_refused_total{action="publish",code="channel-busy"} 1`,
		`headgate_session_connect_seconds_bucket{action="play",le="0.5"} 1`,
		`headgate_session_connect_seconds_bucket{action="play",le="1"} 1`,
		`headgate_session_connect_seconds_bucket{action="play",le="+Inf"} 2`,
		`headgate_session_connect_seconds_sum{action="play"} 2.3`,
		`headgate_session_connect_seconds_count{action="play"} 2`,
		`headgate_publications{state="live"} 1`,
		`headgate_publications{state="interrupted"} 0`,
		`headgate_standbys 1`,
		`headgate_viewers 2`,
		`headgate_layers{state="live"} 1`,
		`headgate_layers{state="silent"} 2`,
		`headgate_received_packets_total{kind="video"} ` + strconv.Itoa(1<<40),
		`headgate_sent_bytes_total{kind="audio"} 11`,
		`headgate_dropped_packets_total 3`,
		`headgate_egress_saturated 1`,
		`headgate_start_time_seconds 1000.5`,
	} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("there is no line %s", want)
		}
	}
	if runtime.GOOS == "linux" && !regexp.MustCompile(`(?m)^headgate_file_descriptors [1-9]`).MatchString(text) {
		t.Error("no file is open")
	}
}

// Labels are words of bounded lists: nothing that grows with use, nothing that is
// nobody's business.
func TestNoNamesAndNoIDs(t *testing.T) {
	text := string(Page(busy()))
	for _, private := range []string{"secret-channel", "alice", "abcdef", "ghijkl"} {
		if strings.Contains(text, private) {
			t.Errorf("%s is told", private)
		}
	}
}

func TestHandler(t *testing.T) {
	answer := httptest.NewRecorder()
	Handler(busy()).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != ContentType || answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d, %v", answer.Code, answer.Header())
	}
	if fmt.Sprint(len(read(t, answer.Body.String()))) < "40" {
		t.Error("that is not all")
	}
}
