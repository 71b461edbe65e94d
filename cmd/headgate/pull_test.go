package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPullWritesWhatPushSends(t *testing.T) {
	key := []string{"HEADGATE_KEY=" + testKey}
	s := serve(t, &command{env: key})
	publisher := command{env: []string{"HEADGATE_PUSH_TOKEN=" + makeToken(t, key, "--publish", "live")}}
	publisher.start(t, "push", "--whip", s.HTTP+"/whip/live")
	token := makeToken(t, key, "--play", "live")
	prefix := filepath.Join(t.TempDir(), "film")
	player := command{env: []string{"HEADGATE_PULL_TOKEN=" + token}}
	if err := player.run(t, "pull", "--whep", s.HTTP+"/whep/live", "--out", prefix, "--duration", "500ms", "--reconnect"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{prefix + ".h264", prefix + ".ogg"} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, want := range []string{"connected ", "writing " + prefix + ".h264", "key frames) and ", " 0 lost", "first picture after "} {
		if !strings.Contains(player.stderr.String(), want) {
			t.Errorf("it did not say %q: %s", want, player.stderr.String())
		}
	}
	if player.stdout.String() != "" {
		t.Errorf("standard output is for media: %q", player.stdout.String())
	}
	out := command{}
	if err := out.run(t, "pull", "--whep", s.HTTP+"/whep/live", "--video", "-", "--duration", "200ms", "--token-file", write(t, "token", token)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.stdout.String(), "\x00\x00\x00\x01") {
		t.Errorf("standard output begins with %.20q", out.stdout.String())
	}
	var stranger command
	mustSay(t, stranger.run(t, "pull", "--whep", s.HTTP+"/whep/live", "--out", prefix, "--reconnect"), "401")
}

func TestPullRefusesWhatCannotBeMeant(t *testing.T) {
	whep := []string{"pull", "--whep", "http://127.0.0.1:1/whep/live"}
	for want, args := range map[string][]string{
		"say where it goes":     nil,
		"not more than one":     {"--video", "a.h264", "--out", "b"},
		"holds one stream":      {"--video", "-", "--audio", "-"},
		"--sdp describes":       {"--out", "a", "--sdp", "a.sdp"},
		"--duration":            {"--out", "a", "--duration", "-1s"},
		"ending says":           {"--video", "film.mp4"},
		"send RTP":              {"--rtp-video", "nowhere"},
		"refused":               {"--out", "a"},
		"begins with http://":   {"--whep", "live", "--out", "a"},
		"--token or --token-fi": {"--out", "a", "--token", "x", "--token-file", write(t, "t", "x")},
	} {
		var c command
		mustSay(t, c.run(t, append(whep[:len(whep):len(whep)], args...)...), want)
	}
}

func TestTheStatusLineGivesWayToWhatStays(t *testing.T) {
	var out output
	l := &statusLine{out: &out, enabled: true}
	l.show("1 s")
	l.say("something happened")
	l.show("2 s")
	l.clear()
	l.clear()
	if want := eraseLine + "1 s" + eraseLine + "headgate: something happened\n" + eraseLine + "2 s" + eraseLine; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	quiet := &statusLine{out: &out}
	before := out.String()
	quiet.show("no terminal")
	quiet.clear()
	if out.String() != before {
		t.Error("a line that changes was written to something that is no terminal")
	}
}
