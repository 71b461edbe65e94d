package gateway_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/testkit"
)

// heldLong has a key frame every ten seconds, unless one is asked for.
func heldLong() testkit.Picture {
	p := testkit.Small()
	p.KeyEvery = 10 * p.FramesPerSecond
	return p
}

// voiceOf are packets of sound that a player can tell from those of others. They say
// nothing to a decoder.
func voiceOf(name byte) [][]byte { return [][]byte{{0xfc, 0xff, 0xfe, name}} }

// opusVoice is something like a voice, in Opus.
func opusVoice(t *testing.T) (packets [][]byte) {
	t.Helper()
	file, err := os.ReadFile("../call/testdata/silk-wb-stereo.ogg")
	if err != nil {
		t.Fatal(err)
	}
	r, err := mediafile.Open(bytes.NewReader(file), 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		sample, err := r.Next()
		if errors.Is(err, io.EOF) {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, sample.Data)
	}
}

// follower is a stock player of a call.
type follower struct {
	*stage
	player *testkit.Player
	voice  [][]byte // real Opus
	asked  int64    // key frames, for the turn
}

// program is whose picture and whose sound the channel shows.
func (f *follower) program() (video, audio string) {
	f.t.Helper()
	doc := f.ok(200, "GET", "/channels/live/program", nil)
	who := func(kind string) string {
		cast, _ := doc[kind].(object)
		name, _ := cast["participant"].(string)
		return name
	}
	return who("video"), who("audio")
}

// until waits for a decision and returns when it was made, to five milliseconds.
func (f *follower) until(limit time.Duration, what string, decided func(video, audio string) bool) time.Time {
	f.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if decided(f.program()) {
			return time.Now()
		}
	}
	video, audio := f.program()
	f.t.Fatalf("after %v not %s, but the picture of %s and the sound of %s", limit, what, video, audio)
	return time.Time{}
}

// TestAStockPlayerFollowsTheSpeaker: a player with one section of each kind, and
// three who publish: two who tell their levels, one whose Opus is measured. Their key
// frames are ten seconds apart, and some send none when asked.
func TestAStockPlayerFollowsTheSpeaker(t *testing.T) {
	for name, c := range map[string]struct {
		deaf  bool
		turns []string
	}{
		"publishers that answer requests": {false, []string{"bob", "cyd", "ann", "cyd", "bob"}},
		"deaf ones":                       {true, []string{"bob", "cyd"}},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				watcher := s.joins(object{"participant": "watcher", "kind": "call"})
				people := s.threeVoices(c.deaf)
				f := &follower{stage: s, voice: opusVoice(s.t)}
				f.player = s.play()
				f.player.Wait(5*time.Second, "picture of the longest live", moving(75))
				for i, who := range c.turns {
					f.turn(who, people[who])
					watcher.told("speaker", object{"participant": who})
					if !c.deaf && i > 0 && f.asked != 1 { // the first one's key frame is young, and is replayed
						s.t.Errorf("%s was asked for %d key frames", who, f.asked)
					}
					f.silence(who, people[who])
					watcher.told("speaking", object{"participant": who, "speaking": false})
				}
				f.nothingBroken()
			})
		})
	}
}

// threeVoices are ann, bob and cyd, in silence. Cyd does not tell levels.
func (s *stage) threeVoices(deaf bool) map[string]*testkit.Publisher {
	s.t.Helper()
	people := map[string]*testkit.Publisher{}
	for i, who := range []string{"ann", "bob", "cyd"} {
		people[who] = s.publishesAs(who, testkit.PublisherOptions{
			Levels: who != "cyd", Picture: heldLong(), FirstFrame: uint32(i+1) * 100_000, Deaf: deaf,
		})
		people[who].Say(voiceOf(who[0])...)
		<-time.After(7 * time.Millisecond) // they are not in step
	}
	return people
}

// turn has somebody speak until he is heard and seen.
func (f *follower) turn(who string, p *testkit.Publisher) {
	f.t.Helper()
	if newest := f.player.Eye.Seen().Last; p.Frame() < newest {
		p.Skip(newest - p.Frame() + 1000) // the eye follows numbers that grow
	}
	frames, asked, begun := p.Frame()-250, p.KeyFrameRequests(), time.Now()
	if who == "cyd" {
		p.Say(f.voice...)
	} else {
		p.Loud(30)
	}
	heard := f.until(time.Second, "the sound of "+who, func(_, audio string) bool { return audio == who })
	seen := f.until(3*time.Second, "the picture of "+who, func(video, _ string) bool { return video == who })
	shown := f.player.Wait(time.Second, "the picture itself", func(s testkit.Seen) bool { return s.Last >= frames && s.Last < frames+1000 })
	f.asked = p.KeyFrameRequests() - asked
	f.t.Logf("%s: heard %v after the first word, decided to be seen %v after that, seen %v later", who, heard.Sub(begun), seen.Sub(heard), shown.Newest.Sub(seen))
	if took := shown.Newest.Sub(seen); took > 300*time.Millisecond {
		f.t.Errorf("the picture of %s %v after the decision", who, took)
	}
	f.soundOf(who, heard)
	<-time.After(time.Second)
}

// silence ends a turn.
func (f *follower) silence(who string, p *testkit.Publisher) {
	if who == "cyd" {
		p.Say(voiceOf('c')...)
	} else {
		p.Loud(127)
	}
	<-time.After(2 * time.Second)
}

// soundOf checks that the sound is that of who from 60 ms after the decision on.
func (f *follower) soundOf(who string, decided time.Time) {
	f.t.Helper()
	for _, h := range f.player.Heard() {
		if h.At.Sub(decided) < 60*time.Millisecond {
			continue
		}
		if speaker := speakerOf(h.Payload); speaker != who {
			f.t.Errorf("%v after the decision %q is heard and not %s", h.At.Sub(decided), speaker, who)
			return
		}
	}
}

func speakerOf(payload []byte) string {
	if len(payload) == 4 {
		return map[byte]string{'a': "ann", 'b': "bob", 'c': "cyd", 'd': "dan"}[payload[3]]
	}
	return "cyd" // real Opus
}

// nothingBroken checks what a decoder wants: no gap in the sound, of either kind, and
// nothing that goes back.
func (f *follower) nothingBroken() {
	f.t.Helper()
	list := f.player.Heard()
	longest, off := time.Duration(0), time.Duration(0)
	for i := 1; i < len(list); i++ {
		before, now := list[i-1], list[i]
		gap := now.At.Sub(before.At)
		played := time.Duration(int32(now.Timestamp-before.Timestamp)) * time.Second / 48000
		longest, off = max(longest, gap), max(off, (played-gap).Abs())
		if now.Seq != before.Seq+1 || played <= 0 {
			f.t.Errorf("number %d to %d, timestamp %v on", before.Seq, now.Seq, played)
		}
		if gap > 40*time.Millisecond || played > 40*time.Millisecond {
			f.t.Errorf("a gap of %v, %v by timestamps", gap, played)
		}
	}
	f.t.Logf("%d packets of sound, the longest gap %v, timestamps at most %v off", len(list), longest, off)
	if seen := f.player.Eye.Seen(); seen.Mixed > 0 || seen.Backwards > 0 {
		f.t.Errorf("%+v", seen)
	}
}
