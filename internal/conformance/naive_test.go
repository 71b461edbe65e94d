package conformance_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// naive is a server that does what comes first to mind: it writes every packet of
// the layer that is wanted to the viewer, as it came, and reports on its own clock. It
// is wrong about most of what the media cases look at.
type naive struct {
	api *webrtc.API

	mu       sync.Mutex
	rooms    map[string]*naiveRoom
	sessions map[string]*naiveSession
	all      []*webrtc.PeerConnection
}

// naiveRoom is a channel.
type naiveRoom struct {
	pc      *webrtc.PeerConnection
	streams map[string]webrtc.SSRC // of the picture, by RID
	viewers map[string]*naiveSession
}

type naiveSession struct {
	pc           *webrtc.PeerConnection
	room         *naiveRoom
	video, audio *webrtc.TrackLocalStaticRTP
	rid          string
	seq          uint16 // of the picture
}

// naiveServer ends with the test.
func naiveServer(t *testing.T) http.Handler {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	var media webrtc.MediaEngine
	var registry interceptor.Registry
	if err := errors.Join(naiveCodecs(&media), webrtc.ConfigureRTCPReports(&registry)); err != nil {
		t.Fatal(err)
	}
	n := &naive{
		api:   webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&media), webrtc.WithInterceptorRegistry(&registry)),
		rooms: make(map[string]*naiveRoom), sessions: make(map[string]*naiveSession),
	}
	t.Cleanup(func() {
		for _, pc := range n.all {
			_ = pc.GracefulClose() // some are closed
		}
	})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /whip/{name}", n.post)
	mux.HandleFunc("POST /whep/{name}", n.post)
	mux.HandleFunc("DELETE /session/{id}", n.end)
	mux.HandleFunc("POST /layer/{id}", n.choose)
	return mux
}

func naiveCodecs(media *webrtc.MediaEngine) error {
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "transport-cc"}}
	errs := []error{
		media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback,
		}}, webrtc.RTPCodecTypeVideo),
		media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		}}, webrtc.RTPCodecTypeAudio),
	}
	for _, uri := range []string{
		"urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			errs = append(errs, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind))
		}
	}
	return errors.Join(errs...)
}

// post makes a session of either kind.
func (n *naive) post(w http.ResponseWriter, r *http.Request) {
	offer, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	pc, err := n.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	id, s := n.join(r.PathValue("name"), strings.HasPrefix(r.URL.Path, "/whip/"), pc)
	if err := errors.Join(s.tracks(), describe(pc, string(offer))); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", "/session/"+id)
	w.Header().Set("Link", fmt.Sprintf(`</layer/%s>; rel="urn:ietf:params:whep:ext:core:layer"`, id))
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, pc.LocalDescription().SDP) // or the client went away
}

// describe applies an offer and makes the answer, candidates and all.
func describe(pc *webrtc.PeerConnection, offer string) error {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return err
	}
	<-gathered
	return nil
}

// join enters the session into its channel.
func (n *naive) join(name string, publishes bool, pc *webrtc.PeerConnection) (string, *naiveSession) {
	n.mu.Lock()
	defer n.mu.Unlock()
	room := n.rooms[name]
	if room == nil || publishes {
		room = &naiveRoom{streams: make(map[string]webrtc.SSRC), viewers: make(map[string]*naiveSession)}
		n.rooms[name] = room
	}
	n.all = append(n.all, pc)
	id, s := fmt.Sprintf("%032d", len(n.all)), &naiveSession{pc: pc, room: room}
	n.sessions[id] = s
	if publishes {
		room.pc = pc
		pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { n.relay(room, track) })
		return id, s
	}
	s.video, _ = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "naive")
	s.audio, _ = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "naive")
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			n.watch(id, s)
		}
	})
	return id, s
}

// watch lets a viewer have packets from now on.
func (n *naive) watch(id string, s *naiveSession) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.room.viewers[id] = s
	s.room.ask()
}

// tracks adds those of a viewer.
func (s *naiveSession) tracks() error {
	if s.video == nil {
		return nil
	}
	_, err := s.pc.AddTrack(s.video)
	_, more := s.pc.AddTrack(s.audio)
	return errors.Join(err, more)
}

// ask wants a key frame of every layer.
func (r *naiveRoom) ask() {
	for _, ssrc := range r.streams {
		_ = r.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}}) // or it is gone
	}
}

// relay writes a track to the viewers until the publisher ends.
func (n *naive) relay(room *naiveRoom, track *webrtc.TrackRemote) {
	video := track.Kind() == webrtc.RTPCodecTypeVideo
	for first := true; ; first = false {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		n.mu.Lock()
		if first && video {
			room.streams[track.RID()] = track.SSRC()
			room.ask()
		}
		for _, viewer := range room.viewers {
			viewer.write(packet, track.RID(), video)
		}
		n.mu.Unlock()
	}
}

func (s *naiveSession) write(packet *rtp.Packet, rid string, video bool) {
	switch {
	case video && (rid == s.rid || s.rid == "" && rid == "h"):
		s.seq++ // SRTP would lose count
		numbered := *packet
		numbered.SequenceNumber = s.seq
		_ = s.video.WriteRTP(&numbered) // not connected yet, or no more
	case !video:
		mono := *packet
		mono.Payload = append([]byte{packet.Payload[0] &^ 4}, packet.Payload[1:]...)
		_ = s.audio.WriteRTP(&mono)
	}
}

// choose selects a layer: the first name of one that it finds in the body.
func (n *naive) choose(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.sessions[r.PathValue("id")]
	for rid := range s.room.streams {
		if strings.Contains(string(body), `"rid":"`+rid+`"`) {
			s.rid = rid
			s.room.ask()
		}
	}
}

// end ends a session.
func (n *naive) end(_ http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	n.mu.Lock()
	s := n.sessions[id]
	if s != nil {
		delete(s.room.viewers, id)
	}
	n.mu.Unlock()
	if s != nil {
		_ = s.pc.GracefulClose() // it may be closed
	}
}

// headerMistakes are found by looking at what viewers get.
func headerMistakes() []mistake {
	return []mistake{
		{name: "header extensions are passed on", fails: "T-132", server: naiveServer},
		{name: "feedback is answered, and never sent", fails: "T-133", server: naiveServer, hasty: true},
		{name: "RIDs are passed on", fails: "T-135", server: naiveServer},
		{name: "stereo is made mono", fails: "T-136", server: naiveServer},
	}
}

// switchMistakes are found by switching layers.
func switchMistakes() []mistake {
	return []mistake{
		{name: "layers show at switches", fails: "T-128", server: naiveServer},
		{name: "layers have times of their own", fails: "T-129", server: naiveServer},
		{name: "reports of the server's own clock", fails: "T-131", server: naiveServer, hasty: true},
	}
}
