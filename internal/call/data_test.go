package call

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/headgate/headgate/router"
)

// mouth is a data channel of a client.
type mouth struct {
	say   func(data []byte, text bool)
	leave func()
	got   []string
	deaf  bool
}

func (h *hall) talk(t Talker) *mouth {
	h.t.Helper()
	m := &mouth{}
	t.Channel = "c"
	t.Send = func(data []byte, text bool) bool {
		if !m.deaf {
			m.got = append(m.got, fmt.Sprintf("%s %v", data, text))
		}
		return !m.deaf
	}
	var ok bool
	if m.say, m.leave, ok = h.Talk(t); !ok {
		h.t.Fatalf("label %q is not taken", t.Label)
	}
	return m
}

func (h *hall) chat(participant, session string) *mouth {
	h.t.Helper()
	return h.talk(Talker{Participant: participant, Session: session, Label: ChatLabel})
}

// texts are what a client heard in the chat: sender, name and text.
func (m *mouth) texts(t *testing.T) (list []string) {
	t.Helper()
	for _, g := range m.got {
		s := struct{ Type, ID, From, Name, Text, At, Code string }{}
		if err := json.Unmarshal([]byte(strings.TrimSuffix(g, " true")), &s); err != nil || !strings.HasSuffix(g, " true") {
			t.Fatalf("not JSON in text: %s", g)
		}
		if s.Type == "error" {
			list = append(list, "error "+s.Code)
			continue
		}
		if _, err := time.Parse(time.RFC3339, s.At); err != nil || s.ID == "" || s.Type != "message" {
			t.Errorf("incomplete: %s", g)
		}
		list = append(list, fmt.Sprintf("%s (%s): %s", s.From, s.Name, s.Text))
	}
	m.got = nil
	return list
}

func (m *mouth) heard(t *testing.T, want ...string) {
	t.Helper()
	if got := m.texts(t); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// What is said by REST, on an event stream's page or on a data channel is one chat.
func TestChatIsOneChat(t *testing.T) {
	h := newHall(t, nil)
	_, alice := h.join("alice", "a")
	h.onAir("bob", "main", "b")
	bob, viewer := h.chat("bob", "s1"), h.chat("viewer-123", "s2")
	alice.next()
	bob.say([]byte(`<b>"hi"`), true)
	alice.expect(`message from=bob name=BOB text=<b>"hi"`)
	bob.heard(t, `bob (BOB): <b>"hi"`)
	viewer.heard(t, `bob (BOB): <b>"hi"`)
	if m, err := h.Say("c", "a", Message{From: "alice", Text: "hello"}); err != nil || m.ID == "" || m.Name != "ALICE" || !m.At.Equal(h.clock()) {
		t.Errorf("said %+v, %v", m, err)
	}
	viewer.say([]byte("who?"), true)
	alice.expect("message from=alice name=ALICE text=hello", "message from=viewer-123 name=<nil> text=who?")
	bob.heard(t, "alice (ALICE): hello", "viewer-123 (): who?")
	if _, err := h.Say("other", "a", Message{From: "alice", Text: "not here"}); err != nil {
		t.Error(err)
	}
	viewer.leave()
	bob.say([]byte("bye"), true)
	viewer.heard(t, "alice (ALICE): hello", "viewer-123 (): who?")
	if d := h.Data(); d != (DataStats{Open: 1, Passed: 5}) {
		t.Errorf("counted %+v", d)
	}
	bob.leave()
	if len(h.data.rooms) != 0 {
		t.Error("an empty room is kept")
	}
}

func TestChatToOne(t *testing.T) {
	h := newHall(t, nil)
	_, alice := h.join("alice", "a")
	_, bob := h.join("bob", "b")
	_, carol := h.join("carol", "c")
	dave := h.chat("dave", "s1")
	for _, l := range []*listener{alice, bob, carol} {
		l.next()
	}
	say := func(to string) error {
		_, err := h.Say("c", "a", Message{From: "alice", Text: "psst", To: to})
		return err
	}
	if err := say("bob"); err != nil {
		t.Fatal(err)
	}
	alice.expect("message to=bob")
	bob.expect("message to=bob")
	carol.expect()
	dave.heard(t)
	if err := say("dave"); err != nil {
		t.Fatal(err)
	}
	dave.heard(t, "alice (ALICE): psst")
	if err := say("alice"); err != nil {
		t.Fatal(err)
	}
	alice.expect("message to=dave", "message to=alice")
	h.refuses(say("nobody"), "participant-unknown")
}

func TestChatRefuses(t *testing.T) {
	h := newHall(t, nil)
	for name, data := range map[string][]byte{
		"nothing": {}, "too long for the channel": nil, "too long": make([]byte, maxText+1), "not UTF-8": {0xff},
	} {
		m := h.chat("alice", name)
		m.say(data, true)
		if got := m.texts(t); !slices.Equal(got, []string{"error bad-message"}) {
			t.Errorf("%s: heard %q", name, got)
		}
		m.leave()
	}
	m := h.chat("alice", "binary")
	m.say([]byte("text"), false)
	m.heard(t, "error bad-message")
	m.say([]byte(strings.Repeat("é", maxText/2)), true)
	if got := m.texts(t); len(got) != 1 || len(got[0]) != len("alice (): ")+maxText {
		t.Errorf("the longest text: %d", len(got))
	}
	if d := h.Data(); d.Passed != 1 || d.Dropped != 5 {
		t.Errorf("counted %+v", d)
	}
}

// Five messages a second, on all channels of a session together; the sender is told
// once a second.
func TestChatFlood(t *testing.T) {
	h := newHall(t, nil)
	listener, pace := h.chat("bob", "s2"), NewPace()
	one := Talker{Participant: "alice", Session: "s1", Label: ChatLabel, Pace: pace}
	m := h.talk(one)
	flood := func(n int) {
		for range n {
			m.say([]byte("x"), true)
		}
	}
	flood(20)
	m.leave()
	m = h.talk(one)
	flood(20)
	m.heard(t)
	if got := listener.texts(t); len(got) != 5 {
		t.Errorf("%d of 40 were passed on", len(got))
	}
	h.pass(time.Second)
	flood(40)
	if got := m.texts(t); len(got) != 6 || got[5] != "error too-many-messages" {
		t.Errorf("the sender heard %q", got)
	}
	if got := listener.texts(t); len(got) != 5 {
		t.Errorf("%d of 40 were passed on", len(got))
	}
}

func TestSayIsBoundedForEachLogin(t *testing.T) {
	h := newHall(t, nil)
	say := func(login string) error {
		_, err := h.Say("c", login, Message{From: "alice", Text: "x"})
		return err
	}
	for range messageBurst {
		if err := say("a"); err != nil {
			t.Fatal(err)
		}
	}
	h.refuses(say("a"), "too-many-messages")
	if err := say("b"); err != nil {
		t.Error(err)
	}
	h.pass(200 * time.Millisecond)
	if err := say("a"); err != nil {
		t.Error(err)
	}
	h.pass(2 * time.Second)
	if n := len(h.paces); n != 0 {
		t.Errorf("%d logins are remembered", n)
	}
}

// However many talk, a channel passes on no more than people could read.
func TestWhatAChannelPassesOnIsBounded(t *testing.T) {
	h := newHall(t, nil)
	said := 0
	for i := range 300 {
		if _, err := h.Say("c", fmt.Sprint(i), Message{From: "alice", Text: "x"}); err == nil {
			said++
		} else {
			h.refuses(err, "too-many-messages")
		}
	}
	if said != crowdBurst {
		t.Errorf("%d of 300 at once were passed on, want %d", said, crowdBurst)
	}
	if _, err := h.Say("other", "1", Message{From: "alice", Text: "x"}); err != nil {
		t.Errorf("another channel: %v", err)
	}
	h.pass(5 * time.Second)
	if n := len(h.paces); n != 0 {
		t.Errorf("%d paces are remembered", n)
	}
}

// Further labels are relayed as they are, to other sessions.
func TestDataLabels(t *testing.T) {
	h := newHall(t, func(c *Config, _ *router.Config) { c.DataLabels = []string{"files"} })
	if _, _, ok := h.Talk(Talker{Channel: "c", Label: "other"}); ok {
		t.Error("a label nobody configured is taken")
	}
	a, b := h.talk(Talker{Session: "s1", Label: "files"}), h.talk(Talker{Session: "s2", Label: "files"})
	second, chat := h.talk(Talker{Session: "s1", Label: "files"}), h.chat("bob", "s2")
	a.say([]byte{0xff}, false)
	a.say([]byte("text"), true)
	a.say([]byte{}, true)
	if want := []string{"\xff false", "text true", " true"}; !slices.Equal(b.got, want) {
		t.Errorf("relayed %q", b.got)
	}
	if len(a.got)+len(second.got)+len(chat.got) > 0 {
		t.Errorf("the sender got %q and %q, the chat %q", a.got, second.got, chat.got)
	}
	a.say(nil, false)
	a.heard(t, "error bad-message")
	b.deaf = true
	a.say([]byte("missed"), true)
	if d := h.Data(); d != (DataStats{Open: 4, Passed: 4, Dropped: 1, Missed: 1}) {
		t.Errorf("counted %+v", d)
	}
}

// FuzzChat: whatever a client sends, everybody gets JSON of what it was, or it is
// refused.
func FuzzChat(f *testing.F) {
	for _, s := range []string{"", "hello", "\xff", "\u2028<script>", strings.Repeat("\x00", maxText), strings.Repeat("x", maxText+1)} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, text bool) {
		h := newHall(t, nil)
		from, to := h.chat("alice", "s1"), h.chat("bob", "s2")
		from.say(data, text)
		if good := text && len(data) > 0 && len(data) <= maxText && utf8.Valid(data); good {
			to.heard(t, "alice (): "+string(data))
			return
		}
		from.heard(t, "error bad-message")
		to.heard(t)
	})
}
