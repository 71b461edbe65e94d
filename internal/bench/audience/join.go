package audience

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/headgate/headgate/whep"
)

// socketBuffer is what a viewer's socket holds between two sweeps and while the
// client is kept from sweeping: 100 ms of 5 Mbit/s are 63 KB, a key frame comes on
// top, and the system counts a packet as twice its size.
const socketBuffer = 1 << 20

// Join connects one viewer to a WHEP endpoint of any server: POST, checks,
// handshake. It returns when keys are there, or with the error of the first step
// that failed, or when ctx ends; a session that was made is deleted then. A
// refusal is a *whep.StatusError. Safe for concurrent use.
func (a *Audience) Join(ctx context.Context, endpoint, bearer string) (*Viewer, error) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil, errClosed
	}
	a.work.Add(1)
	a.mu.Unlock()
	defer a.work.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.ctx, cancel)()

	v := &Viewer{audience: a, began: a.cfg.Now()}
	if a.cfg.Self != nil {
		v.self = a.cfg.Self(endpoint)
	}
	ufrag, pwd := newLocal()
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	var err error
	v.session, err = whep.Client{HTTP: a.cfg.HTTP}.Post(ctx, endpoint, bearer, a.offers.text(binary.BigEndian.Uint64(id[:]), ufrag, pwd))
	if err != nil {
		return nil, err
	}
	v.timings.Answered = a.since(v)
	if err := a.connect(ctx, v, endpoint, ufrag, pwd); err != nil {
		v.abandon()
		return nil, err
	}
	if err := a.add(v); err != nil {
		v.hangUp()
		v.abandon()
		return nil, err
	}
	return v, nil
}

func (a *Audience) since(v *Viewer) time.Duration { return max(a.cfg.Now().Sub(v.began), 1) }

// abandon deletes the session of a join that failed.
func (v *Viewer) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	if err := v.session.Delete(ctx); err != nil {
		v.audience.cfg.Log.Debug("deleting a session that did not connect", slog.Any("err", err))
	}
}

// connect does what comes after the POST.
func (a *Audience) connect(ctx context.Context, v *Viewer, endpoint, ufrag, pwd string) error {
	var err error
	if v.answer, err = parseAnswer(v.session.Answer); err != nil {
		return err
	}
	if err := v.answer.resolve(ctx); err != nil {
		return err
	}
	v.keys = newCredentials(ufrag, pwd, v.answer)
	conn, err := listen(v.answer.candidates)
	if err != nil {
		return err
	}
	if err := a.secure(ctx, v, conn, addressOf(endpoint)); err != nil {
		_ = conn.Close() // the other error counts
		return err
	}
	return nil
}

// secure does what needs the socket; near is where HTTP went.
func (a *Audience) secure(ctx context.Context, v *Viewer, conn *net.UDPConn, near netip.Addr) error {
	_ = conn.SetReadBuffer(socketBuffer) // or as much as the system grants
	remote, err := newChecks(conn, v.keys, v.answer.candidates, near, time.Now()).run(ctx)
	if err != nil {
		return err
	}
	v.timings.ICEConnected = a.since(v)
	l := newLink(conn, v.keys, remote, a.cfg.Now)
	if v.secrets, err = handshake(ctx, l, a.identity, v.answer); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	v.timings.DTLSConnected = a.since(v)
	return v.adopt(conn, l)
}

// adopt takes over what the handshake leaves.
func (v *Viewer) adopt(conn *net.UDPConn, l *link) (err error) {
	if v.socket, err = newSocket(conn, l.remote, v.audience.cfg); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v.goodbye, v.early = l.goodbye, l.early
	if v.answer.active {
		v.flight = l.flight
	}
	now := v.audience.cfg.Now()
	v.since = now
	v.consent.begin(now)
	v.feedback.begin(now, v.audience.cfg.Feedback, v.answer)
	return nil
}

// listen opens a socket of the family, or of both, that the candidates have.
func listen(candidates []candidate) (*net.UDPConn, error) {
	is4 := func(c candidate) bool { return c.addr.Addr().Is4() }
	network := "udp"
	switch {
	case !slices.ContainsFunc(candidates, func(c candidate) bool { return !is4(c) }):
		network = "udp4"
	case !slices.ContainsFunc(candidates, is4):
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, errors.Join(errors.New("opening a socket"), err)
	}
	return conn, nil
}

// addressOf is the address in a URL, if it has one.
func addressOf(endpoint string) netip.Addr {
	u, err := url.Parse(endpoint)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(u.Hostname())
	return addr.Unmap()
}
