package peer

import "time"

// EventKind says what happened to a Conn.
type EventKind uint8

// The events of a connection. Detail is empty where nothing is said about it.
const (
	// Gathered: our candidates are in the answer. Detail lists them.
	Gathered EventKind = iota
	// CandidateDropped: candidates of the client were left out. Detail counts them
	// by reason.
	CandidateDropped
	// ICEChecking: connectivity checks run, at first and after a restart.
	ICEChecking
	// ICEConnected: there is a selected pair that hears the client.
	ICEConnected
	// ICEDisconnected: nothing came for Config.DisconnectedAfter.
	ICEDisconnected
	// ICEFailed: nothing came for Config.FailedAfter more. Only a restart helps.
	ICEFailed
	// PairSelected: Detail has protocol, local and remote address.
	PairSelected
	// DTLSStarted: the handshake began. Detail is our role.
	DTLSStarted
	// DTLSConnected: media can flow. Detail is the protection profile of a viewer.
	DTLSConnected
	// DTLSFailed: the handshake failed or took too long. Detail says what is known.
	DTLSFailed
	// RemoteClosed: the client ended DTLS, by close_notify or a fatal alert.
	RemoteClosed
	// FirstPacket: the first RTP packet of a publisher.
	FirstPacket
	// FirstKeyFrame: the first key frame of a publisher.
	FirstKeyFrame
	// DataChannelRefused: a data channel was closed at once. Detail is its label.
	DataChannelRefused
	// ICERestarted: new credentials of both sides are in force.
	ICERestarted
	// TooManyStreams: the client sent or named more SSRCs than any session has, or
	// opened more data channels. It costs memory until the connection is closed.
	TooManyStreams
)

var eventNames = [...]string{
	Gathered: "gathered", CandidateDropped: "candidate-dropped", ICEChecking: "ice-checking",
	ICEConnected: "ice-connected", ICEDisconnected: "ice-disconnected", ICEFailed: "ice-failed",
	PairSelected: "pair-selected", DTLSStarted: "dtls-started", DTLSConnected: "dtls-connected",
	DTLSFailed: "dtls-failed", RemoteClosed: "remote-closed", FirstPacket: "first-packet",
	FirstKeyFrame: "first-key-frame", DataChannelRefused: "data-channel-refused", ICERestarted: "ice-restarted",
	TooManyStreams: "too-many-streams",
}

// String returns the name used in timelines.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "unknown"
}

// Event is one fact of a connection's timeline. It holds no secrets.
type Event struct {
	At     time.Time
	Kind   EventKind
	Detail string
}

// eventQueue is the number of events that may wait for Notify. A client can make
// candidates, pairs and data channels as it likes: the second half of the queue
// is kept for what a session must know.
const eventQueue = 64

// minor tells whether a session can do without an event.
func (k EventKind) minor() bool {
	return k == CandidateDropped || k == PairSelected || k == DataChannelRefused
}

// emit leaves a note for the owner goroutine. It never blocks; callbacks of the
// stack call it with the stack's locks held.
func (c *Conn) emit(kind EventKind, detail string) {
	if c.closing.Load() || kind.minor() && len(c.events) >= eventQueue/2 {
		return
	}
	select {
	case c.events <- Event{At: time.Now(), Kind: kind, Detail: detail}:
	default: // a session that is this far behind has enough to end it
	}
}
