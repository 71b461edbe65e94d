package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestChromiumChoosesALayer V-20, V-22, N-217: the embedded page publishes in three layers and says that the gateway gets them; the watching page lists them,
// shows what its window is worth, then what is chosen, the highest and the lowest, and then again what it is worth.
func TestChromiumChoosesALayer(t *testing.T) {
	for _, codec := range []string{"VP8", "H264"} {
		t.Run(codec, func(t *testing.T) {
			needNetwork(t)
			g := startGateway(t)
			publisher := publishLayers(t, g, "live", codec)
			viewer := watch(t, chromium, g, "live")
			viewer.starts(t)
			publisher.eventually(t, patience, "the gateway gets all layers",
				`[...document.querySelectorAll("#layer-rows tr")].filter((row) => /bit\/s$/.test(row.innerText.trim())).length === 3`)
			viewer.eventually(t, patience, "three layers to choose from",
				`!document.querySelector("#quality").hidden && document.querySelectorAll("#qualities button[aria-disabled=false]").length === 4`)
			// The window is 780 x 437: a picture of 720 lines would be sent in vain, unless somebody wants it.
			viewer.showsHeight(t, 360, patience)
			viewer.chooses(t, 0) // highest first
			viewer.showsHeight(t, 720, patience)
			viewer.chooses(t, 2)
			viewer.showsHeight(t, 180, patience)
			viewer.keepsMoving(t, picture{codec: codec})
			viewer.showsHeight(t, 180, time.Second)
			viewer.chooses(t, 3)
			viewer.showsHeight(t, 360, patience)
			var advice string
			publisher.run(t, `document.querySelector("#advice").innerText`, &advice)
			if strings.Contains(advice, "makes none when asked") {
				t.Errorf("a layer that came late is called deaf: %s", advice)
			}
		})
	}
}

// publishLayers publishes the test camera by the embedded page in three layers, and waits until all are sent.
func publishLayers(t *testing.T, g *gateway, channel, codec string) *page {
	t.Helper()
	p := open(t, chromium, g.publishPage(channel))
	p.choose(t, codec)
	p.run(t, `(() => {
		const size = document.querySelector("#size");
		size.value = "720";
		size.dispatchEvent(new Event("change", { bubbles: true }));
		if (!document.querySelector("#simulcast").checked) throw new Error("a camera of 720p is not offered in layers");
	})()`, nil)
	p.click(t, "#go")
	p.sendsLayers(t, 3, patience) // a busy machine takes its time
	return p
}

// chooses opens the menu of layers and takes the n-th entry, from 0.
func (p *page) chooses(t *testing.T, n int) {
	t.Helper()
	p.click(t, "#quality")
	p.click(t, fmt.Sprintf("#qualities button:nth-of-type(%d)", n+1))
}

// showsHeight waits until the picture has just so many lines.
func (p *page) showsHeight(t *testing.T, height int, timeout time.Duration) {
	t.Helper()
	p.eventually(t, timeout, fmt.Sprintf("a picture of %d lines", height), fmt.Sprintf(`document.querySelector("headgate-player").video.videoHeight === %d`, height))
}

// eventually waits until an expression is true in the page.
func (p *page) eventually(t *testing.T, timeout time.Duration, what, expression string) {
	t.Helper()
	eventually(t, timeout, p.name+": "+what, func() error {
		var ok bool
		if err := p.try(expression, &ok); err != nil || ok {
			return err
		}
		return p.late("not yet")
	})
}
