package call

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/router"
)

// refreshEvery is how often a stage asks the router what there is, though it was told
// of no change.
const refreshEvery = time.Second

// stage is what one channel shows. Its lock is taken before the router's and before
// Service.mu.
type stage struct {
	service *Service
	channel string

	mu   sync.Mutex
	over bool // dropped: there is another one, or will be
	kind Kind
	// voices are the publications on air, refreshed at a time; anew tells that nothing
	// has been decided since.
	voices    []router.Voice
	refreshed time.Time
	anew      bool
	speaker   *speaker
	samples   []sample
	seats     []*Seat
	pinned    router.Cast
	// program is what the router was told, told and spoken what the members were.
	program router.Program
	told    ProgramState
	spoken  []string
}

func newStage(s *Service, channel string) *stage {
	return &stage{service: s, channel: channel, speaker: newSpeaker(s.cfg.SpeakerHold)}
}

// refresh asks what there is.
func (st *stage) refresh(now time.Time) {
	st.voices, st.refreshed, st.anew = st.service.parts.Router.Voices(st.channel), now, true
	said := st.service.SelfMuted(st.channel)
	for i := range st.voices { // a microphone that is off says so by its level
		v := &st.voices[i]
		v.Muted.Video = v.Muted.Video || said[v.Cast].Video
	}
	st.kind = st.service.KindOf(st.channel)
	if st.kind != Call {
		st.speaker = newSpeaker(st.service.cfg.SpeakerHold)
	}
	st.speaker.forget(func(c router.Cast) bool { return st.voice(c) != nil })
}

// listen looks who speaks, in a call. It adds the tracks whose levels are not known to
// silent, if they may be measured.
func (st *stage) listen(now time.Time, silent []*router.Track) []*router.Track {
	if now.Sub(st.refreshed) >= refreshEvery {
		st.refresh(now)
	}
	if st.kind == Call {
		measures := st.measures()
		st.samples = st.samples[:0]
		for _, v := range st.voices {
			m := sample{Cast: v.Cast, picture: v.Video && !v.Muted.Video, mute: v.Muted.Audio}
			if v.Track != nil {
				m.level, m.known = v.Track.Level(now)
				if !m.known && measures && !m.mute {
					silent = append(silent, v.Track)
					m.level, m.known = st.service.director.measurer.level(now, v.Track)
				}
			}
			st.samples = append(st.samples, m)
		}
		st.speaker.look(now, st.samples)
	}
	st.direct(now)
	return silent
}

// measures tells whether Opus is decoded here: where two could be mistaken.
func (st *stage) measures() bool {
	sounds := 0
	for _, v := range st.voices {
		if v.Track != nil {
			sounds++
		}
	}
	return st.service.cfg.MeasureLevels && sounds >= 2
}

// direct tells the router, the viewers' slots and the members what has changed.
func (st *stage) direct(now time.Time) {
	program := st.compose()
	if !slices.Equal(program.Video, st.program.Video) || !slices.Equal(program.Audio, st.program.Audio) {
		st.program = program
		st.service.parts.Router.SetProgram(now, st.channel, program)
	}
	state, speaking := st.state(), st.speaker.speaking()
	if !st.anew && state == st.told && slices.Equal(speaking, st.spoken) {
		return
	}
	st.arrange(now)
	st.service.announce(now, st.channel, state, speaking, st.samples)
	st.anew, st.told, st.spoken = false, state, speaking
}

// arrange fills the slots of all viewers.
func (st *stage) arrange(now time.Time) {
	st.seats = slices.DeleteFunc(st.seats, func(s *Seat) bool { return s.left.Load() })
	if len(st.seats) == 0 {
		return
	}
	a := st.assemble()
	for _, seat := range st.seats {
		seat.arrange(now, a)
	}
}

// assemble lists what may fill slots, the longest live first.
func (st *stage) assemble() *assembly {
	list := make([]candidate, 0, len(st.voices))
	for _, v := range st.voices {
		c := candidate{
			Cast: v.Cast, picture: v.Video && !v.Muted.Video, sound: v.Track != nil && !v.Muted.Audio,
			since: v.Since, quiet: v.Since, heard: v.Cast == st.speaker.heard,
		}
		if last := st.speaker.silentSince(v.Participant); last.After(c.quiet) {
			c.quiet = last
		}
		if voice := st.speaker.voices[v.Cast]; voice != nil {
			c.speaking = voice.speaking
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return a.since.Compare(b.since) })
	return newAssembly(list)
}

// compose makes the program: the pinned publication, whoever is seen or heard, those
// who were of late.
func (st *stage) compose() (p router.Program) {
	if st.pinned != (router.Cast{}) {
		p.Video, p.Audio = append(p.Video, st.pinned), append(p.Audio, st.pinned)
	}
	if st.seenOf(st.speaker.seen) != (router.Cast{}) {
		p.Video = appendNew(p.Video, st.seenOf(st.speaker.seen))
	}
	for _, c := range st.speaker.spoke {
		if picture := st.seenOf(c.Participant); picture != (router.Cast{}) {
			p.Video = appendNew(p.Video, picture)
		}
		if v := st.voice(c); v != nil && !v.Muted.Audio {
			p.Audio = appendNew(p.Audio, c)
		}
	}
	return p
}

func appendNew(list []router.Cast, c router.Cast) []router.Cast {
	if slices.Contains(list, c) {
		return list
	}
	return append(list, c)
}

// voice is a publication on air, nil for none.
func (st *stage) voice(c router.Cast) *router.Voice {
	for i := range st.voices {
		if st.voices[i].Cast == c {
			return &st.voices[i]
		}
	}
	return nil
}

// seenOf is the picture of a participant who speaks, the zero Cast for none: main or
// camera, then whatever else by name, a shared screen last.
func (st *stage) seenOf(participant string) (best router.Cast) {
	for _, v := range st.voices { // by source
		if v.Participant != participant || !v.Video || v.Muted.Video {
			continue
		}
		if best == (router.Cast{}) || pictureRank(v.Source) < pictureRank(best.Source) {
			best = v.Cast
		}
	}
	return best
}

func pictureRank(source string) int {
	switch source {
	case sourceMain:
		return 0
	case sourceCamera:
		return 1
	case sourceScreen:
		return 3
	}
	return 2
}

// state is what is told of the program.
func (st *stage) state() ProgramState {
	return ProgramState{
		Pinned: st.pinned, Speaker: st.speaker.heard.Participant,
		Video: st.shown(st.program.Video, func(v *router.Voice) bool { return v.Video }),
		Audio: st.shown(st.program.Audio, func(v *router.Voice) bool { return v.Track != nil }),
	}
}

// shown is the first of a ranked list that is on air and has the medium, else the
// longest live that has.
func (st *stage) shown(ranked []router.Cast, has func(*router.Voice) bool) router.Cast {
	for _, c := range ranked {
		if v := st.voice(c); v != nil && has(v) {
			return c
		}
	}
	var first *router.Voice
	for i := range st.voices {
		if v := &st.voices[i]; has(v) && (first == nil || cmp.Compare(v.Since.UnixNano(), first.Since.UnixNano()) < 0) {
			first = v
		}
	}
	if first == nil {
		return router.Cast{}
	}
	return first.Cast
}
