package session

import (
	"time"

	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/fault"
)

// EndSessions implements call.Sessions.
func (s *Service) EndSessions(match call.Match, reason *fault.Error) int { return 0 }

// Measures implements call.Sessions.
func (s *Service) Measures(now time.Time, channel string) []call.Measure { return nil }
