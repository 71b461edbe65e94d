package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// negotiation is what open is given.
type negotiation = func(context.Context, *session, signaling.Offer) error

// Who is put out while a POST is negotiated is not let in by it, whether that has
// taken its place already or not; what was made for it is gone.
func TestNobodySlipsInWhileBeingPutOut(t *testing.T) {
	for code, putOut := range map[string]func(*bench){
		"disbanded":    func(b *bench) { b.parts.Calls.Disband("live") },
		"kicked":       func(b *bench) { must(b.t, b.parts.Calls.Kick("live", "ann", "", 0)) },
		"duplicate-id": func(b *bench) { b.EndSessions(call.Match{Channel: "live", Source: "main"}, router.ErrDuplicateID) },
	} {
		for _, action := range []auth.Action{auth.Publish, auth.Play} {
			for _, early := range []bool{true, false} {
				if code == "duplicate-id" && action == auth.Play {
					continue // viewers have no source
				}
				t.Run(fmt.Sprintf("%s/%s/early=%v", code, action, early), func(t *testing.T) {
					b, token := withCall(t, nil)
					negotiate, offer := negotiation(b.negotiatePublish), offerOf("obs", token("ann", "1"))
					if action == auth.Play {
						negotiate, offer = b.negotiatePlay, offerOf("chrome-play", token("ann", "1"))
					}
					_, err := b.open(t.Context(), action, offer, func(ctx context.Context, sess *session, o signaling.Offer) error {
						if early {
							putOut(b)
						}
						err := negotiate(ctx, sess, o)
						if !early {
							putOut(b)
						}
						return err
					})
					want := code
					if code == "duplicate-id" {
						want = "channel-busy" // so that it tries again
					}
					expect(t, err, want)
					b.empty()
				})
			}
		}
	}
}

// TestUnprovidedWhileNegotiated: a channel that is not there any more takes nobody in,
// however the removal falls between the steps of a POST.
func TestUnprovidedWhileNegotiated(t *testing.T) {
	b := newBench(t, nil)
	cfg := call.DefaultConfig()
	cfg.Create = call.CreateProvisioned
	calls := call.New(cfg, call.Parts{Router: b.parts.Router, Now: b.clock})
	calls.Start(b.Service)
	t.Cleanup(func() { must(t, calls.Close(t.Context())) })
	b.parts.Calls = calls
	_, err := calls.Provision("live", call.Settings{})
	must(t, err)
	_, err = b.open(t.Context(), auth.Publish, offerOf("obs", ""), func(ctx context.Context, sess *session, o signaling.Offer) error {
		err := b.negotiatePublish(ctx, sess, o)
		must(t, calls.Unprovision("live"))
		calls.Disband("live")
		return err
	})
	expect(t, err, "disbanded")
	b.empty()
}

// empty waits until nothing is left: what ends does so in its own goroutine.
func (b *bench) empty() {
	b.t.Helper()
	b.await("nothing left", func() bool {
		b.Service.mu.Lock()
		n := len(b.sessions) + len(b.negotiating) + len(b.public)
		b.Service.mu.Unlock()
		return n == 0 && len(b.parts.Calls.Participants("live")) == 0 && !b.parts.Router.InUse("live")
	})
}

func (b *bench) await(what string, done func() bool) {
	b.t.Helper()
	for limit := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			b.t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// TestTwoAdministratorsAtOnce kick, ban, mute, pin and disband while people come from
// all sides: whatever the order, a ban lets nobody stay, and nothing is left in the end.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	b, token := withCall(t, func(c *Config, _ *auth.Config, r *router.Config) {
		c.MaxHalfOpen, r.Duplicates = 1000, router.ReplaceDuplicates
	})
	calls, names := b.parts.Calls, []string{"ann", "bob", "cat"}
	var work sync.WaitGroup
	for i := range 4 { // people
		work.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 12 {
				who := token(names[random.IntN(3)], fmt.Sprint(random.IntN(2)))
				switch random.IntN(3) {
				case 0:
					_, _ = b.Publish(t.Context(), offerOf("obs", who))
				case 1:
					_, _ = b.Play(t.Context(), offerOf("chrome-play", who))
				default:
					_, _ = b.member(who)
				}
			}
		})
	}
	for i := range 2 { // administrators
		work.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(i)))
			for range 60 {
				who := names[random.IntN(3)]
				cast := router.Cast{Participant: who, Source: "main"}
				switch random.IntN(6) {
				case 0:
					_ = calls.Kick("live", who, "", 0)
				case 1:
					_ = calls.Kick("live", who, "", time.Hour)
				case 2:
					calls.Unban("live", who)
				case 3:
					_ = calls.Mute("live", cast, router.Mute{Audio: random.IntN(2) == 0})
				case 4:
					calls.Pin("live", cast)
				default:
					calls.Disband("live")
				}
			}
		})
	}
	work.Wait()
	for _, who := range names {
		_ = calls.Kick("live", who, "", time.Hour)
	}
	b.empty()
	for _, who := range names {
		_, err := b.Publish(t.Context(), offerOf("obs", token(who, "9")))
		expect(t, err, "banned")
		calls.Unban("live", who)
	}
	calls.Disband("live")
	b.empty()
	if program := calls.Program("live"); program.Pinned != (router.Cast{}) {
		t.Errorf("still pinned: %v", program.Pinned)
	}
	b.publish(token("ann", "new"))
	for _, p := range calls.Participants("live") {
		if p.Muted != nil {
			t.Errorf("muted from before: %+v", p)
		}
	}
}
