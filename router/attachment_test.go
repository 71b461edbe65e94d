package router

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// direct runs control functions at once, on a shard of its own.
type direct struct {
	now   *time.Time
	shard *Shard
	out   Out
}

type nobody struct{}

func (nobody) Deliver(Burst) {}

func (d *direct) Do(f func(now time.Time, s *Shard, out *Out)) { f(*d.now, d.shard, &d.out) }

type spectator struct {
	*Attachment
	viewer *Viewer
	ended  *fault.Error
	told   []bool // whether there is something to see
}

// watch attaches a viewer that plays H264 and Opus.
func (s *stage) watch(channel string, sel Selector, self string) *spectator {
	s.t.Helper()
	return s.watchSlots(channel, sel, self, nil)
}

// watchSlots is watch with slots: the indexes of those of the picture and the sound,
// which come in pairs.
func (s *stage) watchSlots(channel string, sel Selector, self string, slots []int) *spectator {
	s.t.Helper()
	d := &direct{now: &s.now, shard: NewShard(nobody{})}
	cfg := ViewerConfig{ID: "v", CNAME: "c", Settings: DefaultViewerSettings()}
	var kinds []Kind
	for i := range max(len(slots), 2) {
		sec := SectionConfig{Mid: strconv.Itoa(i), Kind: Video, SSRC: uint32(1 + i), PayloadTypes: []PayloadType{{Number: 96, Codec: Codec{Name: H264, ClockRate: 90000}}}}
		if i%2 == 1 {
			sec.Kind, sec.PayloadTypes = Audio, []PayloadType{{Number: 111, Codec: Codec{Name: Opus, ClockRate: 48000}}}
		}
		cfg.Sections, kinds = append(cfg.Sections, sec), append(kinds, sec.Kind)
	}
	v := NewViewer(cfg)
	d.shard.Add(s.now, v, &d.out)
	w := &spectator{viewer: v}
	a, err := s.router.Attach(s.now, AttachRequest{
		Channel: channel, Selector: sel, Self: self, Viewer: v, Worker: d, Kinds: kinds, Slots: slots,
		End:    func(reason *fault.Error) { w.ended = reason },
		Notify: func(live bool) { w.told = append(w.told, live) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	w.Attachment = a
	return w
}

// fedBy is the publisher a viewer is fed by.
func (w *spectator) fedBy() *Publisher {
	w.router.mu.Lock()
	defer w.router.mu.Unlock()
	return w.sources[0]
}

// shows names, by section, the participants whose tracks the shard was given.
func (w *spectator) shows() string {
	var names []string
	for i, sec := range w.viewer.sections {
		name := "-"
		if sec.want != nil {
			w.router.mu.Lock()
			name = w.sources[i].pub.key.Participant
			w.router.mu.Unlock()
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// sees names the participant a viewer is fed by.
func (w *spectator) sees() string {
	if p := w.fedBy(); p != nil {
		return p.pub.key.Participant
	}
	return ""
}

func TestTermsOfAnIdleChannelFollowThePolicy(t *testing.T) {
	s := newStage(t, nil)
	if _, err := s.router.Terms("live", Selector{}, ""); !errors.Is(err, ErrIdle) || fault.Of(err).RetryAfter != 2*time.Second {
		t.Errorf("T-89 refuse: %v, want channel-idle with Retry-After 2", err)
	}
	s = newStage(t, func(c *Config) { c.Idle = WaitIdle })
	terms, err := s.router.Terms("live", Selector{}, "")
	if err != nil || terms.Live || terms.Fixed {
		t.Errorf("T-90 wait: %+v, %v", terms, err)
	}
	if got := s.router.Channels(); len(got) != 0 {
		t.Errorf("asking for terms made a channel: %v", got)
	}
}

func TestTermsOfALiveChannel(t *testing.T) {
	s := newStage(t, nil)
	s.publish("live", "alice", "a")
	terms, err := s.router.Terms("live", Selector{}, "")
	if err != nil || !terms.Live || !terms.Fixed || terms.Codecs[Video].Name != H264 {
		t.Errorf("one publication: %+v, %v; want fixed H264", terms, err)
	}
	s.publish("live", "bob", "b")
	if terms, _ := s.router.Terms("live", Selector{}, ""); terms.Fixed {
		t.Error("the program of a channel with two publications may change, so it is not fixed")
	}
	if terms, _ := s.router.Terms("live", Selector{"bob", "main"}, ""); !terms.Fixed {
		t.Error("a named source is fixed")
	}
	if _, err := s.router.Terms("live", Selector{"carol", ""}, ""); !errors.Is(err, ErrIdle) {
		t.Errorf("nobody of that name: %v, want channel-idle", err)
	}
}

func TestAViewerStaysWhenItsPublisherComesBack(t *testing.T) {
	for name, leave := range map[string]func(*stage, *actor){
		"DELETE and new POST": func(s *stage, a *actor) { a.End(s.now) },
		"T-88 crash":          func(s *stage, _ *actor) { s.now = s.now.Add(2 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			a := s.publish("live", "main", "obs")
			w := s.watch("live", Selector{}, "")
			if w.sees() != "main" {
				t.Fatal("not fed from the publisher")
			}
			leave(s, a)
			s.publish("live", "main", "obs")
			if w.ended != nil || w.sees() != "main" {
				t.Errorf("ended %v, sees %q; want the publisher again", w.ended, w.sees())
			}
		})
	}
}

func TestAViewerWithNothingToSeeIsKeptForTheLingerTime(t *testing.T) {
	s := newStage(t, nil)
	a := s.publish("live", "main", "obs")
	w := s.watch("live", Selector{}, "")
	a.End(s.now)
	s.pass(5*time.Minute - time.Second)
	if w.ended != nil {
		t.Fatalf("ended early with %v", w.ended)
	}
	s.pass(time.Second)
	if w.ended == nil || w.ended.Code != "idle" {
		t.Errorf("ended with %v, want idle", w.ended)
	}
	w.Detach()
	w.Detach()
	if got := s.router.Channels(); len(got) != 0 {
		t.Errorf("channels left: %v", got)
	}
}

func TestTheProgramIsWhoHasBeenLiveLongest(t *testing.T) {
	s := newStage(t, nil)
	alice := s.publish("live", "alice", "a")
	w := s.watch("live", Selector{}, "")
	s.now = s.now.Add(time.Second)
	bob := s.publish("live", "bob", "b")
	if w.sees() != "alice" {
		t.Fatalf("sees %q, want alice, who came first", w.sees())
	}
	bob.seen = s.now.Add(6 * time.Second)
	s.pass(6 * time.Second)
	if w.sees() != "bob" {
		t.Fatalf("alice is interrupted: sees %q, want bob", w.sees())
	}
	alice.End(s.now)
	bob.End(s.now)
	if w.sees() != "" {
		t.Errorf("sees %q, want nothing", w.sees())
	}
}

func TestAViewerDoesNotSeeItselfWhileThereIsSomebodyElse(t *testing.T) {
	s := newStage(t, nil)
	s.publish("call", "alice", "a")
	w := s.watch("call", Selector{}, "alice")
	if w.sees() != "alice" {
		t.Fatalf("alone: sees %q, want alice", w.sees())
	}
	s.now = s.now.Add(time.Second)
	s.publish("call", "bob", "b")
	if w.sees() != "bob" {
		t.Errorf("sees %q, want bob", w.sees())
	}
}

func TestACodecTheViewerLacksEndsIt(t *testing.T) {
	s := newStage(t, nil)
	a := s.publish("live", "main", "obs")
	w := s.watch("live", Selector{}, "")
	a.End(s.now)
	b, err := s.tryPublish("live", "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	b.Commit(s.now, map[Kind]Codec{Video: {Name: VP8}})
	b.Live(s.now)
	if w.ended == nil || w.ended.Code != "codec-changed" {
		t.Errorf("ended with %v, want codec-changed", w.ended)
	}
}

func TestTheProgramPassesOverWhatTheViewerCannotPlay(t *testing.T) {
	s := newStage(t, nil)
	first, err := s.tryPublish("live", "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	first.Commit(s.now, map[Kind]Codec{Video: {Name: VP8, ClockRate: 90000}})
	first.seen = s.now
	first.Live(s.now)
	s.now = s.now.Add(time.Second)
	s.publish("live", "bob", "b")
	w := s.watch("live", Selector{}, "")
	if w.ended != nil || w.sees() != "bob" {
		t.Errorf("ended %v, sees %q; want bob, whose H264 the viewer has", w.ended, w.sees())
	}
}

func TestViewersAreToldWhetherThereIsSomethingToSee(t *testing.T) {
	s := newStage(t, nil)
	early := s.watch("live", Selector{}, "")
	a := s.publish("live", "main", "obs")
	late := s.watch("live", Selector{}, "")
	told := func(what string, w *spectator, want ...bool) {
		t.Helper()
		if !slices.Equal(w.told, want) {
			t.Errorf("%s: told %v, want %v", what, w.told, want)
		}
		w.told = nil
	}
	told("before the publisher", early, false, true)
	told("after the publisher", late, true)
	pass := func(d time.Duration) {
		s.now = s.now.Add(d)
		s.router.Sweep(s.now)
	}
	pass(5 * time.Second)
	told("five silent seconds", early)
	pass(time.Second)
	told("interrupted", early, false)
	if early.sees() != "main" {
		t.Error("an interrupted publisher was left")
	}
	a.seen = s.now
	pass(time.Second)
	told("resumed", early, true)
	s.publish("live", "main", "obs") // by takeover, without a pause
	told("taken over", early)
	pass(time.Minute)
	told("lost", early, false)
}
