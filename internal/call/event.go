package call

import (
	"encoding/json"
	"time"

	"github.com/headgate/headgate/router"
)

// The events of a member stream.
const (
	EventSnapshot      = "snapshot"
	EventJoined        = "joined"
	EventLeft          = "left"
	EventPublished     = "published"
	EventUnpublished   = "unpublished"
	EventInterrupted   = "interrupted"
	EventResumed       = "resumed"
	EventMuted         = "muted"
	EventSpeaking      = "speaking"
	EventSpeaker       = "speaker"
	EventQuality       = "quality"
	EventMessage       = "message"
	EventInvited       = "invited"
	EventInvitation    = "invitation"
	EventKicked        = "kicked"
	EventTokenExpiring = "token-expiring"
	EventClosed        = "closed"
)

// The data of events. All but the snapshot are flat and say when.
type (
	snapshot struct {
		Channel      string            `json:"channel"`
		Kind         Kind              `json:"kind"`
		Self         string            `json:"self"`
		Participants []json.RawMessage `json:"participants"`
		Publications []Publication     `json:"publications"`
		Program      programView       `json:"program"`
		Speaker      *string           `json:"speaker"`
	}
	programView struct {
		Pinned *castView `json:"pinned"`
		Video  *castView `json:"video"`
		Audio  *castView `json:"audio"`
	}
	castView struct {
		Participant string `json:"participant"`
		Source      string `json:"source"`
	}
	joined struct {
		Participant
		Changed bool      `json:"changed,omitempty"`
		At      time.Time `json:"at"`
	}
	left struct {
		Participant string    `json:"participant"`
		Reason      string    `json:"reason,omitempty"`
		At          time.Time `json:"at"`
	}
	published struct {
		Publication
		Changed bool      `json:"changed,omitempty"`
		At      time.Time `json:"at"`
	}
	onSource struct {
		Participant string    `json:"participant"`
		Source      string    `json:"source"`
		Reason      string    `json:"reason,omitempty"`
		At          time.Time `json:"at"`
	}
	muted struct {
		Participant string `json:"participant"`
		Source      string `json:"source"`
		Muted
		SelfMuted Muted     `json:"self_muted"`
		By        string    `json:"by"`
		At        time.Time `json:"at"`
	}
	quality struct {
		Participants map[string]Quality `json:"participants"`
		At           time.Time          `json:"at"`
	}
	ended struct {
		Reason string    `json:"reason"`
		Detail string    `json:"detail,omitempty"`
		At     time.Time `json:"at"`
	}
	expiring struct {
		Expires time.Time `json:"expires"`
		At      time.Time `json:"at"`
	}
)

// Who muted something.
const (
	byAdministrator = "administrator"
	bySelf          = "self"
)

// mutedOf tells all that is muted of a publication, and who changed it.
func mutedOf(p Publication, by string, at time.Time) muted {
	return muted{Participant: p.Participant, Source: p.Source, Muted: p.Muted, SelfMuted: p.SelfMuted, By: by, At: stamp(at)}
}

func viewOf(p ProgramState) programView {
	return programView{Pinned: castOf(p.Pinned), Video: castOf(p.Video), Audio: castOf(p.Audio)}
}

// castOf is nil for nobody.
func castOf(c router.Cast) *castView {
	if c.Participant == "" {
		return nil
	}
	return &castView{c.Participant, c.Source}
}

// encode makes JSON of the data of an event, once for all who are told: it returns a
// json.RawMessage. What cannot be encoded is told without data: there is nobody to
// give an error to.
func encode(data any) any {
	if _, done := data.(json.RawMessage); done {
		return data
	}
	b, err := json.Marshal(data)
	if err != nil {
		return json.RawMessage("{}")
	}
	return json.RawMessage(b)
}

// tell tells all streams of the channel. s.mu is held, as in what follows.
func (c *channel) tell(name string, data any) {
	if len(c.streams) == 0 {
		return
	}
	raw := encode(data)
	for st := range c.streams {
		st.tell(name, raw)
	}
}

// tellPublished tells of a publication, with the addresses that the readers of each
// stream know the gateway by.
func (c *channel) tellPublished(now time.Time, p Publication, changed bool) {
	byOrigin := make(map[string]any)
	for st := range c.streams {
		raw, done := byOrigin[st.origin]
		if !done {
			raw = encode(published{Publication: p.at(st.origin), Changed: changed, At: stamp(now)})
			byOrigin[st.origin] = raw
		}
		st.tell(EventPublished, raw)
	}
}

// tell tells the streams of a participant.
func (p *person) tell(name string, data any) {
	if len(p.streams) == 0 {
		return
	}
	raw := encode(data)
	for _, st := range p.streams {
		st.tell(name, raw)
	}
}
