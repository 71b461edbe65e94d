package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/sdpfrag"
)

// gatherTimeout bounds the gathering of local candidates, which asks nobody and
// takes some milliseconds.
const gatherTimeout = 5 * time.Second

var errGathering = errors.New("local candidates were not gathered in time")

// accept answers the plan's offer and keeps the answer for the client. All our
// candidates are in it: there is no other way to tell them (N-030).
func (c *Conn) accept(ctx context.Context) error {
	local, err := c.describe(ctx, c.plan.SDP)
	if err != nil {
		return err
	}
	answer, err := c.plan.Finish(local, c.answerOptions())
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	c.answer = answer
	c.ufrag, c.pwd = credentials(c.plan.SDP)
	c.remote.restart(c.ufrag)
	c.advertised = c.host.Addresses()
	c.emit(Gathered, strings.Join(c.host.candidates(), "; "))
	return nil
}

func (c *Conn) answerOptions() negotiate.AnswerOptions {
	opt := negotiate.DefaultAnswerOptions()
	opt.Lite = c.host.cfg.Lite
	return opt
}

// describe runs one offer and answer through the stack and returns the local
// description with our own candidates.
func (c *Conn) describe(ctx context.Context, offer string) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err := c.apply(offer); err != nil {
		if c.closing.Load() {
			return "", ErrClosed
		}
		return "", err
	}
	return c.localDescription(ctx)
}

// localDescription waits until our addresses are gathered, and returns what was
// applied with our own candidates.
func (c *Conn) localDescription(ctx context.Context) (string, error) {
	err := c.waitGathered(ctx)
	local := c.pc.LocalDescription()
	switch {
	case c.closing.Load():
		return "", ErrClosed
	case err != nil:
		return "", err
	case local == nil:
		return "", ErrClosed
	}
	ufrag, _ := credentials(local.SDP)
	c.localUfrag.Store(&ufrag)
	return replaceCandidates(local.SDP, c.host.candidates()), nil
}

// apply sets both descriptions, which starts the gathering.
func (c *Conn) apply(offer string) error {
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return fmt.Errorf("%w: %w", negotiate.ErrBadOffer, err)
	}
	c.matchSlots()
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("create the answer: %w", err)
	}
	if err := c.pc.SetLocalDescription(answer); err != nil {
		return fmt.Errorf("apply the answer: %w", err)
	}
	return nil
}

// waitGathered waits until the agent has our addresses: a check that comes
// earlier would find nobody. The stack's own promise can miss the end of a
// gathering that it is made during, which every restart does.
func (c *Conn) waitGathered(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, gatherTimeout, errGathering)
	defer cancel()
	for c.pc.ICEGatheringState() != webrtc.ICEGatheringStateComplete {
		select {
		case <-c.gathering:
		case <-c.stop:
			return ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Restart begins a new ICE generation with the client's new credentials and
// candidates, and returns ours (RFC 9725 section 4.3.3). DTLS, keys, SSRCs and
// sections stay as they are. Two restarts run one after the other and the last
// one counts (N-138).
//
// ctx is only looked at before the stack is touched: a restart that began is
// finished. Errors: ErrBadCredentials, and then the old ICE session is unharmed
// (N-135), or ErrClosed.
func (c *Conn) Restart(ctx context.Context, ufrag, pwd string, candidates []string) (sdpfrag.Fragment, error) {
	c.signalling.Lock()
	defer c.signalling.Unlock()
	switch {
	case ctx.Err() != nil:
		return sdpfrag.Fragment{}, context.Cause(ctx)
	case c.closing.Load() || c.pc.ConnectionState() == webrtc.PeerConnectionStateClosed:
		return sdpfrag.Fragment{}, ErrClosed
	}
	if !negotiate.ValidCredentials(ufrag, pwd) {
		return sdpfrag.Fragment{}, ErrBadCredentials
	}
	if ufrag == c.ufrag && pwd == c.pwd {
		return sdpfrag.Fragment{}, ErrBadCredentials.Because("The ICE credentials are those in force; a restart needs new ones.")
	}
	c.paths.restart()
	c.remote.restart(ufrag)
	local, err := c.describe(context.WithoutCancel(ctx), c.plan.WithCredentials(ufrag, pwd))
	if err != nil {
		return sdpfrag.Fragment{}, err
	}
	c.ufrag, c.pwd = ufrag, pwd
	c.emit(ICERestarted, "")
	c.addCandidates(candidates, false)
	return c.plan.RestartFragment(local, c.answerOptions())
}

// ErrBadCredentials refuses ICE credentials that RFC 8839 section 5.4 does not
// allow.
var ErrBadCredentials = fault.New(fault.Invalid, "bad-ice-credentials",
	"ice-ufrag needs 4 to 256 and ice-pwd 22 to 256 letters, digits, + or /.")

// credentials finds the first ICE credentials of a description, all of whose
// sections share one transport.
func credentials(sdp string) (ufrag, pwd string) {
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && ufrag == "" {
			ufrag = v
		}
		if v, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && pwd == "" {
			pwd = v
		}
	}
	return ufrag, pwd
}

// newStreamID makes a stream id and CNAME that says nothing about anybody (RFC
// 7022 section 4.2 wants 96 bits).
func newStreamID() string { return fmt.Sprintf("%016x%08x", rand.Uint64(), rand.Uint32()) }
