package integration

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestExampleLook runs examples/curl/look.sh.
func TestExampleLook(t *testing.T) {
	need(t, curl)
	g := startGateway(t)
	look := example(t, "look.sh", "curl/look.sh", nil, g.whip("live"))
	if err := look.ends(t, patience); err != nil {
		t.Fatal(err)
	}
	look.prints(t, time.Second, `(?i)accept-post: application/sdp`)
}

// TestExampleSession runs examples/curl/session.sh.
func TestExampleSession(t *testing.T) {
	need(t, curl)
	g := startGateway(t)
	session := example(t, "session.sh", "curl/session.sh", nil, g.whip("live"))
	if err := session.ends(t, patience); err != nil {
		t.Fatal(err)
	}
	session.prints(t, time.Second, `(?s)v=0.*a=candidate:.*session: `+regexp.QuoteMeta(g.url)+`/session/\S+\nGET:     204\nDELETE:  200`)
}

// TestExamplePublishPage opens examples/browser/publish.html, with the modules copied beside it, from another origin.
func TestExamplePublishPage(t *testing.T) {
	needNetwork(t)
	g, s := startGateway(t), startSite(t)
	publisher := open(t, chromium, s.url+"/examples/publish.html?url="+url.QueryEscape(g.whip("live")))
	eventually(t, patience, "the example publishes", func() error { return publisher.sends(t, "video", 3) })
	watch(t, chromium, g, "live").plays(t, picture{codec: "H264"})
	publisher.click(t, "#stop")
	publisher.deleted(t)
}

// TestExampleWatchPage opens examples/browser/watch.html, pointed at the gateway under test.
func TestExampleWatchPage(t *testing.T) {
	needNetwork(t)
	g, s := startGateway(t), startSite(t)
	publishFFmpeg(t, g, "live")
	viewer := open(t, chromium, s.url+"/examples/watch.html")
	viewer.run(t, `document.querySelector("headgate-player").setAttribute("src", "`+g.whep("live")+`")`, nil)
	viewer.plays(t, picture{codec: "H264", rate: 25})
}

// TestExampleWatchByHand opens examples/browser/watch-by-hand.html: WHEP by fetch alone.
func TestExampleWatchByHand(t *testing.T) {
	needNetwork(t)
	g, s := startGateway(t), startSite(t)
	publishFFmpeg(t, g, "live")
	viewer := open(t, chromium, s.url+"/examples/watch-by-hand.html?url="+url.QueryEscape(g.whep("live")))
	// A muted element: whether there is sound to hear is for the other pages to show.
	viewer.plays(t, picture{codec: "H264", rate: 25, silent: true})
}

// TestExampleOBS checks that the settings for OBS name what the gateway really has; OBS itself cannot be driven here, and the offers it
// sends are replayed by other tests.
func TestExampleOBS(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(exampleDir(t), "obs", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, setting := range []string{"| Service | WHIP |", "`http://localhost:8080/whip/live`", "Bearer Token", "Keyframe Interval", "| B-frames (`bf`) | 0 |", "`headgate token --publish live`"} {
		if !strings.Contains(text, setting) {
			t.Errorf("examples/obs/README.md does not say %q", setting)
		}
	}
	for _, path := range regexp.MustCompile("examples/[a-z0-9/.-]+").FindAllString(text, -1) {
		if _, err := os.Stat(filepath.Join("..", strings.TrimSuffix(path, "."))); err != nil {
			t.Error(err)
		}
	}
}

// TestExampleCallPage opens examples/browser/call.html twice, from another origin: each sees the other, a shared screen comes beside the
// camera, and who leaves is gone.
func TestExampleCallPage(t *testing.T) {
	needNetwork(t)
	s := startSite(t)
	config := filepath.Join(t.TempDir(), "headgate.yaml")
	if err := os.WriteFile(config, []byte("cors:\n  origins: [\""+s.url+"\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := startGateway(t, "--config", config)
	enter := func(name string) *page {
		p := open(t, chromium, s.url+"/examples/call.html?server="+url.QueryEscape(g.url)+"&channel=team&name="+name, `navigator.mediaDevices.getDisplayMedia = async () => {
			const canvas = document.createElement("canvas");
			setInterval(() => canvas.getContext("2d").fillRect(Math.random() * 99, 0, 9, 9), 50);
			return canvas.captureStream(20);
		};`)
		eventually(t, patience, name+" is in the call", func() error {
			return p.holds(`document.querySelector("#state").textContent === "You are in the call."`)
		})
		return p
	}
	anna, bob := enter("Anna"), enter("Bob")
	moving := func(who string) string {
		return `[...document.querySelectorAll("#others video")].some((v) => !v.hidden && v.title === "` + who + `" && v.getVideoPlaybackQuality().totalVideoFrames > 5)`
	}
	eventually(t, patience, "Anna sees Bob", func() error { return anna.holds(moving("Bob")) })
	eventually(t, patience, "Bob sees Anna", func() error { return bob.holds(moving("Anna")) })
	eventually(t, patience, "Anna knows who is there", func() error {
		return anna.holds(`document.querySelector("#people").innerText.trim().split("\n").sort().join() === "Anna,Bob"`)
	})
	bob.click(t, "#share")
	eventually(t, patience, "Anna sees Bob's screen too", func() error {
		return anna.holds(`[...document.querySelectorAll("#others video")].filter((v) => !v.hidden && v.title === "Bob").length === 2`)
	})
	bob.click(t, "#leave")
	eventually(t, patience, "Bob is gone", func() error {
		return anna.holds(`document.querySelector("#people").innerText === "Anna" && [...document.querySelectorAll("#others video")].every((v) => v.hidden)`)
	})
}
