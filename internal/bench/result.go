package bench

import (
	"math"
	"time"

	"github.com/headgate/headgate/internal/bench/source"
)

// Schema is the version of the report's JSON. It rises when a field changes its
// meaning or goes away, not when one is added.
const Schema = 1

// Report is what one or several runs found. Field names in JSON are stable and
// end with their unit.
type Report struct {
	Schema int `json:"headgate_bench_schema"`
	// Tool is the program that measured, with its version.
	Tool string `json:"tool"`
	Host Host   `json:"host"`
	Runs []Run  `json:"runs"`
}

// Host is the machine that measured.
type Host struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// CPUs is how many the client may use.
	CPUs int `json:"client_cpus"`
	// Model is the processor's name, empty where it is not known.
	Model string `json:"cpu_model,omitempty"`
}

// Run is what one scenario found.
type Run struct {
	Name    string    `json:"name"`
	WHIP    string    `json:"whip"`
	WHEP    string    `json:"whep"`
	Started time.Time `json:"started"`
	// Stream is what was published, Setup how it was played.
	Stream Stream `json:"stream"`
	Setup  Setup  `json:"setup"`
	// FloorNs is the least processor time per packet, measured before and after;
	// the lower of both. 0 if it was not measured.
	FloorNs float64 `json:"floor_ns_per_packet,omitempty"`
	Points  []Point `json:"points"`
	// Comparisons are the results of --compare-feedback.
	Comparisons []Comparison `json:"feedback_comparisons,omitempty"`
	// CallCost is the result of bench call.
	CallCost *CallCost `json:"call,omitempty"`
	// Max is the result of a search.
	Max *Max `json:"max,omitempty"`
}

// Stream describes the published streams.
type Stream struct {
	Channels int `json:"channels"`
	source.Config
	GOP            float64 `json:"gop_s"`
	MinKeyInterval float64 `json:"min_key_interval_s"`
}

// Setup describes the viewers and the window.
type Setup struct {
	Duration     float64 `json:"duration_s"`
	Warmup       float64 `json:"warmup_s"`
	JoinParallel int     `json:"join_parallel"`
	JoinRate     float64 `json:"join_rate_per_s,omitempty"`
	Churn        float64 `json:"churn_per_s,omitempty"`
	RestartEvery float64 `json:"restart_publisher_every_s,omitempty"`
	SwitchEvery  float64 `json:"switch_layer_every_s,omitempty"`
	LossPercent  float64 `json:"induced_loss_percent,omitempty"`
	Feedback     string  `json:"feedback"`
	Limits       Limits  `json:"limits,omitempty"`
}

// Point is one measurement: a number of viewers over a window of time.
type Point struct {
	Viewers  int `json:"viewers"`
	Channels int `json:"channels"`
	// Feedback is that of this point's viewers, where points differ in it.
	Feedback string `json:"feedback,omitempty"`
	// Seconds is the length of the window.
	Seconds float64 `json:"seconds"`
	Joins
	Delivery
	// Adaptation is nil without simulcast.
	Adaptation *Adaptation `json:"adaptation,omitempty"`
	// Slots is nil but in calls.
	Slots *Slots `json:"slots,omitempty"`
	// Server is nil if its processes could not be looked at.
	*Server
	Client
	// Series are the seconds of the window.
	Series []Second `json:"series,omitempty"`
	// Late are viewers that joined late.
	Late []Late `json:"late_joiners,omitempty"`
	// Broken names the limits that this point is beyond.
	Broken []string `json:"limits_broken,omitempty"`
	// Notes say what to think of before believing the figures.
	Notes []string `json:"notes,omitempty"`
}

// Joins are about viewers on their way in. Times count from the POST.
type Joins struct {
	Joined     int    `json:"viewers_joined"`
	JoinErrors int    `json:"join_errors"`
	FirstError string `json:"first_join_error,omitempty"`
	// JoinsPerSecond is how fast the viewers came before the window.
	JoinsPerSecond   float64 `json:"joins_per_second"`
	AnsweredP50      float64 `json:"answered_ms_p50"`
	ConnectedP50     float64 `json:"connected_ms_p50"`
	FirstPacketP50   float64 `json:"first_packet_ms_p50"`
	FirstPacketP95   float64 `json:"first_packet_ms_p95"`
	FirstKeyFrameP50 float64 `json:"first_key_frame_ms_p50"`
	FirstKeyFrameP95 float64 `json:"first_key_frame_ms_p95"`
	// NoKeyFrame is how many had none until the end of the window; the quantiles
	// are of the others.
	NoKeyFrame int `json:"viewers_without_key_frame"`
	// LiveEdgeP95 is the time until frames were less than 250 ms old.
	LiveEdgeP95 float64 `json:"live_edge_ms_p95"`
}

// Delivery is what arrived in the window.
type Delivery struct {
	Packets          uint64  `json:"packets"`
	PacketsPerSecond float64 `json:"packets_per_second"`
	MegabitPerSecond float64 `json:"megabit_per_second"`
	LossPercent      float64 `json:"loss_percent"`
	Lost             uint64  `json:"packets_lost"`
	Duplicates       uint64  `json:"packets_duplicate"`
	Reordered        uint64  `json:"packets_reordered"`
	Retransmitted    uint64  `json:"packets_retransmitted"`
	// Dropped was lost on purpose; it is not in Packets.
	Dropped uint64 `json:"packets_dropped_on_purpose,omitempty"`
	Frames  uint64 `json:"frames"`
	// FramesBrokenPercent never became complete, FramesSkippedPercent were left out
	// by the server.
	FramesBrokenPercent  float64 `json:"frames_broken_percent"`
	FramesSkippedPercent float64 `json:"frames_skipped_percent"`
	Freezes              uint64  `json:"freezes"`
	// LongestFreeze is the longest of these pauses, FrozenPercent how much of the
	// viewers' time they took.
	LongestFreeze float64 `json:"longest_freeze_ms"`
	FrozenPercent float64 `json:"frozen_percent"`
	// StepsBack are packets in order whose timestamp was before that of the packet
	// before them; there must be none.
	StepsBack uint64 `json:"timestamp_steps_back"`
	// PLIs are requests for key frames, NACKs numbers asked for, Feedbacks messages of
	// transport-wide feedback, of all viewers.
	PLIs      uint64 `json:"viewers_plis"`
	NACKs     uint64 `json:"viewers_nacks"`
	Feedbacks uint64 `json:"viewers_transport_feedbacks"`
	// Lost sessions are those that the server ended in the window or let die.
	ViewersLost int `json:"viewers_lost"`
	// DelaySamples is how many frames the delay is of; with 0 it is not known.
	DelaySamples uint64 `json:"delay_samples"`
	// The delay is from a frame's way into the publisher's socket to its first
	// packet's way out of the viewer's, of sampled frames.
	DelayP50 float64 `json:"delay_ms_p50"`
	DelayP95 float64 `json:"delay_ms_p95"`
	DelayP99 float64 `json:"delay_ms_p99"`
	DelayMax float64 `json:"delay_ms_max"`
}

// Server is what the server's processes used.
type Server struct {
	CPUPerPacket float64 `json:"cpu_us_per_packet"`
	// OfFloor is the same as a multiple of the floor, 0 if that was not measured.
	OfFloor float64 `json:"cpu_floor_multiple,omitempty"`
	Cores   float64 `json:"server_cores"`
	// MemoryPerViewer is by how much the resident memory grew since before the
	// first viewer of the run, by viewer.
	MemoryPerViewer float64 `json:"memory_kib_per_viewer"`
	PSSPerViewer    float64 `json:"memory_pss_kib_per_viewer,omitempty"`
	MemoryRSS       float64 `json:"memory_rss_mib"`
	// SetupPerSession is the processor time of a viewer's way in, less what the
	// packets delivered meanwhile cost at the window's price; the gross is without
	// that deduction.
	SetupPerSession      float64 `json:"setup_cpu_ms_per_session"`
	SetupPerSessionGross float64 `json:"setup_cpu_ms_per_session_gross"`
}

// Client is what this program used, to tell its own limits from the server's.
type Client struct {
	ClientCores float64 `json:"client_cores"`
	// OtherCores is what this machine was busy with besides the client and, if its
	// processes are known, the server.
	OtherCores float64 `json:"other_cores"`
	// PublisherLate is by how much a packet left too late at most.
	PublisherLate float64 `json:"publisher_late_ms_max"`
	// Overflow is what the viewers' sockets dropped.
	Overflow         uint64 `json:"client_socket_overflow_packets"`
	KeyFrames        int64  `json:"publisher_key_frames"`
	KeyFrameRequests int64  `json:"publisher_key_frame_requests"`
	Restarts         int    `json:"publisher_restarts,omitempty"`
}

// Second is one second of a window.
type Second struct {
	At           float64 `json:"at_s"`
	Packets      uint64  `json:"packets"`
	DelayP50     float64 `json:"delay_ms_p50"`
	DelayP99     float64 `json:"delay_ms_p99"`
	CPUPerPacket float64 `json:"cpu_us_per_packet,omitempty"`
}

// Late is a viewer that joined half a group of pictures after a key frame.
type Late struct {
	FirstKeyFrame float64 `json:"first_key_frame_ms"`
	// LiveEdge is the time from its POST until its frames were less than 250 ms old.
	LiveEdge float64 `json:"live_edge_ms"`
	// DelayP50 is its delay once it had caught up, FirstDelayP50 that of those who
	// were there before, in the same seconds.
	DelayP50      float64 `json:"delay_ms_p50"`
	FirstDelayP50 float64 `json:"first_joiners_delay_ms_p50"`
	Error         string  `json:"error,omitempty"`
}

// Max is what a search for the most viewers found.
type Max struct {
	// Viewers is the greatest number measured with every limit kept.
	Viewers int `json:"viewers"`
	// Broken is the least number beyond a limit, 0 if there was none, and Why the
	// limits.
	Broken int      `json:"broken_at_viewers,omitempty"`
	Why    []string `json:"broken_limits,omitempty"`
	// ClientFull tells that this program was the limit at one of both.
	ClientFull bool `json:"client_full"`
}

func milliseconds(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// round keeps four significant digits: more were never measured.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
