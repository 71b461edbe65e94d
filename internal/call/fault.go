package call

import (
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// The refusals of a Service and the reasons for which it puts people out.
var (
	ErrKicked = fault.New(fault.NotFound, "kicked",
		"An administrator ended this session; ask them before you come again.")
	ErrBanned = fault.New(fault.Forbidden, "banned",
		"An administrator has shut you out of this channel for a while; ask them, or try again later.")
	ErrDisbanded = fault.New(fault.NotFound, "disbanded",
		"The channel was dissolved, which ended the session.")
	ErrChannelUnknown = fault.New(fault.NotFound, "channel-unknown",
		"There is no such channel here; check its name, or ask whoever runs this gateway to provide it.")
	ErrParticipantUnknown = fault.New(fault.NotFound, "participant-unknown",
		"There is no such participant in this channel; the roster lists those who are.")
	// ErrClosed refuses members while the gateway shuts down.
	ErrClosed = fault.New(fault.Unavailable, "server-shutdown",
		"This gateway is shutting down; try again in a moment.").After(5 * time.Second)
	// ErrShutdown, ErrTokenExpired and ErrLeft are why streams ended.
	ErrShutdown = fault.New(fault.NotFound, "server-shutdown",
		"The gateway shut down, which ended the event stream.")
	ErrTokenExpired = fault.New(fault.NotFound, "token-expired",
		"The token's time was over, so the event stream ended; join again with a new one.")
	ErrLeft = fault.New(fault.NotFound, "left",
		"The participant left the channel, which ended the event stream; join again.")
	// ErrNoStream refuses a member stream nobody knows.
	ErrNoStream = fault.New(fault.NotFound, "stream-unknown",
		"There is no such event stream; join the channel to get a new one.")
	// ErrStreams refuses more member streams of one participant.
	ErrStreams = fault.New(fault.RateLimited, "too-many-event-streams",
		"This participant reads as many event streams as it may; close one of its pages.").After(unreadFor)
	errAllStreams = router.ErrFull.Because("This gateway has as many event streams as it may; try again later, or raise calls.max_streams.")
)
