package pull

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/dial"
)

// Options say what is played from where, and where it goes.
type Options struct {
	dial.Options
	// Video and Audio are where each goes; nil does not ask for it.
	Video, Audio Outlet
	// Duration ends it this long after the first frame; 0 means never.
	Duration time.Duration
	// Reconnect tries again when the server or the network goes away.
	Reconnect bool
	// Connected, when set, is called whenever media can flow, with the time it took
	// since the POST.
	Connected func(after time.Duration)
	// Notify, when set, is told what a person should know, one sentence a time.
	Notify func(text string)
	// Progress, when set, is called every second.
	Progress func(Summary)
}

// Summary is what a pull did so far.
type Summary struct {
	// FirstPicture is the time from the first POST to the first whole picture.
	FirstPicture time.Duration
	// Lasted is the time since the first frame.
	Lasted      time.Duration
	Connections int
	// Packets were used; Lost never came; Repaired came after newer ones, most of
	// them because they were asked for again.
	Packets, Lost, Repaired, Bytes int64
	// Frames and KeyFrames are pictures, Dropped those that could not be decoded.
	Frames, KeyFrames, Dropped, AudioPackets int64
}

var (
	errNothing = errors.New("nothing to do: say where video or audio shall go")
	// errDone ends a pull after its Duration.
	errDone = errors.New("the duration is over")
)

// Run plays until ctx ends, Duration is over, or the connection fails for good. The
// session is deleted and the outlets are closed in every case. A cancelled ctx is
// no error.
func Run(ctx context.Context, opt Options) (Summary, error) {
	r := &runner{opt: opt}
	for _, o := range []Outlet{opt.Video, opt.Audio} {
		if o != nil {
			r.kinds = append(r.kinds, newKind(r, o))
		}
	}
	if len(r.kinds) == 0 {
		return Summary{}, errNothing
	}
	defer dial.Progress(opt.Progress, r.summary)()
	retry := dial.Retry{Enabled: opt.Reconnect, Absent: true, Notify: r.notify}
	err := retry.Do(ctx, r.attempt)
	if ctx.Err() != nil || errors.Is(err, errDone) {
		err = nil
	}
	for _, k := range r.kinds {
		err = errors.Join(err, k.outlet.Close())
	}
	return r.summary(), err
}

// runner is the state of one Run.
//
// Ownership: the goroutines of an attempt end with it; that of Progress with
// Run.
type runner struct {
	opt   Options
	kinds []*kind

	connections atomic.Int64
	posted      time.Time // the first POST
	gate        gate
	warned      sync.Map // sentences that were said
}

func (r *runner) notify(text string) {
	if r.opt.Notify != nil {
		r.opt.Notify(text)
	}
}

// once says something the first time only.
func (r *runner) once(text string) {
	if _, said := r.warned.LoadOrStore(text, true); !said {
		r.notify(text)
	}
}

// attempt is one connection, until it ends.
func (r *runner) attempt(ctx context.Context) (connected bool, err error) {
	var codecs []dial.Codec
	for _, k := range r.kinds {
		codecs = append(codecs, k.outlet.codecs()...)
	}
	conn, err := dial.New(r.opt.Options, codecs)
	if err != nil {
		return false, dial.Final(err)
	}
	tracks := make(chan *webrtc.TrackRemote, 2*len(r.kinds))
	var readers sync.WaitGroup
	defer func() {
		_ = conn.Close(ctx) // what came is kept, whatever the server says to the goodbye
		readers.Wait()
	}()
	if err := r.open(ctx, conn, tracks); err != nil {
		return false, err
	}
	return true, r.play(ctx, conn, tracks, &readers)
}

// open connects a section for each kind. tracks that are more than it has room for
// are of no use.
func (r *runner) open(ctx context.Context, conn *dial.Connection, tracks chan<- *webrtc.TrackRemote) error {
	var media []webrtc.RTPCodecType
	for _, k := range r.kinds {
		media = append(media, k.media)
	}
	err := conn.Receive(media, func(t *webrtc.TrackRemote) {
		select {
		case tracks <- t:
		default:
		}
	})
	if err != nil {
		return dial.Final(err)
	}
	if r.posted.IsZero() {
		r.posted = time.Now()
	}
	if err := conn.Open(ctx); err != nil {
		return err
	}
	if err := r.compare(conn.Answer()); err != nil {
		return err
	}
	r.connections.Add(1)
	if r.opt.Connected != nil {
		r.opt.Connected(conn.ConnectedAfter)
	}
	return nil
}

// compare looks what became of the sections.
func (r *runner) compare(answer string) error {
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(answer); err != nil {
		return dial.Final(err)
	}
	left := 0
	for _, k := range r.kinds {
		k.expected = false
		for _, m := range parsed.MediaDescriptions {
			k.expected = k.expected || m.MediaName.Media == k.media.String() && sends(m)
		}
		if k.expected {
			left++
			continue
		}
		r.once("the server has no " + k.media.String() + " that can be taken")
	}
	if left == 0 {
		return errors.New("the server has nothing that can be taken")
	}
	r.gate.expect(len(r.kinds) == 2 && r.kinds[0].expected)
	return nil
}

// sends tells whether a section of an answer will bring something.
func sends(m *sdp.MediaDescription) bool {
	_, inactive := m.Attribute("inactive")
	_, receives := m.Attribute("recvonly")
	return m.MediaName.Port.Value != 0 && !inactive && !receives
}

func (r *runner) kind(media webrtc.RTPCodecType) *kind {
	for _, k := range r.kinds {
		if k.media == media {
			return k
		}
	}
	return nil
}

// play reads the tracks until the connection ends.
func (r *runner) play(ctx context.Context, conn *dial.Connection, tracks <-chan *webrtc.TrackRemote, readers *sync.WaitGroup) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	readers.Go(func() { ended <- conn.Wait(ctx) })
	for {
		select {
		case t := <-tracks:
			k := r.kind(t.Kind())
			if k == nil || !k.reading.CompareAndSwap(false, true) {
				continue // a second one of the kind
			}
			readers.Go(func() {
				defer k.reading.Store(false)
				if err := k.read(conn.PC, t); err != nil {
					cancel(dial.Final(err))
				}
			})
		case err := <-ended:
			return err
		}
	}
}

func (r *runner) summary() (s Summary) {
	s.Connections = int(r.connections.Load())
	s.Lasted = r.gate.lasted()
	for _, k := range r.kinds {
		s.Packets += k.packets.Load()
		s.Lost += k.lost.Load()
		s.Repaired += k.repaired.Load()
		s.Bytes += k.bytes.Load()
		if k.media == webrtc.RTPCodecTypeAudio {
			s.AudioPackets += k.frames.Load()
			continue
		}
		s.Frames += k.frames.Load()
		s.KeyFrames += k.keys.Load()
		s.Dropped += k.dropped.Load()
		s.FirstPicture = time.Duration(k.first.Load())
	}
	return s
}
