package integration

import (
	"syscall"
	"testing"
)

// TestPublisherComesBack W-21, N-035, T-88: FFmpeg ends in order or crashes and starts again; whoever watches keeps the session and sees the
// picture again.
func TestPublisherComesBack(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(t *testing.T, publisher *program)
	}{
		{"after a DELETE", func(t *testing.T, publisher *program) { _ = publisher.stops(t, patience) }},
		{"after a crash", func(_ *testing.T, publisher *program) { publisher.signal(syscall.SIGKILL); <-publisher.done }},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := need(t, ffmpeg)
			g := startGateway(t)
			first := start(t, "first ffmpeg", ffmpegCommand(path, g.whip("live"), tone))
			first.prints(t, patience, `Muxer state=10`)
			viewer := watch(t, chromium, g, "live")
			viewer.starts(t)
			row.end(t, first)

			before := viewer.report(t)
			second := start(t, "second ffmpeg", ffmpegCommand(path, g.whip("live"), tone))
			second.prints(t, patience, `Muxer state=10`)
			viewer.showsMore(t, before.Video.Frames+30, patience)
			viewer.keepsMoving(t, picture{rate: 25})
			viewer.sounds(t)
			if after := viewer.report(t); after.Connections != before.Connections || after.Posts != before.Posts {
				t.Errorf("the viewer made %d connections and %d POSTs, want %d and %d as before the restart", after.Connections, after.Posts, before.Connections, before.Posts)
			}
		})
	}
}
