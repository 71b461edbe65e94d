package peer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/pion/logging"
)

// stackLogger gives the WebRTC stack one logger for everything. Nothing it says
// is news to an operator: what matters reaches the session as an Event, and
// its warnings can be caused by anybody who sends us a datagram. Therefore
// warnings and errors are debug messages, and what it says below them is
// dropped before it is formatted.
type stackLogger struct {
	log *slog.Logger
	// errors is the level of the stack's errors.
	errors slog.Level
}

// NewLogger implements logging.LoggerFactory. The scope is left out, so that all
// connections share one logger.
func (l *stackLogger) NewLogger(string) logging.LeveledLogger { return l }

// expected are messages the stack writes for each SSRC because no track is made
// of it, which is how this package wants it.
var expected = []string{
	"OnTrack will not be fired",
	"Failed to ping without candidate pairs",
}

func (l *stackLogger) say(level slog.Level, format string, args ...any) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	for _, e := range expected {
		if strings.Contains(format, e) {
			return
		}
	}
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	l.log.Log(context.Background(), level, format, "from", "webrtc")
}

func (l *stackLogger) Trace(string)          {}
func (l *stackLogger) Tracef(string, ...any) {}
func (l *stackLogger) Debug(string)          {}
func (l *stackLogger) Debugf(string, ...any) {}
func (l *stackLogger) Info(string)           {}
func (l *stackLogger) Infof(string, ...any)  {}

func (l *stackLogger) Warn(msg string) { l.say(slog.LevelDebug, msg) }

func (l *stackLogger) Warnf(format string, args ...any) { l.say(slog.LevelDebug, format, args...) }

func (l *stackLogger) Error(msg string) { l.say(l.errors, msg) }

func (l *stackLogger) Errorf(format string, args ...any) { l.say(l.errors, format, args...) }
