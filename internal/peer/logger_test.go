package peer

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pion/logging"
)

func TestStackLoggerIsQuiet(t *testing.T) {
	var out bytes.Buffer
	at := func(level slog.Level) logging.LeveledLogger {
		out.Reset()
		l := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
		return (&stackLogger{log: l, errors: slog.LevelDebug}).NewLogger("ice")
	}
	l := at(slog.LevelInfo)
	l.Error("e")
	l.Errorf("e %d", 1)
	l.Warn("w")
	l.Warnf("w %d", 1)
	if out.Len() > 0 {
		t.Errorf("an operator sees %q", out.String())
	}
	l = at(slog.LevelDebug)
	l.Trace("t")
	l.Tracef("t %d", 1)
	l.Debug("d")
	l.Debugf("d %d", 1)
	l.Info("i")
	l.Infof("i %d", 1)
	l.Warnf("Incoming unhandled RTCP ssrc(%d), OnTrack will not be fired", 5)
	l.Errorf("Incoming unhandled RTP ssrc(%d), OnTrack will not be fired. %v", 5, nil)
	if out.Len() > 0 {
		t.Errorf("noise: %q", out.String())
	}
	l.Warnf("wanted %d%%", 50)
	l.Error("100% sure")
	for _, want := range []string{"wanted 50%", "100% sure", "from=webrtc", "level=DEBUG"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %q", want, out.String())
		}
	}
}
