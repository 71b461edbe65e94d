package integration

import (
	"fmt"
	"testing"
)

// TestViewerComesFirst W-20, T-89: a page that is opened before anybody publishes says that it waits, and shows the picture by itself when somebody does.
func TestViewerComesFirst(t *testing.T) {
	need(t, ffmpeg)
	g := startGateway(t)
	viewer := watch(t, chromium, g, "live")
	eventually(t, patience, "the page waits", func() error {
		var state string
		viewer.run(t, "document.documentElement.dataset.state", &state)
		if state != "waiting" {
			return fmt.Errorf("state %q", state)
		}
		return nil
	})
	publishFFmpeg(t, g, "live")
	viewer.plays(t, picture{codec: "H264", rate: 25})
}
