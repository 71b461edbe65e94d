package call

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Design 5: who may come while the same participant is there under another login.
func TestDuplicates(t *testing.T) {
	stream := func(h *hall) (ended func() bool) {
		m, _ := h.join("ann", "old")
		return func() bool { _, _, err := h.Listen(m.Secret, ""); return faultCode(err) == "duplicate-id" }
	}
	unread := func(h *hall) func() bool {
		m, l := h.join("ann", "old")
		l.left()
		h.pass(silentAfter)
		return func() bool { _, _, err := h.Listen(m.Secret, ""); return faultCode(err) == "duplicate-id" }
	}
	session := func(publisher, slots bool) func(h *hall) func() bool {
		return func(h *hall) func() bool {
			v := h.onAir("ann", "main", "old")
			if !publisher {
				h.end(v, nil)
				v.Entry.Publisher, v.Entry.Slots, v.pub = false, slots, nil
				h.mu.Lock()
				h.sessions[v.ID] = v
				h.mu.Unlock()
				v.leave = h.Enter(v.Entry)
			}
			return func() bool { return v.reason != nil && v.reason.Code == "duplicate-id" }
		}
	}
	silent := func(there func(*hall) func() bool, d time.Duration) func(*hall) func() bool {
		return func(h *hall) func() bool {
			ended := there(h)
			h.pass(d)
			return ended
		}
	}
	standby := func(c *router.Config) { c.Standby = []string{"*"} }
	joins := Admission{Channel: "c", Participant: "ann", Login: "new", Member: true}
	slots := Admission{Channel: "c", Participant: "ann", Login: "new", Slots: true}
	bare := Admission{Channel: "c", Participant: "ann", Login: "new"}
	for name, tc := range map[string]struct {
		there   func(*hall) func() bool
		comes   Admission
		channel func(*router.Config)
		refused bool // with reject
		stays   bool // with replace
	}{
		"a stream, and a stream":            {there: stream, comes: joins, refused: true},
		"a stream, and slots":               {there: stream, comes: slots, refused: true},
		"a stream, and a bare viewer":       {there: stream, comes: bare, stays: true},
		"a stream nobody reads":             {there: unread, comes: joins},
		"a publisher":                       {there: session(true, false), comes: joins, refused: true},
		"a publisher that fell silent":      {there: silent(session(true, false), time.Second), comes: joins},
		"publishers that stand by":          {there: session(true, false), comes: joins, channel: standby, stays: true},
		"a viewer with slots":               {there: session(false, true), comes: joins, refused: true},
		"a viewer with slots, a bit silent": {there: silent(session(false, true), time.Second), comes: joins, refused: true},
		"a viewer with slots, silent":       {there: silent(session(false, true), viewerSilentAfter), comes: slots},
		"a bare viewer":                     {there: session(false, false), comes: joins, stays: true},
	} {
		for _, policy := range []router.Duplicates{router.RejectDuplicates, router.ReplaceDuplicates} {
			t.Run(name+", "+string(policy), func(t *testing.T) {
				h := newHall(t, func(_ *Config, c *router.Config) {
					c.Duplicates = policy
					if tc.channel != nil {
						tc.channel(c)
					}
				})
				ended := tc.there(h)
				err := h.Admit(tc.comes)
				if tc.refused && policy == router.RejectDuplicates {
					h.refuses(err, "channel-busy")
					if faultOf(err).RetryAfter == 0 {
						t.Error("without Retry-After")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				h.enterAs(tc.comes)
				if ended() == tc.stays {
					t.Errorf("ended: %v", !tc.stays)
				}
			})
		}
	}
}

// enterAs does what was admitted.
func (h *hall) enterAs(a Admission) {
	h.t.Helper()
	if a.Member {
		h.join(a.Participant, a.Login)
		return
	}
	h.Enter(Entry{Channel: a.Channel, Participant: a.Participant, Login: a.Login, ID: "x", Slots: a.Slots})
}

func TestMembersAreBounded(t *testing.T) {
	h := newHall(t, func(c *Config, _ *router.Config) { c.MaxMembers = 2 })
	v := h.onAir("cam", "main", "x")
	if _, err := h.publish("cam", "screen", "x"); err != nil {
		t.Errorf("a member's second source: %v", err)
	}
	m, _ := h.join("ann", "a")
	_, err := h.Join(JoinRequest{Channel: "c", Participant: "bob", Login: "b"})
	h.refuses(err, "limit-reached")
	_, err = h.publish("bob", "main", "b")
	h.refuses(err, "limit-reached")
	if err := h.Admit(Admission{Channel: "c", Participant: "bob", Login: "b", Slots: true}); err != nil {
		t.Errorf("a viewer is no member: %v", err)
	}
	if err := h.Leave(m.Secret); err != nil {
		t.Fatal(err)
	}
	h.join("bob", "b")
	h.end(v, nil)
	if got := h.roster(); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("roster %v", got)
	}
}

func TestChannelsThatNobodyProvided(t *testing.T) {
	h := newHall(t, func(c *Config, _ *router.Config) { c.Create = CreateProvisioned })
	_, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a"})
	h.refuses(err, "channel-unknown")
	if _, err := h.Provision("c", Settings{Kind: Call, MaxMembers: 1}); err != nil {
		t.Fatal(err)
	}
	h.join("ann", "a")
	_, err = h.Join(JoinRequest{Channel: "c", Participant: "bob", Login: "b"})
	h.refuses(err, "limit-reached")
}

func TestKicksAndBans(t *testing.T) {
	h := newHall(t, nil)
	_, watch := h.join("watch", "w")
	m, ann := h.join("ann", "a")
	v := h.onAir("ann", "main", "a")
	watch.next()
	ann.next()
	if err := h.Kick("c", "ann", "no singing", 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if list, _ := ann.next(); len(list) != 1 || list[0].data["reason"] != "kicked" || list[0].data["detail"] != "no singing" {
		t.Errorf("told %v", list)
	}
	watch.expect("unpublished participant=ann reason=kicked", "left participant=ann reason=kicked")
	if v.reason.Code != "kicked" {
		t.Errorf("its session ended with %v", v.reason)
	}
	_, _, err := h.Listen(m.Secret, "")
	h.refuses(err, "kicked")
	_, err = h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "another"})
	h.refuses(err, "banned")
	if wait := faultOf(err).RetryAfter; wait != 30*time.Second {
		t.Errorf("Retry-After %v", wait)
	}
	if got := h.Bans("c"); len(got) != 1 || got[0].Participant != "ann" || got[0].Reason != "no singing" {
		t.Errorf("bans %v", got)
	}
	h.pass(30 * time.Second)
	if got := h.Bans("c"); len(got) != 0 {
		t.Errorf("bans %v", got)
	}
	h.join("ann", "a")
	h.refuses(h.Kick("c", "nobody", "", 0), "participant-unknown")
	if err := h.Kick("c", "nobody", "", time.Hour); err != nil {
		t.Errorf("a ban of somebody who is not there: %v", err)
	}
	h.Unban("c", "nobody")
	h.join("nobody", "n")
}

// Who is banned while it was negotiated is put out at once.
func TestABanThatCameMeanwhile(t *testing.T) {
	h := newHall(t, nil)
	v := &visitor{Entry: Entry{Channel: "c", Participant: "ann", Login: "a", ID: "x"}, leave: func(*fault.Error) {}}
	h.sessions["x"] = v
	if err := h.Kick("c", "ann", "", time.Hour); err != nil {
		t.Fatal(err)
	}
	v.reason, h.sessions["x"] = nil, v
	h.Enter(v.Entry)
	if v.reason == nil || v.reason.Code != "banned" {
		t.Errorf("ended with %v", v.reason)
	}
}

func TestDisbandAndClose(t *testing.T) {
	for code, end := range map[string]func(*hall){
		"disbanded": func(h *hall) { h.Disband("c") },
		"server-shutdown": func(h *hall) {
			if err := h.Close(context.Background()); err != nil {
				h.t.Errorf("%v", err)
			}
		},
	} {
		h := newHall(t, nil)
		m, ann := h.join("ann", "a")
		_, bob := h.join("bob", "b")
		v := h.onAir("cam", "main", "x")
		ann.next()
		bob.next()
		end(h)
		for _, l := range []*listener{ann, bob} {
			list, err := l.next()
			if n := len(list); err == nil || n == 0 || list[n-1].name != EventClosed || list[n-1].data["reason"] != code {
				t.Errorf("%s: told %v, then %v", code, list, err)
			}
		}
		_, _, err := h.Listen(m.Secret, "")
		h.refuses(err, code)
		if code == "disbanded" && (v.reason == nil || v.reason.Code != code) {
			t.Errorf("a session ended with %v", v.reason)
		}
		if code == "server-shutdown" {
			_, err := h.Join(JoinRequest{Channel: "c"})
			h.refuses(err, code)
		}
	}
}
