package bench

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/procstat"
	"github.com/headgate/headgate/internal/bench/source"
)

// The fakes below make up a server of a known price in fake time: a viewer takes
// joinTime, gets perSecond packets, each packet costs packetCPU and arrives after
// a delay that grows with the number of viewers.
const (
	joinTime   = 10 * time.Millisecond
	perSecond  = 100
	packetCPU  = 20 * time.Microsecond
	setupCPU   = 4 * time.Millisecond
	viewerSize = 300 << 10
)

var errFull = errors.New("503 full")

type fakeServer struct {
	mu         sync.Mutex
	room       int // viewers it takes; 0 is any number
	endpoints  []string
	cpu        time.Duration
	since      time.Time // up to when packets were delivered
	crowds     []*fakeCrowd
	publishers []*fakePublisher
	members    []*fakeMember
	selfCPU    float64       // cores this process uses
	others     float64       // cores others use
	feedback   float64       // by how much it makes packets dearer
	selected   []string      // layers
	refuse     error         // selections
	disturbed  time.Duration // from the start: everything is late
	started    time.Time
}

type fakeCrowd struct {
	server  *fakeServer
	cfg     audience.Config
	present int
	counted bool // it was reset since the beginning
	stats   audience.Stats
	closed  bool
}

type fakeViewer struct {
	crowd   *fakeCrowd
	timings audience.Timings
	left    bool
}

type fakePublisher struct {
	err      error
	restarts int
	closed   bool
	began    time.Time
	gop      time.Duration
}

// fakeMember heard three events.
type fakeMember struct {
	name string
	left bool
}

func (m *fakeMember) Heard() int64                { return 3 }
func (m *fakeMember) Leave(context.Context) error { m.left = true; return nil }

// catchUp delivers what is due. The server's lock is held.
func (s *fakeServer) catchUp() {
	elapsed := time.Since(s.since)
	s.since = time.Now()
	for _, c := range s.crowds {
		packets := uint64(elapsed.Seconds() * perSecond * float64(c.present))
		c.stats.Packets += packets * 9 / 10
		c.stats.Dropped += packets / 10
		c.stats.Expected += packets
		c.stats.Bytes += packets * 1000
		c.stats.Frames += packets / 10
		delay := time.Duration(c.present) * 100 * time.Microsecond
		if !c.counted || time.Since(s.started) < s.disturbed {
			delay *= 100 // replayed, or held up
		}
		for range packets / 10 {
			c.stats.Delay.Add(delay)
		}
		price := float64(packetCPU)
		if c.cfg.Slots > 1 {
			price *= 1.5
			c.stats.Shown = c.present * c.cfg.Slots
		}
		if c.cfg.Feedback == audience.FeedbackLibwebrtc {
			price *= 1 + s.feedback
		}
		s.cpu += time.Duration(float64(packets) * price)
	}
}

func (s *fakeServer) world() world {
	s.since, s.started = time.Now(), time.Now()
	return world{
		publish: func(_ context.Context, cfg source.Config, endpoint, token string) (publisher, error) {
			s.endpoints = append(s.endpoints, endpoint+" "+token)
			p := &fakePublisher{began: time.Now(), gop: cfg.GOP}
			s.publishers = append(s.publishers, p)
			return p, nil
		},
		member: func(_ context.Context, _ *Scenario, channel, participant string) (member, error) {
			m := &fakeMember{name: channel + "/" + participant}
			s.members = append(s.members, m)
			return m, nil
		},
		gather: func(cfg audience.Config) (crowd, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			c := &fakeCrowd{server: s, cfg: cfg}
			s.crowds = append(s.crowds, c)
			return c, nil
		},
		gauge: s, self: 1,
	}
}

// CPU makes process 1 the client, and every other one the server.
func (s *fakeServer) CPU(pids ...int) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	if pids[0] == 1 {
		return time.Duration(s.selfCPU * float64(time.Since(s.started))), nil
	}
	if pids[0] == 404 {
		return 0, procstat.ErrNoProcess
	}
	return s.cpu, nil
}

// Machine is busy with the server, the client, and something else.
func (s *fakeServer) Machine() (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	return s.cpu + time.Duration((s.selfCPU+s.others)*float64(time.Since(s.started))), nil
}

func (s *fakeServer) Memory(...int) (procstat.Memory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.crowds {
		n += c.present
	}
	return procstat.Memory{RSS: int64(20<<20 + n*viewerSize), PSS: int64(19<<20 + n*viewerSize/2)}, nil
}

func (c *fakeCrowd) Join(ctx context.Context, endpoint, bearer string) (viewer, error) {
	if err := sleep(ctx, joinTime); err != nil {
		return nil, err
	}
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	s.endpoints = append(s.endpoints, endpoint+" "+bearer)
	s.cpu += setupCPU
	if s.room > 0 && c.present >= s.room {
		return nil, errFull
	}
	c.present++
	ms := time.Millisecond
	return &fakeViewer{crowd: c, timings: audience.Timings{
		Answered: 5 * ms, ICEConnected: 7 * ms, DTLSConnected: joinTime, FirstPacket: 12 * ms, FirstKeyFrame: 20 * ms, LiveEdge: 40 * ms,
	}}, nil
}

func (c *fakeCrowd) Reset() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.catchUp()
	c.stats, c.counted = audience.Stats{}, true
}

func (c *fakeCrowd) Snapshot() audience.Stats {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.catchUp()
	c.stats.Viewers = c.present
	return c.stats
}

func (c *fakeCrowd) Close() error { c.closed = true; return nil }

func (v *fakeViewer) Timings() audience.Timings { return v.timings }

func (v *fakeViewer) Select(_ context.Context, rid string, layer int) error {
	s := v.crowd.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.selected = append(s.selected, rid)
	stats := &v.crowd.stats
	stats.Wishes++
	stats.Switches++
	stats.FramesStood += 2
	stats.LayerFrames[layer]++
	stats.SwitchDelay.Add(150 * time.Millisecond)
	return nil
}

func (v *fakeViewer) Leave(context.Context) error {
	s := v.crowd.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	if v.left {
		return errors.New("it has left before")
	}
	v.left = true
	v.crowd.present--
	return nil
}

func (p *fakePublisher) Err() error                  { return p.err }
func (p *fakePublisher) Stats() source.Stats         { return source.Stats{} }
func (p *fakePublisher) Close(context.Context) error { p.closed = true; return nil }
func (p *fakePublisher) Late() time.Duration         { return time.Millisecond }
func (p *fakePublisher) Restart(context.Context) error {
	p.restarts++
	return nil
}

func (p *fakePublisher) LastKey() time.Time {
	return time.Now().Add(-time.Since(p.began) % p.gop)
}

// pretend runs a scenario against a made-up server, in fake time.
func pretend(t *testing.T, s *fakeServer, change func(*Scenario)) (out Run, said string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		scenario := local()
		scenario.PIDs = []int{42}
		change(&scenario)
		var lines []string
		out, err = measure(t.Context(), s.world(), scenario, func(line string) { lines = append(lines, line) })
		said = strings.Join(lines, "\n")
		for _, c := range s.crowds {
			if c.present != 0 || !c.closed {
				t.Errorf("%d viewers are left behind, closed: %v", c.present, c.closed)
			}
		}
		for _, p := range s.publishers {
			if !p.closed {
				t.Error("a publisher is left behind")
			}
		}
	})
	return out, said, err
}
