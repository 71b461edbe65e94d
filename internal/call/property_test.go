package call

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/router"
)

// page is what a member knows: its snapshot, and what it was told since.
type page struct {
	*listener
	secret       string
	people       map[string]map[string]any
	publications map[string]map[string]any
	over         string // the reason of the last event
	fresh        bool   // nothing was told after the snapshot
}

func key(e map[string]any) string { return fmt.Sprintf("%v/%v", e["participant"], e["source"]) }

// follow replays what was told.
func (p *page) follow(t *rapid.T) {
	list, _ := p.next()
	for _, e := range list {
		p.fresh = e.name == EventSnapshot
		switch name := e.data["participant"]; e.name {
		case EventSnapshot:
			p.people, p.publications = make(map[string]map[string]any), make(map[string]map[string]any)
			for _, one := range e.data["participants"].([]any) {
				p.people[one.(map[string]any)["participant"].(string)] = one.(map[string]any)
			}
			for _, one := range e.data["publications"].([]any) {
				p.publications[key(one.(map[string]any))] = one.(map[string]any)
			}
		case EventJoined:
			if _, there := p.people[name.(string)]; there != (e.data["changed"] == true) {
				t.Fatalf("joined %v, there before: %v", e.data, there)
			}
			p.people[name.(string)] = e.data
		case EventLeft:
			p.mustKnow(t, e.name, p.people[name.(string)])
			delete(p.people, name.(string))
		case EventPublished:
			if _, there := p.publications[key(e.data)]; there != (e.data["changed"] == true) {
				t.Fatalf("published %v, there before: %v", e.data, there)
			}
			p.mustKnow(t, e.name, p.people[name.(string)])
			p.publications[key(e.data)] = e.data
		case EventUnpublished:
			p.mustKnow(t, e.name, p.publications[key(e.data)])
			delete(p.publications, key(e.data))
		case EventInterrupted, EventResumed:
			p.mustKnow(t, e.name, p.publications[key(e.data)])
			p.publications[key(e.data)]["state"] = map[string]string{EventInterrupted: "interrupted", EventResumed: "live"}[e.name]
		case EventMuted:
			p.mustKnow(t, e.name, p.publications[key(e.data)])
			p.publications[key(e.data)]["muted"] = map[string]any{"audio": e.data["audio"], "video": e.data["video"]}
			p.publications[key(e.data)]["self_muted"] = e.data["self_muted"]
		case EventKicked, EventClosed:
			p.over = e.data["reason"].(string)
		}
	}
}

func (p *page) mustKnow(t *rapid.T, event string, of map[string]any) {
	if of == nil {
		t.Fatalf("%s of somebody nobody knows", event)
	}
}

// world is a call under test.
type world struct {
	*hall
	pages map[string]*page // by secret
}

// Every member's events, replayed over its snapshot, are the roster; nobody is in the
// roster without a stream or a publication; nobody is there under two logins; and
// nothing is left when all have gone.
func TestEverybodyKnowsWhoIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]router.Duplicates{router.RejectDuplicates, router.ReplaceDuplicates}).Draw(t, "policy")
		w := &world{newHall(t, func(_ *Config, c *router.Config) { c.Duplicates = policy }), make(map[string]*page)}
		name := rapid.SampledFrom([]string{"ann", "bob", "cat"})
		source := rapid.SampledFrom([]string{"main", "screen"})
		login := rapid.SampledFrom([]string{"1", "2"})
		t.Repeat(map[string]func(*rapid.T){
			"join":    func(t *rapid.T) { w.joins(name.Draw(t, "name"), login.Draw(t, "login")) },
			"publish": func(t *rapid.T) { w.publishes(name.Draw(t, "name"), source.Draw(t, "source"), login.Draw(t, "login")) },
			"leave": func(t *rapid.T) {
				if p := w.anyPage(t); p != nil {
					_ = w.Leave(p.secret) // it may have ended
				}
			},
			"again": func(t *rapid.T) {
				if p := w.anyPage(t); p != nil && w.streams[p.secret] != nil {
					p.left()
					p.listener = w.read(p.secret, rapid.SampledFrom([]string{p.lastID, "", "x"}).Draw(t, "from"))
				}
			},
			"close": func(t *rapid.T) {
				if p := w.anyPage(t); p != nil {
					p.left()
				}
			},
			"live": func(t *rapid.T) {
				if v := w.anySession(t); v != nil {
					v.pub.Live(w.clock())
				}
			},
			"end": func(t *rapid.T) {
				if v := w.anySession(t); v != nil {
					w.end(v, nil)
				}
			},
			"pass": func(t *rapid.T) {
				heard := rapid.Bool().Draw(t, "heard")
				for range rapid.IntRange(1, 12).Draw(t, "seconds") {
					w.alive(heard)
					w.pass(time.Second)
				}
			},
			"mute": func(t *rapid.T) {
				_ = w.Mute("c", router.Cast{Participant: name.Draw(t, "name"), Source: source.Draw(t, "source")}, router.Mute{Audio: rapid.Bool().Draw(t, "audio")})
			},
			"mute self": func(t *rapid.T) {
				who := name.Draw(t, "name")
				said := Muted{Audio: rapid.Bool().Draw(t, "audio"), Video: rapid.Bool().Draw(t, "video")}
				_ = w.MuteSelf("c", router.Cast{Participant: who, Source: source.Draw(t, "source")}, who+login.Draw(t, "login"), said)
			},
			"kick": func(t *rapid.T) {
				_ = w.Kick("c", name.Draw(t, "name"), "", time.Duration(rapid.IntRange(0, 1).Draw(t, "ban"))*5*time.Second)
			},
			"disband": func(t *rapid.T) {
				if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
					w.Disband("c")
				}
			},
			"": w.check,
		})
		w.empty(t)
	})
}

func (w *world) joins(name, login string) {
	m, err := w.Join(JoinRequest{Channel: "c", Participant: name, Login: name + login, Name: login, Call: login == "1"})
	if err == nil {
		w.pages[m.Secret] = &page{listener: w.read(m.Secret, ""), secret: m.Secret}
	}
}

func (w *world) publishes(name, source, login string) {
	_, _ = w.publish(name, source, name+login) // it may be refused
}

// alive lets something be heard of all sessions.
func (w *world) alive(heard bool) {
	for _, v := range w.sessions {
		if heard {
			v.seen = w.clock()
		}
	}
}

func (w *world) anyPage(t *rapid.T) *page {
	if len(w.pages) == 0 {
		return nil
	}
	return w.pages[rapid.SampledFrom(slices.Sorted(maps.Keys(w.pages))).Draw(t, "page")]
}

func (w *world) anySession(t *rapid.T) *visitor {
	if len(w.sessions) == 0 {
		return nil
	}
	return w.sessions[rapid.SampledFrom(slices.Sorted(maps.Keys(w.sessions))).Draw(t, "session")]
}

func (w *world) check(t *rapid.T) {
	logins := make(map[string]string)
	unique := func(participant, login string) {
		if before := cmp.Or(logins[participant], login); before != login {
			t.Fatalf("%s is there as %s and %s", participant, before, login)
		}
		logins[participant] = login
	}
	present := make(map[string]bool)
	for _, st := range w.streams {
		present[st.person.id] = true
		unique(st.person.id, st.login)
	}
	var live []map[string]any
	info, _ := w.router.Channel("c")
	for _, i := range info.Publications {
		if i.State == router.Live || i.State == router.Paused {
			present[i.Participant] = true
			unique(i.Participant, w.sessions[i.Session].Login)
			live = append(live, map[string]any{
				"participant": i.Participant, "source": i.Source, "state": string(i.State), "muted": members(Muted(i.Muted)),
				"self_muted": members(w.said(i.Session)),
			})
		}
	}
	if got, want := w.roster(), slices.Sorted(maps.Keys(present)); !slices.Equal(got, want) {
		t.Fatalf("roster %v, there are %v", got, want)
	}
	for secret, p := range w.pages {
		p.follow(t)
		if w.streams[secret] == nil {
			w.buried(t, p)
			continue
		}
		if p.reader == nil || w.streams[secret].reader != p.reader {
			continue // it was closed, and knows nothing more
		}
		if got, want := slices.Sorted(maps.Keys(p.people)), w.roster(); !slices.Equal(got, want) {
			t.Fatalf("%s knows %v, there are %v", secret, got, want)
		}
		p.knows(t, live)
		if p.fresh {
			w.same(t, p)
		}
	}
}

// members is m as it is read.
func members(m Muted) map[string]any { return map[string]any{"audio": m.Audio, "video": m.Video} }

// said is what the holder of a session said of it.
func (w *world) said(session string) Muted {
	for _, c := range w.channels {
		for _, p := range c.people {
			for e := range p.entries {
				if e.ID == session {
					return e.muted
				}
			}
		}
	}
	return Muted{}
}

// knows compares publications in what an event can change.
func (p *page) knows(t *rapid.T, live []map[string]any) {
	if len(p.publications) != len(live) {
		t.Fatalf("knows %v, on air are %v", p.publications, live)
	}
	for _, want := range live {
		got := p.publications[key(want)]
		if got == nil || got["state"] != want["state"] || !reflect.DeepEqual(got["muted"], want["muted"]) || !reflect.DeepEqual(got["self_muted"], want["self_muted"]) {
			t.Fatalf("knows %v, on air is %v", got, want)
		}
	}
}

// same compares a new snapshot with the roster in all it tells.
func (w *world) same(t *rapid.T, p *page) {
	for _, one := range w.Participants("c") {
		b, _ := json.Marshal(one)
		var want map[string]any
		_ = json.Unmarshal(b, &want)
		if got := p.people[one.ID]; !reflect.DeepEqual(got, want) {
			t.Fatalf("the snapshot tells %v, the roster %v", got, want)
		}
	}
}

// buried checks that a stream that has ended says why, as its last event did.
func (w *world) buried(t *rapid.T, p *page) {
	_, _, err := w.Listen(p.secret, "")
	code := faultCode(err)
	if code != "stream-unknown" && p.over != "" && code != p.over {
		t.Fatalf("ended with %q, and says %q afterwards", p.over, code)
	}
}

// empty lets everybody go and time pass.
func (w *world) empty(t *rapid.T) {
	for _, v := range slices.Collect(maps.Values(w.sessions)) {
		w.end(v, nil)
	}
	for _, p := range w.pages {
		_ = w.Leave(p.secret)
	}
	w.pass(rememberFor + time.Second)
	if n := len(w.channels) + len(w.streams) + len(w.graves); n != 0 || w.router.InUse("c") {
		t.Fatalf("left: channels %v, %d streams, %d graves", w.channels, len(w.streams), len(w.graves))
	}
	if w.KindOf("c") != Broadcast {
		t.Fatal("a call with nobody in it")
	}
}
