package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mediaFiles = "../../internal/mediafile/"

// oneSecond cuts the built-in clip before its second key frame.
func oneSecond(t *testing.T) string {
	t.Helper()
	clip, err := os.ReadFile(mediaFiles + "clip.h264")
	if err != nil {
		t.Fatal(err)
	}
	sps := []byte{0, 0, 0, 1, 0x67}
	end := bytes.Index(clip[len(sps):], sps)
	if end < 0 {
		t.Fatal("the clip has no second key frame")
	}
	return write(t, "second.h264", string(clip[:end+len(sps)]))
}

// onAir asks the gateway what is published.
func onAir(t *testing.T, s *serving) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.HTTP+"/api/v1/channels", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list struct {
		Channels []struct {
			Name         string
			Publications []struct{ State, Video, Audio string }
		}
	}
	body, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range list.Channels {
		for _, p := range c.Publications {
			b.WriteString(strings.TrimSpace(strings.Join([]string{c.Name, p.State, p.Video, p.Audio}, " ")))
		}
	}
	return b.String()
}

func TestPushWithoutFilesPublishesTheClipUntilInterrupted(t *testing.T) {
	s := serve(t, &command{})
	var c command
	stop := c.start(t, "push", "--whip", s.HTTP+"/whip/live")
	eventually(t, "the clip", func() bool { return onAir(t, s) == "live live H264 opus" })
	if err := stop(); err != nil {
		t.Errorf("an interrupted push is no failure: %v", err)
	}
	if got := onAir(t, s); got != "" {
		t.Errorf("still on air: %s", got)
	}
	for _, want := range []string{"connected ", "after the POST", "sent "} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it did not say %q: %s", want, c.stdout.String())
		}
	}
}

func TestPushOfNamedFiles(t *testing.T) {
	s := serve(t, &command{})
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"video once":           {[]string{"--video", oneSecond(t), "--once"}, "sent 30 frames and 0 audio packets"},
		"twice the frame rate": {[]string{"--video", oneSecond(t), "--once", "--fps", "60"}, "sent 30 frames"},
	} {
		t.Run(name, func(t *testing.T) {
			var c command
			if err := c.run(t, append([]string{"push", "--whip", s.HTTP + "/whip/live"}, tc.args...)...); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(c.stdout.String(), tc.want) {
				t.Errorf("it said %q, want %q", c.stdout.String(), tc.want)
			}
		})
	}
	t.Run("sound alone", func(t *testing.T) {
		var c command
		stop := c.start(t, "push", "--whip", s.HTTP+"/whip/sound", "--audio", mediaFiles+"clip.ogg")
		eventually(t, "the sound", func() bool { return strings.HasPrefix(onAir(t, s), "sound live") })
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestPushRefusesFiles(t *testing.T) {
	text, empty := write(t, "notes.txt", "these are only notes"), write(t, "empty.ivf", "")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"neither picture nor sound": {[]string{"--video", text}, text + ": not an IVF, Annex-B H.264 or H.265, or Ogg Opus file"},
		"empty":                     {[]string{"--video", empty}, empty + ": not an IVF"},
		"cut off":                   {[]string{"--video", write(t, "cut.ivf", "DKIF\x00\x00")}, "cut.ivf"},
		"both bad":                  {[]string{"--video", text, "--audio", empty}, empty},
		"sound for a picture":       {[]string{"--video", mediaFiles + "clip.ogg"}, "--video wants a video file"},
		"picture for sound":         {[]string{"--audio", mediaFiles + "clip.h264"}, "--audio an Ogg Opus file"},
		"no such file":              {[]string{"--video", filepath.Join(t.TempDir(), "none.ivf")}, "none.ivf"},
		"a directory":               {[]string{"--video", t.TempDir()}, "directory"},
	} {
		t.Run(name, func(t *testing.T) {
			var c command
			mustSay(t, c.run(t, append([]string{"push", "--whip", "http://127.0.0.1:1/whip/live"}, tc.args...)...), tc.want)
		})
	}
}

func TestPushSaysWhyItIsRefused(t *testing.T) {
	s := serve(t, &command{env: []string{"HEADGATE_KEY=" + testKey}})
	clip := []string{"push", "--once", "--video", oneSecond(t), "--whip", s.HTTP + "/whip/live"}
	var c command
	mustSay(t, c.run(t, clip...), "401", "A token is needed here")
	mustSay(t, c.run(t, append(clip, "--token", "wrong-wrong-wrong")...), "401", "bad-token")
	token := makeToken(t, []string{"HEADGATE_KEY=" + testKey}, "--publish", "live")
	if err := c.run(t, append(clip, "--token", token)...); err != nil {
		t.Error(err)
	}
	c = command{env: []string{"HEADGATE_PUSH_TOKEN=" + token}}
	if err := c.run(t, clip...); err != nil {
		t.Error(err)
	}
	if all := c.stdout.String() + c.stderr.String() + s.stderr.String(); strings.Contains(all, token) {
		t.Error("the token is shown")
	}
	mustSay(t, c.run(t, "push", "--whip", "http://127.0.0.1:1/whip/live"), "refused")
	mustSay(t, c.run(t, "push", "--whip", s.HTTP+"/nowhere"), "404")
}

func TestPushFromStandardInput(t *testing.T) {
	s := serve(t, &command{})
	second, err := os.ReadFile(oneSecond(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"as the input": {"-"}, "as video": {"--video", "-"}, "with its format": {"--format", "h264", "-"}, "beside a file": {"-", "--audio", mediaFiles + "clip.ogg"},
	} {
		t.Run(name, func(t *testing.T) {
			c := command{stdin: io.NopCloser(bytes.NewReader(second))}
			if err := c.run(t, append([]string{"push", "--whip", s.HTTP + "/whip/live"}, args...)...); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(c.stdout.String(), "sent 30 frames") {
				t.Errorf("it said %q", c.stdout.String())
			}
		})
	}
	var c command
	mustSay(t, c.run(t, "push", "--whip", s.HTTP+"/whip/live", "-"), "a terminal")
	c = command{stdin: io.NopCloser(strings.NewReader("these are only notes"))}
	mustSay(t, c.run(t, "push", "--whip", s.HTTP+"/whip/live", "-"), "standard input: not an IVF")
}

func TestPushRefusesWhatCannotBeMeant(t *testing.T) {
	whip := []string{"push", "--whip", "http://127.0.0.1:1/whip/live"}
	sdp := write(t, "stream.sdp", "v=0")
	for want, args := range map[string][]string{
		"more than one":          {"--rtp-video", "5004", "--sdp", sdp},
		"holds one stream":       {"--video", "-", "--audio", "-"},
		"is for standard input":  {"--format", "ivf"},
		"--fps":                  {"--fps", "-1"},
		"--token or":             {"--token", "a", "--token-file", sdp},
		"--video-codec":          {"--rtp-video", "5004", "--video-codec", "mpeg4"},
		sdp:                      {"--sdp", sdp},
		"does not hold one":      {"--token-file", write(t, "empty", "\n")},
		"--video wants a video ": {"--video", mediaFiles + "clip.h264", mediaFiles + "clip.h264"},
	} {
		var c command
		mustSay(t, c.run(t, append(whip[:len(whip):len(whip)], args...)...), want)
	}
}

func TestPushTakesItsTokenFromAFile(t *testing.T) {
	s := serve(t, &command{env: []string{"HEADGATE_KEY=" + testKey}})
	file := write(t, "token", makeToken(t, []string{"HEADGATE_KEY=" + testKey}, "--publish", "live")+"\n")
	var c command
	if err := c.run(t, "push", "--once", "--video", oneSecond(t), "--whip", s.HTTP+"/whip/live", "--token-file", file); err != nil {
		t.Error(err)
	}
}
