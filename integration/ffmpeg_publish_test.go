package integration

import (
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestFFmpegPublishes T-138: FFmpeg in both DTLS roles, with and without sound, is connected soon and seen at once in a browser.
func TestFFmpegPublishes(t *testing.T) {
	for _, row := range []struct {
		name  string
		env   []string
		quiet bool
		// connected bounds the time from the POST to the end of the DTLS handshake.
		connected time.Duration
	}{
		{name: "DTLS server", connected: 300 * time.Millisecond},
		{name: "DTLS server without sound", env: []string{"AUDIO=no"}, quiet: true, connected: 300 * time.Millisecond},
		// As DTLS client FFmpeg needs 250 ms for itself: it looks for an answer every 50 ms and loses the first one.
		{name: "DTLS client", env: []string{"DTLS=active"}, connected: 600 * time.Millisecond},
		{name: "DTLS client without sound", env: []string{"DTLS=active", "AUDIO=no"}, quiet: true, connected: 600 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			need(t, ffmpeg)
			g := startGateway(t)
			publisher := publishFFmpeg(t, g, "live", row.env...)
			if took := connectTime(t, publisher); took > row.connected {
				t.Errorf("FFmpeg was connected %v after its POST, want at most %v", took, row.connected)
			} else {
				t.Logf("FFmpeg was connected %v after its POST", took)
			}
			watch(t, chromium, g, "live").plays(t, picture{codec: "H264", silent: row.quiet, rate: 25})
			if err := publisher.running(); err != nil {
				t.Error(err)
			}
		})
	}
}

var (
	muxerElapsed = regexp.MustCompile(`Muxer state=10.* elapsed=([\d.]+)ms\(init:([\d.]+),offer:([\d.]+)`)
	muxedFrames  = regexp.MustCompile(`Output stream #0:0 \(video\): (\d+) frames encoded; (\d+) packets muxed`)
)

// connectTime reads from FFmpeg's log how long it took from the POST to the SRTP keys.
func connectTime(t *testing.T, publisher *program) time.Duration {
	t.Helper()
	match := publisher.prints(t, time.Second, muxerElapsed.String())
	return milliseconds(t, match[1]) - milliseconds(t, match[2]) - milliseconds(t, match[3])
}

func milliseconds(t *testing.T, text string) time.Duration {
	t.Helper()
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(number * float64(time.Millisecond))
}

// TestFFmpegIsNotHeldUp publishes ten times: a datagram of the DTLS handshake that comes after FFmpeg believes it done makes FFmpeg wait for
// a packet of ours before each of its own from then on, and one second of media takes ten.
func TestFFmpegIsNotHeldUp(t *testing.T) {
	need(t, ffmpeg)
	g := startGateway(t)
	for range 10 {
		began := time.Now()
		publisher := publishBriefly(t, g.whip("brief"))
		_ = publisher.ends(t, 20*time.Second)
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("one second of media took FFmpeg %v", took)
		}
		if match := muxedFrames.FindStringSubmatch(publisher.output.String()); match == nil || match[1] != match[2] {
			t.Errorf("FFmpeg did not send all pictures: %v", match)
		}
	}
}
