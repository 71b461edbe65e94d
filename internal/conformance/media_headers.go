package conformance

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

const rfc8285 = "RFC 8285 "

func headerCases() []Case {
	return []Case{
		{ID: "T-132", Level: Must, Clause: rfc8285 + "5; RFC 3264 5.1; RFC 8852 4", Proves: []string{"M-051", "M-062", "M-080", "M-084", "M-090"},
			Title: "Payload types and header extensions are those of the viewer's own answer, without RIDs, and transport numbers are counted for it.", check: checkViewerHeaders},
		{ID: "T-133", Level: Must, Clause: "draft-holmer-rmcat-transport-wide-cc-extensions 2", Proves: []string{"M-060"},
			Title: "A publisher gets transport feedback where it was answered, and none where it was not.", check: checkTransportFeedback},
		{ID: "T-135", Level: Must, Clause: "OBS 32.1; RFC 8852 4", Proves: []string{"M-051", "Q-OBS-11"},
			Title: "A publisher of one layer that stamps a RID nobody spoke of is played as one track without RIDs.", check: checkStrayRID},
		{ID: "T-136", Level: Must, Clause: "RFC 7587 6.1, 7", Proves: []string{"M-098"},
			Title: "Opus in stereo arrives byte for byte, and a player that asks for stereo is not told otherwise.", check: checkStereo},
	}
}

const sendTimeURI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

// extended registers header extensions for both kinds, which are numbered in this order.
func extended(engine *webrtc.MediaEngine, uris ...string) error {
	for _, uri := range uris {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// The payload types of a publisher and of a viewer that numbers differently.
const publisherTypes, viewerTypes = 96, 116

func publisherEngine(engine *webrtc.MediaEngine) error {
	if err := markedCodecs(engine, publisherTypes, webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}); err != nil {
		return err
	}
	return extended(engine, midURI, ridURI, transportURI)
}

// viewerEngine offers RIDs too, as Chrome does where it only receives.
func viewerEngine(engine *webrtc.MediaEngine) error {
	if err := markedCodecs(engine, viewerTypes); err != nil {
		return err
	}
	return extended(engine, sendTimeURI, transportURI, ridURI, midURI)
}

// plainEngine knows marked media and no header extensions but names.
func plainEngine(engine *webrtc.MediaEngine) error {
	if err := markedCodecs(engine, viewerTypes); err != nil {
		return err
	}
	return extended(engine, midURI)
}

// layerNames are the layers of marked media, smallest first.
func layerNames() []string { return []string{"q", "h", "f"} }

// filming makes the channel live with marked media.
func (r *run) filming(ctx context.Context, s *studio) error {
	if _, err := r.whep(); err != nil {
		return err
	}
	return r.liveWith(ctx, script{studio: s, engine: publisherEngine})
}

// viewing connects a viewer with a ledger and waits for n packets of each kind.
func (r *run) viewing(ctx context.Context, how script, n int) (*peer, error) {
	s, err := r.whep()
	if err != nil {
		return nil, err
	}
	how.ledger = newLedger()
	p, err := r.connect(ctx, s, how)
	if err != nil {
		return nil, err
	}
	return p, p.receives(ctx, n)
}

// receives waits until n packets of each kind have come.
func (p *peer) receives(ctx context.Context, n int) error {
	l := p.watch.ledger
	video, audio := len(l.got(webrtc.RTPCodecTypeVideo)), len(l.got(webrtc.RTPCodecTypeAudio))
	err := eventually(ctx, 10*time.Second, func() (bool, error) {
		return len(l.got(webrtc.RTPCodecTypeVideo)) >= video+n && len(l.got(webrtc.RTPCodecTypeAudio)) >= audio+n, nil
	})
	if err != nil {
		p.run.failf("in 10 s the viewer got %d packets of the picture and %d of the sound, want %d of each",
			len(l.got(webrtc.RTPCodecTypeVideo))-video, len(l.got(webrtc.RTPCodecTypeAudio))-audio, n)
	}
	return nil
}

func checkViewerHeaders(ctx context.Context, r *run) error {
	if err := r.filming(ctx, &studio{rids: layerNames()}); err != nil {
		return err
	}
	viewer, err := r.viewing(ctx, script{engine: viewerEngine, transportCC: true}, 60)
	if err != nil {
		return err
	}
	var numbers []uint16
	for _, section := range parseDescription(viewer.session.answer).media {
		kind := webrtc.NewRTPCodecType(section.kind())
		uris := section.extensions()
		judge := headerJudge{r, section, uris}
		for _, e := range viewer.watch.ledger.got(kind) {
			judge.packet(e)
			for id, uri := range uris {
				if b := e.GetExtension(id); uri == transportURI && len(b) == 2 {
					numbers = append(numbers, binary.BigEndian.Uint16(b))
				}
			}
		}
	}
	r.judgeNumbers(numbers)
	return nil
}

// extensions are those of a section by number.
func (m section) extensions() map[uint8]string {
	found := make(map[uint8]string)
	for _, v := range m.values("extmap") {
		number, uri, _ := strings.Cut(v, " ")
		number, _, _ = strings.Cut(number, "/")
		if id, err := strconv.ParseUint(number, 10, 8); err == nil {
			found[uint8(id)], _, _ = strings.Cut(uri, " ")
		}
	}
	return found
}

// headerJudge looks at the headers of one section's packets.
type headerJudge struct {
	run     *run
	section section
	uris    map[uint8]string
}

func (j headerJudge) packet(e entry) {
	if !slices.Contains(j.section.payloadTypes(), strconv.Itoa(int(e.PayloadType))) {
		j.run.failOnce("packets of %s have payload type %d, answered were %s", j.section.kind(), e.PayloadType, j.section.payloadTypes())
	}
	for _, id := range e.GetExtensionIDs() {
		switch uri, value := j.uris[id], string(e.GetExtension(id)); {
		case uri == "":
			j.run.failOnce("packets of %s have the header extension %d, which was not answered", j.section.kind(), id)
		case uri == ridURI:
			j.run.failOnce("packets of %s have a RID", j.section.kind())
		case uri == midURI && value != j.section.mid():
			j.run.failOnce("packets of %s have the MID %q, answered was %q", j.section.kind(), value, j.section.mid())
		}
	}
}

// judgeNumbers looks at transport numbers of one viewer.
func (r *run) judgeNumbers(numbers []uint16) {
	if len(numbers) == 0 {
		r.notef("no transport numbers are sent")
		return
	}
	first := numbers[0]
	slices.SortFunc(numbers, func(a, b uint16) int { return int(int16(a-first)) - int(int16(b-first)) }) //nolint:gosec // serial numbers
	span := int(numbers[len(numbers)-1]-numbers[0]) + 1
	if distinct := len(slices.Compact(numbers)); distinct < span*3/4 || distinct > span {
		r.failf("the transport numbers are not counted for this viewer: %d numbers in a span of %d", distinct, span)
	}
}

// feedbackLog is what a publisher heard of transport feedback.
type feedbackLog struct {
	mu       sync.Mutex
	at       []time.Time
	reported map[uint16]bool
}

func (l *feedbackLog) hear(_ *studioTrack, packet rtcp.Packet) {
	feedback, ok := packet.(*rtcp.TransportLayerCC)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = append(l.at, time.Now())
	for i := range feedback.PacketStatusCount {
		l.reported[feedback.BaseSequenceNumber+i] = true
	}
}

func (l *feedbackLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.at)
}

// usual is the median distance between two reports.
func (l *feedbackLog) usual() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var distances []time.Duration
	for i := 1; i < len(l.at); i++ {
		distances = append(distances, l.at[i].Sub(l.at[i-1]))
	}
	slices.Sort(distances)
	return distances[len(distances)/2]
}

const wantedReports = 12

func checkTransportFeedback(ctx context.Context, r *run) error {
	publisher, log, err := r.filmingFor(ctx, publisherEngine)
	if err != nil {
		return err
	}
	if err := r.judgeFeedback(ctx, publisher, log); err != nil {
		return err
	}
	if _, err := publisher.session.delete(ctx); err != nil {
		return err
	}
	publisher.hangUp()
	plain, log, err := r.filmingFor(ctx, plainEngine)
	if err != nil {
		return err
	}
	if err := plain.sends(ctx, 40); err != nil {
		return err
	}
	if n := log.count(); n > 0 {
		r.failf("%d transport feedback packets came without having been negotiated", n)
	}
	return nil
}

// filmingFor publishes one layer and sound, and listens for feedback.
func (r *run) filmingFor(ctx context.Context, engine func(*webrtc.MediaEngine) error) (*peer, *feedbackLog, error) {
	log := &feedbackLog{reported: make(map[uint16]bool)}
	p, err := r.connect(ctx, r.whip(), script{studio: &studio{rids: []string{""}, heard: log.hear}, engine: engine})
	return p, log, err
}

// sends waits until the first layer sent n packets more.
func (p *peer) sends(ctx context.Context, n uint32) error {
	track := p.script.studio.layers[0]
	from := track.sent()
	return eventually(ctx, 20*time.Second, func() (bool, error) { return track.sent() >= from+n, nil })
}

func (r *run) judgeFeedback(ctx context.Context, p *peer, log *feedbackLog) error {
	video := parseDescription(p.session.answer).video()
	extension := slices.ContainsFunc(video.values("extmap"), func(v string) bool { return strings.Contains(v, transportURI) })
	answered := slices.ContainsFunc(video.values("rtcp-fb"), func(v string) bool { return strings.HasSuffix(v, " transport-cc") })
	if !answered || !extension {
		r.notef("transport-cc was offered and not taken")
		return nil
	}
	_ = eventually(ctx, 10*time.Second, func() (bool, error) { return log.count() >= wantedReports, nil })
	if n := log.count(); n < wantedReports {
		r.failf("transport-cc was answered, but in 10 s %d reports came, want %d", n, wantedReports)
		return nil
	}
	// Of many distances the one in the middle is right on a busy machine too.
	if usual := log.usual(); usual > 250*time.Millisecond || usual < 10*time.Millisecond {
		r.lesserf(Should, "a report comes every %v, want 50 to 200 ms", usual.Round(time.Millisecond))
	}
	return r.judgeCoverage(ctx, p, log)
}

// judgeCoverage wants every packet reported, lost or not.
func (r *run) judgeCoverage(ctx context.Context, p *peer, log *feedbackLog) error {
	newest := uint16(p.script.studio.layers[0].transport.Load()) //nolint:gosec // it wraps
	err := eventually(ctx, 5*time.Second, func() (bool, error) {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.reported[newest], nil
	})
	if err != nil {
		r.failf("5 s after packet %d was sent no report is about it", newest)
		return ctx.Err()
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	missing := 0
	for n := newest - 40; n != newest; n++ {
		if !log.reported[n] {
			missing++
		}
	}
	if missing > 0 {
		r.failf("%d of 40 packets are in no report", missing)
	}
	return nil
}
