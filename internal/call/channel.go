package call

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/events"
)

// channel is what a Service knows of a channel that somebody is in, or that has
// something to remember. Service.mu guards it and all that hangs on it.
type channel struct {
	name   string
	people map[string]*person
	// streams are those of all people.
	streams map[*stream]struct{}
	bans    map[string]Ban
	// call tells that a member made the channel a call.
	call bool
	// program is who is shown and who speaks, as it was told last.
	program ProgramState
}

// person is a participant: one of the roster while it is present.
type person struct {
	channel  *channel
	id, name string
	tags     map[string]string
	// joined is zero for those who are not in the roster.
	joined       time.Time
	speaking     bool
	quality      *Quality
	streams      []*stream
	publications map[string]*publication // on air, by source
	entries      map[*entry]struct{}
	// reason is the code of why the person goes, or is being put out; empty for those
	// who stay, and for a goodbye.
	reason string
	// told is what snapshots tell of the person, for those who join one after another.
	told struct {
		json     json.RawMessage // nil when something has changed
		speaking bool
		quality  *Quality
	}
}

// entry is a session of a person.
type entry struct {
	Entry
	person *person
	since  time.Time
	// muted is what its holder says is off.
	muted Muted
	// told is what its login was told of it last, by the state that it tells.
	told map[string]events.Event
}

// channel returns the named channel, made if need be. s.mu is held, as in what
// follows.
func (s *Service) channel(name string) *channel {
	c := s.channels[name]
	if c == nil {
		c = &channel{
			name: name, people: make(map[string]*person),
			streams: make(map[*stream]struct{}), bans: make(map[string]Ban),
		}
		s.channels[name] = c
	}
	return c
}

// forget drops a channel that has nothing to remember.
func (s *Service) forget(c *channel) {
	if len(c.people)+len(c.bans) == 0 && !c.call && c.program.Pinned.Participant == "" {
		delete(s.channels, c.name)
	}
}

// person returns the participant with this id, made if need be. settle comes next.
func (c *channel) person(id string) *person {
	p := c.people[id]
	if p == nil {
		p = &person{channel: c, id: id, publications: make(map[string]*publication), entries: make(map[*entry]struct{})}
		c.people[id] = p
	}
	return p
}

// present tells whether p is a member: it holds a stream or is on air.
func (p *person) present() bool { return len(p.streams)+len(p.publications) > 0 }

// settle moves a person into the roster or out of it, and tells.
func (s *Service) settle(now time.Time, p *person) {
	switch in := !p.joined.IsZero(); {
	case p.present() && !in:
		p.joined = stamp(now)
		p.changed()
		p.channel.tell(EventJoined, joined{Participant: p.view(), At: stamp(now)})
	case !p.present() && in:
		p.joined, p.speaking, p.quality = time.Time{}, false, nil
		p.channel.tell(EventLeft, left{Participant: p.id, Reason: p.reason, At: stamp(now)})
		p.reason = ""
	}
	if !p.present() && len(p.entries) == 0 {
		delete(p.channel.people, p.id)
		s.forget(p.channel)
	}
}

// describe takes over what somebody says of themselves. Those in the roster are told
// anew when that changes it.
func (p *person) describe(now time.Time, name string, tags map[string]string) {
	renamed := name != "" && name != p.name
	tagged := len(tags) > 0 && !maps.Equal(tags, p.tags)
	if renamed {
		p.name = name
	}
	if tagged {
		p.tags = maps.Clone(tags)
	}
	p.changed()
	if (renamed || tagged) && !p.joined.IsZero() {
		p.channel.tell(EventJoined, joined{Participant: p.view(), Changed: true, At: stamp(now)})
	}
}

// view is what is told of p.
func (p *person) view() Participant {
	v := Participant{
		ID: p.id, Name: p.name, Tags: p.tags, Joined: p.joined, Speaking: p.speaking, Quality: p.quality,
		Sources: slices.AppendSeq([]string{}, maps.Keys(p.publications)),
	}
	slices.Sort(v.Sources)
	for source, pub := range p.publications {
		note(&v.Muted, source, pub.told.Muted)
		note(&v.SelfMuted, source, pub.told.SelfMuted)
	}
	return v
}

// note keeps what of a source is muted, if anything is.
func note(all *map[string]Muted, source string, m Muted) {
	if m == (Muted{}) {
		return
	}
	if *all == nil {
		*all = make(map[string]Muted)
	}
	(*all)[source] = m
}

// changed notes that view is another one now, but for speaking and quality.
func (p *person) changed() { p.told.json = nil }

// encoded is view as JSON.
func (p *person) encoded() json.RawMessage {
	if p.told.json == nil || p.told.speaking != p.speaking || p.told.quality != p.quality {
		p.told.speaking, p.told.quality = p.speaking, p.quality
		p.told.json, _ = encode(p.view()).(json.RawMessage)
	}
	return p.told.json
}

// roster are those who are there, by id.
func (c *channel) roster() []*person {
	list := make([]*person, 0, len(c.people))
	for _, p := range c.people {
		if !p.joined.IsZero() {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *person) int { return strings.Compare(a.id, b.id) })
	return list
}

// stamp is a time as it is told: in UTC, by the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// goes notes why a member is none any more, unless that is known. settle comes next.
func (p *person) goes(code string) {
	if !p.present() && !p.joined.IsZero() {
		p.reason = cmp.Or(p.reason, code)
	}
}
