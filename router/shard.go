package router

import "time"

// Shard is the set of viewers of one worker. Not safe for concurrent use: the
// worker's goroutine owns it. It starts no goroutine and no timer; Tick says when
// it wants to be called.
type Shard struct {
	inbox    Subscriber
	viewers  map[*Viewer]struct{}
	tracks   map[*Track]*shardTrack
	schedule schedule
	// leaving are sections that may have done with a track, to be looked at when
	// nobody walks over the track's list.
	leaving []departure
}

type departure struct {
	track   *shardTrack
	section *section
}

// NewShard makes an empty shard. inbox is what it subscribes to tracks: bursts
// that arrive there are to be handed to Burst in the worker's goroutine.
func NewShard(inbox Subscriber) *Shard {
	return &Shard{inbox: inbox, viewers: make(map[*Viewer]struct{}), tracks: make(map[*Track]*shardTrack)}
}

// Len is the number of viewers.
func (s *Shard) Len() int { return len(s.viewers) }

// Add makes v a viewer of the shard, without sources so far. A viewer is added
// once and to one shard.
func (s *Shard) Add(now time.Time, v *Viewer, _ *Out) {
	if v.shard != nil {
		return
	}
	v.shard = s
	v.clock.epoch = now
	s.viewers[v] = struct{}{}
}

// Remove takes v out. It is sent nothing any more.
func (s *Shard) Remove(v *Viewer) {
	if _, ok := s.viewers[v]; !ok {
		return
	}
	for _, sec := range v.sections {
		want, cur := sec.want, sec.cur
		sec.want, sec.cur, sec.target, sec.ready = nil, nil, nil, nil
		if want != nil {
			s.release(want, sec)
		}
		if cur != nil {
			s.release(cur.track, sec)
		}
		sec.watch()
		sec.shown.Store(nil)
		s.schedule.remove(&sec.timer)
	}
	s.schedule.remove(&v.timer)
	delete(s.viewers, v)
	s.settle()
}

// SetSource makes t what a section of v shows, nil for nothing. Audio starts at
// once; video with a key frame, out of the group the layer keeps or asked for.
// Until then the section goes on with what it showed, for two seconds at most
// (ViewerSettings.SwitchHold). A section that does not exist, or is of another
// kind than t, stays as it is.
func (s *Shard) SetSource(now time.Time, v *Viewer, section int, t *Track, out *Out) {
	if _, ok := s.viewers[v]; !ok || section < 0 || section >= len(v.sections) {
		return
	}
	sec := v.sections[section]
	if t != nil && t.Kind() != sec.cfg.Kind || t == nil && sec.want == nil || sec.want != nil && sec.want.track == t {
		return
	}
	var entry *shardTrack
	if t != nil {
		entry = s.subscribe(now, t, out)
		entry.add(sec)
	}
	sec.setWant(now, entry, out)
	sec.settleBurst(now, out)
	v.flush(now)
	s.settle()
}

// Select changes what is sent in a section of v; see Attachment.Select. A section
// that does not exist stays as it is.
func (s *Shard) Select(now time.Time, v *Viewer, section int, sel Selection, out *Out) {
	if _, ok := s.viewers[v]; !ok || section < 0 || section >= len(v.sections) {
		return
	}
	v.sections[section].selection = sel
	v.allocate(now, out)
	v.flush(now)
	s.settle()
}

// Burst hands packets of a layer to every section that shows it, all packets to
// one section after another.
func (s *Shard) Burst(now time.Time, b Burst, out *Out) {
	if b.Layer == nil || len(b.Packets) == 0 {
		return
	}
	t := s.tracks[b.Layer.Track()]
	if t == nil {
		return // cancelled while the burst was in the inbox
	}
	l := t.note(now, b, out)
	if l == nil {
		return
	}
	for _, sec := range t.sections {
		sec.burst(now, l, b, out)
		sec.viewer.flush(now)
		out.relieve()
	}
	s.settle()
}

// RTCP handles one RTCP packet or compound of v. It may be garbage. b is not kept.
func (s *Shard) RTCP(now time.Time, v *Viewer, b []byte, out *Out) {
	if _, ok := s.viewers[v]; !ok {
		return
	}
	v.readRTCP(now, b, out)
	v.adapt(now, out)
	v.flush(now)
	s.settle()
}

// Tick does what is due: replays, sender reports, the end of waits. next is when
// to call it again, zero if nothing is scheduled; other calls may change that.
func (s *Shard) Tick(now time.Time, out *Out) (next time.Time) {
	s.schedule.run(now, out)
	s.settle()
	return s.schedule.next()
}

// subscribe returns the entry of a track, a new one if it is the first section's.
func (s *Shard) subscribe(now time.Time, t *Track, out *Out) *shardTrack {
	entry := s.tracks[t]
	if entry == nil {
		entry = &shardTrack{shard: s, track: t}
		entry.timer.owner = entry
		s.tracks[t] = entry
		entry.cancel = t.Subscribe(s.inbox) // before the history is looked at: no gap
	}
	entry.refresh(now, out)
	return entry
}

// release notes that sec may no longer need t.
func (s *Shard) release(t *shardTrack, sec *section) {
	if !sec.uses(t) {
		s.leaving = append(s.leaving, departure{t, sec})
	}
}

// settle takes sections out of the tracks they have left, and cancels the
// subscription to a track nobody shows.
func (s *Shard) settle() {
	for _, d := range s.leaving {
		if d.section.uses(d.track) {
			continue
		}
		d.track.remove(d.section)
		if len(d.track.sections) == 0 && s.tracks[d.track.track] == d.track {
			delete(s.tracks, d.track.track)
			s.schedule.remove(&d.track.timer)
			d.track.cancel()
		}
	}
	s.leaving = s.leaving[:0]
}
