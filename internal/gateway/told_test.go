package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// scraped are the numbers of /metrics by name and labels.
func scraped(t *testing.T, g *testkit.Gateway) map[string]float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v, %d %s", err, res.StatusCode, text)
	}
	numbers := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^(headgate_\S+|headgate_\w+\{.*\}) (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		if numbers[m[1]], err = strconv.ParseFloat(m[2], 64); err != nil {
			t.Fatal(err)
		}
	}
	return numbers
}

// until asks for the metrics until they are as wanted.
func until(t *testing.T, g *testkit.Gateway, what string, wanted func(map[string]float64) bool) map[string]float64 {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		numbers := scraped(t, g)
		if wanted(numbers) {
			return numbers
		}
		if time.Now().After(end) {
			t.Fatalf("never seen: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	publisher := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	player.Wait(5*time.Second, "picture", moving(20))
	on := until(t, g, "a channel on air", func(n map[string]float64) bool {
		return n[`headgate_publications{state="live"}`] == 1 && n["headgate_viewers"] == 1 && n[`headgate_sent_packets_total{kind="audio"}`] > 0
	})
	for _, name := range []string{
		`headgate_sessions{action="publish",state="connected"}`, `headgate_sessions{action="play",state="connected"}`,
		`headgate_received_packets_total{kind="video"}`, `headgate_received_bytes_total{kind="audio"}`, `headgate_received_key_frames_total`,
		`headgate_sent_packets_total{kind="video"}`, `headgate_sent_bytes_total{kind="video"}`,
		`headgate_session_connect_seconds_count{action="play"}`, `headgate_session_first_packet_seconds_count{action="publish"}`,
		`headgate_session_first_packet_seconds_count{action="play"}`,
		`headgate_egress_run_packets_count`, `headgate_egress_call_messages_count`, `headgate_egress_delay_seconds_count`,
	} {
		if on[name] == 0 {
			t.Errorf("%s is 0", name)
		}
	}
	player.Close()
	publisher.Close()
	off := until(t, g, "the end of both", func(n map[string]float64) bool {
		return n[`headgate_sessions_ended_total{action="publish",outcome="deleted"}`] == 1 && n[`headgate_sessions_ended_total{action="play",outcome="closed"}`] == 1
	})
	for name, before := range on {
		if strings.Contains(name, "_total") && off[name] < before {
			t.Errorf("%s went down from %v to %v", name, before, off[name])
		}
	}
	if off[`headgate_sessions{action="play",state="connected"}`] != 0 || off["headgate_viewers"] != 0 || off[`headgate_publications{state="live"}`] != 0 {
		t.Error("some are still there")
	}
}

// lines is a log that is read as JSON.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) all(t *testing.T) (list []map[string]any, text string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	text = l.b.String()
	for line := range strings.Lines(text) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, entry)
	}
	return list, text
}

// Every line about a session has its public id and its channel; none has what is
// secret.
func TestLinesAboutSessionsNameThem(t *testing.T) {
	log := &lines{}
	const token = "token-of-everybody-1"
	g := testkit.StartGateway(t, func(c *gateway.Config) {
		c.Auth.Tokens = []auth.TokenConfig{{Token: token, Publish: true, Play: true, Channels: []string{"*"}}}
	}, func(o *gateway.Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	publisher := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Token: token})
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live"), Token: token})
	player.Wait(5*time.Second, "picture", moving(5))
	var ids, secrets []string
	for _, s := range g.Sessions() {
		ids = append(ids, s.ID)
	}
	for _, location := range []string{publisher.Session().Location, player.Session().Location} {
		secrets = append(secrets, location[strings.LastIndex(location, "/")+1:])
	}
	player.Close()
	publisher.Close()
	g.Close()
	list, text := log.all(t)
	about := 0
	for _, entry := range list {
		id, named := entry["session"].(string)
		if !named && strings.HasPrefix(entry["msg"].(string), "session") {
			t.Errorf("a line about a session that does not say which: %v", entry)
		}
		if named && (len(id) != len(ids[0]) || entry["channel"] != "live") {
			t.Errorf("a line about session %q of channel %v", id, entry["channel"])
		}
		if named {
			about++
		}
	}
	for _, secret := range append(secrets, token) {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	if about < 10 || len(ids) != 2 {
		t.Errorf("%d lines about %v", about, ids)
	}
}
