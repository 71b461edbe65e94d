package signaling

import "github.com/headgate/headgate/internal/events"

// The events of a viewer's session (the WHEP extension for server-sent events).
const (
	// EventActive tells that there is something to see, EventInactive that there is
	// no more; both without data.
	EventActive   = "active"
	EventInactive = "inactive"
	// EventLayers tells what may be selected, a Layers.
	EventLayers = "layers"
	// EventReconnect asks for a new session in place of this one, without data.
	EventReconnect = "reconnect"
	// EventViewerCount tells how many watch the channel, an int.
	EventViewerCount = "viewercount"
)

// AnyLayer is the id of a scalability layer that is not fixed, or that an encoding
// does not have.
const AnyLayer = -1

// Layers are what fills the video sections of a viewer, in the order of the answer.
type Layers []SectionLayers

// SectionLayers are what may be sent in the section with this index of its m= line,
// lowest first.
type SectionLayers struct {
	Media  int
	Layers []Layer
}

// Layer is an encoding (RID) or a scalability layer of one.
type Layer struct {
	RID               string
	Spatial, Temporal int // or AnyLayer
	// Bits is the rate per second, 0 while nothing is sent.
	Bits int
	// Width and Height are in pixels, 0 while unknown.
	Width, Height int
	// Sent tells that the viewer is sent this layer.
	Sent bool
}

// LayerChoice is what a viewer asks to be sent from now on in a section of video (the
// WHEP extension for layer selection); the zero value plus AnyLayer everywhere
// leaves it to the gateway.
type LayerChoice struct {
	Request
	// Media is the index of the m= line; negative is the first of video.
	Media int
	// RID fixes the encoding, unless it is empty.
	RID string
	// Spatial and Temporal fix a scalability layer, the others bound it.
	Spatial, Temporal, MaxSpatial, MaxTemporal int
	// MaxWidth and MaxHeight bound the picture in pixels, 0 does not.
	MaxWidth, MaxHeight int
}

// EventStream is an event stream that is being read.
type EventStream struct {
	Events *events.Reader
	// OldLayers wants the layers event as it was before October 2024.
	OldLayers bool
	// Close must be called when the client has gone.
	Close func()
}
