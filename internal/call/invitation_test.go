package call

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// invite makes an invitation of ann, who is in the lobby, for bob.
func (h *hall) invite(from string) (Invitation, error) {
	return h.Invite(Invitation{Channel: "room", From: from, To: "bob", In: "c", Message: "come"}, time.Minute)
}

func TestAnInvitationIsToldAndSettledOnce(t *testing.T) {
	for _, state := range []string{InvitationAccepted, InvitationDeclined, InvitationCancelled} {
		h := newHall(t, nil)
		_, ann := h.join("ann", "a")
		_, bob := h.join("bob", "b")
		_, eve := h.join("eve", "e")
		ann.next()
		bob.next()
		eve.next()
		made, err := h.invite("ann")
		if err != nil || made.State != InvitationPending || made.ID == "" {
			t.Fatal(made, err)
		}
		bob.expect("invited id=" + made.ID + " channel=room from=ann to=bob in=c message=come state=pending expires=2026-05-01T12:01:00Z at=2026-05-01T12:00:00Z")
		h.pass(time.Second)
		for range 2 {
			got, err := h.Settle(made.ID, state)
			if err != nil || got.State != state {
				t.Errorf("%s: %v, %v", state, got, err)
			}
		}
		want := "invitation id=" + made.ID + " state=" + state + " at=2026-05-01T12:00:01Z"
		ann.expect(want)
		bob.expect(want)
		eve.expect()
		_, err = h.Settle(made.ID, InvitationExpired)
		h.refuses(err, "invitation-settled")
		h.pass(settledFor)
		_, err = h.Invitation(made.ID)
		h.refuses(err, "invitation-unknown")
		if len(h.invitations.byChannel) != 0 {
			t.Errorf("left: %v", h.invitations)
		}
	}
}

func TestAnInvitationExpires(t *testing.T) {
	h := newHall(t, nil)
	_, bob := h.join("bob", "b")
	made, err := h.invite("ann")
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.now = h.now.Add(time.Minute) // before anybody swept
	h.mu.Unlock()
	got, err := h.Settle(made.ID, InvitationAccepted)
	h.refuses(err, "invitation-settled")
	if got.State != InvitationExpired {
		t.Errorf("%v", got)
	}
	h.pass(time.Second)
	bob.expect("snapshot", "invited", "invitation state=expired")
}

// Whoever is put out of a channel lets nobody into it.
func TestInvitationsOfThosePutOutAreCancelled(t *testing.T) {
	for what, tc := range map[string]struct {
		out  func(h *hall)
		anns string // what becomes of ann's invitation and of eve's
		eves string
	}{
		"kicked":           {func(h *hall) { _ = h.Kick("room", "ann", "", 0) }, InvitationCancelled, InvitationPending},
		"banned":           {func(h *hall) { _ = h.Kick("room", "ann", "", time.Minute) }, InvitationCancelled, InvitationPending},
		"kicked elsewhere": {func(h *hall) { _ = h.Kick("c", "ann", "", 0) }, InvitationPending, InvitationPending},
		"disbanded":        {func(h *hall) { h.Disband("room") }, InvitationCancelled, InvitationCancelled},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHall(t, nil)
			_, bob := h.join("bob", "b")
			anns, err1 := h.invite("ann")
			eves, err2 := h.invite("eve")
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			bob.next()
			tc.out(h)
			for id, want := range map[string]string{anns.ID: tc.anns, eves.ID: tc.eves} {
				if got, err := h.Invitation(id); err != nil || got.State != want {
					t.Errorf("of %s: %s, %v; want %s", got.From, got.State, err, want)
				}
			}
			if tc.anns == InvitationCancelled {
				_, err := h.Settle(anns.ID, InvitationAccepted)
				h.refuses(err, "invitation-settled")
				if told, _ := bob.next(); len(told) == 0 || told[0].name != EventInvitation {
					t.Errorf("bob was told %v", told)
				}
			}
		})
	}
}

func TestInvitationsAreBounded(t *testing.T) {
	h := newHall(t, nil)
	_, err := h.invite("ann")
	h.refuses(err, "participant-unknown")
	h.join("bob", "b")
	var last Invitation
	for range maxOpen {
		if last, err = h.invite("ann"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.invite("ann")
	h.refuses(err, "too-many-invitations")
	if _, err := h.Settle(last.ID, InvitationDeclined); err != nil {
		t.Fatal(err)
	}
	if _, err := h.invite("ann"); err != nil {
		t.Errorf("after one was declined: %v", err)
	}
	n := maxOpen + 1
	for err = nil; !errors.Is(err, ErrInvitations); n++ {
		_, err = h.invite(fmt.Sprint("p", n/maxOpen))
		if n > 2*maxInvitations {
			t.Fatal("a channel has no bound")
		}
	}
	if got := len(h.invitations.byChannel["room"]); got != maxInvitations {
		t.Errorf("%d invitations in a channel, want %d", got, maxInvitations)
	}
	if _, err := h.Invitation(last.ID); err == nil {
		t.Error("what was settled is kept although there is no room")
	}
}
