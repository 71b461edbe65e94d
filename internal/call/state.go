package call

import (
	"cmp"
	"slices"

	"github.com/headgate/headgate/internal/events"
)

// What a session told its login last is kept with the session: a stream that begins
// anew is told it again, behind the snapshot, which is of the channel.

// stateOf is what an event tells the state of, "" for one that tells of no state.
func stateOf(event string) string {
	switch event {
	case "active", "inactive":
		return "active"
	case "layers", "slots":
		return event
	}
	return ""
}

// remember keeps the newest state of a session of p. data is what Tell was given, a
// map with the session's public id, and raw its encoding.
func (p *person) remember(event string, data, raw any) {
	members, _ := data.(map[string]any)
	session, _ := members["session"].(string)
	state := stateOf(event)
	if session == "" || state == "" {
		return
	}
	for e := range p.entries {
		if e.ID != session {
			continue
		}
		if e.told == nil {
			e.told = make(map[string]events.Event)
		}
		e.told[state] = events.Event{Name: event, Data: raw}
	}
}

// beginning is what a stream begins with: the snapshot, and the state of its login's
// sessions.
func (s *Service) beginning(st *stream) []events.Event {
	list := []events.Event{{Name: EventSnapshot, Data: encode(s.snapshot(st))}}
	for _, e := range st.person.sessions(st.login) {
		for _, state := range []string{"active", "layers", "slots"} {
			if told, ok := e.told[state]; ok {
				list = append(list, told)
			}
		}
	}
	return list
}

// sessions are those of a login, the first one first.
func (p *person) sessions(login string) (list []*entry) {
	for e := range p.entries {
		if e.Login == login {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.ID, b.ID)) })
	return list
}
